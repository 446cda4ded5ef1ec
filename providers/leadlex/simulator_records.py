"""The simulated LeadLex's own reading of the vendor's pages: which values it takes, what it makes of names, what it shows.

Shares nothing with the client but the pages: https://docs.leadlex.com, tasks, contacts, data-integrity (read 2026-11).
"""

from __future__ import annotations

import html
import re
import string
import uuid
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

Record = dict[str, Any]
Rule = Callable[[Any], str]

_MARKUP = re.compile(rf"\\([{re.escape(string.punctuation)}\n])|&[#\w]+;")

OLDEST = timedelta(days=5 * 365.25)  # of a created_date that is kept
FURTHEST_AHEAD = timedelta(hours=24)


class Refused(Exception):
    """The request is answered with an error of this status and code."""

    def __init__(self, status: int, code: str, message: str, fields: Mapping[str, str] | None = None) -> None:
        """Keep the parts of the vendor's error body."""
        super().__init__(message)
        self.status = status
        self.body = error_body(code, message, fields)


def error_body(code: str, message: str, fields: Mapping[str, str] | None = None) -> Record:
    """Return the vendor's envelope of an error."""
    error: Record = {"code": code, "message": message}
    if fields:
        error["details"] = {"fields": dict(fields)}
    return {"error": error}


def invalid(message: str, fields: Mapping[str, str] | None = None) -> Refused:
    """Return the refusal of a value."""
    return Refused(400, "validation_error", message, fields)


# What a value must be: each rule returns the reason against it, "" when there is none


def text(value: Any) -> str:
    """Any text."""
    return "" if isinstance(value, str) else "Must be a string"


def filled(value: Any) -> str:
    """A text with something in it."""
    return text(value) or ("" if value.strip() else "Must not be empty")


def one_word_of(*words: str) -> Rule:
    """Return the rule for an enumeration."""
    return lambda value: "" if value in words else f"Must be one of: {', '.join(words)}"


def moment_or_day(value: Any) -> str:
    """An ISO 8601 moment, or YYYY-MM-DD."""
    return "" if isinstance(value, str) and _parsed(value) else "Must be ISO 8601 or YYYY-MM-DD"


def moment(value: Any) -> str:
    """An ISO 8601 moment."""
    return (
        "" if isinstance(value, str) and "T" in value and _parsed(value) else "Must be an ISO 8601 timestamp"
    )


def identifier(value: Any) -> str:
    """A UUID."""
    try:
        uuid.UUID(value)
    except (ValueError, TypeError, AttributeError):
        return "Must be a UUID"
    return ""


def texts(value: Any) -> str:
    """A list of texts."""
    is_fine = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return "" if is_fine else "Must be an array of strings"


def mapping(value: Any) -> str:
    """An object."""
    return "" if isinstance(value, dict) else "Must be an object"


def _contact_priority(value: Any) -> str:
    return "" if value in ("high", "medium", "low", 1, 2, 3) else "Must be high, medium or low, or 1, 2 or 3"


TASK_UPDATE: Mapping[str, Rule] = {
    "title": filled,
    "description": text,
    "status": one_word_of("open", "in_progress", "completed"),
    "priority": one_word_of("low", "medium", "high"),
    "task_type": filled,
    "due_date": moment_or_day,
    "assignee_id": filled,
    "contact_id": identifier,
    "deal_id": identifier,
    "event_id": identifier,
}
# Whether null is taken is not documented (2026-11): here it is on update, where nothing else could empty a field.
TASK_NULLABLE = frozenset(TASK_UPDATE) - {"title", "status"}
TASK_CREATE: Mapping[str, Rule] = {
    **TASK_UPDATE,
    "contact_name": filled,
    "company_name": filled,
    "created_date": moment,
}
_CONTACT: Mapping[str, Rule] = {
    "full_name": text,
    "first_name": text,
    "last_name": text,
    "email": text,
    "phone": text,
    "job_title": text,
    "related_company_id": identifier,
    "linkedin_url": text,
    "priority": _contact_priority,
    "tags": texts,
    "custom_fields": mapping,
}
CONTACT_CREATE: Mapping[str, Rule] = {
    **_CONTACT,
    "company": text,
    "company_id": identifier,
    "created_date": moment,
}
CONTACT_UPDATE: Mapping[str, Rule] = {**_CONTACT, "company_name": text, "notes": text}


def check_body(
    body: Any, rules: Mapping[str, Rule], *, required: Iterable[str] = (), nullable: Container[str] = ()
) -> Record:
    """Return the body when every key is documented and every value fits. Raises `Refused` naming all that do not."""
    if not isinstance(body, dict):
        raise invalid("Request body must be a JSON object")
    reasons = {name: "Required" for name in required if name not in body}
    for name, value in body.items():
        if reason := _against(name, value, rules, may_be_null=name in nullable):
            reasons[name] = reason
    if reasons:
        name, reason = next(iter(reasons.items()))
        raise invalid(f"{name}: {reason}", reasons)
    return body


def _against(name: str, value: Any, rules: Mapping[str, Rule], *, may_be_null: bool) -> str:
    if name not in rules:
        return "Unknown field"
    if value is None:
        return "" if may_be_null else "Must not be null"
    return rules[name](value)


def created_date(asked: str | None, now: datetime) -> str:
    """Return the moment to keep: the asked one letter by letter within its bounds, else the server's own."""
    wanted = _parsed(asked) if asked else None
    if asked and wanted and now - OLDEST <= wanted <= now + FURTHEST_AHEAD:
        return asked
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _parsed(value: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def as_moment(due: str | None) -> str | None:
    """Return the due date as a store of moments would hold it: a day is its midnight in UTC."""
    if due is None or "T" in due:
        return due
    return f"{date.fromisoformat(due)}T00:00:00+00:00"


def matched(name: str, records: Iterable[Record], kind: str) -> str | None:
    """Return the id of the one record of that name: alike in full, else holding each of its words; None when none does.

    Raises `Refused` when several do, with their ids in the message.
    """
    words = name.casefold().split()
    known = [
        (record["id"], str(record.get("full_name") or record.get("name") or "").casefold())
        for record in records
    ]
    found = [one for one, its_name in known if its_name.split() == words]
    found = found or [one for one, its_name in known if all(word in its_name for word in words)]
    if len(found) > 1:
        raise Refused(
            400, "ambiguous_reference", f'{kind} "{name}" matches several records: {", ".join(found)}'
        )
    return found[0] if found else None


def named(body: Mapping[str, Any]) -> dict[str, str]:
    """Return a new contact's three names: composed, split at the last space or the comma, or taken from the e-mail."""
    first, last = str(body.get("first_name") or ""), str(body.get("last_name") or "")
    whole = str(body.get("full_name") or "").strip()
    if not (first or last or whole):
        whole = re.sub(r"[._-]+", " ", str(body.get("email") or "").split("@")[0]).title()
    if whole and not (first or last):
        if "," in whole:
            last, _, first = (part.strip() for part in whole.partition(","))
        else:
            first, _, last = whole.rpartition(" ")
            first, last = (first, last) if first else (last, "")
    return {"full_name": f"{first} {last}".strip(), "first_name": first, "last_name": last}


def shown(markdown: str) -> str:
    """Return the text that a reader of the rendered markdown sees, as far as plain text goes."""
    return _MARKUP.sub(lambda found: found.group(1) or html.unescape(found.group()), markdown)
