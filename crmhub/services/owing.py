"""Marking links as owed: the outbox side of every save.

The rule behind all of it: `due_at` is set only where no claim is out. A worker that holds a link compares the versions when it settles, and
finds `owed_again` set for whatever else changed meanwhile; so nothing that happens during a push is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Case, F, Q, QuerySet, Value, When

from crmhub import wake
from crmhub.models import (
    Connection,
    Contact,
    ContactLink,
    Lane,
    PushedLink,
    RecordLink,
    SyncStatus,
    Task,
    TaskContact,
    TaskLink,
)
from crmhub.models.ids import link_id
from crmhub.queries.weighing import impossible_links

AnyLink = TypeVar("AnyLink", bound=PushedLink)

# A save does not move these: a person excluded them, or must look first.
HELD = (SyncStatus.EXCLUDED, SyncStatus.PAUSED, SyncStatus.UNKNOWN, SyncStatus.GONE)
# For which a link may wait for company: other tasks of its batch, or a newer version of its own.
LINGER = timedelta(milliseconds=150)
ROWS = 1000  # in one INSERT
# What decides how a save marks a link, and whom it wakes.
LOOKED_AT = ("connection_id", "wanted_version", "claim_token", "sync_status", "due_at")


def owe(links: QuerySet[AnyLink], *, now: datetime, lane: Lane = Lane.INTERACTIVE, **changes: Any) -> int:
    """Mark the links as due now, or as owed again where a claim is out; returns how many. `changes` are set as well.

    Call it inside a transaction: the links are locked in the order in which settling locks them, so that the two cannot wait for each other.
    """
    is_claimed = Q(claim_token__isnull=False)
    ids = list(links.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))
    return links.model._default_manager.filter(pk__in=ids).update(
        due_at=only_where(~is_claimed, now, "due_at"),
        owed_again=only_where(is_claimed, True, "owed_again"),
        lane=lane,
        **changes,
    )


def owe_new_tasks(
    tasks: Sequence[Task],
    *,
    contacts: Mapping[UUID, Sequence[Contact]],
    now: datetime,
    lane: Lane = Lane.INTERACTIVE,
) -> None:
    """Make the links that the scopes of the connections ask for, of tasks that were stored just now; `contacts` are those of each.

    Wakes the connections after the commit. Call it inside the transaction of the save.
    """
    links = _make_links(_asked_for(tasks, but=[]), now=now, lane=lane)
    _make_contact_links(
        {(contact, link.connection_id) for link in links for contact in contacts.get(link.task_id, ())},
        now=now,
        lane=lane,
    )
    wake.after_commit(link.connection_id for link in links)


def owe_task(
    task: Task,
    *,
    now: datetime,
    lane: Lane = Lane.INTERACTIVE,
    saved_before: datetime,
    contacts: Sequence[Contact] | None = None,
) -> None:
    """Mark the task's links for its present version and make the links that its connections' scopes ask for.

    Un-parks what waited for a person, except an unknown outcome (only a person who has looked ends it), a task that is gone there, and what
    is off. `saved_before` is when the task was last saved before this. `contacts` are the task's, where the caller has them. Wakes the
    connections after the commit. Call it inside the transaction of the save.
    """
    links = _mark(TaskLink.objects.filter(task=task), version=task.version, now=now, lane=lane)
    if not task.is_deleted:
        missing = _asked_for([task], but=[link.connection_id for link in links])
        links += _make_links(missing, now=now, lane=lane, saved_before=saved_before)
        contacts = _contacts(task) if contacts is None else contacts
        make_missing_contact_links(contacts, {link.connection_id for link in links}, now=now, lane=lane)
    wake.after_commit(link.connection_id for link in links if link.due_at is not None)


def owe_contact(contact: Contact, *, now: datetime, lane: Lane = Lane.INTERACTIVE) -> None:
    """Mark the contact's links for its present version and make those that its connections ask for.

    Connections that create contacts or keep them in sync get a link with the first save, if they take every task; the others when a task needs the contact there. Wakes the
    connections after the commit. Call it inside the transaction of the save.
    """
    links = _mark(ContactLink.objects.filter(contact=contact), version=contact.version, now=now, lane=lane)
    wanted = Connection.objects.filter(
        disconnected_at__isnull=True,
        scope=Connection.Scope.ALL,
        contacts__in=[Connection.Contacts.CREATE, Connection.Contacts.SYNC],
    ).exclude(pk__in=[link.connection_id for link in links])
    wanted = wanted.order_by("pk")  # as `_make_contact_links` does
    links += ContactLink.objects.bulk_create(
        [
            _new_contact_link(contact, connection_id, now=now, lane=lane)
            for connection_id in wanted.values_list("pk", flat=True)
        ],
        ignore_conflicts=True,
    )
    wake.after_commit(link.connection_id for link in links if link.due_at is not None)


def _mark(links: QuerySet[AnyLink], *, version: int, now: datetime, lane: Lane) -> list[AnyLink]:
    """Mark the links of accounts that are not disconnected for this version; returns them, as they are now.

    They are locked from the look to the change, in the order in which settling locks them: a claim is taken or ended before both or after both.
    """
    live = links.filter(connection__disconnected_at__isnull=True).only(*LOOKED_AT)
    marked = list(live.order_by("pk").select_for_update(of=("self",), no_key=True))
    alike: dict[tuple[tuple[str, Any], ...], list[Any]] = defaultdict(list)
    for link in marked:
        changes = _changes(link, version=version, now=now, lane=lane)
        alike[tuple(changes.items())].append(link.pk)
        for column, value in changes.items():
            setattr(link, column, value)
    for wanted, ids in alike.items():
        links.model._default_manager.filter(pk__in=ids).update(**dict(wanted))
    return marked


def _changes(link: PushedLink, *, version: int, now: datetime, lane: Lane) -> dict[str, Any]:
    """Return what a save changes at its link: the wanted version, and where nothing keeps the link from it, that it is due."""
    # Never back: a sweep may come with a version that it read before the latest save.
    changes: dict[str, Any] = {"wanted_version": max(link.wanted_version, version)}
    if link.claim_token is not None or link.sync_status in HELD:
        return changes
    changes |= {"lane": lane, "sync_status": SyncStatus.PENDING, "failures": 0, "first_failed_at": None}
    # What is due already, or in a moment, stays where it is: saves that follow each other closely are one write, and are not put off by each other.
    if link.due_at is None or link.due_at > now + LINGER:
        changes["due_at"] = now
    if link.sync_status != SyncStatus.PENDING:
        changes["status_since"] = now
    return changes


def only_where(condition: Q, value: Any, column: str) -> Case:
    """Return the value where the condition holds, and what the column has elsewhere."""
    kind: Any = PushedLink._meta.get_field(column)
    return Case(When(condition, then=Value(value, output_field=kind)), default=F(column), output_field=kind)


def _asked_for(tasks: Sequence[Task], *, but: Collection[Any]) -> list[tuple[Task, Connection]]:
    """Return each task with the connections whose scopes ask for it, without those that are named."""
    others = Connection.objects.filter(disconnected_at__isnull=True).exclude(pk__in=but)
    others = others.exclude(scope=Connection.Scope.MANUAL).only("provider", "scope", "created_at")
    candidates = list(others)
    are_some_linked = any(one.scope == Connection.Scope.LINKED for one in candidates)
    known = _knowing(tasks) if are_some_linked else set()
    return [
        (task, one)
        for task in tasks
        for one in candidates
        if one.scope == Connection.Scope.ALL or (task.pk, one.pk) in known
    ]


def _knowing(tasks: Sequence[Task]) -> set[tuple[Any, Any]]:
    """Return the ids of the tasks, each with those of the connections where a contact or a record of it is."""
    contacts = ContactLink.objects.filter(~Q(external_id=""), contact__task_contacts__task__in=tasks)
    records = RecordLink.objects.filter(record__task_records__task__in=tasks)
    return {
        *contacts.values_list("contact__task_contacts__task_id", "connection_id"),
        *records.values_list("record__task_records__task_id", "connection_id"),
    }


def _make_links(
    missing: Sequence[tuple[Task, Connection]],
    *,
    now: datetime,
    lane: Lane,
    saved_before: datetime | None = None,
) -> list[TaskLink]:
    links = [
        _new_task_link(task, one.pk, now=now, lane=lane, looks_first=_is_late(one, saved_before))
        for task, one in missing
    ]
    return TaskLink.objects.bulk_create(links, batch_size=ROWS, ignore_conflicts=True)


def _is_late(connection: Connection, saved_before: datetime | None) -> bool:
    """Return whether the link should have been made by an earlier save: then it may have been, and was lost.

    Its key is the lost one's, so a look finds what that one made there.
    """
    is_for_all = connection.scope == Connection.Scope.ALL and connection.can_find
    return is_for_all and saved_before is not None and saved_before > connection.created_at


def _contacts(task: Task) -> list[Contact]:
    return list(Contact.objects.filter(task_contacts__task=task))


def make_missing_contact_links(
    contacts: Sequence[Contact], connection_ids: Collection[Any], *, now: datetime, lane: Lane
) -> None:
    """Make a link for each of the contacts at each of the connections; one that exists is left as it is."""
    pairs = {(contact, connection_id) for contact in contacts for connection_id in connection_ids}
    _make_contact_links(pairs, now=now, lane=lane)


def _make_contact_links(pairs: Collection[tuple[Contact, Any]], *, now: datetime, lane: Lane) -> None:
    if not pairs:
        return
    there = ContactLink.objects.filter(contact__in={contact for contact, _ in pairs})
    have = set(there.values_list("contact_id", "connection_id"))
    # In one order, whoever makes them, so that of two that make the same neither waits for the other.
    pairs = sorted(pairs, key=lambda pair: (pair[0].pk, pair[1]))
    ContactLink.objects.bulk_create(
        [
            _new_contact_link(contact, connection_id, now=now, lane=lane)
            for contact, connection_id in pairs
            if (contact.pk, connection_id) not in have
        ],
        batch_size=ROWS,
        ignore_conflicts=True,
    )


def _new_task_link(
    task: Task, connection_id: Any, *, now: datetime, lane: Lane, looks_first: bool = False
) -> TaskLink:
    return TaskLink(
        id=link_id(task.pk, connection_id),
        task=task,
        connection_id=connection_id,
        wanted_version=task.version,
        due_at=now,
        lane=lane,
        status_since=now,
        may_land_until=now if looks_first else None,
    )


def _new_contact_link(contact: Contact, connection_id: Any, *, now: datetime, lane: Lane) -> ContactLink:
    return ContactLink(
        id=link_id(contact.pk, connection_id),
        contact=contact,
        connection_id=connection_id,
        wanted_version=contact.version,
        due_at=now,
        lane=lane,
        status_since=now,
    )


def owe_what_was_impossible(connection: Connection, *, now: datetime) -> None:
    """Owe the links that were parked because the CRM, as the connection was set, could not take them. Call it inside a transaction."""
    for parked in impossible_links(connection):
        owe(parked, now=now, lane=Lane.RETRY, sync_status=SyncStatus.PENDING, status_since=now)


def owe_tasks_of_contact(
    link: ContactLink, *, now: datetime, lane: Lane = Lane.INTERACTIVE, only_parked: bool = False
) -> int:
    """Owe the tasks at this connection that point at the contact: it has just arrived there, moved, or failed to. Returns how many."""
    tasks = TaskContact.objects.filter(contact_id=link.contact_id).values("task_id")
    links = TaskLink.objects.filter(
        task_id__in=tasks, connection_id=link.connection_id, task__deleted_at__isnull=True
    ).exclude(sync_status__in=HELD)
    if only_parked:
        links = links.filter(sync_status=SyncStatus.FAILED, due_at__isnull=True)
    return owe(links, now=now, lane=lane)
