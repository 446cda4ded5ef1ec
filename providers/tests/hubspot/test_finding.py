"""Looking for many keys at HubSpot: in how few requests, and what becomes of those that could not be asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from providers.errors import RateLimited
from providers.http import Request, Response, Transport
from providers.hubspot.provider import HubSpot
from providers.tests.hubspot.test_provider import MODES, requests, speaking
from providers.tests.worlds import new_key
from providers.types import NewTask

READ, SEARCH = "POST /crm/v3/objects/tasks/batch/read", "POST /crm/v3/objects/tasks/search"
LINKS = "POST /crm/v4/associations/0-1/0-27/batch/read"


@dataclass
class Meddling:
    """A transport that answers some requests itself, without a word to HubSpot: by default as one above the rate."""

    inner: Transport
    is_meant: Callable[[Request], bool]
    answer: Response = Response(429, {}, b"{}")  # noqa: RUF009 — it never changes

    def send(self, request):
        return self.answer if self.is_meant(request) else self.inner.send(request)


def items_of(world, count, **changes):
    return [NewTask(world.draft(title=f"Task {n}", **changes), new_key()) for n in range(count)]


def alone(world, count):
    return items_of(world, count, contacts=(), companies=(), deals=(), tickets=())


def found(outcomes):
    return [one.task and one.task.key for one in outcomes]


@pytest.mark.parametrize("learned", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize("has_contact", [True, False])
def test_many_are_found_among_those_that_never_landed(world, learned, has_contact):
    provider = speaking(world, learned)
    items = items_of(world, 12) if has_contact else alone(world, 12)
    provider.create_tasks(items[::2])

    outcomes = provider.find_tasks(items)

    assert [one.error for one in outcomes] == [None] * 12
    assert found(outcomes) == [str(item.key) if n % 2 == 0 else None for n, item in enumerate(items)]


def test_a_hundred_that_landed_are_one_request_by_the_unique_property(world):
    items = alone(world, 100)
    world.provider.create_tasks(items)
    since = len(world.simulator.log)

    outcomes = world.provider.find_tasks(items)

    assert found(outcomes) == [str(item.key) for item in items]
    assert requests(world, since) == [READ]


@pytest.mark.parametrize(
    ("mode", "asked"),
    [
        ("unique property", [READ] + [SEARCH] * 5),
        ("ordinary property", [SEARCH] * 5),
        ("marker in the body", [SEARCH] * 4),
    ],
)
def test_twenty_that_did_not_land_are_a_few_searches(world, mode, asked):
    provider, since = speaking(world, MODES[mode]), len(world.simulator.log)

    outcomes = provider.find_tasks(alone(world, 20))

    assert found(outcomes) == [None] * 20
    assert requests(world, since) == asked


def test_the_tasks_of_many_contacts_are_listed_in_one_request(world):
    provider = speaking(world, MODES["ordinary property"])
    items = items_of(world, 20)
    provider.create_tasks(items)
    since = len(world.simulator.log)

    outcomes = provider.find_tasks(items)

    assert found(outcomes) == [str(item.key) for item in items]
    assert requests(world, since) == [LINKS, READ]


def test_tasks_older_than_the_property_are_found_beside_those_that_carry_it(world):
    old, new = alone(world, 6), alone(world, 6)
    speaking(world, MODES["marker in the body"]).create_tasks(old)
    world.provider.create_tasks(new)

    outcomes = world.provider.find_tasks([*old, *new])

    assert found(outcomes) == [str(item.key) for item in (*old, *new)]


def test_a_search_that_is_refused_leaves_the_others_what_they_were_told(world):
    landed, absent = alone(world, 2), alone(world, 9)
    world.provider.create_tasks(landed)
    searches = iter([False, True])
    second = Meddling(world.transports[0], lambda request: "/search" in request.url and next(searches))

    outcomes = HubSpot(world.account, second).find_tasks([*absent, *landed])

    assert found(outcomes[-2:]) == [str(item.key) for item in landed]
    assert [type(one.error) for one in outcomes] == [*[type(None)] * 4, *[RateLimited] * 5, *[type(None)] * 2]


@pytest.mark.parametrize(("category", "is_missing"), [("OBJECT_NOT_FOUND", True), ("INTERNAL_ERROR", False)])
def test_what_hubspot_could_not_read_is_not_taken_for_missing(world, category, is_missing):
    items = alone(world, 2)
    error = {"status": "error", "category": category, "message": "", "context": {"ids": [str(items[0].key)]}}
    answer = Response(207, {}, json.dumps({"status": "COMPLETE", "results": [], "errors": [error]}).encode())
    reads = Meddling(world.transports[0], lambda request: "/batch/read" in request.url, answer)

    outcomes = HubSpot(world.account, reads).find_tasks(items)

    assert [one.error is None for one in outcomes] == [is_missing] * 2
    assert found(outcomes) == [None, None]


def test_a_search_shows_what_was_deleted_a_moment_ago_and_it_is_not_found(world):
    provider = speaking(world, MODES["marker in the body"])
    items = alone(world, 5)
    refs = [one.task.ref for one in provider.create_tasks(items)]
    provider.delete_task(refs[2])

    outcomes = provider.find_tasks([replace(item) for item in items])

    assert found(outcomes) == [str(item.key) if n != 2 else None for n, item in enumerate(items)]
