"""What LeadSquared's refusals mean."""

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
from providers.leadsquared.error_cases import CASES
from providers.types import Field


def said(kind, words="", *, status=500, headers=None, writes=True):
    body = {"Status": "Error", "ExceptionType": kind, "ExceptionMessage": words}
    return classify(Answer(status, headers or {}, body), CASES, vendor="LeadSquared", writes=writes)


@pytest.mark.parametrize(
    ("status", "kind", "words", "error"),
    [
        (200, "MXInvalidInputException", "Invalid date", Rejected),
        (500, "MXMandatoryAttributeMissingException", "Name is mandatory", Rejected),
        (500, "MXInvalidLeadException", "Lead does not exist", Rejected),
        (400, "", "not as per API specification", Rejected),
        (200, "", "no", Rejected),
        (200, "MXDuplicateEntryException", "A Lead with same Phone Number already exists.", Conflict),
        (500, "MXUnauthorizedRequestException", "not for your role", Forbidden),
        (401, "MXUnAuthorizedAccessException", "Invalid keys", Unauthorized),
        (200, "MXUnAuthorizedAccessException", "Invalid keys", Unauthorized),
        (500, "MXDuplicateEntityNameException", "Name is taken", Conflict),
        (500, "MXMailDeliveryException", "Mail could not be sent", Unconfirmed),
        (400, "MXInvalidInputException", "Unknown attribute Title", Rejected),
        (500, "MXInvalidInputException", "Task not found", NotFound),
        (500, "MXInvalidInputException", "The task does not exist", NotFound),
        (500, "Exception", "An internal error occurred", Unconfirmed),
        (503, "", "", Unconfirmed),
        (404, "", "The API could not be found", Permanent),
    ],
)
def test_a_refusal_is_known_by_its_type_and_not_by_its_status(status, kind, words, error):
    assert type(said(kind, words, status=status)) is error


def test_trouble_of_the_platform_is_transient_for_a_read():
    assert type(said("Exception", status=500, writes=False)) is Transient


def test_an_unknown_path_is_never_a_missing_record():
    assert not isinstance(said("", status=404), NotFound)


@pytest.mark.parametrize("status", [200, 429, 500])
@pytest.mark.parametrize(
    ("words", "headers", "seconds"),
    [
        ("API calls exceeded the limit of 25 in 5 second(s)", {}, 5.0),
        ("API calls exceeded the limit of 10000 in 1 day(s)", {}, 3600.0),
        ("API calls exceeded the limit of 100 in 2 minutes", {}, 120.0),
        ("API calls exceeded the limit of 25 in 5 second(s)", {"retry-after": "9"}, 9.0),
        ("Slow down", {}, 10.0),
    ],
)
def test_a_limit_is_waited_for_as_long_as_its_window(status, words, headers, seconds):
    error = said("MXAPIRateLimitExceededException", words, status=status, headers=headers)

    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_a_429_without_a_type_is_a_limit_too():
    assert isinstance(said("", "API calls exceeded the limit of 25 in 5 second(s)", status=429), RateLimited)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("Invalid value for OwnerEmailAddress", [Field.ASSIGNEE]),
        ("EndDate cannot be before DueDate", [Field.END, Field.DUE]),
        ("TaskType.Name is mandatory", [Field.TYPE]),
        ("Name is mandatory", [Field.TITLE]),
        ("Lead of RelatedEntityId does not exist", [Field.CONTACTS]),
        ("FirstName is too long", []),
        ("Something else", []),
    ],
)
def test_a_refusal_names_our_fields_where_the_vendor_names_its_own(words, fields):
    error = said("MXInvalidInputException", words)

    assert isinstance(error, Rejected)
    assert list(error.fields) == fields


def test_text_taken_for_markup_is_the_title_or_the_body():
    error = said("MXXSSException", "Potentially dangerous value")

    assert isinstance(error, Rejected)
    assert set(error.fields) == {Field.TITLE, Field.BODY}


def test_a_refusal_without_words_says_the_type():
    assert said("MXHeardOfNowhereException").detail == (
        "LeadSquared refused the request: MXHeardOfNowhereException. Correct what it names and save again."
    )


@pytest.mark.parametrize("answer", [[], {"Status": "Success"}, None, {"RecordCount": 0, "List": []}])
def test_a_good_answer_is_no_error(answer):
    assert classify(Answer(200, {}, answer), CASES, vendor="LeadSquared", writes=True) is None


def test_every_row_says_where_it_comes_from():
    assert all(case.source.startswith("https://apidocs.leadsquared.com/") and case.read_on for case in CASES)


@pytest.mark.parametrize(
    "words",
    ["Please use api-in21.leadsquared.com", "Invalid host. Use https://API-IN21.leadsquared.com/v2/ instead"],
)
def test_a_401_that_names_the_region_says_which_address_to_give(words):
    error = said("MXUnAuthorizedAccessException", words, status=401)

    assert isinstance(error, Unauthorized)
    assert "Give https://api-in21.leadsquared.com as the base URL" in error.detail


@pytest.mark.parametrize("words", ["Use api-in21.leadsquared.com.mallory.example", "Use apis.leadsquared.co"])
def test_an_address_that_is_not_leadsquareds_is_never_recommended(words):
    detail = said("", words, status=401).detail

    assert "Give https://api-in21.leadsquared.com.mallory" not in detail
    assert "Give https://apis" not in detail
