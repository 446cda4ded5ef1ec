"""Whom and what a task is about: said as a whole for each side, judged before anything is stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError

from crmhub.models import Contact, Record, Task, TaskContact, TaskRecord
from crmhub.services.owing import ROWS


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


NONE: Mapping[UUID, Associations] = {}


@dataclass(frozen=True)
class There:
    """Of the contacts and records that are named, those that exist."""

    contacts: Mapping[UUID, Contact]
    records: Collection[UUID]


def existing(associations: Iterable[Associations]) -> There:
    """Return which of the contacts and records in all of these there are."""
    named = list(associations)
    contacts = {one.id for some in named for one in some.contacts or ()}
    records = {one.id for some in named for one in some.records or ()}
    return There(
        Contact.objects.in_bulk(contacts) if contacts else {},
        set(Record.objects.filter(pk__in=records).values_list("pk", flat=True)) if records else (),
    )


def refuse_wrong(associations: Associations, there: There) -> None:
    """Raise `ValidationError` for ids that are not there or named twice, and for words that do not fit. Before anything is stored."""
    problems: dict[str, list[str]] = {}
    _judge(associations.contacts or (), "contact", there.contacts, problems)
    _judge(associations.records or (), "record", there.records, problems)
    if problems:
        raise ValidationError(problems)


def _judge(
    wanted: Sequence[Associated], side: str, known: Collection[UUID], problems: dict[str, list[str]]
) -> None:
    ids = [one.id for one in wanted]
    said = [f"The same {side} is named twice."] if len(set(ids)) != len(ids) else []
    if missing := {one for one in ids if one not in known}:
        said.append(f"There is no {side} {', '.join(sorted(map(str, missing)))}.")
    for name in ("label", "type"):
        longest = getattr(TaskContact._meta.get_field(name), "max_length", None) or 0
        if any(len(text) > longest or "\x00" in text for text in (getattr(one, name) for one in wanted)):
            said.append(f"A {name} is longer than {longest} characters, or has a NUL character in it.")
    if said:
        problems[f"{side}s"] = said


def associate(row: Task, associations: Associations) -> None:
    """Make the task's associations what is wanted, side by side; one that stays keeps its row."""
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


def associate_new(tasks: Sequence[Task], associations: Mapping[UUID, Associations]) -> None:
    """Store the associations of many new tasks; they are by the task's id."""
    rows: dict[type[TaskContact | TaskRecord], list[Any]] = {TaskContact: [], TaskRecord: []}
    for task in tasks:
        some = associations.get(task.pk, Associations())
        for through, side, wanted in (
            (TaskContact, "contact_id", some.contacts),
            (TaskRecord, "record_id", some.records),
        ):
            for position, one in enumerate(wanted or ()):
                said = {"label": one.label, "type": one.type, "is_pinned": one.is_pinned}
                rows[through].append(through(task=task, position=position, **{side: one.id}, **said))
    for through, some_rows in rows.items():
        through._default_manager.bulk_create(some_rows, batch_size=ROWS)
