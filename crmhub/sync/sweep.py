"""Finding whatever was missed: lost wakes, lapsed claims, marks that a crash or a race left unset."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from crmhub import wake
from crmhub.clock import database_now
from crmhub.models import Connection, Contact, ContactLink, Lane, Replay, SyncStatus, Task, TaskLink
from crmhub.models.links import NEEDS_A_PERSON, OFF
from crmhub.services.owing import HELD, owe, owe_contact, owe_task
from crmhub.sync.health import watch_links
from crmhub.sync.tokens import is_to_be_kept_alive

RECENT = timedelta(
    minutes=10
)  # how far back each sweep compares saves with links; an hourly one looks at all
MOST = 500  # rows that one sweep mends of each kind; the next goes on


def sweep(*, now: datetime | None = None, everything: bool = False) -> list[UUID]:
    """Owe what should be owed and is not, and wake every connection that has something due, is to be tested or kept alive; returns those that could not be woken.

    A save without a mark (its version is newer than what its link wants), a link that a connection's scope asks for and that is not there, a link
    that is neither in step nor owed nor parked, a task whose contact has arrived. `everything` looks at all tasks, not only the recently saved ones.
    """
    now = now or database_now()
    since = None if everything else now - RECENT
    # First of all: where the links are lost, what looks like a link that is missing is one that was there.
    watch_links(now=now)
    _mend_marks(since, now=now)
    _mend_forgotten(now=now)
    _mend_awaiting(now=now)
    sweep_replays()
    waiting = [
        one.pk for one in Connection.objects.filter(disconnected_at__isnull=True) if has_work(one, now=now)
    ]
    return [] if wake.push(waiting) else waiting


def sweep_replays() -> list[UUID]:
    """Let workers go on with every replay that is not at its end; returns those."""
    unfinished = Replay.objects.filter(ended_at__isnull=True, stopped_at__isnull=True, is_in_background=True)
    ids = list(unfinished.values_list("pk", flat=True))
    wake.replay(ids)
    return ids


def _mend_marks(since: datetime | None, *, now: datetime) -> None:
    live = Q(connection__disconnected_at__isnull=True)
    behind = TaskLink.objects.filter(live, task=OuterRef("pk"), wanted_version__lt=OuterRef("version"))
    tasks = Task.objects.filter(Exists(behind))
    contacts_behind = ContactLink.objects.filter(
        live, contact=OuterRef("pk"), wanted_version__lt=OuterRef("version")
    )
    contacts = Contact.objects.filter(Exists(contacts_behind))
    if since is not None:
        tasks, contacts = tasks.filter(updated_at__gte=since), contacts.filter(updated_at__gte=since)
    for task in [*tasks[:MOST], *_without_a_link(since)]:
        with transaction.atomic():
            owe_task(task, now=now, lane=Lane.RETRY, saved_before=task.updated_at)
    for contact in contacts[:MOST]:
        with transaction.atomic():
            owe_contact(contact, now=now, lane=Lane.RETRY)


def _without_a_link(since: datetime | None) -> list[Task]:
    """Return live tasks saved after a connection that takes all was made, and not linked to it."""
    found: list[Task] = []
    complete = Connection.objects.filter(disconnected_at__isnull=True, links_lost_at__isnull=True)
    for connection in complete.filter(scope=Connection.Scope.ALL):
        start = max(connection.created_at, since) if since is not None else connection.created_at
        linked = TaskLink.objects.filter(task=OuterRef("pk"), connection=connection)
        found += Task.objects.filter(~Exists(linked), deleted_at__isnull=True, updated_at__gte=start)[:MOST]
    return found


def _mend_forgotten(*, now: datetime) -> None:
    forgotten = ~Q(pushed_version=F("wanted_version")) & Q(
        due_at__isnull=True, connection__disconnected_at__isnull=True
    )
    calm = [*NEEDS_A_PERSON, *OFF]
    _owe_some(ContactLink.objects.filter(forgotten).exclude(sync_status__in=calm), now=now)
    tasks = TaskLink.objects.filter(forgotten, awaits_contact__isnull=True).exclude(sync_status__in=calm)
    _owe_some(tasks, now=now)


def _mend_awaiting(*, now: datetime) -> None:
    arrived = ~Q(awaits_contact__external_id="") | Q(
        awaits_contact__sync_status__in=NEEDS_A_PERSON, awaits_contact__due_at__isnull=True
    )
    waiting = Q(sync_status=SyncStatus.PENDING) | ~Q(awaits_contact__external_id="")
    links = TaskLink.objects.filter(
        arrived,
        waiting,
        awaits_contact__isnull=False,
        due_at__isnull=True,
        connection__disconnected_at__isnull=True,
    ).exclude(sync_status__in=HELD)
    _owe_some(links, now=now)


def _owe_some(links: QuerySet[Any], *, now: datetime) -> None:
    ids = list(links.order_by("pk").values_list("pk", flat=True)[:MOST])
    if ids:
        with transaction.atomic():
            some = links.model._default_manager.filter(pk__in=ids)
            owe(some.exclude(sync_status__in=HELD), now=now, lane=Lane.RETRY)


def has_work(connection: Connection, *, now: datetime) -> bool:
    """Return whether a worker has something to do at this connection now: a push, a test of new credentials, a token to be kept alive."""
    if not connection.may_be_called(now):
        return connection.is_to_be_tested(now)
    return is_to_be_kept_alive(connection, now) or any(
        model._default_manager.filter(connection=connection, due_at__lte=now).exists()
        for model in (TaskLink, ContactLink)
    )
