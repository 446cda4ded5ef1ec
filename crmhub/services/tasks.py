"""Writing tasks: every save, completion, deletion and restoration goes through here."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from simple_history.utils import bulk_create_with_history

from crmhub.clock import database_now
from crmhub.models import Contact, Lane, Task
from crmhub.services.associations import (
    NONE,
    Associations,
    There,
    associate,
    associate_new,
    existing,
    refuse_wrong,
)
from crmhub.services.owing import ROWS, owe_new_tasks, owe_task
from crmhub.services.texts import refuse_nul, search_text

OLDEST_CREATION = timedelta(days=5 * 365 + 1)  # a client may say that a task was made up to five years ago …
NEWEST_CREATION = timedelta(hours=24)  # … or, its clock being fast, up to a day ahead
# Outside these years some CRM, and some time zone's arithmetic, cannot follow.
FIRST_YEAR, LAST_YEAR = 1970, 2999


class StaleVersion(Exception):
    """The task was changed by somebody else since it was read."""


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
        contacts = _contacts(row, associations, is_new=is_new)
        row.search_text = search_text(row, contacts)
        _store(row, now=now, is_new=is_new, by=by, origin=origin, why=_words(changed, associations))
        if associations is not None:
            associate(row, associations)
            _keep_search([row], {row.pk: contacts})
        if saved_before is None:
            owe_new_tasks([row], contacts={row.pk: contacts}, now=now, lane=lane)
        else:
            owe_task(row, now=now, lane=lane, saved_before=saved_before, contacts=contacts)
    _copy(row, to=task)
    return Saved(task, warnings)


def create_tasks(
    *,
    tasks: Sequence[Task],
    associations: Mapping[UUID, Associations] = NONE,
    by: AbstractBaseUser | None = None,
    origin: str = "system",
    lane: Lane = Lane.INTERACTIVE,
    now: datetime | None = None,
) -> list[Saved]:
    """Save these new tasks, all or none of them, and owe them to every CRM that follows them; returns them in order.

    `associations` are those of each by its id; one that is not named has none. It takes a few statements for every thousand. Raises
    `ValidationError` by place and field: `2.title` is that of the third.
    """
    with transaction.atomic():
        now = now or database_now()
        there = existing(associations.values())
        saved = [Saved(task) for task in tasks]
        _refuse_any(
            saved, lambda one: _make_ready(one, associations.get(one.task.pk), there, now=now, origin=origin)
        )
        contacts = {
            task.pk: [there.contacts[one.id] for one in associations[task.pk].contacts or ()]
            for task in tasks
            if task.pk in associations
        }
        for task in tasks:
            task.search_text = search_text(task, contacts.get(task.pk, ()))
        bulk_create_with_history(
            list(tasks), Task, batch_size=ROWS, default_user=by, default_change_reason="saved"
        )
        associate_new(tasks, associations)
        _keep_search(tasks, contacts)
        owe_new_tasks(tasks, contacts=contacts, now=now, lane=lane)
    return saved


def _make_ready(
    saved: Saved, associations: Associations | None, there: There, *, now: datetime, origin: str
) -> None:
    task = saved.task
    task.created_at = _creation(task.created_at, now=now, warnings=saved.warnings)
    _follow_status(task, now=now)
    _tidy(task)
    if associations is not None:
        refuse_wrong(associations, there)
    task.version, task.updated_at, task.origin = 1, now, origin


def _refuse_any(saved: Sequence[Saved], judge: Callable[[Saved], None]) -> None:
    """Judge every one, and raise `ValidationError` with all that is wrong, by place and field."""
    problems: dict[str, list[str]] = {}
    for number, one in enumerate(saved):
        try:
            judge(one)
        except ValidationError as error:
            problems |= {f"{number}.{name}": texts for name, texts in error.message_dict.items()}
    if problems:
        raise ValidationError(problems)


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


def _contacts(row: Task, associations: Associations | None, *, is_new: bool) -> list[Contact]:
    """Return the contacts that the task is to have. Raises `ValidationError` for associations that cannot be."""
    if associations is not None:
        there = existing([associations])
        refuse_wrong(associations, there)
        if associations.contacts is not None:
            return [there.contacts[one.id] for one in associations.contacts]
    return [] if is_new else list(Contact.objects.filter(task_contacts__task=row))


def _keep_search(rows: Sequence[Task], contacts: Mapping[UUID, Sequence[Contact]]) -> None:
    """Write the search text anew of what was associated with a contact that somebody changed since we read it: that save did not see us yet."""
    ids = {contact.pk for some in contacts.values() for contact in some}
    fresh = Contact.objects.in_bulk(ids) if ids else {}
    stale = []
    for row in rows:
        text = search_text(row, [fresh[one.pk] for one in contacts.get(row.pk, ()) if one.pk in fresh])
        if text != row.search_text:
            row.search_text = text
            stale.append(row)
    if stale:
        Task.objects.bulk_update(stale, ["search_text"], batch_size=ROWS)
