"""Associations of HubSpot tasks: several of each kind, of merged records, and in batches."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from providers.hubspot.provider import HubSpot
from providers.tests.hubspot.acts import KINDS, bring, linked, requests
from providers.tests.worlds import new_key
from providers.types import Field, NewTask, TaskChange


def test_a_task_is_made_with_several_records_of_each_kind(world):
    more = world.simulator.seed(
        {
            "companies": [{"name": "A"}, {"name": "B"}],
            "deals": [{"name": "C"}, {"name": "D"}],
            "tickets": [{"name": "E"}, {"name": "F"}],
        }
    )
    several = {
        name: linked(*world.ids["contacts"]) if name == "contacts" else linked(*more[name]) for name in KINDS
    }
    since = len(world.simulator.log)

    ref = world.create(world.draft(**several)).ref

    assert requests(world, since) == ["POST /crm/v3/objects/tasks"]
    holds = world.provider.fetch_task(ref).holds
    assert {name: holds[Field(name)] for name in KINDS} == {
        name: tuple(sorted(one.ref.id for one in several[name])) for name in KINDS
    }


# Merged records


def test_a_contact_that_was_merged_keeps_its_task(world, ask):
    grace, edith = world.ids["contacts"]
    ref = world.create(world.draft(contacts=linked(edith))).ref
    merged = {"primaryObjectId": grace, "objectIdToMerge": edith}
    survivor = ask("POST", "/crm/v3/objects/contacts/merge", merged)[2]["id"]

    holds = bring(world, ref, world.draft(contacts=linked(edith)), Field.CONTACTS).holds

    assert holds[Field.CONTACTS] == (survivor,)


# Batches


def test_keys_that_are_taken_are_adopted_by_one_upsert(world):
    items = [NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(6)]
    landed = [
        world.create(replace(item.draft, title="Old", deals=()), key=item.key).ref for item in items[:3]
    ]
    since = len(world.simulator.log)

    outcomes = world.provider.create_tasks(items)

    assert [one.error for one in outcomes] == [None] * 6
    assert [one.task.ref for one in outcomes[:3]] == landed
    assert [world.held(item.key)[0]["title"] for item in items] == [f"Task {n}" for n in range(6)]
    assert [one.task.holds[Field.DEALS] for one in outcomes[:3]] == [(world.ids["deals"][0],)] * 3
    assert requests(world, since).count("POST /crm/v3/objects/tasks/batch/upsert") == 1


@pytest.mark.parametrize("batch", ["create", "update"])
def test_a_batch_that_is_done_in_part_tells_each_item_its_own_fate(world, batch):
    items = [NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(10)]
    if batch == "create":
        world.simulator.fail_next("partial", "POST .*/batch/create")
        outcomes = world.provider.create_tasks(items)
    else:
        refs = [one.task.ref for one in world.provider.create_tasks(items)]
        world.simulator.fail_next("partial", "POST .*/batch/update")
        changes = [
            TaskChange(ref, replace(item.draft, title="New"), frozenset({Field.TITLE}), item.key)
            for ref, item in zip(refs, items, strict=True)
        ]
        outcomes = world.provider.update_tasks(changes)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "rejected"] * 5
    assert len([one for one in world.simulator.tasks() if batch == "create" or one["title"] == "New"]) == 5


def test_an_upsert_that_got_lost_leaves_its_items_unconfirmed_and_no_other(world):
    items = [NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(4)]
    world.create(items[1].draft, key=items[1].key)
    world.simulator.fail_next("drop", "POST .*/batch/upsert", after_write=True)

    outcomes = world.provider.create_tasks(items)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "unconfirmed", "", ""]


# Many at once, of which nothing is known


def made(world, count, **changes):
    items = [NewTask(world.draft(title=f"Task {n}", **changes), new_key()) for n in range(count)]
    return items, [one.task.ref for one in world.provider.create_tasks(items)]


def retitled(items, refs, *, changed=frozenset(Field)):
    return [
        TaskChange(ref, replace(item.draft, title=f"New {n}"), changed, item.key)
        for n, (item, ref) in enumerate(zip(items, refs, strict=True))
    ]


def test_tasks_whose_associations_stand_are_updated_in_one_batch(world):
    items, refs = made(world, 8)
    since = len(world.simulator.log)

    outcomes = world.provider.update_tasks(retitled(items, refs))

    asked = requests(world, since)
    assert asked.count("POST /crm/v3/objects/tasks/batch/update") == 1
    assert len(asked) <= 1 + 2 * len(KINDS)
    assert [world.held(item.key)[0]["title"] for item in items] == [f"New {n}" for n in range(8)]
    for outcome, ref in zip(outcomes, refs, strict=True):
        told = world.provider.fetch_task(ref).holds
        asked_of_links = (*map(Field, KINDS), Field.LABELS, Field.PINS)
        assert [outcome.task.holds[name] for name in asked_of_links] == [
            told[name] for name in asked_of_links
        ]


def test_of_such_a_batch_only_the_tasks_that_differ_cost_calls_of_their_own(world):
    items, refs = made(world, 6)
    changes = retitled(items, refs)
    changes[2] = replace(changes[2], draft=replace(changes[2].draft, deals=()))
    pinned = replace(changes[4].draft.contacts[0], is_pinned=True)
    changes[4] = replace(changes[4], draft=replace(changes[4].draft, contacts=(pinned,)))

    outcomes = world.provider.update_tasks(changes)

    assert [one.error for one in outcomes] == [None] * 6
    assert [world.held(item.key)[0]["title"] for item in items] == [f"New {n}" for n in range(6)]
    assert [bool(one.task.holds[Field.DEALS]) for one in outcomes] == [True, True, False, True, True, True]
    assert [bool(one.task.holds[Field.PINS]) for one in outcomes] == [False] * 4 + [True, False]


def test_a_pin_that_nobody_wants_any_more_is_not_taken_for_standing(world):
    items, refs = made(world, 3)
    pinned = replace(items[1].draft.contacts[0], is_pinned=True)
    bring(world, refs[1], replace(items[1].draft, contacts=(pinned,)), Field.PINS)

    outcomes = world.provider.update_tasks(retitled(items, refs))

    assert [one.task.holds[Field.PINS] for one in outcomes] == [()] * 3
    assert world.provider.fetch_task(refs[1]).holds[Field.PINS] == ()


def test_a_batch_of_creates_that_had_landed_whole_is_adopted_in_a_few_calls(world):
    items, refs = made(world, 8)
    since = len(world.simulator.log)

    outcomes = world.provider.create_tasks(items)

    assert [one.task.ref for one in outcomes] == refs
    assert len(requests(world, since)) <= 2 + 2 * len(KINDS)
    assert len(world.simulator.tasks()) == len(items)


def test_tasks_without_any_record_of_a_kind_stand_as_well(world):
    items, refs = made(world, 8, deals=(), tickets=())
    since = len(world.simulator.log)

    outcomes = world.provider.update_tasks(retitled(items, refs))

    assert len(requests(world, since)) <= 1 + 2 * len(KINDS)
    assert [(one.task.holds[Field.DEALS], one.task.holds[Field.TICKETS]) for one in outcomes] == [
        ((), ())
    ] * 8


def test_a_label_that_nobody_wants_any_more_is_not_taken_for_standing(world):
    world.simulator.add_label("tasks", "contacts", "Decision maker")
    items, refs = made(world, 3)
    [contact] = items[1].draft.contacts
    bring(
        world,
        refs[1],
        replace(items[1].draft, contacts=(replace(contact, label="Decision maker"),)),
        Field.LABELS,
    )
    assert world.provider.fetch_task(refs[1]).holds[Field.LABELS] != ()

    outcomes = world.provider.update_tasks(retitled(items, refs))

    assert [one.task.holds[Field.LABELS] for one in outcomes] == [()] * 3
    assert world.provider.fetch_task(refs[1]).holds[Field.LABELS] == ()


class Paged:
    """A HubSpot that tells only a page of the contacts of the first task."""

    def __init__(self, inner, ref):
        self.inner, self.ref, self.singles = inner, ref, 0

    def send(self, request):
        response = self.inner.send(request)
        self.singles += request.method == "PATCH" and request.url.endswith(f"/tasks/{self.ref.id}")
        if "/0-1/batch/read" in request.url:
            told = json.loads(response.body)
            for one in told["results"]:
                if one["from"]["id"] == self.ref.id:
                    one["paging"] = {"next": {"after": "1"}}
            return replace(response, body=json.dumps(told).encode())
        return response


def test_a_task_of_which_only_a_page_is_told_is_asked_for_by_itself(world):
    items, refs = made(world, 3)
    paged = Paged(world.recorder, refs[0])

    outcomes = HubSpot(world.account, paged).update_tasks(retitled(items, refs))

    assert [one.error for one in outcomes] == [None] * 3
    assert paged.singles == 1


def test_where_pins_may_not_be_read_no_task_is_taken_for_standing(world):
    items, refs = made(world, 3)
    pinned = replace(items[1].draft.contacts[0], is_pinned=True)
    bring(world, refs[1], replace(items[1].draft, contacts=(pinned,)), Field.PINS)
    world.simulator.fail_next("status", "POST .*/objects/contacts/batch/read", status=403)

    world.provider.update_tasks(retitled(items, refs))

    assert world.provider.fetch_task(refs[1]).holds[Field.PINS] == ()


def test_where_it_cannot_be_asked_for_many_each_is_asked_for_by_itself(world):
    items, refs = made(world, 3)
    world.simulator.fail_next("status", "POST .*/associations/.*/batch/read", status=500)
    since = len(world.simulator.log)

    outcomes = world.provider.update_tasks(retitled(items, refs))

    assert [one.error for one in outcomes] == [None] * 3
    assert [one["status"] for one in list(world.simulator.log)[since:]].count(500) == 1
    assert [world.held(item.key)[0]["title"] for item in items] == ["New 0", "New 1", "New 2"]
