"""A task in the hub's values ↔ a task in LeadLex's JSON, both ways; pure. Contacts and records: `people.py`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from providers.errors import Rejected
from providers.leadlex.markdown import escaped, unescaped
from providers.types import (
    Canonical,
    Field,
    HubKey,
    Linked,
    Priority,
    RemoteRef,
    RemoteTask,
    TaskDraft,
    TaskStatus,
    canonical_moment,
    split_marker,
    with_marker,
)

# Under this name every hub key becomes one and the same Idempotency-Key, whoever computes it.
_OUR_KEYS = uuid.UUID("5b1d1c1e-6a0e-5f3c-9a57-1f0f6f1d7a11")

_STATUS_WORDS = {
    TaskStatus.OPEN: "open",
    TaskStatus.IN_PROGRESS: "in_progress",
    TaskStatus.WAITING: "in_progress",
    TaskStatus.DEFERRED: "open",
    TaskStatus.COMPLETED: "completed",
    TaskStatus.CANCELLED: "completed",
}
# The pages disagree: create and list say open, get says pending and dismissed, Lexi's own tasks say approved and failed.
# https://docs.leadlex.com/api-reference/tasks/get, …/tasks/create, …/lexi/tasks (read 2026-11). A word that nobody
# documents means open: a task shown once too often does less harm than one that disappears.
_STATUS_READ = {
    "in_progress": TaskStatus.IN_PROGRESS,
    "completed": TaskStatus.COMPLETED,
    "dismissed": TaskStatus.CANCELLED,
}
_PRIORITY_READ = {
    "low": Priority.LOW,
    "medium": Priority.MEDIUM,
    "high": Priority.HIGH,
    "urgent": Priority.HIGH,
}

PARENTS: Mapping[Field, str] = {
    Field.CONTACTS: "contact_id",
    Field.DEALS: "deal_id",
    Field.EVENTS: "event_id",
}
_STAND_IN_KINDS = {"contact": Field.CONTACTS, "deal": Field.DEALS}

# What we send ↔ the contact's keys; the company's text has one name on create and another one on update and in answers.
_PERSON_KEYS = ("first_name", "last_name", "email", "phone", "job_title")


# Tasks, outwards


def task_to_create(draft: TaskDraft, *, key: HubKey, settings: Mapping[str, object]) -> dict[str, Any]:
    """Return the body of a create: only what the task has, for an explicit null is not known to be taken there.

    `created_date` carries milliseconds, a second mark of our own beside the marker. Names go along only where the setting `send_names`
    says so. Raises `Rejected` when the draft has no contact, deal or event, no name that is sent, and the account no stand-in. Source: https://docs.leadlex.com/api-reference/tasks/create
    (read 2026-11).
    """
    names = names_sent(draft, settings)
    parents = _parents(draft, settings)
    if not parents and "contact_name" not in names:
        check_default_parent(settings)
        needed = "LeadLex needs a contact, deal or event"
        raise Rejected(f"{needed}; nothing was sent.", fields={Field.CONTACTS: needed})
    body = {name: value for name, value in _values(draft, key, settings).values() if value is not None}
    return body | parents | names | {"created_date": _with_milliseconds(draft.created_at)}


def task_changes(
    draft: TaskDraft, *, changed: frozenset[Field], key: HubKey, settings: Mapping[str, object]
) -> dict[str, Any]:
    """Return the body of an update: the changed fields alone; null where one was emptied, {} where none can be sent.

    The stand-in parent comes with the last parent's going, and goes when a real one comes. Names are never sent again: whom they
    meant was decided when the task was made, and that contact stays until another one is linked here.
    """
    body = {name: value for field, (name, value) in _values(draft, key, settings).items() if field in changed}
    is_named = "contact_name" in names_sent(draft, settings)
    touched = changed & (PARENTS.keys() - ({Field.CONTACTS} if is_named else set()))
    if touched:
        parents = _parents(draft, settings)
        stand_in = None if is_named else stand_in_parent(settings)
        kinds = touched | ({stand_in[0]} if stand_in else set())
        body |= {PARENTS[field]: parents.get(PARENTS[field]) for field in kinds}
    return body


def names_sent(draft: TaskDraft, settings: Mapping[str, object]) -> dict[str, str]:
    """Return the names to be matched there: those that somebody typed, where no contact is linked and the account wants it so."""
    if settings.get("send_names", "never") != "unlinked" or draft.contacts:
        return {}
    typed = {"contact_name": draft.contact_name.strip(), "company_name": draft.company_name.strip()}
    return {name: text for name, text in typed.items() if text}


def stand_in_parent(settings: Mapping[str, object]) -> tuple[Field, str] | None:
    """Return the field and the id that `default_parent` names, None when it is empty or misspelled."""
    kind, _, record_id = str(settings.get("default_parent") or "").partition(":")
    field, record_id = _STAND_IN_KINDS.get(kind.strip().lower()), record_id.strip()
    return (field, record_id) if field is not None and record_id else None


def check_default_parent(settings: Mapping[str, object]) -> None:
    """Raise `Rejected` when the setting `default_parent` is spelled otherwise than `contact:<id>` or `deal:<id>`."""
    text = str(settings.get("default_parent") or "").strip()
    if text and stand_in_parent(settings) is None:
        raise Rejected(f"The setting default_parent is {text!r}; it must read contact:<id> or deal:<id>.")


def idempotency_key(key: HubKey) -> str:
    """Return the UUID to send as `Idempotency-Key`: the same for the same hub key, at any time, in any process."""
    return str(uuid.uuid5(_OUR_KEYS, str(key)))


def due_text(due: date | datetime | None) -> str | None:
    """Return a day as it stands in the calendar and a moment in UTC: neither is ever turned into the other."""
    return canonical_moment(due)


def _values(draft: TaskDraft, key: HubKey, settings: Mapping[str, object]) -> dict[Field, tuple[str, Any]]:
    """Return, for each plain field, the vendor's name and value; None for an empty one."""
    return {
        Field.TITLE: ("title", draft.title),
        Field.BODY: ("description", with_marker(escaped(draft.body), key)),
        Field.STATUS: ("status", _STATUS_WORDS[draft.status]),
        Field.PRIORITY: ("priority", None if draft.priority is Priority.NONE else str(draft.priority)),
        Field.TYPE: ("task_type", task_types(settings).get(draft.type, draft.type) or None),
        Field.DUE: ("due_date", due_text(draft.due)),
        Field.ASSIGNEE: ("assignee_id", draft.assignee or None),
    }


def _parents(draft: TaskDraft, settings: Mapping[str, object]) -> dict[str, str]:
    parents = {
        name: linked[0].ref.id for field, name in PARENTS.items() if (linked := linked_of(draft, field))
    }
    is_named = "contact_name" in names_sent(draft, settings)
    if not parents and not is_named and (stand_in := stand_in_parent(settings)):
        parents = {PARENTS[stand_in[0]]: stand_in[1]}
    return parents


def linked_of(draft: TaskDraft, field: Field) -> tuple[Linked, ...]:
    """Return the draft's associations of that kind."""
    linked: tuple[Linked, ...] = getattr(draft, field)
    return linked


def task_types(settings: Mapping[str, object]) -> dict[str, str]:
    """Return the account's words for our task types; a type that is not in it is sent as it is."""
    given = settings.get("task_types") or {}
    if isinstance(given, Mapping):
        return {str(ours): str(theirs) for ours, theirs in given.items()}
    pairs = (part.partition("=") for part in str(given).split(",") if "=" in part)
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _with_milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# Tasks, inwards


def read_task(
    task: Mapping[str, Any], *, settings: Mapping[str, object], asked: TaskDraft | None = None
) -> RemoteTask:
    """Return what the vendor's task holds, of the fields that the answer tells.

    `asked` is the draft that the answer belongs to: it decides what one answer can mean twice (midnight of a day, or that
    moment; the stand-in, or a contact that was meant; a contact that was found by the name). Without it such a field counts as not told.
    """
    body, key = split_marker(str(task.get("description") or ""))
    holds: dict[Field, Canonical] = {
        field: read(task[name]) for name, (field, read) in _TOLD.items() if name in task
    }
    if "description" in task:
        holds[Field.BODY] = unescaped(body)
    if "task_type" in task:
        holds[Field.TYPE] = _type_read(str(task["task_type"] or ""), settings, asked)
    holds |= _due_read(task, asked) | _parents_read(task, settings, asked)
    return RemoteTask(
        ref=RemoteRef(str(task["id"])),
        holds=holds,
        key=key,
        modified_at=moment_in(task.get("updated_date") or task.get("updated_at")),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _status_read(value: Any) -> str:
    return str(_STATUS_READ.get(_text(value).lower(), TaskStatus.OPEN))


def _priority_read(value: Any) -> str:
    return str(_PRIORITY_READ.get(_text(value).lower(), Priority.NONE))


def _created_read(value: Any) -> str | None:
    return canonical_moment(moment_in(value))


_TOLD: Mapping[str, tuple[Field, Callable[[Any], Canonical]]] = {
    "title": (Field.TITLE, _text),
    "status": (Field.STATUS, _status_read),
    "priority": (Field.PRIORITY, _priority_read),
    "assigned_to_user_id": (Field.ASSIGNEE, _text),
    "created_date": (Field.CREATED, _created_read),
}


def _type_read(word: str, settings: Mapping[str, object], asked: TaskDraft | None) -> str:
    types = task_types(settings)
    if asked is not None and types.get(asked.type, asked.type) == word:
        return asked.type
    return next((ours for ours, theirs in types.items() if theirs == word), word)


def _due_read(task: Mapping[str, Any], asked: TaskDraft | None) -> dict[Field, Canonical]:
    """Return what the answer says of the due date; {} when it says nothing, or nothing certain."""
    if "due_date" not in task:
        return {}
    text = _text(task["due_date"]).strip()
    moment = moment_in(text)
    if not text or moment is None:
        return {} if text else {Field.DUE: None}
    if len(text) == len("YYYY-MM-DD"):
        return {Field.DUE: text}
    if moment.timetz() == time(tzinfo=UTC):
        # Whether a day comes back as a day is not documented (asked of the pages 2026-11). A store that knows moments
        # only turns it into midnight UTC, and then midnight can be either.
        day = moment.date()
        if asked is None:
            return {}
        if asked.due == day:
            return {Field.DUE: day.isoformat()}
    return {Field.DUE: canonical_moment(moment)}


def _parents_read(
    task: Mapping[str, Any], settings: Mapping[str, object], asked: TaskDraft | None
) -> dict[Field, Canonical]:
    told = {field: _ids(task[name]) for field, name in PARENTS.items() if name in task}
    if asked is not None and "contact_name" in names_sent(asked, settings) and Field.CONTACTS in told:
        # Whom the name meant is the vendor's choice: nothing of ours was altered.
        told[Field.CONTACTS] = ()
    stand_in = stand_in_parent(settings)
    is_alone = sum(len(ids) for ids in told.values()) == 1
    if stand_in and is_alone and told.get(stand_in[0]) == (stand_in[1],):
        if asked is None:
            del told[stand_in[0]]
        elif not any(linked_of(asked, field) for field in PARENTS):
            told[stand_in[0]] = ()
    return dict(told)


def _ids(value: Any) -> tuple[str, ...]:
    return (str(value),) if value else ()


def moment_in(value: Any) -> datetime | None:
    """Return the moment in UTC; one without a zone is UTC there. None when it cannot be read."""
    try:
        moment = datetime.fromisoformat(_text(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # the latter at either end of the calendar
        return None
