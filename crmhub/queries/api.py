"""What the API and the health page read; a list costs the same number of queries however long it is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import F, Min, OuterRef, Prefetch, Q, QuerySet, Subquery

from crmhub.models import (
    Connection,
    Contact,
    ContactLink,
    Lane,
    PushedLink,
    Record,
    Task,
    TaskContact,
    TaskLink,
    TaskRecord,
)

# What the engine keeps for itself can be long, and the API does not show it.
_KEPT_BACK = ("ancestor", "candidates", "retired")
_ONLY_IN_DETAIL = ("losses", "effects")


def tasks_for_reading() -> QuerySet[Task]:
    """Return tasks with all that the API shows of them: `contact_rows`, `record_rows` and `link_rows`, in four queries beside their own."""
    contacts = TaskContact.objects.order_by("position", "id")
    records = TaskRecord.objects.annotate(kind=F("record__kind")).order_by("position", "id")
    # Accounts are few: each is read once, and not with every link.
    links = TaskLink.objects.defer(*_KEPT_BACK, *_ONLY_IN_DETAIL).prefetch_related("connection")
    return (
        Task.objects.defer("search_text")
        .select_related("assignee")
        .prefetch_related(
            Prefetch("task_contacts", queryset=contacts, to_attr="contact_rows"),
            Prefetch("task_records", queryset=records, to_attr="record_rows"),
            Prefetch("links", queryset=links.order_by("connection__name"), to_attr="link_rows"),
        )
    )


def links_for_reading() -> QuerySet[TaskLink]:
    """Return task links with their connections, in the order of the connections' names."""
    return TaskLink.objects.defer(*_KEPT_BACK).select_related("connection").order_by("connection__name")


def task_to_change(task_id: UUID) -> Task:
    """Return the task, locked until the transaction ends. Raises `Task.DoesNotExist`."""
    return Task.objects.select_for_update(of=("self",), no_key=True).get(pk=task_id)


def contact_to_change(contact_id: UUID) -> Contact:
    """Return the contact, locked until the transaction ends. Raises `Contact.DoesNotExist`."""
    return Contact.objects.select_for_update(of=("self",), no_key=True).get(pk=contact_id)


def record_to_change(record_id: UUID) -> Record:
    """Return the record, locked until the transaction ends. Raises `Record.DoesNotExist`."""
    return Record.objects.select_for_update(of=("self",), no_key=True).get(pk=record_id)


def contacts_of(task: Task) -> QuerySet[TaskContact]:
    """Return the task's contacts, in order."""
    return TaskContact.objects.filter(task=task).order_by("position", "id")


def records_of(task: Task) -> QuerySet[TaskRecord]:
    """Return the task's companies, deals, tickets and events, in order."""
    return TaskRecord.objects.filter(task=task).select_related("record").order_by("position", "id")


def kinds_of(record_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the kind of each of these records that exists."""
    return dict(Record.objects.filter(pk__in=record_ids).values_list("pk", "kind"))


def people_called(name: str, *, active_only: bool = True, or_id: Any = None) -> list[Any]:
    """Return the users with this e-mail or, if there is none, with this username; `or_id` counts as active."""
    users = get_user_model()._default_manager.all()
    if active_only:
        users = users.filter(Q(is_active=True) | Q(pk=or_id))
    return list(users.filter(email__iexact=name)) or list(users.filter(username=name))


def oldest_due(now: datetime) -> datetime | None:
    """Return since when the longest waiting link is due at a connection that may be called; None when nothing is due.

    It looks at the head of each connection's lanes in the index of due work, not at the work itself.
    """
    callable_now = Connection.objects.filter(
        Q(wait_until__isnull=True) | Q(wait_until__lte=now),
        disconnected_at__isnull=True,
        links_lost_at__isnull=True,
        paused_at__isnull=True,
        reauthorise_since__isnull=True,
        untested_since__isnull=True,
    )
    heads = {
        f"{model.__name__}_{lane.name}".lower(): _head_of_lane(model, lane)
        for model in (TaskLink, ContactLink)
        for lane in Lane
    }
    oldest = callable_now.annotate(**heads).aggregate(**{f"oldest_{name}": Min(name) for name in heads})
    return min((moment for moment in oldest.values() if moment is not None and moment <= now), default=None)


def _head_of_lane(model: type[PushedLink], lane: Lane) -> Subquery:
    links = model._default_manager.filter(connection=OuterRef("pk"), lane=lane, due_at__isnull=False)
    return Subquery(links.order_by("due_at").values("due_at")[:1])
