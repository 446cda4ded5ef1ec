"""What stands at a connection at this moment, in one query: the account, the database's time, and since when what is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from crmhub.clock import DatabaseNow
from crmhub.models import Connection, ContactLink, Lane, PushedLink, TaskLink
from crmhub.models.links import OFF
from crmhub.sync.claim import Kind

# In the order in which they go: interactive links first, and contacts before the tasks that need them.
KINDS: tuple[Kind, ...] = tuple((lane, model) for lane in Lane for model in (ContactLink, TaskLink))


@dataclass(frozen=True)
class Sight:
    """A connection as it was at a moment. `first_due`: of each lane and kind of link, when the first that is owed or claimed is due."""

    connection: Connection
    moment: datetime
    first_due: Mapping[Kind, datetime]

    @property
    def due(self) -> list[Kind]:
        """Return the lanes and kinds of which something is due, in the order in which they go."""
        return [kind for kind in KINDS if kind in self.first_due and self.first_due[kind] <= self.moment]

    def age(self, kind: Kind) -> timedelta:
        """Return for how long the first of them has been due."""
        return self.moment - self.first_due[kind]

    def next_due(self, *, within: timedelta) -> timedelta | None:
        """Return after how long the next one is due that is not due yet; None when that is later than this."""
        waits = [at - self.moment for at in self.first_due.values()]
        return min((wait for wait in waits if timedelta() < wait <= within), default=None)


def look(connection_id: UUID, *, now: datetime | None = None) -> Sight | None:
    """Return what stands there; None when there is no such connection. `now` replaces the database's clock."""
    seen = _sights().filter(pk=connection_id).first()
    if seen is None:
        return None
    told = vars(seen)
    first_due = {kind: told[f"first_due_{number}"] for number, kind in enumerate(KINDS)}
    return Sight(
        connection=seen,
        moment=now or told["seen_at"],
        first_due={kind: at for kind, at in first_due.items() if at is not None},
    )


@cache
def _sights() -> QuerySet[Connection]:
    """Return the query for any connection. Django takes longer to make it than the database to answer it."""
    first_due = {f"first_due_{number}": _first_due(*kind) for number, kind in enumerate(KINDS)}
    return Connection.objects.order_by().annotate(seen_at=DatabaseNow(), **first_due)


def _first_due(lane: Lane, model: type[PushedLink]) -> Subquery:
    owed = model._default_manager.filter(connection=OuterRef("pk"), lane=lane, due_at__isnull=False)
    return Subquery(owed.exclude(sync_status__in=OFF).order_by("due_at").values("due_at")[:1])
