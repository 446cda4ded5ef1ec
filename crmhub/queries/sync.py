"""How links stand, in the four words that staff read, and how to find those that stand so."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, Subquery

from crmhub.models import Connection, ContactLink, PushedLink, SyncStatus, Task, TaskLink
from crmhub.models.links import NEEDS_A_PERSON, OFF
from providers import registry

FEW = 50_000  # links; the tasks of so many are worth collecting first


class Standing(StrEnum):
    """What a badge says."""

    IN_SYNC = "in_sync"
    WAITING = "waiting"
    NEEDS_A_PERSON = "needs_a_person"
    OFF = "off"

    @property
    def words(self) -> str:
        """Return the standing as it is read on the screen."""
        return self.value.replace("_", " ")


def standing(link: PushedLink) -> Standing:
    """Return what the link's badge says; links of a disconnected account are off."""
    if link.sync_status in OFF or not link.connection.is_live:
        return Standing.OFF
    if link.is_parked:
        return Standing.NEEDS_A_PERSON
    return Standing.IN_SYNC if link.sync_status == SyncStatus.IN_SYNC else Standing.WAITING


def exact_status(link: PushedLink, *, now: datetime) -> str:
    """Return the machine's word for how the link stands, `sending` included."""
    return "sending" if link.is_sending(now) else link.sync_status


def standing_so(wanted: Standing) -> Q:
    """Return the condition that links with this standing meet."""
    parked = Q(sync_status__in=NEEDS_A_PERSON, due_at__isnull=True)
    waiting = Q(sync_status=SyncStatus.PENDING) | Q(sync_status__in=NEEDS_A_PERSON, due_at__isnull=False)
    return {
        Standing.IN_SYNC: Q(sync_status=SyncStatus.IN_SYNC),
        # The statuses are named first, for PostgreSQL's sake, and in each part again, for SQLite's: else every link of an account is read.
        Standing.WAITING: Q(sync_status__in=[SyncStatus.PENDING, *NEEDS_A_PERSON]) & waiting,
        Standing.NEEDS_A_PERSON: parked,
        Standing.OFF: Q(sync_status__in=OFF),
    }[wanted]


def live_task_links() -> QuerySet[TaskLink]:
    """Return the links of tasks at accounts that are still connected, with those accounts: few, so each is read once and not with every link."""
    return (
        TaskLink.objects.filter(connection__disconnected_at__isnull=True)
        .prefetch_related("connection")
        .defer("ancestor", "candidates", "retired", "losses", "effects")
        .order_by("connection__provider", "connection__name")
    )


def live_contact_links() -> QuerySet[ContactLink]:
    """Return the links of contacts at accounts that are still connected, with those accounts."""
    return (
        ContactLink.objects.filter(connection__disconnected_at__isnull=True)
        .prefetch_related("connection")
        .defer("ancestor", "candidates", "retired", "losses")
        .order_by("connection__provider", "connection__name")
    )


def links_of_task(task: Task) -> list[TaskLink]:
    """Return the task's counterparts, disconnected accounts last, each with its connection and the contact that it waits for."""
    links = (
        TaskLink.objects.filter(task_id=task.pk)
        .select_related("connection", "awaits_contact__contact")
        .order_by("connection__provider", "connection__name")
    )
    return sorted(links, key=lambda link: not link.connection.is_live)


def links_of_contact(contact_id: UUID) -> list[ContactLink]:
    """Return the contact's counterparts, each with its connection, disconnected accounts last."""
    links = (
        ContactLink.objects.filter(contact_id=contact_id)
        .select_related("connection")
        .order_by("connection__provider", "connection__name")
    )
    return sorted(links, key=lambda link: not link.connection.is_live)


def tasks_standing(
    tasks: QuerySet[Task], *, connection: UUID | None = None, wanted: Standing | None = None
) -> QuerySet[Task]:
    """Narrow the tasks to those that stand so at this connection, or at any where none is given."""
    return rows_standing(tasks, TaskLink, connection=connection, wanted=wanted)


def rows_standing(
    rows: QuerySet[Any],
    links: type[PushedLink],
    *,
    connection: UUID | None = None,
    wanted: Standing | None = None,
    condition: Q | None = None,
) -> QuerySet[Any]:
    """Narrow tasks or contacts to those with one of these links that is at this connection, stands so, and meets the condition.

    *In sync* without a connection means in sync wherever it goes. A connection alone means that there is a counterpart.
    """
    subject = "task" if links is TaskLink else "contact"
    found = links._default_manager.filter(condition or Q(), connection__disconnected_at__isnull=True)
    if connection is not None:
        found = found.filter(connection_id=connection)
    here: Any = found.filter(**{subject: OuterRef("pk")})
    if wanted is None and not condition:
        return rows.filter(Exists(here)) if connection else rows
    if wanted is not Standing.IN_SYNC:
        so = found if wanted is None else found.filter(standing_so(wanted))
        return rows.filter(_is_among(rows, so.order_by().values_list(f"{subject}_id", flat=True)))
    behind = here.filter(standing_so(Standing.WAITING) | standing_so(Standing.NEEDS_A_PERSON))
    return rows.filter(Exists(here.filter(standing_so(wanted))), ~Exists(behind))


def _is_among(rows: QuerySet[Any], ids: QuerySet[Any]) -> Q | Func:
    """Return the condition that a row's id is one of these.

    Asked for the tasks of few links in the order of their due times, PostgreSQL walks the tasks in that order and looks at the links of each, all of
    them where the last few are meant; with the ids collected first it reads just those tasks.
    """
    is_worth_it = connections[rows.db].vendor == "postgresql" and ids[: FEW + 1].count() <= FEW
    return AnyOf(F("pk"), Collected(ids)) if is_worth_it else Q(pk__in=ids)


class Collected(Subquery):
    """The values of a query as an array, which is made once and before anything else."""

    template = "(ARRAY(%(subquery)s))"
    empty_result_set_value = NotImplemented  # as for any condition that nothing meets


class AnyOf(Func):
    """Whether a value is any of an array's."""

    template = "%(expressions)s"
    arg_joiner = " = ANY"
    output_field = BooleanField()


def short_names(connections: Iterable[Connection] | None = None) -> dict[UUID, str]:
    """Return what each account is called on a badge: its CRM, or its own name where a CRM has several accounts."""
    rows = list(Connection.objects.all() if connections is None else connections)
    live = [row.provider for row in rows if row.is_live]
    return {
        row.pk: row.name if live.count(row.provider) > 1 else provider_label(row.provider) for row in rows
    }


def provider_label(code: str) -> str:
    """Return the CRM's name; its code where it is no longer among the registered ones."""
    return registry.capabilities(code).label if code in registry.codes() else code
