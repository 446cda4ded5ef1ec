"""What a hostile reader tried: ways to create twice, to put older over newer, to spin, and to get stuck for ever."""

from __future__ import annotations

from uuid import uuid4

import pytest

from crmhub import services, sync
from crmhub.models import Connection, ContactLink, Lane, SyncStatus, TaskLink
from crmhub.sync import push
from crmhub.sync.claim import take
from crmhub.sync.sight import look
from crmhub.tests.engine.conftest import Hub, live, meanwhile

pytestmark = pytest.mark.engine

CREATE = "POST .*[tT]ask"
LOOKS = "(GET|POST) .*([tT]ask|search|associations).*"


def test_sending_again_looks_first_where_an_earlier_look_was_refused(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("drop", CREATE, after_write=True)
    task = hub.save_task(title="Second", contacts=[grace])
    hub.push()
    simulator.fail_next("status", LOOKS, status=403, times=None)
    for _ in range(6):
        hub.push(later=61)

    simulator.faults.clear()
    sync.check_connection(hub.connections[code], now=hub.now)
    services.replay_links(links=[hub.link(task)], now=hub.now)
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == ["First", "Second"]


def test_a_late_worker_is_not_forgotten_by_the_one_that_took_over(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.edit(task, title="Ring Grace")

    def another_worker_forgets() -> None:
        TaskLink.objects.filter(task=task).update(pushed_version=-1, ancestor={}, owed_again=True)

    meanwhile(simulator, another_worker_forgets)
    hub.push()
    hub.settle()

    link = hub.link(task)
    assert (link.sync_status, link.pushed_version) == ("in_sync", task.version)
    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]


def test_what_a_late_worker_made_is_deleted_when_another_one_exists(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    task = hub.save_task(title="Second", contacts=[grace])

    meanwhile(
        simulator,
        lambda: TaskLink.objects.filter(task=task).update(claim_token=uuid4(), may_land_until=None),
    )
    hub.push()
    TaskLink.objects.filter(task=task).update(due_at=hub.now)
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == ["First", "Second"]


def test_a_delete_that_the_crm_has_no_call_for_is_parked_and_not_repeated(hub: Hub, grace):
    simulator = hub.connect("leadlex")
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.wait(60)
    simulator.fail_next("status", "DELETE .*", status=405, times=None)

    services.delete_task(task=task, now=hub.now)
    hub.settle()

    assert hub.link(task).sync_status == "failed"
    assert len([one for one in simulator.log if one["method"] == "DELETE"]) < 5


def test_a_parked_task_stays_parked_when_its_contact_has_arrived(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    simulator.fail_next("status", ".*contacts.*", status=503, times=None)
    task = hub.save_task(contacts=[grace])
    hub.push()
    simulator.faults.clear()
    simulator.fail_next("status", "POST .*tasks", status=400, times=None)
    hub.settle()
    simulator.log.clear()

    for _ in range(10):
        hub.wait(5)
        sync.sweep(now=hub.now)
        hub.push()

    assert hub.link(task).sync_status == "failed"
    assert [one for one in simulator.log if one["method"] == "POST"] == []


def test_an_operation_that_was_forbidden_is_tried_for_every_task_once_it_is_allowed(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("status", "POST .*tasks", status=403, times=None)
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(8)]
    hub.settle()

    simulator.faults.clear()
    sync.check_connection(hub.connections["highlevel"], now=hub.now)
    hub.settle()

    assert {hub.link(task).sync_status for task in tasks} == {"in_sync"}


def test_a_setting_that_makes_it_possible_frees_what_was_impossible(hub: Hub):
    simulator = hub.connect("leadlex")
    task = hub.save_task()
    hub.settle()
    parked = hub.link(task).sync_status
    [inbox] = simulator.seed({"contacts": [{"first_name": "Inbox", "email": "inbox@example.com"}]})[
        "contacts"
    ]

    services.change_connection(
        connection=hub.connections["leadlex"], settings={"default_parent": f"contact:{inbox}"}
    )
    hub.wait(60)
    hub.settle()

    assert parked == "failed"
    assert hub.link(task).sync_status == "in_sync"


def test_a_choice_among_several_contacts_frees_the_tasks_that_needed_it(hub: Hub):
    simulator = hub.connect("highlevel")
    contact = hub.save_contact(first_name="Grace", email="grace@example.com")
    ContactLink.objects.update(
        sync_status=SyncStatus.FAILED, due_at=None, pushed_version=1, last_error="Two contacts fit."
    )
    task = hub.save_task(contacts=[contact])
    hub.settle()
    parked = hub.link(task)
    ids = simulator.seed({"contacts": [{"first_name": "Grace", "email": "grace@example.com"}]})["contacts"]

    services.choose_candidate(link=hub.contact_link(contact), external_id=ids[0], now=hub.now)
    hub.settle()

    assert parked.sync_status == "failed"
    assert "Two contacts fit" in parked.last_error
    assert hub.link(task).sync_status == "in_sync"


def test_a_look_between_two_deaths_does_not_forget_the_lapses(hub: Hub, grace):
    """A look says nothing about the write that stops its worker."""
    simulator = hub.connect("highlevel")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    task = hub.save_task(title="Poison", contacts=[grace])
    TaskLink.objects.filter(task=task).update(lapses=5, may_land_until=hub.now)
    hub.wait(60)
    before = len(live(simulator))

    connection_id = Connection.objects.get().pk
    job, sight = push.Job(connection_id, hub.now), look(connection_id, now=hub.now)
    assert sight is not None
    job._push_some(sight, (Lane.INTERACTIVE, TaskLink), calls=1)
    job._settle_ended(within_s=None)

    link = hub.link(task)
    assert (link.lapses, link.may_land_until, len(live(simulator))) == (5, None, before)


def test_what_was_allowed_again_after_the_account_was_looked_at_counts_for_what_is_claimed_then(
    hub: Hub, monkeypatch
):
    simulator = hub.connect("hubspot")
    Connection.objects.update(switched_off={"create": "crm.objects.contacts.write"})
    hub.save_task()

    def take_behind_the_change(*args, **options):
        Connection.objects.update(switched_off={})
        return take(*args, **options)

    monkeypatch.setattr(push, "take", take_behind_the_change)
    hub.push()

    assert [there["title"] for there in live(simulator)] == ["Call Grace"]
