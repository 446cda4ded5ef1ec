"""Hub values ↔ HighLevel's JSON, both ways; pure.

A day without a time is sent as 09:00 of that day in the sub-account's zone plus one millisecond: HighLevel keeps milliseconds and
shows minutes, and without the mark a day could not be told from a real appointment at nine when it is read back.

Source: https://github.com/GoHighLevel/highlevel-api-docs/blob/main/apps/contacts.json (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from providers.errors import Rejected
from providers.types import (
    Canonical,
    Field,
    HubKey,
    Owner,
    Person,
    RemoteContact,
    RemoteRef,
    RemoteTask,
    TaskDraft,
    TaskStatus,
    canonical_moment,
    with_marker,
)

DAY_STARTS = time(9, 0, 0, 1000)  # in the sub-account's zone; the millisecond marks a day without a time
_MARKER = re.compile(r"\[hub:([a-z2-7]{26}\.\d+)\]")


def zone_of(name: object) -> tzinfo:
    """Return the time zone of that IANA name; UTC for one that is missing or not known."""
    try:
        return ZoneInfo(str(name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def tidy(text: str) -> str:
    """Return the text as it can come back: Unix line ends, no blank space at the end (the key's line follows there)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()


# Tasks


def new_task(draft: TaskDraft, key: HubKey, *, zone: tzinfo) -> dict[str, object]:
    """Return the body of a create. An assignee is left out when there is none: null is not documented."""
    body = changed_task(
        draft,
        key,
        changed=frozenset({Field.TITLE, Field.BODY, Field.DUE, Field.STATUS, Field.ASSIGNEE}),
        zone=zone,
    )
    return {name: value for name, value in body.items() if name != "assignedTo" or value}


def changed_task(
    draft: TaskDraft, key: HubKey, *, changed: frozenset[Field], zone: tzinfo
) -> dict[str, object]:
    """Return the body of an update that brings the fields in `changed` to the draft; empty when none of them is held there."""
    body: dict[str, object] = {}
    if Field.TITLE in changed:
        body["title"] = draft.title
    if Field.BODY in changed:
        body["body"] = with_marker(tidy(draft.body), key)
    if Field.DUE in changed and draft.due is not None:
        body["dueDate"] = _sendable(draft.due, zone)
    if Field.STATUS in changed:
        body["completed"] = draft.status == TaskStatus.COMPLETED
    if Field.ASSIGNEE in changed:
        body["assignedTo"] = draft.assignee
    return body


def _sendable(due: date | datetime, zone: tzinfo) -> str:
    try:
        return due_text(due, zone)
    except OverflowError as error:
        raise Rejected(
            "The due date lies outside the years that can be told in UTC.",
            fields={str(Field.DUE): "out of range"},
        ) from error


def due_text(due: date | datetime, zone: tzinfo) -> str:
    """Return the due moment in UTC with milliseconds and `Z`; a day is 09:00 of that day in `zone`, marked as a day."""
    # A moment goes in whole seconds, as the hub compares it: it must not look like the mark of a day.
    moment = (
        due.replace(microsecond=0) if isinstance(due, datetime) else datetime.combine(due, DAY_STARTS, zone)
    )
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def due_of(text: object, *, zone: tzinfo, sent: date | datetime | None = None) -> date | datetime | None:
    """Return the day or the moment that an answer's `dueDate` means, None when it cannot be read.

    `sent` is the due of the draft that this answers, if any: when the answer is what we would send for it, to the second, it is that.
    Without one a moment is a day when it carries the mark of a day. A time without an offset is taken for UTC.
    """
    moment = moment_of(text)
    if moment is None:
        return None
    if sent is not None:
        asked = moment_of(due_text(sent, zone))
        return sent if asked is not None and abs(asked - moment) < timedelta(seconds=1) else moment
    try:
        day = moment.astimezone(zone).date()
        return day if moment_of(due_text(day, zone)) == moment else moment
    except OverflowError:
        return None


def moment_of(text: object) -> datetime | None:
    """Return the moment that an ISO 8601 text tells, in UTC; None when it is not one."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def remote_task(
    row: Mapping[str, Any], *, parent: str, zone: tzinfo, url: str = "", sent: TaskDraft | None = None
) -> RemoteTask:
    """Return the task in one row of an answer; `parent` is the contact it was asked under, `sent` the draft it answers.

    The id is `id` at the contact and `_id` in the search. What is not set there is left out of the rows (recorded 2026-07), so a row
    with a title and no assignee or body tells that there is none.
    """
    contact = text_of(row, "contactId") or parent
    body, key = split_key(text_of(row, "body"))
    holds: dict[Field, Canonical] = {Field.CONTACTS: (contact,)} if contact else {}
    if isinstance(row.get("title"), str):
        holds |= {
            Field.TITLE: row["title"],
            Field.BODY: tidy(body),
            Field.ASSIGNEE: text_of(row, "assignedTo"),
        }
    if isinstance(row.get("completed"), bool):
        holds[Field.STATUS] = str(TaskStatus.COMPLETED if row["completed"] else TaskStatus.OPEN)
    due = due_of(row.get("dueDate"), zone=zone, sent=sent.due if sent else None)
    if due is not None:
        holds[Field.DUE] = canonical_moment(due)
    ref = RemoteRef(id_of(row), contact)
    return RemoteTask(ref, holds, key=key, url=url, modified_at=moment_of(row.get("dateUpdated")))


def split_key(text: str) -> tuple[str, str]:
    """Return a body without our key's line, and the key ("" when there is none).

    The line is found wherever it stands: people write below it in HighLevel's screens. Of several the last is ours: the text before it
    may be one that was copied from another task.
    """
    found = list(_MARKER.finditer(text))[-1:]
    if not found:
        return text, ""
    return text[: found[0].start()].rstrip() + text[found[0].end() :], found[0].group(1)


def id_of(row: Mapping[str, Any]) -> str:
    """Return the id of a row, whichever of its two names it goes by."""
    return text_of(row, "id") or text_of(row, "_id")


def text_of(row: Mapping[str, Any], name: str) -> str:
    """Return the text under that name, "" when it is absent or not a text."""
    value = row.get(name)
    return value if isinstance(value, str) else ""


def rows_in(body: object, name: str) -> list[Mapping[str, Any]] | None:
    """Return the list under that name in an answer, or None when there is none."""
    rows = body.get(name) if isinstance(body, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else None


def record_in(body: object, name: str) -> Mapping[str, Any] | None:
    """Return the record under that name in an answer, or None when there is none with an id."""
    record = body.get(name) if isinstance(body, Mapping) else None
    return record if isinstance(record, Mapping) and id_of(record) else None


# Contacts and users


def new_contact(person: Person, *, location: str) -> dict[str, object]:
    """Return the body of a contact create; what is empty is left out. HighLevel has no job title."""
    wanted = {
        "locationId": location,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "companyName": person.company,
    }
    return {name: value for name, value in wanted.items() if value}


def changed_contact(person: Person) -> dict[str, object]:
    """Return the body of a contact update; null empties. `locationId` and `companyName` are refused there."""
    return {
        "firstName": person.first_name or None,
        "lastName": person.last_name or None,
        "email": person.email or None,
        "phone": person.phone or None,
    }


def remote_contact(row: Mapping[str, Any], *, url: str = "") -> RemoteContact:
    """Return the contact in one row, its primary e-mail and phone first."""
    person = Person(
        first_name=text_of(row, "firstName"),
        last_name=text_of(row, "lastName"),
        emails=tuple(_values(row, "email", "additionalEmails")),
        phones=tuple(_values(row, "phone", "additionalPhones")),
        company=text_of(row, "companyName"),
    )
    return RemoteContact(RemoteRef(id_of(row)), person, url=url)


def identities(person: Person) -> Iterator[tuple[str, str]]:
    """Yield what a contact may be looked up by: each e-mail in lower case, then each phone."""
    for email in dict.fromkeys(email.strip().lower() for email in person.emails if email.strip()):
        yield "email", email
    for phone in dict.fromkeys(phone.strip() for phone in person.phones if phone.strip()):
        yield "phone", phone


def is_known_by(contact: RemoteContact, name: str, value: str) -> bool:
    """Return whether the contact has this e-mail or phone, compared without case, blanks and punctuation."""
    if name == "email":
        return value.casefold() in {email.casefold() for email in contact.person.emails}
    return _digits(value) in {_digits(phone) for phone in contact.person.phones}


def owner(row: Mapping[str, Any]) -> Owner:
    """Return the user in one row."""
    name = text_of(row, "name") or f"{text_of(row, 'firstName')} {text_of(row, 'lastName')}".strip()
    return Owner(id_of(row), text_of(row, "email").lower(), name, is_active=row.get("deleted") is not True)


def serves(row: Mapping[str, Any], location: str) -> bool:
    """Return whether the user may work in the sub-account; one whose row names none may."""
    roles = row.get("roles")
    places = roles.get("locationIds") if isinstance(roles, Mapping) else None
    return not isinstance(places, list) or not places or location in places


def quota_words(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return in words what is left of the day's and the moment's quota, as the answer's headers tell it."""
    words = []
    for left, most, span in (
        ("x-ratelimit-daily-remaining", "x-ratelimit-limit-daily", "today"),
        ("x-ratelimit-remaining", "x-ratelimit-max", "in these seconds"),
    ):
        if headers.get(left, "").isdigit() and headers.get(most, "").isdigit():
            words.append(f"{headers[left]} of {headers[most]} requests left {span}")
    return tuple(words)


def _values(row: Mapping[str, Any], primary: str, further: str) -> list[str]:
    # Whether the further ones are texts or objects is not documented; both were seen (2026-11).
    listed = row.get(further)
    rest = (
        [one.get(primary) if isinstance(one, Mapping) else one for one in listed]
        if isinstance(listed, list)
        else []
    )
    return list(
        dict.fromkeys(value for value in (row.get(primary), *rest) if isinstance(value, str) and value)
    )


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)
