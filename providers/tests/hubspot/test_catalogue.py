"""Every refusal that HubSpot documents, of every call: a named error, and a sentence that says what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from providers.errors import ProviderError
from providers.http import Response
from providers.hubspot.provider import HubSpot
from providers.tests.contract.test_strangers import ALIEN
from providers.tests.worlds import MADE_AT, new_key
from providers.types import (
    Account,
    Field,
    Linked,
    NewTask,
    Person,
    RecordKind,
    RemoteRef,
    TaskChange,
    TaskDraft,
)

REF = RemoteRef("9001")
DRAFT = TaskDraft(
    title="Call Grace",
    created_at=MADE_AT,
    due=datetime(2026, 12, 1, 9, 0, tzinfo=UTC),
    contacts=(Linked(RemoteRef("101"), label="decision_maker", is_pinned=True), Linked(RemoteRef("102"))),
    deals=(Linked(RemoteRef("303")),),
)
PLAIN = replace(DRAFT, contacts=(), deals=())
GRACE = Person("Grace", "Hopper", ("grace@client.example",), ("+12025550123",))
TITLE = frozenset({Field.TITLE})
CALLS = {
    "check": lambda hubspot: hubspot.check(),
    "prepare": lambda hubspot: hubspot.prepare(),
    "create": lambda hubspot: hubspot.create_task(PLAIN, key=new_key()),
    "create with a label and a pin": lambda hubspot: hubspot.create_task(DRAFT, key=new_key()),
    "update": lambda hubspot: hubspot.update_task(REF, DRAFT, changed=TITLE, key=new_key()),
    "update of everything": lambda hubspot: hubspot.update_task(
        REF, DRAFT, changed=frozenset(Field), key=new_key()
    ),
    "complete": lambda hubspot: hubspot.complete_task(REF, done_at=None),
    "reopen": lambda hubspot: hubspot.reopen_task(REF),
    "delete": lambda hubspot: hubspot.delete_task(REF),
    "fetch": lambda hubspot: hubspot.fetch_task(REF),
    "find": lambda hubspot: hubspot.find_task(new_key(), DRAFT),
    "list tasks": lambda hubspot: hubspot.list_tasks(),
    "list a contact's tasks": lambda hubspot: hubspot.list_tasks_of_contact(RemoteRef("101")),
    "list changed": lambda hubspot: hubspot.list_changed(MADE_AT),
    "list owners": lambda hubspot: hubspot.list_owners(),
    "list contacts": lambda hubspot: hubspot.list_contacts(),
    "resolve contact": lambda hubspot: hubspot.resolve_contact(GRACE),
    "create contact": lambda hubspot: hubspot.create_contact(GRACE, key=new_key()),
    "update contact": lambda hubspot: hubspot.update_contact(REF, GRACE),
    "fetch contact": lambda hubspot: hubspot.fetch_contact(REF),
    "find records": lambda hubspot: hubspot.find_records(RecordKind.DEAL, "compiler"),
    "exchange code": lambda hubspot: hubspot.exchange_code("c0de", redirect_uri="https://hub.example.com/"),
    "refresh tokens": lambda hubspot: hubspot.refresh_tokens(),
    "create batch": lambda hubspot: outcomes(
        hubspot.create_tasks([NewTask(PLAIN, new_key()), NewTask(DRAFT, new_key())])
    ),
    "update batch": lambda hubspot: outcomes(
        hubspot.update_tasks([TaskChange(RemoteRef(one), PLAIN, TITLE, new_key()) for one in "12"])
    ),
    "delete batch": lambda hubspot: outcomes(hubspot.delete_tasks([RemoteRef("1"), RemoteRef("2")])),
}


def outcomes(told):
    for one in told:
        if one.error is not None:
            raise one.error


class Always:
    """A HubSpot that has one answer to everything."""

    def __init__(self, status, body, headers=None):
        self.response = Response(status, headers or {}, body)

    def send(self, _request):
        return self.response


def hubspot(status, body, headers=None, **learned):
    account = Account(
        secrets={"access_token": "pat-x", "client_id": "c", "client_secret": "s", "refresh_token": "r"},
        learned={"key": "property", "key_is_unique": True, **learned},
    )
    return HubSpot(account, Always(status, body, headers))


def ended(call, provider):
    """How the call ended: with an error of ours, or with an answer. Anything else fails the test."""
    try:
        call(provider)
    except ProviderError as error:
        return error
    return None


def body(category="VALIDATION_ERROR", message="It is wrong.", **more):
    return {"status": "error", "message": message, "correlationId": "c-1", "category": category, **more}


LISTED = json.dumps(
    [{"isValid": False, "message": "no such option", "error": "INVALID_OPTION", "name": "hs_task_status"}]
)
SCOPES = [{"message": "m", "context": {"requiredGranularScopes": ["crm.objects.contacts.write"]}}]
RATE = {"status": "error", "message": "You have reached your limit.", "errorType": "RATE_LIMIT"}
# What HubSpot documents: status, body, and what must wait and what ends the wait (of a write, of a read).
DOCUMENTED = {
    "a due date is missing": (
        400,
        body(errors=[{"message": "hs_timestamp is required", "context": {"properties": ["hs_timestamp"]}}]),
        "rejected",
    ),
    "a value is no option": (400, body(message=f"Property values were not valid: {LISTED}"), "rejected"),
    "too many inputs": (400, body(message="The maximum number of inputs supported is 100."), "rejected"),
    "paging past ten thousand": (
        400,
        body(message="The query may be paged through 10000 results"),
        "rejected",
    ),
    "an id that comes twice": (400, body(message="Duplicate IDs found in batch input."), "rejected"),
    "a unique value that is taken": (400, body(message="9001 already has that value."), "conflict"),
    "our property is gone": (
        400,
        body(
            message='Property values were not valid: [{"name":"hub_task_key","error":"PROPERTY_DOESNT_EXIST"}]'
        ),
        "permanent",
    ),
    "a token that is wrong": (401, body("INVALID_AUTHENTICATION"), "unauthorized"),
    "a token that has expired": (401, body("EXPIRED_AUTHENTICATION"), "unauthorized"),
    "a scope is missing": (403, body("MISSING_SCOPES", errors=SCOPES), "forbidden"),
    "no such record": (404, body("OBJECT_NOT_FOUND"), "not_found"),
    "no such record, and nothing said": (404, None, "not_found"),
    "a contact that exists": (409, body("CONFLICT", "Contact already exists. Existing ID: 6001"), "conflict"),
    "an address that is too long": (414, None, "rejected"),
    "a form that is not taken": (415, body(message="HTTP 415 Unsupported Media Type"), "rejected"),
    "a record that is locked": (423, body("LOCKED"), ("unconfirmed", "transient")),
    "ten seconds": (429, {**RATE, "policyName": "TEN_SECONDLY_ROLLING"}, "rate_limited"),
    "a second of searches": (429, {**RATE, "policyName": "SECONDLY"}, "rate_limited"),
    "a day": (429, {**RATE, "policyName": "DAILY"}, "rate_limited"),
    "a rate in the older words": (429, body("RATE_LIMITS"), "rate_limited"),
    "an account on the move": (477, None, "rate_limited"),
    **{
        f"unwell {status}": (status, None, ("unconfirmed", "transient"))
        for status in (500, 502, 503, 504, 521, 522, 523, 524, 525, 526)
    },
}
GENERIC = (
    "refused the request (",
    "has no such record.",
    "reports a conflict.",
    "answered 4",
    "answered 5",
    "over its limit.",
)
REMEDIES = (
    "Correct them",
    "test the connection",
    "doctor --fix",
    "Give a new one",
    "to be refreshed",
    "by itself",
    "looks before",
    "only a person can restore",
    "has this already",
    "Shorten",
    "Report it",
    "lower the share",
    "Look for it again",
)


@pytest.mark.parametrize(("status", "told", "code"), DOCUMENTED.values(), ids=DOCUMENTED.keys())
def test_a_documented_refusal_has_its_name_and_a_sentence_that_says_what_to_do(status, told, code):
    answer = b"" if told is None else json.dumps(told).encode()
    write, read = code if isinstance(code, tuple) else (code, code)
    provider = hubspot(status, answer)

    for call, expected in (("complete", write), ("fetch", read)):
        error = ended(CALLS[call], provider)
        assert (error.code, error.status) == (expected, status)
        assert not any(words in error.detail for words in GENERIC)
        assert any(words in error.detail for words in REMEDIES)
        assert error.detail.endswith(".")
        if told:
            assert error.request_id == ("c-1" if "correlationId" in told else "")


TOKENS = {
    "code": (
        {"status": "BAD_AUTH_CODE", "message": "missing or unknown auth code"},
        "Connect the account again",
    ),
    "old code": ({"status": "EXPIRED_AUTH_CODE", "message": "code expired"}, "Connect the account again"),
    "refresh token": (
        {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"},
        "Connect the account again",
    ),
    "in the words of the standard": ({"error": "invalid_grant"}, "Connect the account again"),
    "as the document has it": (body(message="Invalid refresh token"), "Connect the account again"),
    "client": (
        {"status": "BAD_CLIENT_ID", "message": "missing or unknown client id"},
        "does not know the app",
    ),
    "client in the words of the standard": ({"error": "invalid_client"}, "does not know the app"),
    "address": (
        {"status": "BAD_REDIRECT_URI", "message": "redirect_uri does not fit"},
        "another redirect address",
    ),
}


@pytest.mark.parametrize(("told", "words"), TOKENS.values(), ids=TOKENS.keys())
@pytest.mark.parametrize("call", ["exchange code", "refresh tokens"])
def test_a_refusal_of_tokens_says_what_to_do(told, words, call):
    error = ended(CALLS[call], hubspot(400, json.dumps(told).encode()))

    assert error.code == "unauthorized"
    assert words in error.detail


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_no_status_of_any_call_is_anything_but_a_named_error(call):
    for status in range(400, 600):
        for told in (b"", b"<html>", json.dumps(body()).encode()):
            error = ended(call, hubspot(status, told))
            if error is not None:
                assert error.detail.endswith(".")
                assert "{" not in error.detail


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_documented_body_to_every_call_is_a_named_error(call):
    for status, told, _ in DOCUMENTED.values():
        error = ended(call, hubspot(status, b"" if told is None else json.dumps(told).encode()))
        if error is not None:
            assert not any(words in error.detail for words in GENERIC)


STRANGE = (
    *ALIEN,
    b'{"id": "1"}',
    b'{"id": "1", "properties": []}',
    b'{"id": "1", "properties": {"hs_timestamp": {}, "hs_task_reminders": "9e99;x", "hs_task_status": 5}}',
    b'{"id": "1", "properties": {"hs_timestamp": "99999999999999999999"}, "associations": []}',
    b'{"id": "1", "associations": {"contacts": {"results": [5, {"id": null}, {"type": 7}]}}}',
    b'{"id": {}, "results": [5, null, {}, {"id": null}, {"id": "1"}, {"toObjectId": 7, "associationTypes": [1]}]}',
    b'{"results": [{"id": "1", "properties": 5}], "paging": 5, "errors": 7}',
    b'{"results": [{"toObjectId": "1", "associationTypes": [{"typeId": "x"}]}], "paging": {"next": []}}',
    b'{"status": "error", "errors": "all", "context": 5, "message": {}}',
    b'{"status": "error", "errors": [5, {"context": 5, "message": 5}], "category": 5}',
    b'{"status": "COMPLETE", "results": [], "errors": [{"context": {"ids": 5, "objectWriteTraceId": {}}}]}',
    b'{"access_token": 5}',
    b'{"access_token": "t", "expires_in": "soon", "hub_id": []}',
    b'{"name": "hub_task_key", "hasUniqueValue": "yes"}',
)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("status", [200, 207, 400, 403, 409, 429])
def test_an_answer_that_nobody_promised_is_a_named_error_or_reads_as_little(call, status):
    for told in STRANGE:
        ended(call, hubspot(status, told))
