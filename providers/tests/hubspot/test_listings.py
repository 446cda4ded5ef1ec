"""HubSpot's listings: pages, and changes beyond what one search shows."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from providers.errors import NotFound, Permanent, RateLimited, Rejected
from providers.http import Response
from providers.hubspot.provider import HubSpot
from providers.hubspot.simulator import HubSpotSimulator
from providers.tests.contract.test_lists import all_of
from providers.tests.worlds import new_key
from providers.types import Field, NewTask, RemoteRef


@pytest.fixture
def simulator():
    """A portal of which one search shows three hundred results at most."""
    return HubSpotSimulator(search_shows=300)


def made(world, count):
    alone = world.draft(contacts=(), companies=(), deals=(), tickets=())
    ids = []
    for start in range(0, count, 100):
        items = [NewTask(alone, new_key()) for _ in range(start, min(start + 100, count))]
        ids += [one.task.ref.id for one in world.provider.create_tasks(items)]
    return ids


def changed(world, since):
    def page(cursor):
        world.simulator.move_clock(1)  # five searches a second are all that HubSpot allows
        return world.provider.list_changed(since, cursor)

    return [task.ref.id for task in all_of(page)]


def at(world, ids, moment):
    for id_ in ids:
        world.simulator.records.held["0-27", id_].updated_at = moment


def test_changes_are_read_beyond_what_one_search_shows(world):
    since, ids = world.simulator.now(), made(world, 700)
    for number, id_ in enumerate(ids):
        at(world, [id_], since + timedelta(milliseconds=number))

    listed = changed(world, since)

    assert list(dict.fromkeys(listed)) == ids


def test_more_changes_in_one_moment_than_a_search_shows_are_all_read(world):
    since = world.simulator.now()
    before, crowd, after = made(world, 1), made(world, 450), made(world, 1)
    for number, ids in enumerate((before, crowd, after)):
        at(world, ids, since + timedelta(seconds=number))

    listed = changed(world, since)

    assert set(listed) == {*before, *crowd, *after}
    assert listed[0] == before[0]
    assert listed[-1] == after[0]


def test_a_task_that_changes_between_two_pages_moves_no_other_past_them(world):
    since, ids = world.simulator.now(), made(world, 250)
    for number, id_ in enumerate(ids):
        at(world, [id_], since + timedelta(milliseconds=number))
    first = world.provider.list_changed(since)
    at(world, ids[:40], since + timedelta(hours=1))

    rest = all_of(lambda cursor: world.provider.list_changed(since, cursor or first.cursor))

    assert {task.ref.id for task in (*first.items, *rest)} == set(ids)


def test_what_changed_before_the_moment_is_not_listed(world):
    since, (old, new) = world.simulator.now(), made(world, 2)
    at(world, [old], since - timedelta(milliseconds=1))
    at(world, [new], since + timedelta(milliseconds=1))

    assert changed(world, since) == [new]


def test_what_search_does_not_know_yet_is_listed_later(world):
    since = world.simulator.now()
    world.simulator.find_lag = 10.0
    ids = made(world, 1)

    assert changed(world, since) == []
    world.simulator.move_clock(11)
    assert changed(world, since) == ids


@pytest.mark.parametrize("cursor", ["soon", "12/x", "-1", "1/2/3", "²"])
def test_a_cursor_that_is_none_of_ours_is_refused_before_any_call(world, cursor):
    before = len(world.simulator.log)

    with pytest.raises(Rejected):
        world.provider.list_changed(world.simulator.now(), cursor)

    assert len(world.simulator.log) == before


class Endless:
    """A HubSpot that finds more and more, page after page."""

    def __init__(self):
        self.pages = 0

    def send(self, request):
        self.pages += 1
        found = [{"id": str(self.pages * 1000 + n), "properties": {}} for n in range(200)]
        body = {"total": 10**6, "results": found, "paging": {"next": {"after": str(self.pages * 200)}}}
        return Response(200, {}, json.dumps(body).encode())


def test_a_look_among_more_than_hubspot_shows_is_not_a_no(world):
    endless = Endless()
    account = replace(world.account, learned={"key": "none", "key_is_unique": False})

    with pytest.raises(Permanent, match="more than the 10000 tasks"):
        HubSpot(account, endless).find_task(
            new_key(), world.draft(contacts=(), companies=(), deals=(), tickets=())
        )

    assert endless.pages == 50


def test_a_page_has_a_hundred_tasks_with_their_associations(world):
    tasks = [one.task.ref.id for one in world.provider.create_tasks([NewTask(world.draft(), new_key())] * 1)]
    others = made(world, 120)

    page = world.provider.list_tasks()

    assert len(page.items) == 100
    assert page.items[0].ref.id == tasks[0]
    assert page.items[0].holds[Field.CONTACTS] == (world.ids["contacts"][0],)
    assert page.items[1].holds[Field.CONTACTS] == ()
    assert [task.ref.id for task in world.provider.list_tasks(page.cursor).items] == others[99:]


def test_a_contact_with_more_tasks_than_a_page_is_listed_to_the_end(world):
    grace = RemoteRef(world.ids["contacts"][0])
    items = [NewTask(world.draft(), new_key()) for _ in range(230)]
    ids = [one.task.ref.id for one in world.provider.create_tasks(items)]
    world.provider.delete_task(RemoteRef(ids[5]))

    listed = [
        task.ref.id for task in all_of(lambda cursor: world.provider.list_tasks_of_contact(grace, cursor))
    ]

    assert sorted(listed) == sorted(set(ids) - {ids[5]})
    assert len(listed) == len(set(listed))


def test_the_tasks_of_a_contact_that_is_gone_are_not_found(world):
    with pytest.raises(NotFound):
        world.provider.list_tasks_of_contact(RemoteRef("12"))


def test_the_tasks_of_a_merged_contact_are_those_of_the_survivor(world, ask):
    grace, edith = world.ids["contacts"]
    mine = world.create().ref.id
    ask("POST", "/crm/v3/objects/contacts/merge", {"primaryObjectId": edith, "objectIdToMerge": grace})

    [listed] = world.provider.list_tasks_of_contact(RemoteRef(grace)).items

    assert listed.ref.id == mine


def test_contacts_are_listed_to_the_last_page(world):
    people = [{"first_name": f"P{n}", "email": f"p{n}@client.example"} for n in range(150)]
    ids = world.simulator.seed({"contacts": people})["contacts"]

    listed = list(all_of(world.provider.list_contacts))

    assert [one.ref.id for one in listed] == [*world.ids["contacts"], *ids]
    assert listed[2].person.first_name == "P0"


@pytest.mark.parametrize("listing", ["list_tasks", "list_contacts"])
def test_a_listing_over_the_limit_waits(world, listing):
    world.simulator.fail_next("rate_limited")

    with pytest.raises(RateLimited):
        getattr(world.provider, listing)()
