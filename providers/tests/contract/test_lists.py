"""Reading what a CRM holds, page by page: nothing is skipped, once per vendor that can be asked."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from providers.capabilities import Level, Operation
from providers.errors import Unsupported
from providers.tests.worlds import World, new_key
from providers.types import Canonical, Field, HubKey, Page, RemoteRef, canonical

MORE_THAN_A_PAGE = 105  # no vendor's page holds more than a hundred


def able_to(world: World, operation: Operation) -> None:
    claim = world.capabilities.operations[operation]
    if not claim.holds:
        pytest.skip(claim.note)


def all_of(page_at: Callable[[str | None], Page[Any]]) -> Iterator[Any]:
    """Return every item of a listing. A listing that does not end fails."""
    cursor = None
    for _ in range(100):
        page = page_at(cursor)
        yield from page.items
        if page.cursor is None:
            return
        cursor = page.cursor
    raise AssertionError("the listing does not end")


def made(world: World, count: int) -> list[str]:
    """Create tasks with time enough between them for any limit; return their ids."""
    ids = []
    for number in range(count):
        if number % 5 == 0:
            world.simulator.move_clock(30)
        ids.append(world.create(world.draft(title=f"Call Grace, {number}")).ref.id)
    world.simulator.move_clock(world.capabilities.find_lag.total_seconds() + 60)
    return ids


def test_a_listing_names_every_live_task(world):
    able_to(world, Operation.LIST_TASKS)
    ids = made(world, MORE_THAN_A_PAGE)
    world.provider.delete_task(world.provider.fetch_task(RemoteRef(ids[0], parent(world))).ref)
    world.simulator.move_clock(world.capabilities.find_lag.total_seconds() + 60)

    listed = [task.ref.id for task in all_of(world.provider.list_tasks)]

    assert set(listed) == set(ids[1:])


def test_a_listed_task_is_told_as_a_fetched_one(world):
    able_to(world, Operation.LIST_TASKS)
    [id_] = made(world, 1)

    [listed] = all_of(world.provider.list_tasks)

    fetched = world.provider.fetch_task(listed.ref)
    assert listed.ref == fetched.ref
    assert {name: fetched.holds[name] for name in listed.holds if name in fetched.holds} == listed.holds
    assert (listed.ref.id, listed.key) == (id_, fetched.key)


def test_a_listed_task_tells_the_key_that_lies_on_it(world):
    able_to(world, Operation.LIST_TASKS)
    keys = [HubKey(uuid.uuid4(), generation) for generation in (1, 2, 12)]
    made_under = {world.create(key=key).ref.id: key for key in keys}
    world.simulator.move_clock(world.capabilities.find_lag.total_seconds() + 60)

    listed = {task.ref.id: HubKey.read(task.key) for task in all_of(world.provider.list_tasks)}

    assert listed == made_under


def test_what_a_listing_tells_of_a_task_is_what_was_asked_for(world):
    able_to(world, Operation.LIST_TASKS)
    draft = world.draft()
    world.create(draft)
    world.simulator.move_clock(world.capabilities.find_lag.total_seconds() + 60)

    [listed] = all_of(world.provider.list_tasks)

    asked = canonical(draft)
    held = [
        name
        for name, support in world.capabilities.fields.items()
        if support.level is Level.FULL and name in listed.holds
    ]
    assert Field.TITLE in listed.holds
    assert {name: plain(listed.holds[name]) for name in held} == {name: plain(asked[name]) for name in held}


def plain(value: Canonical) -> Canonical:
    """Return the value without what a CRM may add or take from it: blanks at the end of a text."""
    return value.strip() if isinstance(value, str) else value


def test_an_empty_account_lists_nothing(world):
    able_to(world, Operation.LIST_TASKS)

    assert list(all_of(world.provider.list_tasks)) == []


def test_a_contacts_tasks_are_listed_and_no_others(world):
    able_to(world, Operation.LIST_TASKS_OF_CONTACT)
    grace, edith = (RemoteRef(one) for one in world.ids["contacts"])
    # A vendor that links a task to one record only would file these under the deal.
    hers = world.create(world.draft(deals=())).ref.id
    world.create(world.draft(deals=(), contacts=world.linked("contacts", most=2)[1:]))
    world.simulator.move_clock(world.capabilities.find_lag.total_seconds() + 60)

    listed = [
        task.ref.id for task in all_of(lambda cursor: world.provider.list_tasks_of_contact(grace, cursor))
    ]
    others = [
        task.ref.id for task in all_of(lambda cursor: world.provider.list_tasks_of_contact(edith, cursor))
    ]

    assert listed == [hers]
    assert hers not in others
    assert len(others) == 1


def test_changes_are_listed_from_a_moment_on_oldest_first(world):
    able_to(world, Operation.LIST_CHANGED)
    first, second, third = made(world, 3)
    since = world.simulator.now() - timedelta(seconds=1)
    for id_ in (third, first):
        world.simulator.move_clock(90)
        task = world.provider.fetch_task(RemoteRef(id_, parent(world)))
        world.provider.update_task(
            task.ref, world.draft(title=f"Changed {id_}"), changed=frozenset({Field.TITLE}), key=new_key()
        )
    world.simulator.move_clock(world.capabilities.find_lag.total_seconds() + 60)

    listed = [task.ref.id for task in all_of(lambda cursor: world.provider.list_changed(since, cursor))]

    assert list(dict.fromkeys(listed)) == [third, first]
    assert second not in listed


def test_every_contact_is_listed(world):
    able_to(world, Operation.LIST_CONTACTS)

    listed = [contact.ref.id for contact in all_of(world.provider.list_contacts)]

    assert set(listed) >= set(world.ids["contacts"])


@pytest.mark.parametrize(
    ("operation", "ask"),
    [
        (Operation.LIST_TASKS, lambda one: one.list_tasks()),
        (Operation.LIST_TASKS_OF_CONTACT, lambda one: one.list_tasks_of_contact(RemoteRef("1"))),
        (Operation.LIST_CHANGED, lambda one: one.list_changed(one.now)),
        (Operation.LIST_CONTACTS, lambda one: one.list_contacts()),
    ],
)
def test_what_is_not_claimed_is_refused_before_any_call(world, operation, ask):
    if world.capabilities.can(operation):
        pytest.skip("it is claimed")
    world.provider.now = world.simulator.now()
    before = len(world.simulator.log)

    with pytest.raises(Unsupported):
        ask(world.provider)

    assert len(world.simulator.log) == before


def parent(world: World) -> str:
    """Return the id that this vendor files the tasks of these tests under, "" where it files them nowhere."""
    return world.ids["contacts"][0] if world.capabilities.filed_under is not None else ""
