"""Our batches at HubSpot: one request, one verdict for each item, whatever the order of the answers."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from providers.errors import Rejected, Unconfirmed
from providers.http import Recorder, Response
from providers.hubspot.provider import HubSpot
from providers.tests.worlds import new_key
from providers.types import Field, NewTask, RemoteRef, TaskChange


def requests(world, since=0):
    return [f"{one['method']} {one['path']}" for one in list(world.simulator.log)[since:]]


def items_of(world, count, **changes):
    return [NewTask(world.draft(title=f"Task {n}", **changes), new_key()) for n in range(count)]


def test_a_batch_is_one_request_and_its_answers_are_not_matched_by_position(world):
    items, since = items_of(world, 40), len(world.simulator.log)

    outcomes = world.provider.create_tasks(items)

    assert requests(world, since) == ["POST /crm/v3/objects/tasks/batch/create"]
    assert [one.task.holds[Field.TITLE] for one in outcomes] == [item.draft.title for item in items]


def test_one_bad_item_is_refused_alone(world):
    items = items_of(world, 3)
    items[1] = replace(items[1], draft=replace(items[1].draft, assignee="12"))

    outcomes = world.provider.create_tasks(items)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "rejected", ""]
    assert list(outcomes[1].error.fields) == ["assignee"]


def test_a_batch_with_a_key_that_landed_before_adopts_that_task(world):
    items = items_of(world, 3)
    landed = world.create(items[1].draft, key=items[1].key).ref

    outcomes = world.provider.create_tasks(items)

    assert [one.error for one in outcomes] == [None] * 3
    assert outcomes[1].task.ref == landed
    assert Counter(task["hub_key"] for task in world.simulator.tasks()).most_common(1)[0][1] == 1


def test_a_key_that_comes_twice_is_created_once(world):
    [item] = items_of(world, 1)

    outcomes = world.provider.create_tasks([item, item])

    assert outcomes[0] == outcomes[1]
    assert len(world.simulator.tasks()) == 1


class Strict:
    """A HubSpot that refuses a whole batch for one title in it, and a task with that title too."""

    def __init__(self, inner, titles):
        self.inner, self.titles = inner, titles

    def send(self, request):
        if any(f'"{title}"'.encode() in (request.body or b"") for title in self.titles):
            body = {"status": "error", "category": "VALIDATION_ERROR", "message": "That title will not do"}
            return Response(400, {}, json.dumps(body).encode())
        return self.inner.send(request)


@pytest.mark.parametrize("bad", [0, 1, 37, 50, 98, 99])
def test_one_bad_item_of_a_hundred_is_found_in_fifteen_requests(world, bad):
    recorder = Recorder(Strict(world.recorder, [f"Task {bad}"]))

    outcomes = HubSpot(world.account, recorder).create_tasks(items_of(world, 100))

    assert [type(one.error) for one in outcomes if one.error] == [Rejected]
    assert isinstance(outcomes[bad].error, Rejected)
    assert len(recorder.exchanges) <= 15
    assert len(world.simulator.tasks()) == 99


def test_bad_items_of_a_batch_of_updates_are_found_too(world):
    items = items_of(world, 20)
    refs = [one.task.ref for one in world.provider.create_tasks(items)]
    strict = HubSpot(world.account, Strict(world.recorder, ["New 3", "New 16"]))
    changes = [
        TaskChange(ref, replace(item.draft, title=f"New {n}"), frozenset({Field.TITLE}), item.key)
        for n, (ref, item) in enumerate(zip(refs, items, strict=True))
    ]

    outcomes = strict.update_tasks(changes)

    assert [n for n, one in enumerate(outcomes) if one.error] == [3, 16]


def test_a_limit_that_is_met_while_looking_for_the_bad_item_stops_the_rest(world):
    world.simulator.fail_next("status", "POST .*/batch/create", status=400)
    world.simulator.fail_next("rate_limited", "POST .*/batch/create")
    since = len(world.simulator.log)

    outcomes = world.provider.create_tasks(items_of(world, 8))

    assert [one.error.code for one in outcomes] == ["rate_limited"] * 8
    assert len(requests(world, since)) == 2


def test_a_secret_that_one_item_of_a_batch_is_refused_with_is_in_no_outcome(world):
    secret = world.account.secrets["access_token"]
    items = items_of(world, 3)
    items[1] = replace(items[1], draft=replace(items[1].draft, assignee=secret))

    outcomes = world.provider.create_tasks(items)

    assert isinstance(outcomes[1].error, Rejected)
    assert "•••" in outcomes[1].error.detail
    assert secret not in repr(vars(outcomes[1].error))


def test_a_batch_that_is_refused_as_a_whole_goes_in_halves(world):
    world.simulator.fail_next("status", "POST .*/batch/create", status=400)

    outcomes = world.provider.create_tasks(items_of(world, 3))

    assert [one.error for one in outcomes] == [None] * 3


@pytest.mark.parametrize("kind", ["empty", "html", "garbage", "drop"])
def test_a_batch_without_a_verdict_is_unconfirmed_item_by_item(world, kind):
    world.simulator.fail_next(kind, "POST .*/batch/create", after_write=True)
    items = items_of(world, 3)

    outcomes = world.provider.create_tasks(items)

    assert [type(one.error) for one in outcomes] == [Unconfirmed] * 3
    assert all(world.provider.find_task(item.key, item.draft) for item in items)


def test_more_than_a_hundred_go_in_several_requests(world):
    since = len(world.simulator.log)

    outcomes = world.provider.create_tasks(items_of(world, 101))

    assert [one.error for one in outcomes] == [None] * 101
    assert len(requests(world, since)) == 2


def test_a_batch_of_updates_sends_associations_and_doubles_singly(world):
    items = items_of(world, 3)
    refs = [one.task.ref for one in world.provider.create_tasks(items)]
    retitle = frozenset({Field.TITLE})
    changes = [
        TaskChange(refs[0], replace(items[0].draft, title="A"), retitle, items[0].key),
        TaskChange(refs[1], replace(items[1].draft, deals=()), frozenset({Field.DEALS}), items[1].key),
        TaskChange(refs[2], replace(items[2].draft, title="B"), retitle, items[2].key),
        TaskChange(refs[0], replace(items[0].draft, title="C"), retitle, items[0].key),
    ]

    outcomes = world.provider.update_tasks(changes)

    assert [one.error for one in outcomes] == [None] * 4
    assert [world.held(item.key)[0]["title"] for item in items] == ["C", "Task 1", "B"]
    assert outcomes[1].task.holds[Field.DEALS] == ()


def test_deleting_a_batch_with_doubles_and_unknown_ids_is_no_error(world):
    refs = [one.task.ref for one in world.provider.create_tasks(items_of(world, 2))]

    outcomes = world.provider.delete_tasks([*refs, refs[0], RemoteRef("999")])

    assert [one.error for one in outcomes] == [None] * 4
    assert [task["deleted"] for task in world.simulator.tasks()] == [True, True]
