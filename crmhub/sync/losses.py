"""Telling, without a call, what the connected CRMs cannot hold of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmhub.models import Task, TaskLink
from crmhub.models.links import OFF
from crmhub.sync.credentials import settings_of
from crmhub.sync.mapping import FIELD_OF_KIND, draft_of
from crmhub.sync.plan import lacks_parent, one_of, stays_completed
from providers.capabilities import Capabilities, Operation
from providers.projection import project
from providers.types import Field, Linked, RemoteRef, TaskDraft, TaskStatus

# The others are called what their names say.
FIELD_WORDS: Mapping[str, str] = {
    Field.DUE: "due",
    Field.END: "end",
    Field.REMINDER: "reminder",
    Field.NOTIFY: "notification by e-mail",
    Field.CREATED: "moment of creation",
    Field.COMPLETED: "moment of completion",
}


def expected_losses(task: Task) -> list[str]:
    """Return, as sentences, what each CRM that follows the task cannot hold of it: "Priority: HighLevel (Main) has no priorities."."""
    links = TaskLink.objects.filter(task=task, connection__disconnected_at__isnull=True).exclude(
        sync_status__in=OFF
    )
    rows = list(links.select_related("connection").order_by("connection__name"))
    draft = _draft(task) if rows else None
    return [line for link in rows if draft is not None for line in _losses_at(link, draft)]


def _losses_at(link: TaskLink, draft: TaskDraft) -> list[str]:
    connection = link.connection
    can = connection.capabilities
    name = connection.name if can.label in connection.name else f"{can.label} ({connection.name})"
    losses = list(project(draft, can, settings_of(connection)).losses)
    if _cannot_follow(link, draft, can):
        losses.append(stays_completed(can))
    lines = [loss_in_words(name, loss.field, loss.note) for loss in losses]
    if lacks_parent(draft, can, settings_of(connection)):
        lines.append(f"{name} takes no task without {one_of(can.needs_one_of)}.")
    return lines


def loss_in_words(crm: str, field: str, note: str) -> str:
    """Return what a CRM cannot hold as a sentence that names the field first: "Due: HubSpot demands a due date: 2026-11-29 stands in.".

    A note goes on after the CRM's name, or, where it came from the vendor, is a sentence of its own.
    """
    note = note.strip().rstrip(".")
    words = field_in_words(field)
    return f"{words[:1].upper()}{words[1:]}: {note if note[:1].isupper() else f'{crm} {note}'}."


def field_in_words(field: str) -> str:
    """Return what staff call a field of a task."""
    return FIELD_WORDS.get(field, field.replace("_", " "))


def _cannot_follow(link: TaskLink, draft: TaskDraft, can: Capabilities) -> bool:
    """Return whether the task is completed there, is not here, and cannot be opened again there."""
    is_completed_there = bool(link.external_id) and link.ancestor.get(Field.STATUS) == TaskStatus.COMPLETED
    is_finished = draft.status in (TaskStatus.COMPLETED, TaskStatus.CANCELLED)
    return is_completed_there and not is_finished and not can.can(Operation.REOPEN)


def _draft(task: Task) -> TaskDraft:
    """Return the task with the hub's own ids in place of the vendors': enough to tell what is lost."""
    records: dict[str, Any] = {}
    for record_id, kind in task.records.values_list("pk", "kind"):
        name = str(FIELD_OF_KIND[kind])
        records[name] = (*records.get(name, ()), Linked(RemoteRef(str(record_id))))
    people = tuple(Linked(RemoteRef(str(pk))) for pk in task.contacts.values_list("pk", flat=True))
    return draft_of(task, contacts=people, **records)
