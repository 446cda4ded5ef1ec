"""Reading connections: how each account is, and how much waits there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from crmhub.models import Connection, ContactLink, SyncStatus, TaskLink
from crmhub.queries.counting import MANY, AtLeast, CountUpTo, as_count
from crmhub.queries.sync import Standing, standing_so


@dataclass
class Tally:
    """What lies at one connection, tasks and contacts counted apart from each other; `oldest` is when the oldest owed push became owed.

    Tasks in the recycle bin are not counted, and at an account that was disconnected nothing is.
    """

    in_sync: int = 0
    waiting: int = 0
    needs_a_person: int = 0
    contacts_waiting: int = 0
    contacts_needing_a_person: int = 0
    oldest: datetime | None = None


def connections() -> QuerySet[Connection]:
    """Return the accounts, ended ones last, without their sealed secrets."""
    return Connection.objects.defer("sealed_secrets").order_by("disconnected_at", "name")


def live_connections() -> QuerySet[Connection]:
    """Return the accounts that are connected, by CRM and name."""
    return (
        Connection.objects.filter(disconnected_at__isnull=True)
        .defer("sealed_secrets")
        .order_by("provider", "name")
    )


def tallies(ids: Iterable[UUID], *, most: int = MANY) -> dict[UUID, Tally]:
    """Return what lies at each of these connections, in one query; no number is counted further than `most`."""
    ids = list(ids)
    tasks = TaskLink.objects.filter(connection=OuterRef("pk"), task__deleted_at__isnull=True)
    contacts = ContactLink.objects.filter(connection=OuterRef("pk"))
    counts = {
        "in_sync": tasks.filter(standing_so(Standing.IN_SYNC)),
        "waiting": tasks.filter(standing_so(Standing.WAITING)),
        "needs_a_person": tasks.filter(standing_so(Standing.NEEDS_A_PERSON)),
        "contacts_waiting": contacts.filter(standing_so(Standing.WAITING)),
        "contacts_needing_a_person": contacts.filter(standing_so(Standing.NEEDS_A_PERSON)),
    }
    heads = {
        f"oldest_{kind}_{status}": _oldest(links, status)
        for kind, links in (("task", tasks), ("contact", contacts))
        for status in OWED
    }
    rows = Connection.objects.filter(pk__in=ids, disconnected_at__isnull=True).annotate(
        **{name: CountUpTo(links, most=most) for name, links in counts.items()}, **heads
    )
    tally = {pk: Tally() for pk in ids}
    for row in rows.values("pk", *counts, *heads):
        numbers = {name: as_count(row[name], most=most) for name in counts}
        oldest = min((row[name] for name in heads if row[name] is not None), default=None)
        tally[row["pk"]] = Tally(**numbers, oldest=oldest)
    return tally


def count_needing_a_person() -> int:
    """Return how many tasks need a person, at one connected account or at several: as many as the list of them has rows.

    It stands in the menu of every page, so beyond some thousand links it says only that there are at least so many.
    """
    parked = TaskLink.objects.filter(
        standing_so(Standing.NEEDS_A_PERSON),
        connection__disconnected_at__isnull=True,
        task__deleted_at__isnull=True,
    )
    found = list(parked.order_by().values_list("task", flat=True)[: MANY + 1])
    count = len(set(found))
    return AtLeast(count) if len(found) > MANY else count


# A link that is owed stands in one of these.
OWED = (SyncStatus.PENDING, SyncStatus.UNKNOWN)


def _oldest(links: QuerySet[Any], status: SyncStatus) -> Subquery:
    owed = links.filter(sync_status=status, due_at__isnull=False)
    return Subquery(owed.order_by("status_since").values("status_since")[:1])
