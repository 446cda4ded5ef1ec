"""Which links are meant: all that match what was said, as a page, a call or a command says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from crmhub.models import ContactLink, PushedLink, SyncStatus, TaskLink
from crmhub.models.links import OFF
from crmhub.queries.remedies import REASONS, because
from crmhub.queries.sync import Standing, standing_so

MOST_NAMED = 5_000  # ids in one query
# In a crowd these are left out: a person must have looked at each, for it could be made twice or come back from the dead.
TO_BE_LOOKED_AT = (SyncStatus.UNKNOWN, SyncStatus.GONE)
PUSHED: tuple[type[PushedLink], ...] = (ContactLink, TaskLink)  # a contact goes first: tasks may wait for it


@dataclass(frozen=True)
class Selection:
    """Links at connected accounts that meet all of this; what is empty asks nothing.

    `tasks` are ids of tasks, whose contacts are not meant. `is_failed`: only what waits for a person. `reasons` are words of `REASONS`. The link came to stand as
    it does at `after` or later, and before `until`. What is off is never meant.
    """

    connection: UUID | None = None
    tasks: tuple[UUID, ...] = ()
    is_failed: bool = False
    statuses: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    after: datetime | None = None
    until: datetime | None = None

    @property
    def is_narrowed(self) -> bool:
        """Return whether anything was said beside the ids of tasks."""
        return replace(self, tasks=()) != Selection()

    def links(self, model: type[PushedLink]) -> QuerySet[Any]:
        """Return the links of this kind, those included that somebody should look at first."""
        links: QuerySet[Any] = model._default_manager.filter(connection__disconnected_at__isnull=True)
        if self.tasks:
            links = links.filter(task__in=self.tasks) if model is TaskLink else links.none()
        if self.connection is not None:
            links = links.filter(connection=self.connection)
        return links.filter(self._condition()).exclude(sync_status__in=OFF)

    def crowd(self, model: type[PushedLink]) -> QuerySet[Any]:
        """Return the links of this kind that may be sent again without somebody having looked at each."""
        return self.links(model).exclude(sync_status__in=TO_BE_LOOKED_AT)

    def _condition(self) -> Q:
        condition = standing_so(Standing.NEEDS_A_PERSON) if self.is_failed or self.reasons else Q()
        if self.statuses:
            condition &= Q(sync_status__in=self.statuses)
        if self.reasons:
            either = Q()
            for reason in self.reasons:
                either |= because(reason)
            condition &= either
        if self.after is not None:
            condition &= Q(status_since__gte=self.after)
        if self.until is not None:
            condition &= Q(status_since__lt=self.until)
        return condition

    def parts(self, most: int = MOST_NAMED) -> Iterator[Selection]:
        """Yield selections that are this one together: of many tasks, some thousand at a time, for a query takes no more; in the order of their ids."""
        ids = sorted(self.tasks)
        for start in range(0, len(ids) or 1, most):
            yield replace(self, tasks=tuple(ids[start : start + most]))

    def as_json(self) -> dict[str, Any]:
        """Return what was said, as it is stored."""
        return {name: _plain(value) for name, value in asdict(self).items() if value}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Selection:
        """Return what was stored."""
        return cls(
            connection=UUID(told["connection"]) if "connection" in told else None,
            tasks=tuple(map(UUID, told.get("tasks", ()))),
            is_failed=told.get("is_failed", False),
            statuses=tuple(told.get("statuses", ())),
            reasons=tuple(told.get("reasons", ())),
            after=datetime.fromisoformat(told["after"]) if "after" in told else None,
            until=datetime.fromisoformat(told["until"]) if "until" in told else None,
        )


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool) else str(value)


@dataclass
class Share:
    """What of a selection lies at one connection; `left_out` are links that somebody should look at first."""

    connection: UUID
    tasks: int = 0
    contacts: int = 0
    left_out: int = 0

    @property
    def total(self) -> int:
        """Return how many would be sent again."""
        return self.tasks + self.contacts


def shares(selection: Selection) -> list[Share]:
    """Return how many links of a selection lie where, the most first. Two queries for each of its parts."""
    found: dict[UUID, Share] = {}
    for part in selection.parts():
        for connection, tasks, others in _by_connection(part, TaskLink):
            share = found.setdefault(connection, Share(connection))
            share.tasks, share.left_out = share.tasks + tasks, share.left_out + others
        for connection, contacts, others in _by_connection(part, ContactLink):
            share = found.setdefault(connection, Share(connection))
            share.contacts, share.left_out = share.contacts + contacts, share.left_out + others
    return sorted(found.values(), key=lambda one: (-one.total, str(one.connection)))


def _by_connection(selection: Selection, model: type[PushedLink]) -> QuerySet[Any]:
    to_be_looked_at = Q(sync_status__in=TO_BE_LOOKED_AT)
    rows = selection.links(model).order_by().values_list("connection_id")
    return rows.annotate(
        some=Count("pk", filter=~to_be_looked_at), others=Count("pk", filter=to_be_looked_at)
    )


def in_words(selection: Selection, *, names: Mapping[UUID, str]) -> str:
    """Return what is meant as staff read it: "What failed at HubSpot: The CRM refused what is in it."; `names` are those of the connections."""
    where = f" at {names.get(selection.connection, selection.connection)}" if selection.connection else ""
    if selection.tasks:
        count = len(selection.tasks)
        return f"{count:,} {'task' if count == 1 else 'tasks'} of a list{where}"
    what = "What waits for a person" if selection.is_failed or selection.reasons else "Everything"
    if selection.statuses:
        what = f"What is {' or '.join(one.replace('_', ' ') for one in selection.statuses)}"
    since = f" since {selection.after:%Y-%m-%d %H:%M} UTC" if selection.after else ""
    until = f" until {selection.until:%Y-%m-%d %H:%M} UTC" if selection.until else ""
    return f"{what}{where}{since}{until}{_why(selection.reasons)}"


def _why(reasons: Iterable[str]) -> str:
    means = [REASONS[one].means for one in reasons]
    return f": {' '.join(means)}"[:300] if means else ""
