"""What LeadLex's answers mean."""

from __future__ import annotations

from datetime import date

import pytest

from providers.error_cases import Answer, classify
from providers.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.leadlex.error_cases import CASES
from providers.types import Field, RemoteContact, RemoteRecord

ONE = "aaaaaaaa-0000-4000-8000-000000000001"
TWO = "bbbbbbbb-0000-4000-8000-000000000002"
NOON = "Sun, 22 Nov 2026 12:00:10 GMT"
NOON_S = 1795348810  # the same moment in Unix seconds


def means(status, code="", message="", *, details=None, headers=None, writes=True):
    error = {"code": code, "message": message, **({"details": details} if details else {})}
    body = {"error": error} if code or message else None
    return classify(Answer(status, headers or {}, body), CASES, vendor="LeadLex", writes=writes)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (400, "validation_error", Rejected),
        (400, "ambiguous_reference", Ambiguous),
        (401, "invalid_key", Unauthorized),
        (401, "", Unauthorized),
        (402, "insufficient_credits", Permanent),
        (403, "insufficient_permissions", Forbidden),
        (403, "", Forbidden),
        (404, "not_found", NotFound),
        (409, "no_match", Conflict),
        (413, "payload_too_large", Rejected),
        (429, "rate_limited", RateLimited),
        (429, "", RateLimited),
        (200, "validation_error", Rejected),
        (200, "invalid_key", Unauthorized),
        (200, "rate_limited", RateLimited),
        (200, "something_new", Rejected),
        (500, "", Unconfirmed),
        (503, "validation_error", Unconfirmed),
    ],
)
def test_each_code_has_its_meaning(status, code, error):
    assert type(means(status, code)) is error


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_unwell_gateway_leaves_a_read_without_effect(status):
    assert type(means(status, writes=False)) is Transient


def test_a_good_answer_is_no_error():
    answer = Answer(201, {}, {"data": {"id": ONE}})

    assert classify(answer, CASES, vendor="LeadLex", writes=True) is None


def test_a_refused_value_is_told_under_our_names():
    error = means(
        400,
        "validation_error",
        "Invalid values",
        details={
            "fields": {"due_date": "Must be a date", "assignee_id": "Unknown user", "colour": "Unknown field"}
        },
    )

    assert error.fields == {Field.DUE: "Must be a date", Field.ASSIGNEE: "Unknown user"}
    assert "colour: Unknown field" in error.detail


def test_an_orphan_is_told_as_what_is_missing():
    error = means(
        400,
        "validation_error",
        "At least one parent link (contact_id, company_id, deal_id, or event_id) is required",
    )

    assert error.fields == {Field.CONTACTS: "needs a contact, deal or event"}


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f'company_name "Contact Ltd" matches {ONE}', RemoteRecord),
        (f'Several companies match "Contact Ltd": {ONE}', RemoteRecord),
        (f'contact_name "Company" matches {ONE}', RemoteContact),
        (f"several match: {ONE}", RemoteContact),
    ],
)
def test_the_candidates_are_companies_where_the_message_speaks_of_them_first(message, kind):
    [candidate] = means(400, "ambiguous_reference", message).candidates

    assert isinstance(candidate, kind)


@pytest.mark.parametrize(
    ("message", "details"),
    [
        (f"contact_name matches {ONE} and {TWO}, again {ONE}", None),
        ("several match", {"candidates": [ONE, TWO]}),
        (f"matches {ONE}", {"candidates": [{"id": ONE, "full_name": "Grace Hopper"}, {"id": TWO}]}),
    ],
)
def test_the_candidates_of_an_ambiguous_name_are_kept(message, details):
    error = means(400, "ambiguous_reference", message, details=details)

    assert [one.ref.id for one in error.candidates] == [ONE, TWO]


@pytest.mark.parametrize(
    ("message", "scope"),
    [
        ("Missing activities:write permission", "activities:write"),
        ("Missing write:contacts", "write:contacts"),
        ("Not for you", ""),
    ],
)
def test_the_missing_permission_is_named(message, scope):
    assert means(403, "insufficient_permissions", message).scope == scope


def test_a_conflict_names_who_is_in_the_way():
    assert means(409, "conflict", f"exists as {ONE}").existing_id == ONE
    assert means(409, "conflict", "exists", details={"id": TWO}).existing_id == TWO
    assert means(409, "conflict", "exists").existing_id == ""


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"date": NOON, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON_S + 90)}, 90.0),
        ({"date": NOON, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON_S + 43_000)}, 3600.0),
        ({"date": NOON, "x-ratelimit-remaining": "0", "x-ratelimit-reset": str(NOON_S - 90)}, 1.0),
        ({"date": NOON, "x-ratelimit-remaining": "12", "x-ratelimit-reset": str(NOON_S + 90)}, 51.0),
        ({"date": NOON, "x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}, 51.0),
        ({"date": NOON}, 51.0),
    ],
    ids=["asked", "day is spent", "at most an hour", "past", "minute is spent", "nonsense", "silent"],
)
def test_the_wait_is_the_days_end_when_the_day_is_spent_else_the_minutes(headers, seconds):
    assert means(429, "rate_limited", headers=headers).retry_after == pytest.approx(seconds)


@pytest.mark.parametrize("case", CASES)
def test_every_row_says_where_it_was_read_and_when(case):
    assert case.source.startswith("https://docs.leadlex.com/")
    assert case.read_on >= date(2026, 11, 1)
