"""Reading connections: how each account is, and how much waits there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet

from crmhub.models import Connection, ContactLink, TaskLink
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


def tallies(ids: Iterable[UUID], *, with_settled: bool = False) -> dict[UUID, Tally]:
    """Return what lies at each of these connections, in two queries, four with those in sync counted (which reads every link)."""
    tally = {pk: Tally() for pk in ids}
    for row in _unsettled(TaskLink.objects.filter(task__deleted_at__isnull=True), tally):
        one = tally[row["connection"]]
        one.waiting, one.needs_a_person, one.oldest = row["waiting"], row["parked"], row["oldest"]
    for row in _unsettled(ContactLink.objects.all(), tally):
        one = tally[row["connection"]]
        one.contacts_waiting, one.contacts_needing_a_person = row["waiting"], row["parked"]
        one.oldest = min(filter(None, (one.oldest, row["oldest"])), default=None)
    if with_settled:
        settled = _live(TaskLink.objects.filter(standing_so(Standing.IN_SYNC)), tally)
        # The deleted are few and have an index; asking each of a million links whether its task is deleted takes seconds.
        for links, sign in ((settled, 1), (settled.filter(task__deleted_at__isnull=False), -1)):
            for row in links.values("connection").order_by().annotate(count=Count("pk")):
                tally[row["connection"]].in_sync += sign * row["count"]
    return tally


def count_needing_a_person() -> int:
    """Return how many tasks need a person, at one connected account or at several: as many as the list of them has rows."""
    parked = TaskLink.objects.filter(
        standing_so(Standing.NEEDS_A_PERSON), connection__disconnected_at__isnull=True
    )
    return parked.filter(task__deleted_at__isnull=True).values("task").distinct().count()


def _live(links: QuerySet, tally: dict[UUID, Tally]) -> QuerySet:
    return links.filter(connection__in=tally, connection__disconnected_at__isnull=True)


def _unsettled(links: QuerySet, tally: dict[UUID, Tally]) -> QuerySet:
    waits, parked = standing_so(Standing.WAITING), standing_so(Standing.NEEDS_A_PERSON)
    return (
        _live(links.filter(waits | parked), tally)
        .values("connection")
        .order_by()
        .annotate(
            waiting=Count("pk", filter=waits),
            parked=Count("pk", filter=parked),
            oldest=Min("status_since", filter=Q(due_at__isnull=False)),
        )
    )
