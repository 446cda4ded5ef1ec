"""What the simulated HighLevel accepts and how it shows it: the documented request fields, and the search language; pure.

Its own reading of the vendor's request schemas, kept apart from `payloads.py`, so that a mistake there shows here.
Source: https://github.com/GoHighLevel/highlevel-api-docs, apps/contacts.json and apps/locations.json (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Record = dict[str, Any]
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Rule:
    """What one property must be: `words` follow its name in the refusal."""

    fits: Callable[[Any], bool]
    words: str
    is_required: bool = False
    is_nullable: bool = False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _is_moment(value: Any) -> bool:
    # How a time without an offset is read there is unconfirmed (2026-11), so none is accepted here.
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_email(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value) is not None


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _text(*, required: bool = False, nullable: bool = False) -> Rule:
    return Rule(lambda value: isinstance(value, str), "must be a string", required, nullable)


def _one_of(*words: str) -> Rule:
    return Rule(
        lambda value: value in words, f"must be one of the following values: {', '.join(words)}", True
    )


TEXTS = Rule(_is_texts, "must be an array of strings")
NUMBER = Rule(_is_number, "must be a number conforming to the specified constraints")
FLAG = Rule(lambda value: isinstance(value, bool), "must be a boolean value")
OBJECT = Rule(lambda value: isinstance(value, dict), "must be an object")
LIST = Rule(lambda value: isinstance(value, list), "must be an array")
DATE = Rule(_is_moment, "must be a valid ISO 8601 date string")


def _required(rule: Rule) -> Rule:
    return Rule(rule.fits, rule.words, True)


CHANGED_TASK: Mapping[str, Rule] = {
    "title": _text(),
    "body": _text(),
    "dueDate": DATE,
    "completed": FLAG,
    "assignedTo": _text(),
}
NEW_TASK = {
    **CHANGED_TASK,
    "title": _text(required=True),
    "dueDate": _required(DATE),
    "completed": _required(FLAG),
}
TASK_COMPLETED: Mapping[str, Rule] = {"completed": _required(FLAG)}
TASK_SEARCH: Mapping[str, Rule] = {
    "contactId": TEXTS,
    "completed": FLAG,
    "assignedTo": TEXTS,
    "query": _text(),
    "limit": NUMBER,
    "skip": NUMBER,
    "businessId": _text(),
    "searchAfter": LIST,  # not documented, taken by the live API (2026-07)
}
CHANGED_RECURRING: Mapping[str, Rule] = {
    "title": _text(),
    "description": _text(),
    "contactIds": TEXTS,
    "owners": TEXTS,
    "rruleOptions": OBJECT,
    "ignoreTaskCreation": FLAG,
}
NEW_RECURRING = {**CHANGED_RECURRING, "title": _text(required=True), "rruleOptions": _required(OBJECT)}
RRULE: Mapping[str, Rule] = {
    "intervalType": _one_of("yearly", "monthly", "weekly", "daily", "hourly"),
    "interval": _required(NUMBER),
    "startDate": _required(DATE),
    "dueAfterSeconds": _required(NUMBER),
    "endDate": DATE,
    "dayOfMonth": NUMBER,
    "dayOfWeek": Rule(
        lambda value: value in ("MO", "TU", "WE", "TH", "FR", "SA", "SU"), "must be a valid enum value"
    ),
    "monthOfYear": NUMBER,
    "count": NUMBER,
    "createTaskIfOverDue": FLAG,
}
CHANGED_CONTACT: Mapping[str, Rule] = {
    **{
        name: _text(nullable=True)
        for name in (
            "firstName",
            "lastName",
            "name",
            "phone",
            "address1",
            "city",
            "state",
            "website",
            "timezone",
            "source",
        )
    },
    "email": Rule(_is_email, "must be an email", is_nullable=True),
    "postalCode": _text(),
    "country": _text(),
    "assignedTo": _text(nullable=True),
    "dateOfBirth": _text(nullable=True),
    "dnd": FLAG,
    "dndSettings": OBJECT,
    "inboundDndSettings": OBJECT,
    "tags": TEXTS,
    "customFields": LIST,
}
NEW_CONTACT = {
    **CHANGED_CONTACT,
    "locationId": _text(required=True),
    "gender": _text(),
    "companyName": _text(nullable=True),
}
UPSERTED_CONTACT = {**NEW_CONTACT, "createNewIfDuplicateAllowed": FLAG}
CONTACT_SEARCH: Mapping[str, Rule] = {
    "locationId": _text(required=True),
    "pageLimit": _required(NUMBER),
    "page": NUMBER,
    "searchAfter": LIST,
    "filters": LIST,
    "sort": LIST,
    "query": _text(),
}


def complaints(body: Mapping[str, Any], rules: Mapping[str, Rule]) -> list[str]:
    """Return every refusal of the body in the vendor's words: keys it does not know, then what each property must be."""
    found = [f"property {name} should not exist" for name in body if name not in rules]
    for name, rule in rules.items():
        value = body.get(name)
        if name not in body or (value is None and rule.is_nullable):
            found += [f"{name} should not be empty", f"{name} {rule.words}"] if rule.is_required else []
        elif rule.is_required and value == "":
            found.append(f"{name} should not be empty")
        elif not rule.fits(value):
            found.append(f"{name} {rule.words}")
    return found


# How records are shown


def moment_text(moment: datetime) -> str:
    """Return the moment as HighLevel shows it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(text: str) -> datetime:
    """Return the moment that a kept date tells."""
    return datetime.fromisoformat(text)


def shown_due(text: str) -> str:
    """Return a due date that was sent as it comes back."""
    return moment_text(datetime.fromisoformat(text))


def shown_task(task: Record) -> Record:
    """Return a task as the contact's calls show it: the documented seven fields, without those that are not set."""
    names = ("id", "title", "body", "assignedTo", "dueDate", "completed", "contactId")
    return {name: task[name] for name in names if task.get(name) not in (None, "")}


def task_row(task: Record, contact: Record, location: str) -> Record:
    """Return a task as the location's search shows it."""
    added: datetime = task["added"]
    return {
        "_id": task["id"],
        "locationId": location,
        **{name: value for name, value in shown_task(task).items() if name != "id"},
        "status": "completed" if task["completed"] else "to_do",
        "deleted": task["deleted"],
        "dateAdded": moment_text(added),
        "dateUpdated": moment_text(task["updated"]),
        "contactDetails": {name: contact.get(name) for name in ("firstName", "lastName")},
        "searchAfter": [milliseconds(added), task["id"]],
    }


def shown_contact(contact: Record, location: str) -> Record:
    """Return a contact as GET, create, update and upsert show it, without what is not set."""
    email = contact.get("email")
    shown = {
        **{
            name: value
            for name, value in contact.items()
            if name not in ("added", "updated", "deleted", "deleted_at")
        },
        "locationId": location,
        "emailLowerCase": email.lower() if email else None,
        "dateAdded": moment_text(contact["added"]),
        "dateUpdated": moment_text(contact["updated"]),
    }
    return {name: value for name, value in shown.items() if value is not None}


def contact_row(contact: Record, location: str, sort_field: str) -> Record:
    """Return a contact as the search shows it: null for what is not set, and the pair to go on after."""
    empty = dict.fromkeys(
        ("firstName", "lastName", "email", "phone", "companyName", "businessId", "assignedTo")
    )
    at: datetime = contact["updated" if sort_field == "dateUpdated" else "added"]
    return {**empty, **shown_contact(contact, location), "searchAfter": [milliseconds(at), contact["id"]]}


def milliseconds(moment: datetime) -> int:
    """Return the moment as milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def phone_of(text: str | None) -> str | None:
    """Return a phone as it is kept, digits with a plus; None for none."""
    digits = re.sub(r"\D", "", text or "")
    return f"+{digits}" if digits else None


# The contact search


def fits(contact: Mapping[str, Any], filters: Iterable[Any]) -> bool:
    """Return whether the row of a contact meets all filters. Raises `ValueError` for one that is not understood."""
    return all(_fits_one(contact, one) for one in filters)


def _fits_one(contact: Mapping[str, Any], one: Any) -> bool:
    if not isinstance(one, dict):
        raise ValueError("each value in filters must be an object")
    if "group" in one:
        verdicts = [_fits_one(contact, inner) for inner in one.get("filters", [])]
        return any(verdicts) if one["group"] == "OR" else all(verdicts)
    operator, value = str(one.get("operator")), one.get("value")
    if set(one) - {"field", "operator", "value"} or operator not in _OPERATORS:
        raise ValueError("filters: invalid field, operator or value")
    return _OPERATORS[operator](contact.get(str(one.get("field"))), value)


def _same(held: Any, value: Any) -> bool:
    if isinstance(held, str) and isinstance(value, str):
        return held.casefold() == value.casefold()
    return bool(held == value)


def _contains(held: Any, value: Any) -> bool:
    return str(value).casefold() in str(held or "").casefold()


def _in_range(held: Any, value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(held, str):
        return False
    return str(value.get("gte", "")) <= held <= str(value.get("lte", "9999"))


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _same,
    "not_eq": lambda held, value: not _same(held, value),
    "contains": _contains,
    "not_contains": lambda held, value: not _contains(held, value),
    "exists": lambda held, _value: held is not None,
    "not_exists": lambda held, _value: held is None,
    "range": _in_range,
}
