"""Writing tasks: every save, completion, deletion and restoration goes through here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from crmhub.clock import database_now
from crmhub.models import Contact, Lane, Record, Task, TaskContact, TaskRecord
from crmhub.services.owing import owe_task
from crmhub.services.texts import refuse_nul, search_text

OLDEST_CREATION = timedelta(days=5 * 365 + 1)  # a client may say that a task was made up to five years ago …
NEWEST_CREATION = timedelta(hours=24)  # … or, its clock being fast, up to a day ahead
# Outside these years some CRM, and some time zone's arithmetic, cannot follow.
FIRST_YEAR, LAST_YEAR = 1970, 2999


class StaleVersion(Exception):
    """The task was changed by somebody else since it was read."""


@dataclass(frozen=True)
class Associated:
    """One contact or record of a task, as it is to be."""

    id: UUID
    label: str = ""
    type: str = ""
    is_pinned: bool = False


@dataclass(frozen=True)
class Associations:
    """The contacts and records that a task is to have, in order; None leaves that side as it is."""

    contacts: Sequence[Associated] | None = None
    records: Sequence[Associated] | None = None


@dataclass(frozen=True)
class Saved:
    """A saved task, and what the person who saved it should know."""

    task: Task
    warnings: list[str] = field(default_factory=list)


def save_task(
    *,
    task: Task,
    changed: Collection[str],
    associations: Associations | None = None,
    by: AbstractBaseUser | None = None,
    origin: str = "system",
    expected_version: int | None = None,
    lane: Lane = Lane.INTERACTIVE,
    now: datetime | None = None,
) -> Saved:
    """Save the task with its associations as one change, and owe it to every CRM that follows it.

    `changed` names the fields that `task` carries new values for; the others are taken from the database, so that two people who edit
    different fields do not undo each other. A new task is saved whole. `expected_version` refuses the save with `StaleVersion` when
    somebody was faster. Raises `ValidationError` by field. `created_at` of a new task is kept when it lies within five years back and 24
    hours ahead, else replaced by now, with a warning. Saving a task in the recycle bin does not take it out of there.
    """
    warnings: list[str] = []
    with transaction.atomic():
        now = now or database_now()
        is_new = task._state.adding
        row = task if is_new else _with_changes(task, changed, expected_version=expected_version)
        saved_before = None if is_new else row.updated_at
        if is_new:
            row.created_at = _creation(row.created_at, now=now, warnings=warnings)
        _follow_status(row, now=now)
        _tidy(row)
        if associations is not None:
            _refuse_wrong(associations)
        contacts = _contacts(row, associations, is_new=is_new)
        row.search_text = search_text(row, contacts)
        _store(row, now=now, is_new=is_new, by=by, origin=origin, why=_words(changed, associations))
        if associations is not None:
            _associate(row, associations)
        owe_task(row, now=now, lane=lane, saved_before=saved_before, contacts=contacts)
    _copy(row, to=task)
    return Saved(task, warnings)


def complete_task(
    *,
    task: Task,
    is_completed: bool = True,
    by: AbstractBaseUser | None = None,
    origin: str = "system",
    expected_version: int | None = None,
    now: datetime | None = None,
) -> Task:
    """Complete the task, or open it again; a task that stands so already, in the database, is left alone."""
    with transaction.atomic():
        row = _with_changes(task, (), expected_version=expected_version)
        finished = (
            (Task.Status.COMPLETED,) if is_completed else (Task.Status.COMPLETED, Task.Status.CANCELLED)
        )
        if (row.status in finished) != is_completed:
            row.status = Task.Status.COMPLETED if is_completed else Task.Status.OPEN
            save_task(task=row, changed=["status"], by=by, origin=origin, now=now)
    _copy(row, to=task)
    return task


def delete_task(
    *,
    task: Task,
    by: AbstractBaseUser | None = None,
    origin: str = "system",
    expected_version: int | None = None,
    now: datetime | None = None,
) -> Task:
    """Put the task into the recycle bin; the CRMs delete theirs. One that lies there already is left alone."""
    return _move(task, is_deleted=True, by=by, origin=origin, expected_version=expected_version, now=now)


def restore_task(
    *, task: Task, by: AbstractBaseUser | None = None, origin: str = "system", now: datetime | None = None
) -> Task:
    """Take the task out of the recycle bin; the CRMs get it anew. One that is not there is left alone."""
    return _move(task, is_deleted=False, by=by, origin=origin, expected_version=None, now=now)


def _move(
    task: Task,
    *,
    is_deleted: bool,
    by: AbstractBaseUser | None,
    origin: str,
    expected_version: int | None,
    now: datetime | None,
) -> Task:
    with transaction.atomic():
        now = now or database_now()
        row = _with_changes(task, (), expected_version=expected_version)
        if row.is_deleted != is_deleted:
            row.deleted_at = now if is_deleted else None
            saved_before = row.updated_at
            why = "deleted" if is_deleted else "restored"
            _store(row, now=now, is_new=False, by=by, origin=origin, why=why)
            owe_task(row, now=now, saved_before=saved_before)
    _copy(row, to=task)
    return task


def _with_changes(task: Task, changed: Collection[str], *, expected_version: int | None) -> Task:
    # No key: a contact's save may hold that contact and wait for this task; adding the contact here must not wait for it.
    row = Task.objects.select_for_update(no_key=True).get(pk=task.pk)
    if expected_version is not None and row.version != expected_version:
        raise StaleVersion(
            f"The task is at version {row.version}, not {expected_version}: somebody changed it meanwhile."
        )
    for name in changed:
        attribute = Task._meta.get_field(name).attname  # type: ignore[union-attr]
        setattr(row, attribute, getattr(task, attribute))
    return row


def _store(
    row: Task, *, now: datetime, is_new: bool, by: AbstractBaseUser | None, origin: str, why: str
) -> None:
    row.version += 1
    row.updated_at = now
    row.origin = origin
    row.__dict__["_history_user"] = by
    row.__dict__["_change_reason"] = why[:100]
    row.save(force_insert=is_new)


def _copy(row: Task, *, to: Task) -> None:
    for column in Task._meta.concrete_fields:
        setattr(to, column.attname, getattr(row, column.attname))
    to._state.adding = False


def _words(changed: Collection[str], associations: Associations | None) -> str:
    names = sorted(changed)
    if associations is not None:
        names += [name for name in ("contacts", "records") if getattr(associations, name) is not None]
    return ", ".join(names) or "saved"


def _creation(given: datetime | None, *, now: datetime, warnings: list[str]) -> datetime:
    if given is None:
        return now
    if now - OLDEST_CREATION <= given <= now + NEWEST_CREATION:
        return given
    warnings.append(
        f"created_at {given.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} was replaced by now: "
        "it may lie at most 5 years back and 24 hours ahead."
    )
    return now


def _follow_status(row: Task, *, now: datetime) -> None:
    if row.status != Task.Status.COMPLETED:
        row.completed_at = None
    elif row.completed_at is None:
        row.completed_at = now


def _tidy(row: Task) -> None:
    problems: dict[str, list[str]] = {}
    for name in ("title", "body", "queue", "location", "contact_name", "company_name"):
        refuse_nul(getattr(row, name), name, problems)
    row.title = row.title.strip()
    # Browsers send the line ends of 1980; CRMs give back others, and the difference would look like a change.
    row.body = row.body.replace("\r\n", "\n").replace("\r", "\n")
    for name in ("due_at", "end_at", "reminder_at"):
        moment = getattr(row, name)
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            problems[name] = [f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}; it is {moment.year}."]
    if problems:
        raise ValidationError(problems)
    if row.due_is_date and row.due_at is not None:
        row.due_at = row.due_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if row.due_at is None:
        row.due_is_date = False
    if row.end_at is not None and row.due_at is not None and row.end_at < row.due_at:
        problems["end_at"] = ["The end lies before the due time."]
    if problems:
        raise ValidationError(problems)
    row.full_clean(exclude=["assignee"], validate_constraints=False, validate_unique=False)


def _refuse_wrong(associations: Associations) -> None:
    """Raise `ValidationError` for ids that are not there or named twice, and for words that do not fit. Before anything is stored."""
    problems: dict[str, list[str]] = {}
    _judge(associations.contacts or (), "contact", Contact, problems)
    _judge(associations.records or (), "record", Record, problems)
    if problems:
        raise ValidationError(problems)


def _judge(wanted: Sequence[Associated], side: str, model: Any, problems: dict[str, list[str]]) -> None:
    ids = [one.id for one in wanted]
    said = [f"The same {side} is named twice."] if len(set(ids)) != len(ids) else []
    missing = set(ids) - set(model.objects.filter(pk__in=ids).values_list("pk", flat=True)) if ids else ()
    if missing:
        said.append(f"There is no {side} {', '.join(sorted(map(str, missing)))}.")
    for name in ("label", "type"):
        longest = getattr(TaskContact._meta.get_field(name), "max_length", None) or 0
        if any(len(text) > longest or "\x00" in text for text in (getattr(one, name) for one in wanted)):
            said.append(f"A {name} is longer than {longest} characters, or has a NUL character in it.")
    if said:
        problems[f"{side}s"] = said


def _contacts(row: Task, associations: Associations | None, *, is_new: bool) -> list[Contact]:
    """Return the contacts that the task is to have."""
    if associations is not None and associations.contacts is not None:
        ids = [one.id for one in associations.contacts]
        return list(Contact.objects.filter(pk__in=ids)) if ids else []
    return [] if is_new else list(Contact.objects.filter(task_contacts__task=row))


def _associate(row: Task, associations: Associations) -> None:
    if associations.contacts is not None:
        _replace(row, associations.contacts, through=TaskContact, side="contact")
    if associations.records is not None:
        _replace(row, associations.records, through=TaskRecord, side="record")


def _replace(row: Task, wanted: Sequence[Associated], *, through: Any, side: str) -> None:
    """Make the task's associations on one side what is wanted, in that order."""
    ids = [one.id for one in wanted]
    through.objects.filter(task=row).exclude(**{f"{side}_id__in": ids}).delete()
    for position, one in enumerate(wanted):
        through.objects.update_or_create(
            task=row,
            **{f"{side}_id": one.id},
            defaults={"label": one.label, "type": one.type, "is_pinned": one.is_pinned, "position": position},
        )
