"""HubSpot's guide to tasks, point by point, as our calls and its simulator keep it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from providers.tests.hubspot.guide import TASKS, example
from providers.tests.worlds import new_key
from providers.types import Field, Linked, Priority, RemoteRef, TaskStatus


def written(world, **changes):
    """The properties that a create of ours sends."""
    world.create(world.draft(**changes))
    return list(world.simulator.log)[-1]["body"]["properties"]


@pytest.mark.parametrize("given", ["2019-10-30T03:30:17.883Z", "1572406217883", 1572406217883])
def test_a_due_moment_is_taken_as_text_in_utc_or_in_milliseconds(world, ask, given):
    task_id = ask("POST", TASKS, example(world, hs_timestamp=given))[2]["id"]

    assert world.provider.fetch_task(RemoteRef(task_id)).holds[Field.DUE] == "2019-10-30T03:30:17Z"


def test_a_task_without_a_due_moment_is_refused_and_the_hub_puts_one_in(world, ask):
    body = example(world)
    del body["properties"]["hs_timestamp"]

    assert ask("POST", TASKS, body)[0] == 400
    assert written(world, due=None)["hs_timestamp"] == "2026-11-27T09:00:00.000Z"


def test_notes_are_sent_as_html_and_read_as_text(world):
    assert written(world, body="a < b\nc")["hs_task_body"] == "a &lt; b<br>c"
    assert world.simulator.tasks()[0]["body"] == "a < b\nc"


def test_the_owner_is_the_user_that_it_is_assigned_to(world):
    assert written(world)["hubspot_owner_id"] == world.ids["users"][0]


def test_the_subject_is_the_title(world):
    assert written(world, title="Send proposal")["hs_task_subject"] == "Send proposal"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (TaskStatus.OPEN, "NOT_STARTED"),
        (TaskStatus.COMPLETED, "COMPLETED"),
        (TaskStatus.WAITING, "WAITING"),
        (TaskStatus.IN_PROGRESS, "IN_PROGRESS"),
        (TaskStatus.DEFERRED, "DEFERRED"),
    ],
)
def test_each_status_is_sent_by_its_word(world, status, word):
    assert written(world, status=status)["hs_task_status"] == word


@pytest.mark.parametrize("priority", [Priority.LOW, Priority.MEDIUM, Priority.HIGH])
def test_each_priority_is_sent_by_its_word(world, priority):
    assert written(world, priority=priority)["hs_task_priority"] == priority.upper()


@pytest.mark.parametrize("kind", ["email", "call", "todo"])
def test_each_type_is_sent_by_its_word(world, kind):
    assert written(world, type=kind)["hs_task_type"] == kind.upper()


def test_a_reminder_is_sent_in_milliseconds_and_an_iso_text_is_refused(world, ask):
    at = datetime(2026, 12, 1, 14, 0, tzinfo=UTC)

    assert written(world, reminder_at=at)["hs_task_reminders"] == "1796133600000"
    assert ask("POST", TASKS, example(world, hs_task_reminders="2026-12-01T14:00:00Z"))[0] == 400


def test_a_queue_is_sent_by_its_number(world):
    settings = {**world.account.settings, "task_queues": "support=123456"}
    provider = world.another(replace(world.account, settings=settings))

    ref = provider.create_task(world.draft(queue="support"), key=new_key()).ref

    assert list(world.simulator.log)[-1]["body"]["properties"]["hs_queue_membership_ids"] == "123456"
    assert provider.fetch_task(ref).holds[Field.QUEUE] == "support"


def test_two_contacts_are_associated_by_category_and_type(world):
    both = tuple(Linked(RemoteRef(one)) for one in world.ids["contacts"])
    world.create(world.draft(contacts=both, companies=(), deals=(), tickets=()))

    sent = list(world.simulator.log)[-1]["body"]["associations"]

    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}
    assert sent == [{"to": {"id": one}, "types": [kind]} for one in world.ids["contacts"]]


def test_an_association_that_does_not_exist_is_not_in_the_answer(world, ask):
    task_id = ask("POST", TASKS, {**example(world), "associations": []})[2]["id"]

    assert "associations" not in ask("GET", f"{TASKS}/{task_id}?associations=contacts,deals")[2]


@pytest.mark.parametrize(
    ("name", "cleared"),
    [
        (Field.BODY, {"body": ""}),
        (Field.PRIORITY, {"priority": Priority.NONE}),
        (Field.TYPE, {"type": ""}),
        (Field.REMINDER, {"reminder_at": None}),
        (Field.ASSIGNEE, {"assignee": ""}),
    ],
)
def test_what_is_empty_is_cleared_by_an_empty_text(world, name, cleared):
    draft, key = world.draft(), new_key()
    ref = world.create(draft, key=key).ref

    world.provider.update_task(ref, replace(draft, **cleared), changed=frozenset({name}), key=key)

    assert set(list(world.simulator.log)[-1]["body"]["properties"].values()) == {""}
    assert world.provider.fetch_task(ref).holds[name] in ("", None, "none")


def test_a_task_that_was_deleted_waits_in_the_recycling_bin(world):
    key = new_key()
    ref = world.create(key=key).ref
    world.provider.delete_task(ref)

    world.simulator.restore(ref.id)

    assert world.provider.fetch_task(ref).ref == ref
