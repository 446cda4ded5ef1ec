"""Looking for many keys at HubSpot: in how few requests, and what becomes of those that could not be asked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from providers.errors import RateLimited
from providers.http import Request, Response, Transport
from providers.hubspot.provider import HubSpot
from providers.tests.hubspot.test_provider import MODES, linked, requests, speaking
from providers.tests.worlds import new_key
from providers.types import NewTask

READ, SEARCH = "POST /crm/v3/objects/tasks/batch/read", "POST /crm/v3/objects/tasks/search"


GONE = {"category": "OBJECT_NOT_FOUND", "message": "", "context": {"ids": ["x"]}}
DOWN = Response(503, {}, b"{}")


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


@pytest.mark.parametrize(
    ("status", "body", "is_missing"),
    [
        (200, {"status": "COMPLETE", "results": []}, True),
        (207, {"status": "COMPLETE", "results": [], "errors": [GONE]}, True),
        (
            207,
            {"status": "COMPLETE", "results": [], "errors": [{**GONE, "category": "INTERNAL_ERROR"}]},
            False,
        ),
        (207, {"status": "COMPLETE", "results": [], "errors": [{"category": "INTERNAL_ERROR"}]}, False),
        (207, {"status": "COMPLETE", "results": [], "numErrors": 2}, False),
        (200, {"status": "PENDING", "results": []}, False),
        (200, {"status": "COMPLETE", "results": [{"properties": {}}]}, False),
        (200, {}, False),
        (503, {}, False),
        (404, {}, True),
    ],
)
def test_what_hubspot_could_not_read_is_not_taken_for_missing(world, status, body, is_missing):
    items = alone(world, 2)
    answer = Response(status, {}, json.dumps(body).encode())
    reads = Meddling(world.transports[0], lambda request: "/batch/read" in request.url, answer)

    outcomes = HubSpot(world.account, reads).find_tasks(items)

    assert [one.error is None for one in outcomes] == [is_missing] * 2
    assert found(outcomes) == [None, None]


def test_a_read_that_is_refused_for_one_key_is_asked_for_the_others(world):
    items = alone(world, 4)
    world.provider.create_tasks(items)
    bad = str(items[1].key)
    refused = Response(400, {}, json.dumps({"status": "error", "message": "Invalid input"}).encode())
    reads = Meddling(world.transports[0], lambda request: bad.encode() in (request.body or b""), refused)

    outcomes = HubSpot(world.account, reads).find_tasks(items)

    assert [type(one.error).__name__ for one in outcomes] == ["NoneType", "Rejected", "NoneType", "NoneType"]
    assert found(outcomes) == [None if n == 1 else str(item.key) for n, item in enumerate(items)]


@pytest.mark.parametrize("mode", ["ordinary property", "marker in the body"])
def test_a_contact_that_cannot_be_read_concerns_its_own_task_alone(world, mode):
    provider = speaking(world, MODES[mode])
    [one, *others] = items_of(world, 4)
    provider.create_tasks([*others, one])
    other = replace(one, draft=replace(one.draft, contacts=linked(world.ids["contacts"][1])))
    down = Meddling(world.transports[0], lambda request: f"/{world.ids['contacts'][1]}/" in request.url, DOWN)

    outcomes = HubSpot(provider.account, down).find_tasks([other, *others])

    assert [type(one.error).__name__ for one in outcomes] == ["Transient", *["NoneType"] * 3]
    assert found(outcomes)[1:] == [str(item.key) for item in others]


@pytest.mark.parametrize(
    ("mode", "asked"), [("unique property", 1), ("ordinary property", 2), ("marker in the body", 2)]
)
def test_a_vendor_that_is_down_is_not_asked_for_each(world, mode, asked):
    provider, items = speaking(world, MODES[mode]), items_of(world, 30)
    requests_made = []
    down = Meddling(world.transports[0], lambda request: requests_made.append(request.url) or True, DOWN)

    outcomes = HubSpot(provider.account, down).find_tasks(items)

    assert {type(one.error).__name__ for one in outcomes} == {"Transient"}
    assert len(requests_made) == asked


def test_one_that_was_found_and_cannot_be_read_leaves_the_others_what_they_are(world):
    provider = speaking(world, MODES["marker in the body"])
    items = alone(world, 5)
    refs = [one.task.ref.id for one in provider.create_tasks(items)]
    down = Meddling(world.transports[0], lambda request: f"/tasks/{refs[2]}" in request.url, DOWN)

    outcomes = HubSpot(provider.account, down).find_tasks(items)

    assert [type(one.error).__name__ for one in outcomes] == [
        "Transient" if n == 2 else "NoneType" for n in range(5)
    ]


def test_a_search_shows_what_was_deleted_a_moment_ago_and_it_is_not_found(world):
    provider = speaking(world, MODES["marker in the body"])
    items = alone(world, 5)
    refs = [one.task.ref for one in provider.create_tasks(items)]
    provider.delete_task(refs[2])

    outcomes = provider.find_tasks([replace(item) for item in items])

    assert found(outcomes) == [str(item.key) if n != 2 else None for n, item in enumerate(items)]
