"""Assignees travel by e-mail: whoever left a CRM is noticed there, and no task of theirs stays behind."""

from __future__ import annotations

import pytest

from crmhub.models import OwnerLink
from crmhub.tests.engine.conftest import Hub

pytestmark = pytest.mark.engine


@pytest.fixture
def simulator(hub: Hub, code: str, ada, grace):
    """A CRM that knows Ada, and a task of hers in step there."""
    simulator = hub.connect(code)
    simulator.seed({"users": [{"email": ada.email, "name": "Ada"}]})
    hub.save_task(contacts=[grace], assignee=ada)
    hub.settle()
    hub.wait(120)
    return simulator


def told(hub: Hub, task) -> str:
    return " ".join(one["note"] for one in hub.link(task).losses if one["field"] == "assignee")


def test_a_task_of_somebody_who_left_there_goes_unassigned_and_says_so(hub: Hub, ada, grace, simulator):
    simulator.remove_user(OwnerLink.objects.get(user=ada).external_id)

    task = hub.save_task(title="Thank Grace", contacts=[grace], assignee=ada)
    hub.settle()

    assert hub.link(task).sync_status == "in_sync"
    assert "has no user with the e-mail of ada" in told(hub, task)


def test_a_task_goes_to_whoever_has_the_e_mail_there_now(hub: Hub, ada, grace, simulator):
    old = OwnerLink.objects.get(user=ada).external_id
    simulator.remove_user(old)
    [new] = simulator.seed({"users": [{"email": ada.email, "name": "Ada"}]})["users"]

    task = hub.save_task(title="Thank Grace", contacts=[grace], assignee=ada)
    hub.settle()

    assert (hub.link(task).sync_status, told(hub, task)) == ("in_sync", "")
    assert OwnerLink.objects.get(user=ada).external_id == new != old


@pytest.mark.parametrize("code", ["highlevel"], indirect=True)
def test_an_assignee_who_is_refused_and_listed_all_the_same_is_looked_up_once(
    hub: Hub, ada, grace, simulator
):
    before = len(simulator.log)
    simulator.takes_assignees = False

    task = hub.save_task(title="Thank Grace", contacts=[grace], assignee=ada)
    hub.settle()

    asked = [one["path"] for one in list(simulator.log)[before:]]
    assert len([path for path in asked if path.startswith("/users/")]) == 1
    assert len([path for path in asked if path.endswith("/tasks")]) == 2
    assert (hub.link(task).sync_status, hub.link(task).due_at) == ("failed", None)
