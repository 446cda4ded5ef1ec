"""Hub values ↔ LeadSquared's JSON; pure.

Sources: https://apidocs.leadsquared.com/create-a-to-do/, …/create-task-appointment/, …/update-task/, …/retrieve-tasks-by-leadid/,
…/get-to-dos-by-email-address/, …/create-a-lead/ (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Any

from providers.leadsquared.account import APPOINTMENT, Rules
from providers.leadsquared.moments import due_and_end, moment_of, span_of, written
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
NO_REMINDER = 0  # minutes before the due time
COMPLETED = 1  # a task's `StatusCode`; 0 is open, others are not documented (2026-11)

_BRACKETS = str.maketrans("<>", "‹›")

# Fields of which the page on updating does not show all that we send (EndDate, days before, an opportunity): after writing them the task is read back (2026-11).
UNDOCUMENTED_ON_UPDATE = frozenset({Field.DUE, Field.END, Field.REMINDER, Field.DEALS})


def plain(text: str) -> str:
    """Return the text without angle brackets, which LeadSquared may take for markup and refuse."""
    return text.translate(_BRACKETS)


# A task, outward


def create_body(draft: TaskDraft, key: HubKey, rules: Rules, *, in_bulk: bool = False) -> dict[str, Any]:
    """Return the body of `Task.svc/Create`, or one task of a bulk create, where every reminder is in minutes."""
    start, end = span_of(draft, rules.zone)
    is_appointment = rules.category_of(draft) == APPOINTMENT
    reminder = _minutes_before(draft, rules) if is_appointment or in_bulk else _days_before(draft, rules)
    return {
        "Name": plain(draft.title),
        "Description": with_marker(plain(draft.body), key),
        **_related(draft),
        "DueDate": written(start),
        "EndDate": written(end),
        # Where nothing is said, an appointment gets the usual reminder of its type.
        **(reminder or ({"Reminder": NO_REMINDER} if is_appointment else {})),
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
        body |= _minutes_before(draft, rules) or _days_before(draft, rules) or {"Reminder": NO_REMINDER}
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
        if minutes is None:
            return {}
        at = None if minutes == NO_REMINDER else start - timedelta(minutes=minutes)
        return {Field.REMINDER: canonical_moment(at)}
    days, time_of_day = _number(record.get("ReminderBeforeDays")), str(record.get("ReminderTime") or "")
    if days is None or not re.fullmatch(r"\d\d:\d\d:\d\d", time_of_day):
        return {}
    day = start.astimezone(rules.zone).date() - timedelta(days=days)
    return {
        Field.REMINDER: canonical_moment(
            datetime.combine(day, time.fromisoformat(time_of_day), tzinfo=rules.zone)
        )
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
