"""LeadSquared's refusals: an envelope with `ExceptionType` and `ExceptionMessage`, under more than one status.

Every `MX…Exception` but one is a verdict: the vendor's own asynchronous API does not repeat those. What names no `MX` type is trouble of
the platform and is judged by its status. There is no published list of the types (2026-11): those with a row of their own were seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date

from providers.error_cases import DEFAULT_WAIT, Answer, Case
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
from providers.types import Field
from providers.waiting import LONGEST_WAIT, retry_after

READ_ON = date(2026, 11, 22)
ERRORS = "https://apidocs.leadsquared.com/error-handling/"
RATE_LIMITS = "https://apidocs.leadsquared.com/rate-limits/"
AUTHENTICATION = "https://apidocs.leadsquared.com/authentication/"
CREATE = "https://apidocs.leadsquared.com/create-a-to-do/"

REGION = re.compile(r"\bapi(-[a-z0-9]+)?\.leadsquared\.com\b")

# Longer names stand before the shorter ones that are part of them.
_OUR_FIELDS = {
    "OwnerEmailAddress": Field.ASSIGNEE,
    "OwnerId": Field.ASSIGNEE,
    "RelatedEntityId": Field.CONTACTS,
    "RelatedEntity": Field.CONTACTS,
    "ReminderBeforeDays": Field.REMINDER,
    "ReminderTime": Field.REMINDER,
    "Reminder": Field.REMINDER,
    "Description": Field.BODY,
    "NotifyBy": Field.NOTIFY,
    "Location": Field.LOCATION,
    "TaskType": Field.TYPE,
    "DueDate": Field.DUE,
    "EndDate": Field.END,
    "Name": Field.TITLE,
}
_NAMES = re.compile(rf"(?<![A-Za-z])({'|'.join(_OUR_FIELDS)})(?:\.Name)?(?![A-Za-z])")
_LIMIT = re.compile(r"(?:limit of\s+(\d+)\s+)?in\s+(\d+)\s*(second|minute|hour|day)", re.IGNORECASE)
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0}
_NO_SUCH_TASK = re.compile(r"\btask\b.*(not (be )?found|not exist|invalid)|invalid task", re.IGNORECASE)


def exception_type(answer: Answer) -> str:
    """Return the `ExceptionType` of an error body, "" for any other."""
    return str(answer.json.get("ExceptionType") or "") if isinstance(answer.json, Mapping) else ""


def limit_in(words: str) -> tuple[int, float] | None:
    """Return the calls (0: not told) and the seconds that "API calls exceeded the limit of 25 in 5 second(s)" speaks of, or None."""
    found = _LIMIT.search(words)
    if found is None:
        return None
    return int(found.group(1) or 0), float(found.group(2)) * _SECONDS[found.group(3).lower()]


def refused_fields(words: str) -> dict[str, str]:
    """Return our field of each of its own that the vendor names in its words."""
    return {str(_OUR_FIELDS[name]): words for name in _NAMES.findall(words)}


def _of_type(*names: str) -> Callable[[Answer], bool]:
    return lambda answer: exception_type(answer) in names


def _is_verdict(answer: Answer) -> bool:
    return exception_type(answer).startswith("MX")


def _says_error(answer: Answer) -> bool:
    return isinstance(answer.json, Mapping) and answer.json.get("Status") == "Error"


def _is_gone(answer: Answer) -> bool:
    words = answer.json.get("ExceptionMessage") if isinstance(answer.json, Mapping) else ""
    return _is_verdict(answer) and bool(_NO_SUCH_TASK.search(str(words or "")))


def _said(words: str) -> str:
    return f": {words}" if words else ""


def _rate_limited(answer: Answer, words: str) -> ProviderError:
    asked, limit = retry_after(answer.headers), limit_in(words)
    waits = [wait for wait in (asked, limit and min(limit[1], LONGEST_WAIT)) if wait is not None]
    return RateLimited(
        f"LeadSquared says the account is over its limit{_said(words)}. The hub waits; if it happens often, lower our share of the rate.",
        retry_after=max(waits, default=DEFAULT_WAIT),
        is_told=asked is not None,
        limit=limit if limit and limit[0] else None,
        status=answer.status,
    )


def _unauthorized(answer: Answer, words: str) -> ProviderError:
    if home := REGION.search(words.lower()):
        return Unauthorized(
            "LeadSquared does not know these keys at this address: the account is in another region. "
            f"Give https://{home.group()} as the base URL{_said(words)}.",
            status=answer.status,
        )
    return Unauthorized(
        "LeadSquared does not accept the keys: they are wrong, their user is inactive, or the account lives on "
        f"another region's host{_said(words)}. Give the keys of an active administrator, and the host shown beside them.",
        status=answer.status,
    )


def _forbidden(answer: Answer, words: str) -> ProviderError:
    return Forbidden(
        f"LeadSquared does not allow this to the user of the keys{_said(words)}. An administrator's keys may do it.",
        status=answer.status,
    )


def _conflict(answer: Answer, words: str) -> ProviderError:
    return Conflict(
        f"LeadSquared has another record with this value{_said(words)}. Link that one, or change the value.",
        status=answer.status,
    )


def _markup(answer: Answer, words: str) -> ProviderError:
    reason = words or "looks like markup"
    return Rejected(
        f"LeadSquared takes the text for markup and refuses it{_said(words)}. Write it without code or tags.",
        fields=refused_fields(words) or {str(Field.TITLE): reason, str(Field.BODY): reason},
        status=answer.status,
    )


def _gone(answer: Answer, words: str) -> ProviderError:
    return NotFound(f"LeadSquared has no such task{_said(words)}.", status=answer.status)


def _lead_gone(answer: Answer, words: str) -> ProviderError:
    return Rejected(
        f"LeadSquared does not have the contact any more{_said(words)}. Link the task to a contact that is there.",
        fields={str(Field.CONTACTS): words or "not in LeadSquared"},
        status=answer.status,
    )


def _refusing(what: str, remedy: str) -> Callable[[Answer, str], ProviderError]:
    """Return what makes a `Rejected` of an answer: what happened, LeadSquared's words, and what to do."""

    def rejected(answer: Answer, words: str) -> ProviderError:
        return Rejected(
            f"LeadSquared {what}{_said(words or exception_type(answer))}. {remedy}",
            fields=refused_fields(words),
            status=answer.status,
        )

    return rejected


def _no_such_path(answer: Answer, words: str) -> ProviderError:
    return Permanent(
        f"LeadSquared's API is not at this address; check the host of the connection{_said(words)}.",
        status=answer.status,
    )


def _in_doubt(answer: Answer, words: str) -> ProviderError:
    return Unconfirmed(
        f"LeadSquared failed without saying whether it did what was asked{_said(words)}. The hub looks before it tries again.",
        status=answer.status,
    )


def _unwell(answer: Answer, words: str) -> ProviderError:
    return Transient(
        f"LeadSquared failed to answer{_said(words)}. The hub asks again by itself.", status=answer.status
    )


_missing = _refusing(
    "misses something that it demands", "Fill it in, or make the field optional in LeadSquared."
)
_bad_value = _refusing("refused a value", "Correct it and save again.")
_no_field = _refusing(
    "has no such field", "Somebody removed or renamed it there; run the doctor on this connection."
)
_bad_body = _refusing(
    "could not read the request",
    "That is a mistake of the hub, not of the task: report it with this attempt.",
)
_no_call_of_ours = _refusing(
    "speaks of an activity, which the hub sends none of", "Report it with this attempt."
)
_refused = _refusing("refused the request", "Correct what it names and save again.")

CASES: tuple[Case, ...] = (
    # The limit is told as 429 by the documentation and was seen as 200 by two integrators.
    Case(_rate_limited, RATE_LIMITS, READ_ON, when=_of_type("MXAPIRateLimitExceededException")),
    Case(_rate_limited, RATE_LIMITS, READ_ON, status=429),
    Case(_unauthorized, AUTHENTICATION, READ_ON, status=401),
    Case(_unauthorized, AUTHENTICATION, READ_ON, when=_of_type("MXUnAuthorizedAccessException")),
    # Not documented (2026-11): read as "this call is beyond the user's role", which stops less than wrong keys would.
    Case(_forbidden, ERRORS, READ_ON, when=_of_type("MXUnauthorizedRequestException")),
    Case(
        _conflict,
        ERRORS,
        READ_ON,
        when=_of_type("MXDuplicateEntryException", "MXDuplicateEntityNameException"),
    ),
    Case(_markup, ERRORS, READ_ON, when=_of_type("MXXSSException")),
    Case(_lead_gone, ERRORS, READ_ON, when=_of_type("MXInvalidLeadException")),
    # A mail to the owner may fail after the task was made: whether it was is not told (2026-11).
    Case(_in_doubt, ERRORS, READ_ON, when=_of_type("MXMailDeliveryException"), writes=True),
    Case(_unwell, ERRORS, READ_ON, when=_of_type("MXMailDeliveryException"), writes=False),
    # Which type a missing task has is not documented (2026-11), so the words decide.
    Case(_gone, ERRORS, READ_ON, when=_is_gone),
    Case(_missing, ERRORS, READ_ON, when=_of_type("MXMandatoryAttributeMissingException")),
    Case(_no_field, ERRORS, READ_ON, when=_of_type("MXUnknownAttributeException", "MXInvalidFieldException")),
    Case(
        _no_call_of_ours,
        ERRORS,
        READ_ON,
        when=_of_type("MXInvalidActivityException", "MXUnknownProspectActivityException"),
    ),
    Case(_bad_body, CREATE, READ_ON, status=400),
    Case(_bad_value, ERRORS, READ_ON, when=_of_type("MXInvalidInputException")),
    Case(_refused, ERRORS, READ_ON, when=_is_verdict),
    Case(_refused, ERRORS, READ_ON, status=200, when=_says_error),
    # Here a 404 is an unknown path, never a missing record: read as one it would end a delete that did not happen.
    Case(_no_such_path, ERRORS, READ_ON, status=404),
    Case(_in_doubt, CREATE, READ_ON, status=500, writes=True),
    Case(_unwell, CREATE, READ_ON, status=500, writes=False),
)
