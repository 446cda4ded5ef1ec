"""What HubSpot's refusals mean."""

from __future__ import annotations

import json

import pytest

from providers.error_cases import Answer, classify
from providers.hubspot.error_cases import CASES
from providers.types import Field


def meaning(status, body=None, *, headers=None, writes=True, is_readable=True):
    answer = Answer(status, headers or {}, body, is_readable)
    return classify(answer, CASES, vendor="HubSpot", writes=writes)


def body(category="", message="It is wrong.", **more):
    return {"status": "error", "message": message, "correlationId": "c-1", "category": category, **more}


@pytest.mark.parametrize(
    ("status", "answer", "code"),
    [
        (200, {"id": "1", "properties": {}}, None),
        (204, None, None),
        (207, {"status": "COMPLETE", "results": [], "errors": [{"status": "error"}]}, None),
        (200, body("VALIDATION_ERROR"), "rejected"),
        (200, body("OBJECT_NOT_FOUND"), "not_found"),
        (200, body("SOMETHING_NEW"), "unconfirmed"),
        (400, body("VALIDATION_ERROR"), "rejected"),
        (400, body("VALIDATION_ERROR", "Cannot set x. 9001 already has that value."), "conflict"),
        (401, body("INVALID_AUTHENTICATION"), "unauthorized"),
        (401, body("EXPIRED_AUTHENTICATION"), "unauthorized"),
        (403, body("MISSING_SCOPES"), "forbidden"),
        (404, body("OBJECT_NOT_FOUND"), "not_found"),
        (404, None, "not_found"),
        (409, body("CONFLICT"), "conflict"),
        (414, None, "rejected"),
        (423, body("LOCKED"), "unconfirmed"),
        (429, None, "rate_limited"),
        (477, None, "rate_limited"),
        *[(status, None, "unconfirmed") for status in (500, 502, 503, 504, 521, 523, 524, 525)],
    ],
)
def test_a_write_ends_as(status, answer, code):
    error = meaning(status, answer)

    assert (error.code if error else None) == code


@pytest.mark.parametrize(
    ("status", "code"), [(423, "transient"), (502, "transient"), (524, "transient"), (404, "not_found")]
)
def test_a_read_ends_as(status, code):
    assert meaning(status, None, writes=False).code == code


@pytest.mark.parametrize(
    ("policy", "headers", "seconds"),
    [
        ("TEN_SECONDLY_ROLLING", {}, 10),
        ("SECONDLY", {}, 1),
        ("DAILY", {}, 3600),
        ("", {}, 10),
        ("TEN_SECONDLY_ROLLING", {"retry-after": "4"}, 4),
    ],
)
def test_over_the_limit_waits_as_long_as_the_policy_needs(policy, headers, seconds):
    error = meaning(
        429, {"status": "error", "errorType": "RATE_LIMIT", "policyName": policy}, headers=headers
    )

    assert error.retry_after == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after": "120"}, 120), ({}, 600), ({"retry-after": "86400"}, 3600)]
)
def test_an_account_on_the_move_is_left_alone(headers, seconds):
    assert meaning(477, None, headers=headers).retry_after == seconds


LISTED = json.dumps(
    [{"isValid": False, "message": "NOW was not one of the allowed options", "name": "hs_task_priority"}]
)


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        (
            body(errors=[{"message": "is required", "context": {"propertyName": ["hs_timestamp"]}}]),
            {Field.DUE: "is required"},
        ),
        (
            body(errors=[{"message": "is required", "context": {"properties": ["hs_timestamp"]}}]),
            {Field.DUE: "is required"},
        ),
        (
            body(errors=[{"message": "no such owner", "in": "hubspot_owner_id"}]),
            {Field.ASSIGNEE: "no such owner"},
        ),
        (
            body(message=f"Property values were not valid: {LISTED}"),
            {Field.PRIORITY: "NOW was not one of the allowed options"},
        ),
        (
            body(message="The association is not valid: no CONTACT with ID 9 exists"),
            {Field.CONTACTS: "The association is not valid: no CONTACT with ID 9 exists"},
        ),
        (body(message="Property values were not valid: [{broken"), {}),
        (body(errors=[{"message": "x", "context": {"propertyName": ["theirs"]}}]), {}),
    ],
)
def test_a_refusal_names_our_fields(answer, fields):
    assert meaning(400, answer).fields == fields


def test_a_refusal_reads_as_a_sentence_without_json():
    error = meaning(400, body(message=f"Property values were not valid: {LISTED}"))

    assert error.detail == (
        "HubSpot refused the values: NOW was not one of the allowed options. Correct them and save again."
    )
    assert (error.status, error.request_id) == (400, "c-1")


def test_a_lost_property_says_what_to_do():
    listed = json.dumps(
        [{"name": "hub_task_key", "error": "PROPERTY_DOESNT_EXIST", "message": "does not exist"}]
    )

    error = meaning(400, body(message=f"Property values were not valid: {listed}"))

    assert "doctor --fix" in error.detail


@pytest.mark.parametrize(
    ("answer", "scope"),
    [
        (
            body(
                errors=[{"message": "m", "context": {"requiredGranularScopes": ["crm.objects.owners.read"]}}]
            ),
            "crm.objects.owners.read",
        ),
        (body(errors=[{"message": "m", "context": {"requiredScopes": ["a", "b"]}}]), "a, b"),
        (body(context={"missingScopes": ["a"]}), "a"),
        (body(), ""),
    ],
)
def test_a_missing_scope_is_named(answer, scope):
    assert meaning(403, answer).scope == scope


def test_a_contact_that_exists_is_named():
    error = meaning(409, body("CONFLICT", "Contact already exists. Existing ID: 6001"))

    assert error.existing_id == "6001"


@pytest.mark.parametrize("case", CASES)
def test_every_row_says_where_and_when_it_was_read(case):
    assert case.source.startswith("https://")
    assert case.read_on.year >= 2026
