"""What HubSpot's answers mean where the status alone does not say it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

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
from providers.hubspot.payloads import FIELD_OF, KEY_PROPERTY
from providers.waiting import retry_after

READ_ON = date(2026, 11, 22)
ERRORS = "https://developers.hubspot.com/docs/api-reference/error-handling"
USAGE = "https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"
CONTACTS = "https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/guide"
BATCHES = "https://developers.hubspot.com/docs/api-reference/legacy/crm/activities/tasks/guide"

WAITS = {
    "SECONDLY": 1.0,
    "TEN_SECONDLY_ROLLING": 10.0,
    "DAILY": 3600.0,
}  # seconds, where no Retry-After is sent
MOVING_WAIT = 600.0  # seconds, while an account moves between data centres and no Retry-After says how long
EXISTING_ID = re.compile(r"Existing ID:\s*(\d+)")
TAKEN = re.compile(r"already has that value|CONFLICTING_UNIQUE_VALUE|already exists", re.IGNORECASE)
LINKED = re.compile(r"\b(contact|company|deal|ticket)\b", re.IGNORECASE)
PLURAL_OF = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}
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
    return isinstance(answer.json, Mapping) and answer.json.get("status") == "error"


def _category(answer: Answer) -> str:
    return str(answer.json.get("category") or "") if isinstance(answer.json, Mapping) else ""


def _request_id(answer: Answer) -> str:
    return str(answer.json.get("correlationId") or "") if isinstance(answer.json, Mapping) else ""


def refused_fields(body: Any) -> dict[str, str]:
    """Return our field → HubSpot's reason for each that the error body names, in `errors`, in the message, or by its object."""
    named = {str(FIELD_OF[name]): reason for name, reason in _refused(body) if name in FIELD_OF}
    words = vendor_words(body)
    # How a bad association is refused is not documented (2026-11): the sentence names the object, in capitals or not.
    found = LINKED.findall(words) if "associat" in words.lower() else []
    return named or {PLURAL_OF[kind.lower()]: words for kind in found}


def _refused(body: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(body, Mapping):
        return
    for one in body.get("errors") or ():
        context = one.get("context") or {}
        named = context.get("propertyName") or context.get("properties") or [one.get("in")]
        yield from ((str(name), str(one.get("message") or "")) for name in named)
    # "Property values were not valid: [{…}]": the list is JSON inside the sentence.
    start, end = str(body.get("message") or "").find("[{"), str(body.get("message") or "").rfind("]")
    try:
        listed = json.loads(str(body["message"])[start : end + 1]) if 0 <= start < end else []
    except ValueError:
        return
    yield from (
        (str(one.get("name")), str(one.get("message") or "")) for one in listed if isinstance(one, Mapping)
    )


def _in_words(answer: Answer, words: str) -> str:
    reasons = dict.fromkeys(reason.rstrip(".") for _, reason in _refused(answer.json) if reason)
    return "; ".join(reasons) or words


def _rejected(answer: Answer, words: str) -> ProviderError:
    said = _in_words(answer, words)
    return Rejected(
        f"HubSpot refused the values{f': {said}' if said else ''}.",
        fields=refused_fields(answer.json),
        status=answer.status,
        request_id=_request_id(answer),
    )


def _lacks_our_property(answer: Answer) -> bool:
    return KEY_PROPERTY in vendor_words(answer.json) and "DOESNT_EXIST" in json.dumps(answer.json)


def _our_property_is_gone(answer: Answer, _words: str) -> ProviderError:
    # Not `Rejected`: it says nothing about this task, and a batch is not searched for the one that was meant.
    return Permanent(
        f"The task property {KEY_PROPERTY} is missing in HubSpot: test the connection, which makes it again.",
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
    policy = str(answer.json.get("policyName") or "") if isinstance(answer.json, Mapping) else ""
    asked = retry_after(answer.headers)
    which = {"DAILY": "daily ", "SECONDLY": "search "}.get(policy, "")
    return RateLimited(
        f"HubSpot says the account is over its {which}limit.",
        retry_after=WAITS.get(policy, 10.0) if asked is None else asked,
        status=answer.status,
        request_id=_request_id(answer),
    )


def _moving(answer: Answer, _words: str) -> ProviderError:
    asked = retry_after(answer.headers)
    return RateLimited(
        "HubSpot is moving this account to another data centre and takes no requests meanwhile.",
        retry_after=MOVING_WAIT if asked is None else asked,
        status=answer.status,
    )


def _unauthorized(answer: Answer, _words: str) -> ProviderError:
    return Unauthorized(
        "HubSpot does not accept the access token: it is wrong, expired or switched off.",
        status=answer.status,
        request_id=_request_id(answer),
    )


def _forbidden(answer: Answer, words: str) -> ProviderError:
    scopes = ", ".join(missing_scopes(answer.json))
    need = f" it needs {scopes}" if scopes else f" {words}" if words else " a scope is missing"
    return Forbidden(
        f"HubSpot does not allow this with our token:{need}.",
        scope=scopes,
        status=answer.status,
        request_id=_request_id(answer),
    )


def missing_scopes(body: Any) -> list[str]:
    """Return the scopes that the error body asks for, each once, in its order."""
    if not isinstance(body, Mapping):
        return []
    contexts = [one.get("context") or {} for one in body.get("errors") or ()] + [body.get("context") or {}]
    named = (
        scope
        for context in contexts
        for name in ("requiredGranularScopes", "requiredScopes", "missingScopes")
        for scope in context.get(name) or ()
    )
    return list(dict.fromkeys(str(scope) for scope in named))


def _locked_write(answer: Answer, _words: str) -> ProviderError:
    return Unconfirmed("HubSpot has the record locked; the request may have landed.", status=answer.status)


def _locked_read(answer: Answer, _words: str) -> ProviderError:
    return Transient("HubSpot has the record locked for a moment.", status=answer.status)


def _gone(answer: Answer, _words: str) -> ProviderError:
    return NotFound("HubSpot has no such record, or it was deleted there.", status=answer.status)


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
)
