"""What HubSpot's answers mean where the status alone does not say it."""

from __future__ import annotations

import json
import re
from datetime import date

from providers.error_cases import Answer, Case, vendor_words
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
from providers.hubspot.error_bodies import missing_scopes, named_in, refused_fields
from providers.hubspot.json_shapes import mapping
from providers.hubspot.payloads import KEY_PROPERTY
from providers.waiting import retry_after

READ_ON = date(2026, 11, 22)
ERRORS = "https://developers.hubspot.com/docs/api-reference/error-handling"
USAGE = "https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"
CONTACTS = "https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/guide"
BATCHES = "https://developers.hubspot.com/docs/api-reference/legacy/crm/activities/tasks/guide"

SCHEMA = "https://github.com/HubSpot/HubSpot-public-api-spec-collection"
TOKENS = (
    "https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/create-oauth-token"
)

WAITS = {
    "SECONDLY": 1.0,
    "TEN_SECONDLY_ROLLING": 10.0,
    "DAILY": 3600.0,
}  # seconds, where no Retry-After is sent
MOVING_WAIT = 600.0  # seconds, while an account moves between data centres and no Retry-After says how long
EXISTING_ID = re.compile(r"Existing ID:\s*(\d+)")
TAKEN = re.compile(r"already has that value|CONFLICTING_UNIQUE_VALUE|already exists", re.IGNORECASE)
STATUS_OF_CATEGORY = {
    "VALIDATION_ERROR": 400,
    "INVALID_AUTHENTICATION": 401,
    "EXPIRED_AUTHENTICATION": 401,
    "MISSING_SCOPES": 403,
    "OBJECT_NOT_FOUND": 404,
    "CONFLICT": 409,
    "RATE_LIMITS": 429,
}


def _is_error(answer: Answer) -> bool:
    return mapping(answer.json).get("status") == "error"


def _category(answer: Answer) -> str:
    return str(mapping(answer.json).get("category") or "")


def _request_id(answer: Answer) -> str:
    return str(mapping(answer.json).get("correlationId") or "")


def _in_words(answer: Answer, words: str) -> str:
    reasons = dict.fromkeys(reason.rstrip(".") for _, reason in named_in(answer.json) if reason)
    return "; ".join(reasons) or words


def _rejected(answer: Answer, words: str) -> ProviderError:
    said = _in_words(answer, words)
    return Rejected(
        f"HubSpot refused the values{f': {said}' if said else ''}. Correct them and save again.",
        fields=refused_fields(answer.json),
        status=answer.status,
        request_id=_request_id(answer),
    )


def _lacks_our_property(answer: Answer) -> bool:
    return KEY_PROPERTY in vendor_words(answer.json) and "DOESNT_EXIST" in json.dumps(answer.json)


def _our_property_is_gone(answer: Answer, _words: str) -> ProviderError:
    # Not `Rejected`: it says nothing about this task, and a batch is not searched for the one that was meant.
    return Permanent(
        f"The task property {KEY_PROPERTY} is missing in HubSpot: it was taken away there. manage.py doctor --fix makes it again; then send again.",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _conflict(answer: Answer, words: str) -> ProviderError:
    found = EXISTING_ID.search(words)
    return Conflict(
        f"HubSpot has this already{f': {words}' if words else ''}.",
        existing_id=found.group(1) if found else "",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _rate_limited(answer: Answer, _words: str) -> ProviderError:
    policy = str(mapping(answer.json).get("policyName") or "")
    asked = retry_after(answer.headers)
    which = {"DAILY": "daily ", "SECONDLY": "search "}.get(policy, "")
    remedy = (
        "ask for a larger plan, or lower the share of this connection"
        if policy == "DAILY"
        else "the hub goes on by itself"
    )
    return RateLimited(
        f"HubSpot says the account is over its {which}limit; {remedy}.",
        retry_after=WAITS.get(policy, 10.0) if asked is None else asked,
        is_told=asked is not None or policy == "DAILY",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _moving(answer: Answer, _words: str) -> ProviderError:
    asked = retry_after(answer.headers)
    return RateLimited(
        "HubSpot is moving this account to another data centre and takes no requests meanwhile; the hub goes on by itself.",
        retry_after=MOVING_WAIT if asked is None else asked,
        status=answer.status,
    )


def _unauthorized(answer: Answer, _words: str) -> ProviderError:
    if _category(answer) == "EXPIRED_AUTHENTICATION":
        detail = "The access token for HubSpot has expired; it is to be refreshed, or given anew in the connection."
        return Unauthorized(detail, status=answer.status, request_id=_request_id(answer))
    return Unauthorized(
        "HubSpot does not accept the access token: it is wrong, expired or switched off. Give a new one in the connection.",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _forbidden(answer: Answer, words: str) -> ProviderError:
    scopes = ", ".join(missing_scopes(answer.json))
    need = f" it needs {scopes}" if scopes else f" {words}" if words else " a scope is missing"
    return Forbidden(
        f"HubSpot does not allow this with our token:{need}. Grant that there, then test the connection.",
        scope=scopes,
        status=answer.status,
        request_id=_request_id(answer),
    )


def _locked_write(answer: Answer, _words: str) -> ProviderError:
    detail = (
        "HubSpot has the record locked; the request may have landed, and the hub looks before it sends again."
    )
    return Unconfirmed(detail, status=answer.status, request_id=_request_id(answer))


def _locked_read(answer: Answer, _words: str) -> ProviderError:
    detail = "HubSpot has the record locked for a moment; the hub asks again by itself."
    return Transient(detail, status=answer.status, request_id=_request_id(answer))


def _gone(answer: Answer, _words: str) -> ProviderError:
    return NotFound(
        "HubSpot has no such record, or it was deleted there; from the recycling bin only a person can restore it.",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _too_long(answer: Answer, _words: str) -> ProviderError:
    detail = (
        "The request to HubSpot was too long for an address. Shorten what the task points at, and report it."
    )
    return Rejected(detail, status=answer.status)


def _wrong_form(answer: Answer, words: str) -> ProviderError:
    detail = f"HubSpot does not take the form of the request{f': {words}' if words else ''}. Report it: a code change is due."
    return Rejected(detail, status=answer.status, request_id=_request_id(answer))


# What HubSpot and the network before it answer when they are unwell, and what staff can do about it.
_UNWELL = {
    500: "HubSpot failed inside",
    502: "HubSpot's gateway got no proper answer",
    503: "HubSpot is not available for a while",
    504: "HubSpot did not answer its gateway in time",
    521: "HubSpot's servers are down",
    522: "HubSpot's servers could not be reached",
    523: "HubSpot's servers could not be found",
    524: "HubSpot took longer than its gateway waits",
    525: "HubSpot's gateway could not agree on encryption with its servers",
    526: "HubSpot's gateway does not trust its servers' certificate",
}


def _unwell_write(answer: Answer, _words: str) -> ProviderError:
    return Unconfirmed(
        f"{_UNWELL[answer.status]} ({answer.status}); the request may have landed, and the hub looks before it sends again.",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _unwell_read(answer: Answer, _words: str) -> ProviderError:
    return Transient(
        f"{_UNWELL[answer.status]} ({answer.status}); the hub asks again by itself.",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _without_verdict(answer: Answer, words: str) -> ProviderError:
    return Unconfirmed(
        f"HubSpot answered {answer.status} with an error inside{f': {words}' if words else ''}.",
        status=answer.status,
        request_id=_request_id(answer),
    )


_BY_STATUS = {
    400: _rejected,
    401: _unauthorized,
    403: _forbidden,
    404: _gone,
    409: _conflict,
    429: _rate_limited,
}


def error_inside(answer: Answer, words: str) -> ProviderError:
    """Return what an error body means that came with a good status or as one item of a batch: its category tells.

    A category that we do not know is no verdict: `Unconfirmed`.
    """
    if TAKEN.search(words):
        return _conflict(answer, words)
    status = STATUS_OF_CATEGORY.get(_category(answer))
    return _BY_STATUS[status](answer, words) if status else _without_verdict(answer, words)


CASES: tuple[Case, ...] = (
    Case(error_inside, BATCHES, READ_ON, when=lambda answer: answer.status < 300 and _is_error(answer)),
    Case(_rate_limited, USAGE, READ_ON, status=429),
    Case(_moving, ERRORS, READ_ON, status=477),
    Case(_unauthorized, ERRORS, READ_ON, status=401),
    Case(_forbidden, ERRORS, READ_ON, status=403),
    Case(_gone, ERRORS, READ_ON, status=404),
    Case(_too_long, ERRORS, READ_ON, status=414),
    Case(_wrong_form, SCHEMA, READ_ON, status=415),
    Case(_locked_write, ERRORS, READ_ON, status=423, writes=True),
    Case(_locked_read, ERRORS, READ_ON, status=423, writes=False),
    Case(_conflict, CONTACTS, READ_ON, status=409),
    Case(_our_property_is_gone, BATCHES, READ_ON, status=400, when=_lacks_our_property),
    # A unique property that is taken is refused with 400 or 409; which of them on tasks is not confirmed (2026-11).
    Case(
        _conflict,
        CONTACTS,
        READ_ON,
        status=400,
        when=lambda answer: bool(TAKEN.search(vendor_words(answer.json))),
    ),
    Case(_rejected, ERRORS, READ_ON, status=400),
    *(Case(_unwell_write, ERRORS, READ_ON, status=status, writes=True) for status in _UNWELL),
    *(Case(_unwell_read, ERRORS, READ_ON, status=status, writes=False) for status in _UNWELL),
)

# The path of tokens speaks of its own: an old kind of body with the reason as its status, a new one with the words of RFC 6749.
_OF_THE_APP = re.compile(r"CLIENT|invalid_client|unauthorized_client", re.IGNORECASE)
_OF_THE_ADDRESS = re.compile(r"REDIRECT", re.IGNORECASE)


def _not_let_in(answer: Answer, _words: str) -> ProviderError:
    """Return the refusal of a token. HubSpot's own words are not repeated: they may hold what was sent."""
    told = mapping(answer.json)
    reason = " ".join(str(told.get(name) or "") for name in ("status", "error", "subCategory", "message"))
    detail = (
        "HubSpot does not know the app by this client id and secret. Copy both again from the app's page."
        if _OF_THE_APP.search(reason)
        else "HubSpot knows the app by another redirect address. Give the app the hub's address."
        if _OF_THE_ADDRESS.search(reason)
        else "HubSpot does not let the app in any more: the code or the token is used, old or withdrawn. Connect the account again."
    )
    return Unauthorized(detail, status=answer.status, request_id=_request_id(answer))


TOKEN_CASES: tuple[Case, ...] = (
    *(Case(_not_let_in, TOKENS, READ_ON, status=status) for status in (400, 401, 403, 404)),
    *CASES,
)
