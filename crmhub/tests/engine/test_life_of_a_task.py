"""A task's life, at every CRM: saved, edited, completed, deleted, restored."""

from __future__ import annotations

import pytest

from crmhub import services, sync
from crmhub.tests.engine.conftest import Hub, live, writing
from providers.capabilities import Operation

pytestmark = pytest.mark.engine


def test_a_saved_task_is_there_once(hub: Hub, grace, code):
    simulator = hub.connect(code)

    task = hub.save_task(title="Call Grace", body="About the quote", contacts=[grace])
    hub.settle()

    [there] = live(simulator)
    assert (there["title"], there["body"], there["contact"]) == (
        "Call Grace",
        "About the quote",
        "grace@example.com",
    )
    assert hub.link(task).sync_status == "in_sync"
    assert hub.link(task).external_id == there["id"]


def test_an_edit_follows(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()

    hub.edit(task, title="Call Grace back", body="She asked for it")
    hub.settle()

    [there] = live(simulator)
    assert (there["title"], there["body"]) == ("Call Grace back", "She asked for it")


def test_completing_follows(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()

    services.complete_task(task=task, now=hub.now)
    hub.settle()

    assert [there["status"] for there in live(simulator)] == ["completed"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_task_that_is_completed_before_it_is_sent_arrives_completed(hub: Hub, grace, code):
    simulator = hub.connect(code)

    task = hub.save_task(contacts=[grace])
    services.complete_task(task=task, now=hub.now)
    hub.settle()

    assert [there["status"] for there in live(simulator)] == ["completed"]


def test_reopening_follows_or_is_said_to_be_impossible(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    services.complete_task(task=task, now=hub.now)
    hub.settle()

    services.complete_task(task=task, is_completed=False, now=hub.now)
    warnings = [line for line in sync.expected_losses(task) if "reopen" in line]
    hub.settle()

    link = hub.link(task)
    assert link.sync_status == "in_sync"
    [there] = live(simulator)
    if hub.connections[code].capabilities.can(Operation.REOPEN):
        assert there["status"] == "open"
        assert not warnings
    else:
        assert len(warnings) == 1
        assert [loss["field"] for loss in link.losses if "reopen" in loss["note"]] == ["status"]


def test_deleting_and_restoring_follow(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()

    services.delete_task(task=task, now=hub.now)
    hub.settle()
    after_deleting = live(simulator)
    services.restore_task(task=task, now=hub.now)
    hub.settle()

    assert after_deleting == []
    assert [there["title"] for there in live(simulator)] == ["Call Grace"]
    assert hub.link(task).generation == 2


def test_a_task_deleted_before_it_is_sent_never_arrives(hub: Hub, grace, code):
    simulator = hub.connect(code)

    task = hub.save_task(contacts=[grace])
    services.delete_task(task=task, now=hub.now)
    hub.settle()

    assert simulator.tasks() == []
    assert hub.link(task).sync_status == "in_sync"


def test_saves_that_come_together_are_one_write(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])

    for number in range(10):
        hub.edit(task, title=f"Call Grace {number}")
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Call Grace 9"]


def test_a_lost_answer_does_not_make_a_second_task(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.settle()
    task = hub.save_task(contacts=[grace])
    hub.push()  # the contact first
    hub.link(task)

    assert len(live(simulator)) == 1
    task = hub.save_task(title="Ring Grace", contacts=[grace])
    simulator.fail_next("drop", writing(simulator, "POST"), after_write=True)
    hub.push()
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == ["Call Grace", "Ring Grace"]
    assert hub.link(task).sync_status == "in_sync"
