"""Every refusal on LeadLex's pages, on every call the hub makes: a class of ours, and a sentence that says what to do."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from itertools import product

import pytest

from providers.errors import (
    Ambiguous,
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
    Unsupported,
)
from providers.http import Response
from providers.leadlex.provider import LeadLex
from providers.types import (
    Account,
    Field,
    HubKey,
    Linked,
    Person,
    RecordKind,
    RemoteRef,
    TaskDraft,
)

ONE = "aaaaaaaa-0000-4000-8000-000000000001"
TWO = "bbbbbbbb-0000-4000-8000-000000000002"
KEY = HubKey(uuid.UUID(ONE))
REF = RemoteRef(ONE)
GRACE = Person("Grace", "Hopper", ("grace@client.example",), ("+12025550123",))
DRAFT = TaskDraft("Call Grace", datetime(2026, 11, 20, tzinfo=UTC), contacts=(Linked(REF),))
SECRET = "wbk_live_the_key_of_this_workspace"

READS = {
    "check": lambda one: one.check(),
    "fetch a task": lambda one: one.fetch_task(REF),
    "find a task": lambda one: one.find_task(KEY, DRAFT),
    "list tasks": lambda one: one.list_tasks(),
    "list a contact's tasks": lambda one: one.list_tasks_of_contact(REF),
    "list owners": lambda one: one.list_owners(),
    "resolve a contact": lambda one: one.resolve_contact(GRACE),
    "fetch a contact": lambda one: one.fetch_contact(REF),
    "list contacts": lambda one: one.list_contacts(),
    "find companies": lambda one: one.find_records(RecordKind.COMPANY, "Mills"),
    "find deals": lambda one: one.find_records(RecordKind.DEAL, "New"),
}
WRITES = {
    "create a task": lambda one: one.create_task(DRAFT, key=KEY),
    "update a task": lambda one: one.update_task(REF, DRAFT, changed=frozenset({Field.TITLE}), key=KEY),
    "complete a task": lambda one: one.complete_task(REF, done_at=None),
    "reopen a task": lambda one: one.reopen_task(REF),
    "delete a task": lambda one: one.delete_task(REF),
    "create a contact": lambda one: one.create_contact(GRACE, key=KEY),
    "update a contact": lambda one: one.update_contact(REF, GRACE),
}
CALLS = {**READS, **WRITES, "prepare": lambda one: one.prepare()}


def error(code, message, **details):
    return {"error": {"code": code, "message": message, **({"details": details} if details else {})}}


ORPHAN = "At least one parent link (contact_id, company_id, deal_id, or event_id) is required"
# Status, body, what it means, and what its sentence tells staff to do.
DOCUMENTED = {
    "missing title": (
        400,
        error("validation_error", "title is required", fields={"title": "Required"}),
        Rejected,
        "Correct them and save again",
    ),
    "orphan": (400, error("validation_error", ORPHAN), Rejected, "Add one to the task"),
    "bad filter": (
        400,
        error("validation_error", "per_page: Out of range"),
        Rejected,
        "Correct them and save again",
    ),
    "not unique": (
        400,
        error("validation_error", "A list with this name already exists", fields={"name": "Must be unique"}),
        Rejected,
        "Correct them and save again",
    ),
    "ambiguous name": (
        400,
        error("ambiguous_reference", f"contact_name matches {ONE}, {TWO}"),
        Ambiguous,
        "Choose the one that is meant",
    ),
    "wrong key": (401, error("invalid_key", "Invalid API key"), Unauthorized, "put a new one in"),
    "expired key": (401, error("invalid_key", "API key expired"), Unauthorized, "put a new one in"),
    "no credits": (
        402,
        error("insufficient_credits", "Not enough credits"),
        Permanent,
        "Buy some there",
    ),
    "missing permission": (
        403,
        error("insufficient_permissions", "Missing activities:write permission"),
        Forbidden,
        "Make a key with it there",
    ),
    "missing or foreign": (404, error("not_found", "Task not found"), NotFound, "deleted or merged"),
    "no match": (409, error("no_match", "No match found"), Conflict, "Look there"),
    "sync in progress": (409, error("sync_in_progress", "A sync is running"), Conflict, "Look there"),
    "too large": (413, error("payload_too_large", "File exceeds 20 MB"), Rejected, "Shorten the text"),
    "quota": (429, error("rate_limited", "Rate limit exceeded"), RateLimited, "goes on"),
}
GENERIC = ("refused the request (", "does not allow this with our credentials", "has no such record:")


class Answering:
    """A transport on which the vendor answers everything alike."""

    def __init__(self, status, body=None, **headers):
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.response = Response(status, headers, content)

    def send(self, request):
        return self.response


def raised(ask, status, body=None, **headers):
    """Return what a call raises when the vendor answers like this, None when it is content."""
    provider = LeadLex(Account(secrets={"api_key": SECRET}), Answering(status, body, **headers))
    try:
        ask(provider)
    except ProviderError as found:
        return found
    return None


@pytest.mark.parametrize("case", DOCUMENTED)
def test_a_documented_refusal_has_its_class_and_a_sentence_that_helps(case):
    status, body, kind, helps = DOCUMENTED[case]

    for name, ask in {**READS, **WRITES}.items():
        found = raised(ask, status, body)

        assert type(found) is kind, name
        assert helps in found.detail, name
        assert not any(words in found.detail for words in GENERIC), name
        assert found.status == status, name


def test_the_research_that_took_too_long_is_the_one_5xx_on_the_pages():
    body = error("research_timeout", "Research took too long")

    assert type(raised(READS["fetch a task"], 504, body)) is Transient
    assert type(raised(WRITES["create a task"], 504, body)) is Unconfirmed


BODIES = {
    "nothing": None,
    "the envelope": error("something_new", "Words"),
    "plain text": b"Internal Server Error",
    "a web page": b"<html><body>Bad gateway</body></html>",
    "half a document": b'{"error": {"code": "valid',
    "a list": [],
    "an error that is a text": {"error": "no"},
    "details of another kind": {"error": {"code": 7, "message": ["a"], "details": "x"}},
    "fields of another kind": error("validation_error", "x", fields=["title"]),
    "candidates of another kind": error("ambiguous_reference", "x", candidates=[None, 7, {"id": None}]),
    "not unicode": b"\xff\xfe{",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_status_and_no_body_makes_anything_but_an_error_of_ours(body):
    for name, status in product(CALLS, range(400, 600)):
        found = raised(CALLS[name], status, body)

        assert found is not None or name == "prepare", (name, status)
        assert found is None or found.detail, (name, status)


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 200, 201, 204])
def test_a_write_without_a_verdict_may_have_landed(name, status):
    body = b"<html>" if status < 300 else b"Internal Server Error"

    assert type(raised(WRITES[name], status, body)) is Unconfirmed


@pytest.mark.parametrize("name", READS)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 200])
def test_a_read_without_a_verdict_is_asked_again(name, status):
    assert type(raised(READS[name], status, b"<html>")) is Transient


@pytest.mark.parametrize("name", WRITES)
def test_a_call_that_is_not_there_is_said_so(name):
    found = raised(WRITES[name], 405, error("method_not_allowed", "Method not allowed"))

    assert type(found) is Unsupported
    assert "by hand" in found.detail


@pytest.mark.parametrize("case", DOCUMENTED)
def test_a_documented_error_around_a_good_status_is_an_error(case):
    _status, body, kind, _helps = DOCUMENTED[case]

    for ask in [*READS.values(), *WRITES.values()]:
        assert isinstance(raised(ask, 200, body), (kind, Rejected))


@pytest.mark.parametrize("reset", ["", "soon", "²", "-1", "1.5", "9" * 5000, "1e9", " 7", str(2**70), "0"])
def test_a_quota_header_of_any_kind_makes_a_wait_of_at_most_an_hour(reset):
    found = raised(CALLS["list owners"], 429, **{"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})

    assert 1.0 <= found.retry_after <= 3600.0


@pytest.mark.parametrize("reset", ["", "²", "9" * 5000, str(10**15), "-1"])
def test_check_survives_quota_headers_of_any_kind(reset):
    headers = {"x-ratelimit-remaining": "x", "x-ratelimit-limit": "y", "x-ratelimit-reset": reset}
    provider = LeadLex(
        Account(secrets={"api_key": SECRET}), Answering(200, {"data": {"users": []}}, **headers)
    )

    assert provider.check().limits == ("x of y calls left",)


def test_a_request_id_is_kept_with_a_refusal():
    found = raised(WRITES["create a task"], 400, error("validation_error", "x"), **{"x-request-id": "req_7"})

    assert found.request_id == "req_7"
