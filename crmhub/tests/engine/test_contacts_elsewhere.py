"""A contact that was merged, deleted or made anew in a CRM is noticed by the task that needs it, and followed where it can be."""

from __future__ import annotations

import pytest

from crmhub import services
from crmhub.models import Contact, Task
from crmhub.sync.verify import UNDECLARED
from crmhub.tests.engine.conftest import Hub, live

pytestmark = pytest.mark.engine

GRACE = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}
OTHERS = {"first_name": "G.", "last_name": "Hopper", "email": "g.hopper@example.com"}


@pytest.fixture
def known(hub: Hub, code: str, grace: Contact) -> Task:
    """A task for Grace that is in step, and so is she."""
    hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.wait(120)
    return task


def simulator_of(hub: Hub):
    [server] = hub.servers.values()
    return server.simulator


def requests(hub: Hub) -> int:
    return len(simulator_of(hub).log)


def whose(hub: Hub) -> dict[str, str]:
    return {task["title"]: task["contact"] for task in live(simulator_of(hub))}


def flags(hub: Hub, task: Task) -> list[str]:
    return [one["note"] for one in hub.link(task).effects if one["outcome"] in UNDECLARED]


# Deleted, and there again under another id


def test_a_contact_that_was_made_anew_there_is_found_and_its_tasks_go_to_it(hub: Hub, grace, known, code):
    simulator, old = simulator_of(hub), hub.contact_link(grace).external_id
    simulator.remove_contact(old)
    [new] = simulator.seed({"contacts": [GRACE]})["contacts"]
    hub.wait(120)

    second = hub.save_task(title="Thank Grace", contacts=[grace])
    hub.settle()

    assert hub.contact_link(grace).external_id == new
    assert {hub.link(one).sync_status for one in (known, second)} == {"in_sync"}
    assert whose(hub) == {"Call Grace": "grace@example.com", "Thank Grace": "grace@example.com"}


# Deleted


def test_a_contact_that_was_deleted_there_waits_for_a_person(hub: Hub, grace, known, code):
    simulator = simulator_of(hub)
    simulator.remove_contact(hub.contact_link(grace).external_id)
    hub.wait(120)

    second = hub.save_task(title="Thank Grace", contacts=[grace])
    hub.settle()

    link = hub.contact_link(grace)
    assert (link.sync_status, link.due_at) == ("gone", None)
    assert "was deleted at" in link.last_error
    assert [one["email"] for one in simulator.contacts() if not one["deleted"]] == []
    if hub.connections[code].capabilities.needs_one_of:
        assert hub.link(second).sync_status == "failed"
        assert "was deleted at" in hub.link(second).last_error
    else:
        assert whose(hub)["Thank Grace"] is None
        assert any("was deleted at" in one["note"] for one in hub.link(second).losses)


def test_a_contact_that_was_deleted_there_is_made_anew_when_a_person_says_so(hub: Hub, grace, known, code):
    simulator = simulator_of(hub)
    simulator.remove_contact(hub.contact_link(grace).external_id)
    hub.wait(120)
    second = hub.save_task(title="Thank Grace", contacts=[grace])
    hub.settle()

    services.replay_links(links=[hub.contact_link(grace)], now=hub.now)
    hub.settle()

    assert hub.contact_link(grace).sync_status == "in_sync"
    assert hub.link(second).sync_status == "in_sync"
    assert whose(hub)["Thank Grace"] == "grace@example.com"


def test_a_contact_that_is_sent_again_is_asked_after(hub: Hub, grace, known, code):
    simulator = simulator_of(hub)
    simulator.remove_contact(hub.contact_link(grace).external_id)
    hub.wait(120)

    services.replay_links(links=[hub.contact_link(grace)], now=hub.now)
    hub.settle()

    assert hub.contact_link(grace).sync_status == "gone"


# Merged


@pytest.mark.parametrize("code", ["hubspot", "highlevel", "leadlex"], indirect=True)
@pytest.mark.parametrize("contacts", ["create", "sync"])
def test_a_contact_that_was_merged_is_followed_and_no_task_is_doubled(hub: Hub, grace, code, contacts):
    simulator = hub.connect(code, contacts=contacts)
    first = hub.save_task(contacts=[grace])
    hub.settle()
    hub.wait(120)
    [other] = simulator.seed({"contacts": [{**OTHERS, "email": ""}]})["contacts"]
    simulator.merge_contacts(other, hub.contact_link(grace).external_id)
    hub.wait(120)

    second = hub.save_task(title="Thank Grace", contacts=[grace])
    hub.settle()

    link = hub.contact_link(grace)
    assert (link.sync_status, link.external_id in [one["id"] for one in simulator.contacts()]) == (
        "in_sync",
        True,
    )
    assert {hub.link(one).sync_status for one in (first, second)} == {"in_sync"}
    assert sorted(task["title"] for task in live(simulator)) == ["Call Grace", "Thank Grace"]
    assert flags(hub, first) + flags(hub, second) == []


def test_two_contacts_that_are_one_there_by_now_are_shown_as_a_conflict(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    edith = hub.save_contact(first_name="Edith", email="edith@example.com")
    hub.save_task(contacts=[grace, edith])
    hub.settle()
    simulator.merge_contacts(hub.contact_link(edith).external_id, hub.contact_link(grace).external_id)

    hub.save_task(title="Thank both", contacts=[grace, edith])
    hub.settle()
    at_rest = requests(hub)
    hub.settle()

    assert {hub.contact_link(one).sync_status for one in (grace, edith)} == {"in_sync", "conflict"}
    assert requests(hub) == at_rest


# Nothing of the kind


def test_a_contact_that_is_where_it_was_is_asked_after_once(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    hub.save_task(contacts=[grace])
    hub.settle()
    known, before = hub.contact_link(grace).external_id, requests(hub)
    simulator.fail_next("status", "POST .*tasks$", status=404, times=None)

    task = hub.save_task(title="Thank Grace", contacts=[grace])
    hub.settle()

    asked = [f"{one['method']} {one['path']}" for one in list(simulator.log)[before:]]
    assert asked == [f"POST /contacts/{known}/tasks", f"GET /contacts/{known}"]
    assert (hub.contact_link(grace).external_id, hub.contact_link(grace).sync_status) == (known, "in_sync")
    assert hub.link(task).sync_status == "failed"


def test_a_contact_that_cannot_be_asked_after_now_is_asked_after_later(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    hub.save_task(contacts=[grace])
    hub.settle()
    hub.wait(120)
    simulator.remove_contact(hub.contact_link(grace).external_id)
    simulator.fail_next("status", "GET .*contacts.*", status=503, times=2)

    hub.save_task(title="Thank Grace", contacts=[grace])
    hub.settle()

    assert hub.contact_link(grace).sync_status == "gone"
