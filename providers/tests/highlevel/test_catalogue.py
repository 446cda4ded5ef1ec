"""Every documented refusal of every call has a sentence of its own, and no answer at all is more than a `ProviderError`."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.error_cases import Answer, classify
from providers.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    ProviderError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.highlevel.error_cases import CASES, VENDOR, WrongLocation
from providers.highlevel.provider import HighLevel
from providers.http import Request, Response
from providers.simulator.server import Reply
from providers.types import Account, Field, HubKey, Linked, Person, RemoteRef, TaskDraft


def body(status, message, **more):
    return {"statusCode": status, "message": message, **more}


# Status, body, what it means for the hub, and what the sentence tells staff to do. The first block stands in the OpenAPI documents (both
# versions), the second was recorded or reported; the sources are with the rows in `error_cases.py`.
DOCUMENTED = [
    (400, body(400, "Bad Request"), Rejected, "save again"),
    (
        401,
        body(401, "Invalid token: access token is invalid", error="Unauthorized"),
        Unauthorized,
        "let the app in",
    ),
    (422, body(422, ["Unprocessable Entity"], error="Unprocessable Entity"), Rejected, "save again"),
    (
        403,
        body(403, "You do not have permission to access this resource", error="Forbidden"),
        Forbidden,
        "scopes",
    ),
    (
        404,
        body(404, "Conversation id, contact id, workflow id, or campaign id not given"),
        NotFound,
        "deleted there",
    ),
    (400, body(400, "Invalid parameter: grantType"), Permanent, "API version"),
    (400, body(400, "Missing parameter: clientId"), Unauthorized, "client id"),
    (400, body(400, "Invalid grant: refresh token is invalid"), Unauthorized, "let the app in again"),
    (400, body(400, "Location is not active"), Transient, "goes on when"),
    (400, body(400, "Invalid parameter: refreshToken"), Unauthorized, "let the app in again"),
    (429, body(429, "Too Many Requests"), RateLimited, "goes on by itself"),
    # Recorded and reported
    (400, body(400, "Contact not found for id: CON1", error="Bad Request"), NotFound, "deleted or merged"),
    (400, body(400, "Contact with id tasks not found"), NotFound, "deleted or merged"),
    (
        400,
        body(400, "This location does not allow duplicated contacts.", meta={"contactId": "CON1"}),
        Conflict,
        "Use that one",
    ),
    (400, body(400, "Endpoint /contacts/ not available in API version v3."), Permanent, "Choose 2021-07-28"),
    (
        401,
        body(401, "Invalid Private Integration token", error="Unauthorized"),
        Unauthorized,
        "new private integration",
    ),
    (401, body(401, "The token is not authorized for this scope."), Forbidden, "Tick it"),
    (
        401,
        body(401, "This AuthClass is not yet supported to access this endpoint"),
        Unauthorized,
        "is needed",
    ),
    (401, body(401, "version header was not found."), Unauthorized, "Choose 2021-07-28"),
    (401, body(401, "The user does not exist."), Rejected, "Give the task to somebody"),
    (
        403,
        body(403, "The token does not have access to this location.", error="Forbidden"),
        WrongLocation,
        "Give the",
    ),
    (404, body(404, "Cannot POST /contacts/CON1/task", error="Not Found"), Permanent, "Check the address"),
    (
        422,
        body(422, ["property companyId should not exist"], error="Unprocessable Entity"),
        Rejected,
        "save again",
    ),
]


def named(case):
    return f"{case[0]}: {case[1]['message']}"


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("case", DOCUMENTED, ids=named)
def test_a_documented_refusal_has_a_sentence_that_says_what_to_do(case, writes):
    status, said, kind, remedy = case
    answer = Answer(status, {}, said)

    error = classify(answer, CASES, vendor=VENDOR, writes=writes)

    assert type(error) is kind
    assert remedy in error.detail
    assert error.detail.endswith(".")
    assert error.detail != classify(answer, (), vendor=VENDOR, writes=writes).detail


# Every operation


@dataclass
class Says:
    """A way to a vendor who answers everything alike."""

    status: int
    content: bytes

    def send(self, request: Request) -> Response:
        """Answer."""
        return Response(self.status, {}, self.content)


REF = RemoteRef("TSK1", "CON1")
KEY = HubKey(uuid.UUID(int=7))
DRAFT = TaskDraft("Call Grace", datetime(2026, 11, 22, tzinfo=UTC), contacts=(Linked(RemoteRef("CON1")),))
GRACE = Person("Grace", "Hopper", ("grace@client.example",), ("+12025550123",))
ACCOUNT = Account(
    secrets={"token": "pit-1", "client_id": "C", "client_secret": "S", "refresh_token": "R"},
    settings={"location_id": "LOC1"},
)
CALLS: dict[str, Any] = {
    "check": lambda one: one.check(),
    "prepare": lambda one: one.prepare(),
    "create_task": lambda one: one.create_task(DRAFT, key=KEY),
    "update_task": lambda one: one.update_task(REF, DRAFT, changed=frozenset(Field), key=KEY),
    "complete_task": lambda one: one.complete_task(REF, done_at=None),
    "reopen_task": lambda one: one.reopen_task(REF),
    "delete_task": lambda one: one.delete_task(REF),
    "fetch_task": lambda one: one.fetch_task(REF),
    "fetch_task by id": lambda one: one.fetch_task(RemoteRef("TSK1")),
    "find_task": lambda one: one.find_task(KEY, DRAFT),
    "list_tasks": lambda one: one.list_tasks(),
    "list_tasks_of_contact": lambda one: one.list_tasks_of_contact(RemoteRef("CON1")),
    "list_contacts": lambda one: one.list_contacts(),
    "list_owners": lambda one: one.list_owners(),
    "resolve_contact": lambda one: one.resolve_contact(GRACE),
    "create_contact": lambda one: one.create_contact(GRACE, key=KEY),
    "update_contact": lambda one: one.update_contact(RemoteRef("CON1"), GRACE),
    "fetch_contact": lambda one: one.fetch_contact(RemoteRef("CON1")),
    "exchange_code": lambda one: one.exchange_code("code-1", redirect_uri="https://hub.example/"),
    "refresh_tokens": lambda one: one.refresh_tokens(),
}
WRITES = frozenset(CALLS) & {
    "create_task",
    "update_task",
    "complete_task",
    "reopen_task",
    "delete_task",
    "create_contact",
    "update_contact",
    "exchange_code",
    "refresh_tokens",
}
BODIES = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"message": null}',
    b'{"message": [1, null]}',
    b'{"message": {"a": 1}, "meta": [], "statusCode": "x"}',
    b'{"error": {"code": "INVALID_ARGUMENT", "message": "pageSize is too large", "details": []}}',
    b"<html><h1>Bad gateway</h1></html>",
    b'{"message": "\xff',
]
# A look for a task of ours and the zone of the account have an answer without the scope, or when a contact is gone.
MAY_SAY_NO = ("find_task", "prepare")


def outcome(call, status, content):
    try:
        CALLS[call](HighLevel(ACCOUNT, Says(status, content)))
    except ProviderError as error:
        return error
    return None


@pytest.mark.parametrize("call", CALLS)
def test_every_status_with_every_body_is_an_error_in_words_on_every_call(call):
    for status in range(400, 600):
        for content in BODIES:
            error = outcome(call, status, content)

            if error is None:
                assert call in MAY_SAY_NO, (status, content)
                continue
            assert error.detail.endswith("."), (status, content)
            assert not set("{}<>\n") & set(error.detail), (status, content)
            if status >= 500 and call in WRITES:
                assert isinstance(error, Unconfirmed), (status, content)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("case", DOCUMENTED, ids=named)
def test_a_documented_refusal_is_no_generic_one_on_any_call(call, case):
    status, said, *_ = case

    error = outcome(call, status, json.dumps(said).encode())

    if error is None:
        assert call in MAY_SAY_NO
        return
    generic = classify(Answer(status, {}, said), (), vendor=VENDOR, writes=call in WRITES)
    assert error.detail != generic.detail


@pytest.mark.parametrize("status", [200, 201, 202, 204, 301, 302, 304])
@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_answer_raises_nothing_else_either(call, status):
    for content in (
        *BODIES,
        b'{"task": {}}',
        b'{"tasks": [1, null, {}]}',
        b'{"contacts": [{}, 7]}',
        b'{"users": [{}]}',
    ):
        outcome(call, status, content)


# What a rate limit says


@pytest.mark.parametrize("tells_wait", [True, False])
def test_over_the_burst_limit_the_account_rests_until_the_window_is_over(world, tells_wait):
    world.simulator.tells_wait = tells_wait
    world.simulator.fail_next("rate_limited", seconds=10)

    with pytest.raises(RateLimited, match="too many requests in too short a time") as caught:
        world.provider.list_owners()

    assert caught.value.retry_after == 10


def test_over_the_days_limit_the_account_rests_longer(world):
    used_up = replace(world.simulator.limits[1], calls=0)
    world.simulator.refusal = lambda _status: world.simulator.throttled(used_up, 1800.0)
    world.simulator.tells_wait = False
    world.simulator.fail_next("status", status=429)

    with pytest.raises(RateLimited, match="today's requests are used up") as caught:
        world.provider.list_owners()

    assert caught.value.retry_after == 1800


def test_a_refusal_in_the_envelope_of_the_newer_calls_is_read(world):
    refused = {
        "error": {
            "code": "INVALID_ARGUMENT",
            "message": "pageSize is too large",
            "resolution": "Ask for less",
        }
    }
    world.simulator.refusal = lambda _status: Reply(400, refused)
    world.simulator.fail_next("status", status=400)

    with pytest.raises(Rejected, match="pageSize is too large"):
        world.provider.list_owners()
