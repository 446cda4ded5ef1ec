"""When the links of tasks are lost, nothing is made a second time: the connection is held, and what is made late is looked for first."""

from __future__ import annotations

import pytest

from crmhub import services, sync
from crmhub.models import Connection, ContactLink, TaskLink
from crmhub.tests.engine.conftest import Hub, live, meanwhile, writing

pytestmark = pytest.mark.engine


def lose_the_links() -> None:
    TaskLink.objects.all().delete()
    ContactLink.objects.all().delete()


def test_a_connection_whose_links_are_lost_is_held(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    lose_the_links()

    hub.edit(task, title="Call Grace back")
    hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle(rounds=3)
    sync.sweep(now=hub.now, everything=True)
    hub.settle(rounds=3)

    assert [there["title"] for there in live(simulator)] == ["Call Grace"]
    held = Connection.objects.get()
    assert (held.health(hub.now), held.links_lost_at is not None) == ("links_lost", True)


def test_the_sweep_makes_no_links_where_they_are_lost(hub: Hub, grace):
    hub.connect("hubspot")
    hub.save_task(contacts=[grace])
    hub.settle()
    lose_the_links()

    sync.sweep(now=hub.now, everything=True)

    assert not TaskLink.objects.exists()
    assert Connection.objects.get().links_lost_at == hub.now


def test_the_links_of_contacts_alone_are_no_loss(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    hub.save_task(contacts=[grace])
    hub.settle()
    ContactLink.objects.all().delete()

    hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle()

    assert len(live(simulator)) == 2
    assert len(simulator.contacts()) == 1


@pytest.mark.parametrize("fault", [{}, {"kind": "status", "status": 400}])
def test_a_connection_that_is_new_is_not_held(hub: Hub, grace, code, fault):
    simulator = hub.connect(code)
    if fault:
        simulator.fail_next(match=writing(simulator), **fault)

    hub.save_task(title="Call Grace", contacts=[grace])
    hub.settle()
    hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle()

    assert "Write to Grace" in [there["title"] for there in live(simulator)]


def test_a_task_that_was_sent_and_deleted_again_is_no_loss(hub: Hub, grace, code):
    simulator = hub.connect(code)
    first = hub.save_task(contacts=[grace])
    hub.settle()
    services.delete_task(task=first, now=hub.now)
    hub.settle()

    hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Write to Grace"]


def test_a_task_that_was_only_found_there_and_is_made_anew_is_no_loss(hub: Hub, grace):
    """Found after a lost answer, then given another contact before anything else came through: a walk that went wrong once."""
    simulator = hub.connect("highlevel")
    ada = hub.save_contact(first_name="Ada", email="ada@example.com")
    task = hub.save_task(contacts=[grace])
    simulator.fail_next("drop", writing(simulator, "POST"), after_write=True)
    hub.push()
    hub.wait(120)
    about = services.Associations(contacts=[services.Associated(ada.pk)])
    meanwhile(simulator, lambda: services.save_task(task=task, changed=[], associations=about, now=hub.now))
    hub.settle()

    assert [there["contact"] for there in live(simulator)] == ["ada@example.com"]


# One link that is missing among many


def test_a_task_whose_link_was_lost_is_looked_for_and_not_made_again(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task, other = hub.save_task(contacts=[grace]), hub.save_task(title="Write to Grace", contacts=[grace])
    hub.wait(1)
    hub.edit(task, body="About the quote")
    hub.settle()
    TaskLink.objects.filter(task=task).delete()

    hub.edit(task, body="About the bill")
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == ["Call Grace", "Write to Grace"]
    [there] = [one for one in live(simulator) if one["title"] == "Call Grace"]
    assert (there["body"], hub.link(task).external_id) == ("About the bill", there["id"])
    assert hub.link(other).sync_status == "in_sync"


def test_what_the_sweep_finds_without_a_link_is_looked_for_first(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.wait(1)
    task = hub.save_task(contacts=[grace])
    hub.save_task(title="Write to Grace", contacts=[grace])
    hub.settle()
    TaskLink.objects.filter(task=task).delete()

    sync.sweep(now=hub.now)
    hub.settle()

    assert len(live(simulator)) == 2
    assert hub.link(task).sync_status == "in_sync"


def test_a_task_saved_before_the_connection_was_made_is_made_there_at_once(hub: Hub, grace):
    task = hub.save_task(contacts=[grace])
    hub.wait(60)
    simulator = hub.connect("hubspot")

    hub.edit(task, title="Call Grace back")
    hub.push()

    assert [there["title"] for there in live(simulator)] == ["Call Grace back"]
