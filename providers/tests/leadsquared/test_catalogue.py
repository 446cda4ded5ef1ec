"""Every error that LeadSquared documents, and every status of every call: a class, a sentence and something to do."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import pytest

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
from providers.http import Response
from providers.leadsquared.provider import LeadSquared
from providers.tests.worlds import new_key
from providers.types import Account, Field, Linked, NewTask, Person, RemoteRef, TaskDraft

ACCOUNT = Account(
    secrets={"access_key": "u$r0001", "secret_key": "s3cret-0001"},
    learned={"user_id": "1", "account_id": "61234", "user_email": "admin@crm.example"},
)
DRAFT = TaskDraft(
    "Call Grace",
    datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
    due=date(2026, 12, 1),
    contacts=(Linked(RemoteRef("grace")),),
)
GRACE = Person("Grace", "Hopper", ("grace@client.example",), ("+12025550123",))
WRITES = {
    "create_task": lambda one: one.create_task(DRAFT, key=new_key()),
    "update_task": lambda one: one.update_task(
        RemoteRef("7"), DRAFT, changed=frozenset({Field.TITLE}), key=new_key()
    ),
    "complete_task": lambda one: one.complete_task(RemoteRef("7"), done_at=None),
    "delete_task": lambda one: one.delete_task(RemoteRef("7")),
    "create_contact": lambda one: one.create_contact(GRACE, key=new_key()),
    "update_contact": lambda one: one.update_contact(RemoteRef("7"), GRACE),
    "create_tasks_in_bulk": lambda one: one.create_tasks_in_bulk([NewTask(DRAFT, new_key())]),
    "create_or_update_contact": lambda one: one.create_or_update_contact(GRACE),
}
READS = {
    "check": lambda one: one.check(),
    "prepare": lambda one: one.prepare(),
    "fetch_task": lambda one: one.fetch_task(RemoteRef("7")),
    "find_task": lambda one: one.find_task(new_key(), DRAFT),
    "list_tasks": lambda one: one.list_tasks(),
    "list_tasks_of_contact": lambda one: one.list_tasks_of_contact(RemoteRef("7")),
    "list_owners": lambda one: one.list_owners(),
    "resolve_contact": lambda one: one.resolve_contact(GRACE),
    "fetch_contact": lambda one: one.fetch_contact(RemoteRef("7")),
    "list_contacts": lambda one: one.list_contacts(),
}
CALLS = {**WRITES, **READS}
# Sentences of the table that serves every vendor: right where a vendor is silent, too little where it is not.
GENERIC = re.compile(
    r"refused the request \(|answered \d{3}|does not accept the credentials|with our credentials|reports a conflict|such record"
)
# What the five pages of `Task.svc` and the page on errors document, with the words that they print.
DOCUMENTED = {
    400: ("", "The message body on the request is not as per API specification."),
    401: ("MXUnAuthorizedAccessException", "The API call was made with invalid access credentials."),
    404: ("", "The API could not be found. Please check the API signature."),
    429: ("MXAPIRateLimitExceededException", "API calls exceeded the limit of 25 in 5 second(s)"),
    500: ("Exception", "The API called failed."),
}
SEEN = {
    "MXMandatoryAttributeMissingException": Rejected,
    "MXDuplicateEntryException": Conflict,
    "MXInvalidInputException": Rejected,
    "MXUnknownAttributeException": Rejected,
    "MXInvalidFieldException": Rejected,
    "MXInvalidLeadException": Rejected,
    "MXInvalidActivityException": Rejected,
    "MXUnknownProspectActivityException": Rejected,
    "MXUnAuthorizedAccessException": Unauthorized,
    "MXUnauthorizedRequestException": Forbidden,
    "MXAPIRateLimitExceededException": RateLimited,
    "MXMailDeliveryException": Unconfirmed,
    "MXXSSException": Rejected,
    "MXDuplicateEntityNameException": Conflict,
}


class Saying:
    """A transport behind which the vendor says one thing to everything."""

    def __init__(self, status, body):
        self.response = Response(status, {}, body)

    def send(self, request):
        return self.response


def error_of(call, status, body):
    """Return what the call raises where the vendor says this, None where it is content."""
    provider = LeadSquared(ACCOUNT, Saying(status, body))
    try:
        CALLS[call](provider)
    except ProviderError as error:
        return error
    return None


def envelope(kind, words):
    return json.dumps({"Status": "Error", "ExceptionType": kind, "ExceptionMessage": words}).encode()


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, Rejected), (401, Unauthorized), (404, Permanent), (429, RateLimited)],
)
def test_a_documented_status_has_its_class_and_says_what_to_do(call, status, error):
    caught = error_of(call, status, envelope(*DOCUMENTED[status]))

    assert type(caught) is error
    assert not GENERIC.search(caught.detail)
    assert re.search(r"\. [A-Z].*\.$|check the host", caught.detail)


@pytest.mark.parametrize("call", CALLS)
def test_a_500_without_a_verdict_is_in_doubt_for_a_write_and_nothing_for_a_read(call):
    caught = error_of(call, 500, envelope(*DOCUMENTED[500]))

    assert type(caught) is (Unconfirmed if call in WRITES else Transient)
    assert not GENERIC.search(caught.detail)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("kind", SEEN)
def test_every_type_that_was_seen_has_a_row(kind, status):
    caught = error_of("create_task", status, envelope(kind, "said the vendor"))

    assert type(caught) is SEEN[kind]
    assert "said the vendor" in caught.detail
    assert "refused the request" not in caught.detail
    assert re.search(r"\. [A-Z].*\.$", caught.detail)


@pytest.mark.parametrize("call", CALLS)
def test_whatever_status_comes_nothing_but_a_provider_error_does(call):
    said = {status: error_of(call, status, envelope("", "")) for status in range(400, 600)}

    assert {status for status, one in said.items() if not one.detail.endswith(".")} == set()
    assert {type(one) for status, one in said.items() if status >= 500} == {
        Unconfirmed if call in WRITES else Transient
    }
    assert not any(isinstance(one, NotFound) for status, one in said.items() if status == 404)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "7",
        "[]",
        "[7]",
        "{}",
        '{"Status": "Success"}',
        '{"Status": "Success", "Message": 7}',
        "<html>",
    ],
)
def test_a_200_that_says_nothing_useful_raises_nothing_but_a_provider_error(call, body):
    caught = error_of(call, 200, body.encode())

    assert caught is None or caught.detail.endswith(".")
