"""Hub values ↔ LeadSquared's JSON; pure.

Sources: https://apidocs.leadsquared.com/create-a-to-do/, …/create-task-appointment/, …/update-task/, …/retrieve-tasks-by-leadid/,
…/get-to-dos-by-email-address/, …/create-a-lead/ (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from providers.leadsquared.account import APPOINTMENT, Rules
from providers.types import (
    Canonical,
    Field,
    HubKey,
    RemoteRef,
    RemoteTask,
    TaskDraft,
    TaskStatus,
    canonical_moment,
    with_marker,
)

NO_RECORD, LEAD, OPPORTUNITY = 0, 1, 5  # `RelatedEntity`
NOTIFIED, SILENT = "1100", "1000"  # `NotifyBy`; the page on updating misprints the second with letters
COMPLETED = 1  # a task's `StatusCode`; 0 is open, others are not documented (2026-11)

_BRACKETS = str.maketrans("<>", "‹›")

# Fields of which the page on updating does not show all that we send (EndDate, days before, an opportunity): after writing them the task is read back (2026-11).
UNDOCUMENTED_ON_UPDATE = frozenset({Field.DUE, Field.END, Field.REMINDER, Field.DEALS})


def plain(text: str) -> str:
    """Return the text without angle brackets, which LeadSquared may take for markup and refuse."""
    return text.translate(_BRACKETS)


# Moments


def written(moment: datetime) -> str:
    """Return the moment as LeadSquared reads it: UTC, without a zone, without a T."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment_of(text: object) -> datetime | None:
    """Return the moment in an answer; None for nothing, for nonsense and for the year 1, which means never."""
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if moment.year == 1:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a calendar day in the zone, in UTC."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the last second of a calendar day in the zone, in UTC."""
    return start_of(day + timedelta(days=1), zone) - timedelta(seconds=1)


def span_of(draft: TaskDraft, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return `DueDate` and `EndDate` of the draft.

    A day lasts from its first to its last second in the account's zone. A moment without an end ends when it begins, because
    LeadSquared calls a task overdue after its `EndDate`. Both are always sent: what is left out there becomes today.
    """
    due = draft.due if draft.due is not None else draft.created_at.astimezone(zone).date()
    if isinstance(due, datetime):
        start = due.astimezone(UTC).replace(microsecond=0)
        end = start
    else:
        start, end = start_of(due, zone), end_of(due, zone)
    if draft.end_at is not None:
        end = max(draft.end_at.astimezone(UTC).replace(microsecond=0), start)
    return start, end


def due_and_end(
    start: datetime, end: datetime | None, zone: ZoneInfo
) -> tuple[date | datetime, datetime | None]:
    """Return the hub's due and end for an answer's: the reverse of `span_of`.

    A task that begins with a day of the account's zone, and does not end at once, is one for that day.
    """
    day = start.astimezone(zone).date()
    if start == start_of(day, zone) and end != start:
        return day, None if end == end_of(day, zone) else end
    return start, None if end == start else end


# A task, outward


def create_body(draft: TaskDraft, key: HubKey, rules: Rules, *, in_bulk: bool = False) -> dict[str, Any]:
    """Return the body of `Task.svc/Create`, or one task of a bulk create, where every reminder is in minutes."""
    start, end = span_of(draft, rules.zone)
    is_appointment = rules.category_of(draft) == APPOINTMENT
    in_minutes = is_appointment or in_bulk
    return {
        "Name": plain(draft.title),
        "Description": with_marker(plain(draft.body), key),
        **_related(draft),
        "DueDate": written(start),
        "EndDate": written(end),
        **(_minutes_before(draft, rules) if in_minutes else _days_before(draft, rules)),
        "NotifyBy": NOTIFIED if draft.notify_by_email else SILENT,
        **_owner(draft),
        "TaskType": {"Name": rules.type_of(draft)},
        **({"Location": plain(draft.location)} if is_appointment and draft.location else {}),
    }


def update_body(draft: TaskDraft, changed: frozenset[Field], key: HubKey, rules: Rules) -> dict[str, Any]:
    """Return the changed part of the body of `Task.svc/Update`, without the id; empty when nothing of it can be written.

    A changed due date carries the reminder with it, which is counted back from there.
    """
    body: dict[str, Any] = {}
    if Field.TITLE in changed:
        body["Name"] = plain(draft.title)
    if Field.BODY in changed:
        body["Description"] = with_marker(plain(draft.body), key)
    if changed & {Field.CONTACTS, Field.DEALS}:
        body |= _related(draft)
    if changed & {Field.DUE, Field.END}:
        start, end = span_of(draft, rules.zone)
        body |= {"DueDate": written(start), "EndDate": written(end)}
    if Field.REMINDER in changed or (Field.DUE in changed and draft.reminder_at):
        body |= _minutes_before(draft, rules) or _days_before(draft, rules) or {"Reminder": 0}
    if Field.NOTIFY in changed:
        body["NotifyBy"] = NOTIFIED if draft.notify_by_email else SILENT
    if Field.ASSIGNEE in changed:
        body |= _owner(draft) or ({"OwnerId": rules.key_user} if rules.key_user else {})
    return body


def _related(draft: TaskDraft) -> dict[str, Any]:
    for code, linked in ((OPPORTUNITY, draft.deals), (LEAD, draft.contacts)):
        if linked:
            return {"RelatedEntity": code, "RelatedEntityId": linked[0].ref.id}
    return {"RelatedEntity": NO_RECORD, "RelatedEntityId": ""}


def _owner(draft: TaskDraft) -> dict[str, Any]:
    # An assignee without an id is somebody whom this account does not know: their e-mail alone is not sent.
    if not draft.assignee:
        return {}
    return {"OwnerEmailAddress" if "@" in draft.assignee else "OwnerId": draft.assignee}


def _minutes_before(draft: TaskDraft, rules: Rules) -> dict[str, Any]:
    if draft.reminder_at is None:
        return {}
    minutes = (span_of(draft, rules.zone)[0] - draft.reminder_at) // timedelta(minutes=1)
    return {"Reminder": minutes} if minutes >= 0 else {}


def _days_before(draft: TaskDraft, rules: Rules) -> dict[str, Any]:
    """Return a to-do's reminder: so many days before, at such a time; in which zone is not documented, the account's is assumed (2026-11)."""
    if draft.reminder_at is None:
        return {}
    reminder = draft.reminder_at.astimezone(rules.zone)
    days = (span_of(draft, rules.zone)[0].astimezone(rules.zone).date() - reminder.date()).days
    return (
        {"ReminderBeforeDays": str(days), "ReminderTime": reminder.strftime("%H:%M:%S")} if days >= 0 else {}
    )


# A task, inward


def read_task(record: Mapping[str, Any], rules: Rules, *, draft: TaskDraft | None = None) -> RemoteTask:
    """Return the task in an answer of any of the listings, whose key names differ.

    `draft` is what was just written, if anything: it settles what the answer alone leaves open.
    """
    body, key = split_description(str(record.get("Description") or ""))
    holds: dict[Field, Canonical] = {}
    if "Name" in record:
        holds[Field.TITLE] = str(record["Name"] or "")
    if "Description" in record:
        holds[Field.BODY] = body
    holds |= (
        _status(record) | _dates(record, rules, draft) | _people(record, rules, draft) | _kind(record, rules)
    )
    return RemoteTask(
        ref=RemoteRef(str(record.get("UserTaskId") or record.get("TaskID") or "")),
        holds=holds,
        key=key,
        modified_at=moment_of(record.get("ModifiedOn")),
    )


# Only the line breaks that `with_marker` puts there are taken away again: a body may end with blanks of its own.
_MARKER_LINE = re.compile(r"(?:\r?\n){0,2}^\[hub:([a-z2-7]{26}\.\d+)\][ \t\r]*$", re.MULTILINE)


def split_description(text: str) -> tuple[str, str]:
    """Return the body and the hub key, "" when there is none; it is found as well where somebody wrote on below it."""
    found = list(_MARKER_LINE.finditer(text))
    last = found[-1] if found else None
    if last is None:
        return text, ""
    below = text[last.end() :]
    return text[: last.start()] + (below if below.strip() else ""), last.group(1)


def _status(record: Mapping[str, Any]) -> dict[Field, Canonical]:
    if "StatusCode" in record:
        is_done = str(record["StatusCode"]) == str(COMPLETED)
    elif "Status" in record:
        is_done = str(record["Status"]).casefold() == "completed"
    else:
        return {}
    # A code that nobody documents is never read as completed: an open task too many is seen, a lost one is not.
    return {Field.STATUS: str(TaskStatus.COMPLETED if is_done else TaskStatus.OPEN)}


def _dates(record: Mapping[str, Any], rules: Rules, draft: TaskDraft | None) -> dict[Field, Canonical]:
    start, end = moment_of(record.get("DueDate")), moment_of(record.get("EndDate"))
    if start is None:
        return {}
    if draft is not None and (start, end or start) == span_of(draft, rules.zone):
        due, until = draft.due, draft.end_at
    else:
        due, until = due_and_end(start, end, rules.zone)
    told: dict[Field, Canonical] = {Field.DUE: canonical_moment(due)}
    if end is not None:
        told[Field.END] = canonical_moment(until)
    return told | _reminder(record, start, rules)


def _reminder(record: Mapping[str, Any], start: datetime, rules: Rules) -> dict[Field, Canonical]:
    """Return the reminder where it is told; the `Reminder` that a to-do shows beside its days is a default of the vendor's."""
    if str(record.get("Category")) == str(APPOINTMENT):
        minutes = _number(record.get("Reminder"))
        return (
            {} if minutes is None else {Field.REMINDER: canonical_moment(start - timedelta(minutes=minutes))}
        )
    days, at = _number(record.get("ReminderBeforeDays")), str(record.get("ReminderTime") or "")
    if days is None or not re.fullmatch(r"\d\d:\d\d:\d\d", at):
        return {}
    day = start.astimezone(rules.zone).date() - timedelta(days=days)
    return {
        Field.REMINDER: canonical_moment(datetime.combine(day, time.fromisoformat(at), tzinfo=rules.zone))
    }


def _number(value: object) -> int | None:
    try:
        return int(str(value))
    except ValueError:
        return None


def _people(record: Mapping[str, Any], rules: Rules, draft: TaskDraft | None) -> dict[Field, Canonical]:
    told: dict[Field, Canonical] = {}
    owner = str(record.get("OwnerId") or record.get("OwnerID") or "")
    email = str(record.get("OwnerEmailAddress") or "").lower()
    if draft is not None and draft.assignee and draft.assignee.lower() == email:
        told[Field.ASSIGNEE] = draft.assignee  # an assignee may be given by e-mail
    elif owner and owner != rules.key_user:
        told[Field.ASSIGNEE] = owner
    elif owner and draft is not None and draft.assignee in ("", owner):
        # The user of the keys owns what is given to them and what is given to nobody; only the draft knows which.
        told[Field.ASSIGNEE] = draft.assignee
    related = _number(record.get("RelatedEntity"))
    ids: Canonical = tuple(filter(None, [str(record.get("RelatedEntityId") or "")]))
    if related == NO_RECORD:
        told |= {Field.CONTACTS: (), Field.DEALS: ()}
    elif related == LEAD and ids:
        told |= {Field.CONTACTS: ids, Field.DEALS: ()}
    elif related == OPPORTUNITY and ids:
        told |= {Field.DEALS: ids}
    return told


def _kind(record: Mapping[str, Any], rules: Rules) -> dict[Field, Canonical]:
    told: dict[Field, Canonical] = {}
    if record.get("NotifyBy") in (NOTIFIED, SILENT):
        told[Field.NOTIFY] = record["NotifyBy"] == NOTIFIED
    if str(record.get("Category")) == str(APPOINTMENT) and "Location" in record:
        told[Field.LOCATION] = str(record["Location"] or "")
    named = record.get("TaskType")
    name = str(named.get("Name") or named.get("TaskName") or "") if isinstance(named, Mapping) else ""
    word = rules.hub_type(name) if name else None
    return told if word is None else {**told, Field.TYPE: word}
