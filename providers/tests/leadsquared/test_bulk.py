"""LeadSquared's calls that work in the background, and those beside the hub's normal road."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from providers.errors import NotFound, RateLimited, Rejected, Unconfirmed, Unsupported
from providers.leadsquared.simulator_records import TaskType
from providers.tests.worlds import new_key
from providers.types import NewTask, Person

GRACE = Person("Grace", "Murray", ("grace@client.example",), ("+12025550123",))


def items(world, count=3, **changes):
    return [NewTask(world.draft(title=f"Call Grace, {at}", **changes), new_key()) for at in range(count)]


def test_fifty_tasks_are_made_with_one_request(world):
    wanted = items(world, 50)
    before = len(world.simulator.log)

    name = world.provider.create_tasks_in_bulk(wanted)

    assert name
    assert len(world.simulator.log) == before + 1
    assert [task["title"] for task in world.simulator.tasks()] == [item.draft.title for item in wanted]


def test_what_was_made_is_found_by_its_keys_once_it_is_there(world):
    wanted = items(world)
    world.simulator.bulk_takes = 30
    world.provider.create_tasks_in_bulk(wanted)

    early = world.provider.bulk_outcomes(wanted)
    world.simulator.move_clock(31)
    late = world.provider.bulk_outcomes(wanted)

    assert [type(one.error) for one in early] == [NotFound] * 3
    assert "Request History" in early[0].error.detail
    assert [one.task.key for one in late] == [str(item.key) for item in wanted]


def test_a_refused_task_does_not_hold_the_others_up_and_is_not_found(world):
    good, bad, last = items(world)
    bad = replace(bad, draft=replace(bad.draft, assignee="11111111-2222-3333-4444-555555555555"))

    world.provider.create_tasks_in_bulk([good, bad, last])

    outcomes = world.provider.bulk_outcomes([good, replace(bad, draft=good.draft), last])
    assert [type(one.error) for one in outcomes] == [type(None), NotFound, type(None)]
    assert len(world.simulator.bulk_reports) == 1


def test_a_look_that_fails_is_that_tasks_outcome(world):
    wanted = items(world)
    world.provider.create_tasks_in_bulk(wanted)
    world.simulator.fail_next("rate_limited")

    outcomes = world.provider.bulk_outcomes(wanted)

    assert [type(one.error) for one in outcomes] == [RateLimited, type(None), type(None)]


def test_nothing_is_asked_for_nothing(world):
    before = len(world.simulator.log)

    assert world.provider.create_tasks_in_bulk([]) == ""
    assert world.provider.bulk_outcomes([]) == ()
    assert len(world.simulator.log) == before


def test_fifty_one_tasks_are_refused_before_the_call(world):
    before = len(world.simulator.log)

    with pytest.raises(Unsupported, match="at most 50 tasks"):
        world.provider.create_tasks_in_bulk(items(world, 51))

    assert len(world.simulator.log) == before


@pytest.mark.parametrize("kind", ["drop", "empty", "html", "garbage", "status"])
def test_a_bulk_request_without_a_verdict_is_unconfirmed(world, kind):
    world.simulator.fail_next(kind, "POST .*Bulk/Create", after_write=True)

    with pytest.raises(Unconfirmed):
        world.provider.create_tasks_in_bulk(items(world))


def test_what_a_type_demands_is_said_before_a_bulk_request(world):
    world.simulator.types.append(
        TaskType("t", "KYC Visit", 1, mandatory=("mx_Custom_1",), custom={"mx_Custom_1": "Verified by"})
    )
    account = replace(world.account, learned=world.provider.prepare())

    with pytest.raises(Rejected, match="Verified by"):
        world.another(account).create_tasks_in_bulk(items(world, type="KYC Visit"))

    assert world.simulator.tasks() == []


def test_reminders_are_minutes_in_bulk(world):
    [item] = items(world, 1, reminder_at=datetime(2026, 12, 1, 14, 0, tzinfo=UTC))

    world.provider.create_tasks_in_bulk([item])

    [sent] = world.simulator.log[-1]["body"]["TaskList"]
    assert (sent["Reminder"], "ReminderTime" in sent, "ReminderBeforeDays" in sent) == (30, False, False)


# Deleting takes a while


def test_a_task_is_shown_until_its_deletion_is_done(world):
    ref = world.create().ref
    world.simulator.delete_takes = 10

    world.provider.delete_task(ref)
    world.provider.delete_task(ref)

    assert world.provider.fetch_task(ref).ref == ref
    world.simulator.move_clock(11)
    with pytest.raises(NotFound):
        world.provider.fetch_task(ref)
    with pytest.raises(NotFound):
        world.provider.delete_task(ref)


def test_a_deleted_task_is_gone_within_the_time_that_a_request_may_take_to_land(world):
    key, draft = new_key(), world.draft()
    landing = world.capabilities.landing.total_seconds()
    world.simulator.delete_takes = landing - 1
    world.provider.delete_task(world.create(draft, key=key).ref)

    world.simulator.move_clock(landing)

    assert world.provider.find_task(key, draft) is None


# Leads


@pytest.mark.parametrize(
    ("person", "count", "is_grace"),
    [
        (GRACE, 2, True),
        (replace(GRACE, emails=()), 2, True),
        (Person("Ida", emails=("ida@client.example",)), 3, False),
    ],
    ids=["by e-mail", "by phone", "new"],
)
def test_a_contact_is_written_over_or_made(world, person, count, is_grace):
    for _ in range(2):
        ref = world.provider.create_or_update_contact(person).ref

    assert len(world.simulator.contacts()) == count
    assert (ref.id == world.ids["contacts"][0]) is is_grace
    assert world.provider.fetch_contact(ref).person.last_name == person.last_name
