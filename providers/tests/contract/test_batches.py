"""What every provider must do with several tasks at once, once per vendor."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.errors import RateLimited, Unauthorized
from providers.tests.worlds import new_key
from providers.types import Field, NewTask, TaskChange

TITLES = ["Call Grace", "Write to Grace", "Visit Grace"]


@pytest.fixture
def items(world):
    return [NewTask(world.draft(title=title), new_key()) for title in TITLES]


def test_every_item_of_a_batch_has_its_own_outcome_in_order(world, items):
    outcomes = world.provider.create_tasks(items)

    assert [one.error for one in outcomes] == [None, None, None]
    assert [one.task.ref.id for one in outcomes] == [world.held(item.key)[0]["id"] for item in items]
    assert [world.held(item.key)[0]["title"] for item in items] == TITLES


def test_an_empty_batch_is_empty(world):
    before = len(world.simulator.log)

    assert world.provider.create_tasks([]) == ()
    assert world.provider.update_tasks([]) == ()
    assert world.provider.delete_tasks([]) == ()
    assert len(world.simulator.log) == before


def test_a_batch_of_updates_changes_each_task(world, items):
    refs = [one.task.ref for one in world.provider.create_tasks(items)]
    changes = [
        TaskChange(
            ref, replace(item.draft, title=f"{item.draft.title} again"), frozenset({Field.TITLE}), item.key
        )
        for ref, item in zip(refs, items, strict=True)
    ]

    outcomes = world.provider.update_tasks(changes)

    assert [one.error for one in outcomes] == [None, None, None]
    assert [one.task.ref.id for one in outcomes] == [ref.id for ref in refs]
    assert [world.held(item.key)[0]["title"] for item in items] == [f"{title} again" for title in TITLES]


def test_a_batch_of_deletes_deletes_each_task(world, items):
    refs = [one.task.ref for one in world.provider.create_tasks(items)]

    outcomes = world.provider.delete_tasks(refs)

    assert [one.error for one in outcomes] == [None, None, None]
    assert [world.held(item.key)[0]["deleted"] for item in items] == [True, True, True]


def test_one_missing_task_does_not_spoil_the_batch(world, items):
    refs = [one.task.ref for one in world.provider.create_tasks(items)]
    world.provider.delete_task(refs[1])
    changes = [
        TaskChange(ref, replace(item.draft, title="New"), frozenset({Field.TITLE}), item.key)
        for ref, item in zip(refs, items, strict=True)
    ]

    outcomes = world.provider.update_tasks(changes)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "not_found", ""]


def test_a_task_that_is_gone_does_not_spoil_a_batch_of_deletes(world, items):
    refs = [one.task.ref for one in world.provider.create_tasks(items)]
    world.provider.delete_task(refs[1])

    outcomes = world.provider.delete_tasks(refs)

    assert [outcomes[0].error, outcomes[2].error] == [None, None]
    assert outcomes[1].error is None or outcomes[1].error.code == "not_found"
    assert [world.held(item.key)[0]["deleted"] for item in items] == [True, True, True]


@pytest.mark.parametrize(("kind", "error"), [("rate_limited", RateLimited)])
def test_an_account_over_its_limit_stops_the_whole_batch(world, items, kind, error):
    world.simulator.fail_next(kind, times=None)

    outcomes = world.provider.create_tasks(items)

    assert [type(one.error) for one in outcomes] == [error] * 3
    assert world.simulator.tasks() == []


def test_wrong_secrets_stop_the_whole_batch(world, items):
    wrong = {name: f"wrong{value[5:]}" for name, value in world.account.secrets.items()}

    outcomes = world.with_secrets(wrong).create_tasks(items)

    assert [type(one.error) for one in outcomes] == [Unauthorized] * 3


def test_a_lost_answer_to_a_batch_leaves_every_item_unconfirmed_or_found(world, items):
    world.simulator.fail_next("drop", "(POST|PUT) ", times=None, after_write=True)

    outcomes = world.provider.create_tasks(items)
    world.simulator.faults.clear()

    assert {one.error.code for one in outcomes if one.error} == {"unconfirmed"}
    for item, outcome in zip(items, outcomes, strict=True):
        assert outcome.task is None
        assert world.provider.find_task(item.key, item.draft) is not None


def test_a_batch_is_looked_for_and_each_item_has_its_own_outcome_in_order(world, items):
    absent = NewTask(world.draft(title="Never made"), new_key())
    refs = [one.task.ref for one in world.provider.create_tasks(items)]
    world.provider.delete_task(refs[1])

    outcomes = world.provider.find_tasks([items[2], absent, items[1], items[0]])

    assert [one.error for one in outcomes] == [None] * 4
    assert [one.task and one.task.ref for one in outcomes] == [refs[2], None, None, refs[0]]
