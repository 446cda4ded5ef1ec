"""What waits for a person, by reason and age: one grouped query, however much it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Case, CharField, Count, Min, Q, QuerySet, Value, When

from crmhub.models import ContactLink, TaskLink
from crmhub.queries.remedies import REASONS, Remedy, because, reason_of
from crmhub.queries.sync import Standing, standing_so


class Age(StrEnum):
    """For how long something has waited; the value is the API's word."""

    HOUR = "under_an_hour"
    DAY = "under_a_day"
    WEEK = "under_a_week"
    OLDER = "older"

    @property
    def words(self) -> str:
        """Return the age as it is read on the screen."""
        return self.value.replace("_", " ")


_SPANS = {Age.HOUR: timedelta(hours=1), Age.DAY: timedelta(days=1), Age.WEEK: timedelta(weeks=1)}


@dataclass
class Failure:
    """The tasks (or contacts, `kind`) that wait for a person at one connection for one reason: how many of each age, and since when the oldest."""

    connection: UUID
    kind: str
    reason: str
    counts: dict[Age, int] = field(default_factory=lambda: dict.fromkeys(Age, 0))
    oldest: datetime | None = None

    @property
    def remedy(self) -> Remedy:
        """Return what the reason means, and what to do."""
        return REASONS[self.reason]

    @property
    def total(self) -> int:
        """Return how many there are of all ages."""
        return sum(self.counts.values())


def failures(*, now: datetime, connection: UUID | None = None) -> list[Failure]:
    """Return what waits for a person at the connected accounts, or at one of them; the most first.

    One query. Tasks in the recycle bin are left out, as in every other count of what needs a person.
    """
    tasks = _counted(TaskLink.objects.filter(task__deleted_at__isnull=True), "task", connection, now)
    contacts = _counted(ContactLink.objects.all(), "contact", connection, now)
    found: dict[tuple[Any, ...], Failure] = {}
    for kind, where, status, code, age, count, oldest in tasks.union(contacts, all=True):
        reason = reason_of(status, code)
        one = found.setdefault((kind, where, reason), Failure(where, kind, reason))
        one.counts[Age(age)] += count
        one.oldest = min(filter(None, (one.oldest, oldest)))
    return sorted(found.values(), key=lambda one: (-one.total, one.reason, one.kind, str(one.connection)))


def _counted(links: QuerySet[Any], kind: str, connection: UUID | None, now: datetime) -> QuerySet[Any]:
    links = links.filter(standing_so(Standing.NEEDS_A_PERSON), connection__disconnected_at__isnull=True)
    if connection is not None:
        links = links.filter(connection=connection)
    young = [When(status_since__gte=now - span, then=Value(age.value)) for age, span in _SPANS.items()]
    return (
        links.order_by()
        .annotate(
            kind=Value(kind, output_field=CharField()),
            age=Case(*young, default=Value(Age.OLDER.value), output_field=CharField()),
        )
        .values_list("kind", "connection_id", "sync_status", "last_error_code", "age")
        .annotate(count=Count("pk"), oldest=Min("status_since"))
    )


def parked_so(*, reason: str = "", age: Age | None = None, now: datetime) -> Q:
    """Return the condition that links meet which wait for a person for this reason, for so long; everything where neither is given."""
    if not reason and age is None:
        return Q()
    condition = standing_so(Standing.NEEDS_A_PERSON)
    if reason:
        condition &= because(reason)
    if age is not None:
        after, until = window_of(age, now=now)
        condition &= Q(status_since__gte=after) if after else Q()
        condition &= Q(status_since__lt=until) if until else Q()
    return condition


def window_of(age: Age, *, now: datetime) -> tuple[datetime | None, datetime | None]:
    """Return from when until just before when something came to wait that is so old; None leaves that side open."""
    younger = list(Age)[: list(Age).index(age)]
    return (
        now - _SPANS[age] if age in _SPANS else None,
        now - _SPANS[younger[-1]] if younger else None,
    )
