"""What HighLevel's refusals mean, and for how long it wants to be left alone."""

from __future__ import annotations

import pytest

from providers.error_cases import Answer, classify
from providers.errors import (
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
from providers.highlevel.error_cases import CASES, VENDOR, WrongLocation
from providers.types import Field
from providers.waiting import LONGEST_WAIT


def meaning(status, body=None, *, headers=None, writes=True, is_readable=True):
    return classify(Answer(status, headers or {}, body, is_readable), CASES, vendor=VENDOR, writes=writes)


def said(status, message, **more):
    return {"statusCode": status, "message": message, **more}


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (400, "Bad Request", Rejected),
        (400, "Contact not found for id: CON1", NotFound),
        (400, "Contact with id tasks not found", NotFound),
        (400, "Task not found", NotFound),
        (400, "User not found for id: USR1", Rejected),
        (401, "Invalid token: access token is invalid", Unauthorized),
        (401, "Invalid Private Integration token", Unauthorized),
        (401, "The token is not authorized for this scope.", Forbidden),
        (401, "This AuthClass is not yet supported to access this endpoint", Unauthorized),
        (401, "version header was not found.", Unauthorized),
        (401, "The user does not exist.", Rejected),
        (403, "The token does not have access to this location.", WrongLocation),
        (403, "You do not have permission to access this resource", Forbidden),
        (404, "Cannot POST /contacts/CON1/task", Permanent),
        (404, "Task not found", NotFound),
        (404, "Not Found", NotFound),
        (422, ["title should not be empty"], Rejected),
        (500, "Internal Server Error", Unconfirmed),
        (200, None, type(None)),
        (201, None, type(None)),
    ],
)
def test_a_refusal_means(status, message, kind):
    assert type(meaning(status, said(status, message))) is kind


@pytest.mark.parametrize(("writes", "kind"), [(True, Unconfirmed), (False, Transient)])
@pytest.mark.parametrize("status", [200, 500, 502])
def test_a_web_page_leaves_a_write_open_and_a_read_to_be_repeated(status, writes, kind):
    assert type(meaning(status, writes=writes, is_readable=False)) is kind


@pytest.mark.parametrize(
    ("inner", "message", "kind"),
    [
        (400, "Bad Request", Rejected),
        (400, "Contact not found for id: CON1", NotFound),
        (401, "Invalid token: access token is invalid", Unauthorized),
        (422, ["title should not be empty"], Rejected),
        (429, "Too Many Requests", RateLimited),
    ],
)
def test_an_error_inside_a_200_is_the_error_it_says(inner, message, kind):
    assert type(meaning(200, said(inner, message))) is kind


def test_a_duplicate_contact_names_the_one_in_the_way():
    error = meaning(
        400, said(400, "This location does not allow duplicated contacts.", meta={"contactId": "CON1"})
    )

    assert isinstance(error, Conflict)
    assert error.existing_id == "CON1"


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (["title should not be empty"], {Field.TITLE}),
        (["dueDate must be a valid ISO 8601 date string", "property priority should not exist"], {Field.DUE}),
        (["completed must be a boolean value", "body must be a string"], {Field.STATUS, Field.BODY}),
        (["assignedTo must be a string"], {Field.ASSIGNEE}),
        (["assignedTo must be a valid user of the location"], {Field.ASSIGNEE}),
        (["email must be an email", "firstName must be a string"], {"email", "first_name"}),
        ("phone is not a valid phone number", {"phone"}),
        (["Unprocessable Entity"], set()),
        (None, set()),
    ],
)
def test_a_refused_value_is_told_by_our_name_of_it(message, fields):
    error = meaning(422, said(422, message, error="Unprocessable Entity"))

    assert isinstance(error, Rejected)
    assert set(error.fields) == fields


def test_the_assignee_is_named_when_the_user_is_not_there():
    error = meaning(401, said(401, "The user does not exist.", error="Unauthorized"))

    assert isinstance(error, Rejected)
    assert error.fields == {"assignee": "The user does not exist"}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 10.0),
        ({"retry-after": "7"}, 7.0),
        ({"x-ratelimit-interval-milliseconds": "10000"}, 10.0),
        ({"x-ratelimit-interval-milliseconds": "20000", "x-ratelimit-daily-remaining": "900"}, 20.0),
        ({"x-ratelimit-daily-remaining": "0", "x-ratelimit-daily-reset": "90000"}, 90.0),
        ({"x-ratelimit-daily-remaining": "0", "x-ratelimit-daily-reset": "80000000"}, LONGEST_WAIT),
        ({"x-ratelimit-daily-remaining": "0", "x-ratelimit-daily-reset": "soon"}, 10.0),
        ({"x-ratelimit-interval-milliseconds": "5"}, 1.0),
    ],
)
def test_a_quota_that_is_used_up_says_how_long_to_wait(headers, seconds):
    error = meaning(429, said(429, "Too Many Requests"), headers=headers)

    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_every_row_has_a_source_and_a_date():
    assert [
        case for case in CASES if not case.source.startswith("https://") or case.read_on.year < 2026
    ] == []
