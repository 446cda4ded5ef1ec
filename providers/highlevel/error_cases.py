"""What HighLevel's refusals mean where the status alone misleads.

Source: the error schemas in https://github.com/GoHighLevel/highlevel-api-docs (read 2026-11), its issue threads, and live answers
recorded by integrators where a row says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from providers.error_cases import DEFAULT_WAIT, Answer, Case, classify, vendor_words
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
)
from providers.types import Field
from providers.waiting import LONGEST_WAIT, retry_after

VENDOR = "HighLevel"
USUAL_VERSION = "2021-07-28"
READ_ON = date(2026, 11, 22)
REPOSITORY = "https://github.com/GoHighLevel/highlevel-api-docs"
SCHEMAS = f"{REPOSITORY}/blob/main/common/common-schemas.json"
TOKENS = f"{REPOSITORY}/blob/main/apps/v3/oauth-v3.json"
FAQ = "https://marketplace.gohighlevel.com/docs/oauth/Faqs"
RECORDED = "https://github.com/NangoHQ/integration-templates (recorded answers)"

# HighLevel's names → ours; the contact's are those of the hub's contact.
FIELDS: Mapping[str, str] = {
    "title": Field.TITLE,
    "body": Field.BODY,
    "dueDate": Field.DUE,
    "completed": Field.STATUS,
    "assignedTo": Field.ASSIGNEE,
    "contactId": Field.CONTACTS,
    "email": "email",
    "phone": "phone",
    "firstName": "first_name",
    "lastName": "last_name",
    "companyName": "company",
}
_GONE = re.compile(
    r"\b(contact|task)\b.*\b(not found|does not exist)|\bno (contact|task)\b.*\bfound", re.IGNORECASE
)
_NOT_A_USER = re.compile(
    r"\b(user|assignedTo)\b.*\b(not found|does not exist|not exist|invalid|not valid|not belong)|\binvalid (user|assignedTo)\b",
    re.IGNORECASE,
)


class WrongLocation(Forbidden):
    """The token is of another sub-account; no scope would help. To the hub it is `Forbidden` like any other."""

    @property
    def code(self) -> str:
        """Return the machine word of `Forbidden`."""
        return "forbidden"


def refused_fields(body: object) -> dict[str, str]:
    """Return the vendor's reason for each of our fields that the error body names."""
    said = body.get("message") if isinstance(body, Mapping) else None
    reasons: dict[str, str] = {}
    for text in said if isinstance(said, list) else [said]:
        for name, field in FIELDS.items():
            if isinstance(text, str) and re.search(rf"\b{name}\b", text):
                reasons.setdefault(str(field), text)
    return reasons


def _says(*patterns: str) -> Callable[[Answer], bool]:
    pattern = re.compile("|".join(patterns), re.IGNORECASE)
    return lambda answer: bool(pattern.search(vendor_words(answer.json)))


def _inner_status(answer: Answer) -> int:
    code = answer.json.get("statusCode") if isinstance(answer.json, Mapping) else None
    return code if isinstance(code, int) and not isinstance(code, bool) else 0


def _is_refusal_in_2xx(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and 400 <= _inner_status(answer) < 500


def _as_the_body_says(answer: Answer, words: str) -> ProviderError:
    status = _inner_status(answer)
    meant = classify(replace(answer, status=status), CASES, vendor=VENDOR, writes=True)
    return meant or Rejected(f"{VENDOR} refused the request: {words}.", status=status)


def _existing_contact(answer: Answer) -> str:
    meta = answer.json.get("meta") if isinstance(answer.json, Mapping) else None
    found = meta.get("contactId") if isinstance(meta, Mapping) else None
    return found if isinstance(found, str) else ""


def _duplicate(answer: Answer, _words: str) -> ProviderError:
    return Conflict(
        f"{VENDOR} already has a contact with this e-mail or phone. Use that one, or change it there.",
        existing_id=_existing_contact(answer),
        status=answer.status,
    )


def _no_scope(answer: Answer, _words: str) -> ProviderError:
    return Forbidden(
        f"{VENDOR} does not let our token do this: a scope is missing. Tick it in the private integration (the token stays the same), or let "
        "the app in again with it.",
        status=answer.status,
    )


def _wrong_location(answer: Answer, words: str) -> ProviderError:
    return WrongLocation(
        f"{VENDOR} does not let our token into this sub-account: {words}. Give the token that was made in it, or the id of the one that the "
        "token was made in.",
        status=answer.status,
    )


def _wrong_version(answer: Answer, words: str) -> ProviderError:
    return Unauthorized(
        f"{VENDOR} does not accept the API version in this connection's settings: {words}. "
        f"Choose {USUAL_VERSION} there.",
        status=answer.status,
    )


def _not_in_this_version(answer: Answer, words: str) -> ProviderError:
    return Permanent(
        f"{VENDOR} does not have this in the API version of this connection's settings: {words}. Choose {USUAL_VERSION} there.",
        status=answer.status,
    )


def _token_refused(answer: Answer, words: str) -> ProviderError:
    return Unauthorized(
        f"{VENDOR} does not accept the credentials: {words or 'it gave no reason'}. Give this connection a new private integration token, "
        "or let the app in again.",
        status=answer.status,
    )


def _app_refused(answer: Answer, words: str) -> ProviderError:
    return Unauthorized(
        f"{VENDOR} does not know the app: {words}. Compare client id and client secret with those on the app's page there.",
        status=answer.status,
    )


def _grant_used(answer: Answer, words: str) -> ProviderError:
    return Unauthorized(
        f"{VENDOR} takes this no more: {words}. It was used, is too old, or the app was removed: let the app in again.",
        status=answer.status,
    )


def _asked_wrongly(answer: Answer, words: str) -> ProviderError:
    return Permanent(
        f"{VENDOR} gives no tokens for what was asked: {words}. Check the API version in this connection's settings.",
        status=answer.status,
    )


def _paused(answer: Answer, words: str) -> ProviderError:
    return Transient(
        f"{VENDOR} says that the sub-account is paused: {words}. The app stays let in; it goes on when the agency starts it again.",
        status=answer.status,
    )


def _not_allowed(answer: Answer, words: str) -> ProviderError:
    return Forbidden(
        f"{VENDOR} does not allow this with our token: {words or 'it gave no reason'}. Check that the token is of this sub-account and has the "
        "scopes of the guide.",
        status=answer.status,
    )


def _wrong_token_kind(answer: Answer, _words: str) -> ProviderError:
    return Unauthorized(
        f"{VENDOR} does not accept this kind of token here: a private integration token of the sub-account is needed.",
        status=answer.status,
    )


def _not_a_user(answer: Answer, words: str) -> ProviderError:
    reason = words or "is not a user of this sub-account"
    return Rejected(
        f"{VENDOR} does not know the assignee: {reason}. Give the task to somebody who is a user of this sub-account.",
        fields={str(Field.ASSIGNEE): reason},
        status=answer.status,
    )


def _gone(answer: Answer, words: str) -> ProviderError:
    return NotFound(
        f"{VENDOR} has no such record any more: {words or 'it gave no reason'}. It was deleted there, or its contact was deleted or merged.",
        status=answer.status,
    )


def _no_such_path(answer: Answer, words: str) -> ProviderError:
    return Permanent(
        f"{VENDOR} does not have this address: {words}. Check the address in this connection's settings; usually it is empty.",
        status=answer.status,
    )


def _refused(answer: Answer, words: str) -> ProviderError:
    return Rejected(
        f"{VENDOR} refused the values: {words or 'it gave no reason'}. Change what it names and save again.",
        fields=refused_fields(answer.json),
        status=answer.status,
    )


def _over_quota(answer: Answer, _words: str) -> ProviderError:
    asked = retry_after(answer.headers)
    is_told = asked is not None
    is_daily = answer.headers.get("x-ratelimit-daily-remaining") == "0"
    told = answer.headers.get(
        "x-ratelimit-daily-reset" if is_daily else "x-ratelimit-interval-milliseconds", ""
    )
    if asked is None:
        # Whether 429 carries Retry-After is unconfirmed (2026-11); the daily reset is milliseconds left, not a date.
        asked = min(int(told) / 1000, LONGEST_WAIT) if told.isascii() and told.isdigit() else DEFAULT_WAIT
    which = "today's requests are used up" if is_daily else "too many requests in too short a time"
    return RateLimited(
        f"{VENDOR} asks us to wait: {which}. It goes on by itself.",
        retry_after=asked,
        is_told=is_told or is_daily,
        status=answer.status,
    )


CASES: tuple[Case, ...] = (
    Case(_as_the_body_says, SCHEMAS, READ_ON, when=_is_refusal_in_2xx),
    Case(_no_scope, RECORDED, READ_ON, 401, _says(r"not authorized for this scope")),
    Case(_wrong_version, RECORDED, READ_ON, 401, _says(r"version header")),
    Case(_wrong_token_kind, RECORDED, READ_ON, 401, _says(r"AuthClass")),
    # A user that was never there is answered with 401; it says nothing about our token.
    Case(_not_a_user, f"{REPOSITORY}/issues/205", READ_ON, 401, _says(r"\buser does not exist")),
    Case(_token_refused, SCHEMAS, READ_ON, 401),
    Case(_wrong_location, f"{REPOSITORY}/issues/213", READ_ON, 403, _says(r"access to this location")),
    Case(_not_allowed, f"{REPOSITORY}/blob/main/apps/v3/common/common-schemas.json", READ_ON, 403),
    Case(_no_such_path, RECORDED, READ_ON, 404, _says(r"^Cannot (GET|POST|PUT|PATCH|DELETE) ")),
    Case(_duplicate, RECORDED, READ_ON, 400, lambda answer: bool(_existing_contact(answer))),
    *(
        Case(
            _not_a_user,
            f"{SCHEMAS} (the wording is unconfirmed)",
            READ_ON,
            status,
            _says(_NOT_A_USER.pattern),
        )
        for status in (400, 404, 422)
    ),
    # A missing contact is a 400; which status a missing task has is unconfirmed, so both are read alike.
    Case(_gone, RECORDED, READ_ON, 400, _says(_GONE.pattern)),
    Case(_gone, f"{REPOSITORY}/blob/main/apps/v3/common/common-schemas.json", READ_ON, 404),
    Case(_grant_used, TOKENS, READ_ON, 400, _says(r"^invalid grant")),
    Case(_app_refused, TOKENS, READ_ON, 400, _says(r"^(invalid|missing) parameter: client")),
    Case(_grant_used, TOKENS, READ_ON, 400, _says(r"^(invalid|missing) parameter: (code|refresh)")),
    Case(_asked_wrongly, TOKENS, READ_ON, 400, _says(r"^(invalid|missing) parameter: ")),
    Case(_paused, TOKENS, READ_ON, 400, _says(r"^location is not active")),
    Case(_not_in_this_version, RECORDED, READ_ON, 400, _says(r"not available in API version")),
    Case(_refused, SCHEMAS, READ_ON, 400),
    Case(_refused, SCHEMAS, READ_ON, 422),
    Case(_over_quota, FAQ, READ_ON, 429),
)
