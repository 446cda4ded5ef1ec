"""What stands at a connection at this moment, in one query: the account, the database's time, and since when what is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection as database
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from crmhub.clock import DatabaseNow
from crmhub.models import Attempt, Connection, ContactLink, Lane, PushedLink, TaskLink
from crmhub.models.links import OFF
from crmhub.sync.claim import Kind

# In the order in which they go: interactive links first, and contacts before the tasks that need them.
KINDS: tuple[Kind, ...] = tuple((lane, model) for lane in Lane for model in (ContactLink, TaskLink))
ANY = UUID(int=0)  # stands for the connection's id in the query


@dataclass(frozen=True)
class Sight:
    """A connection as it was at a moment. `first_due`: of each lane and kind of link, when the first that is owed or claimed is due.

    `last_sent_at` is when its newest attempt began, `has_linked` whether any of its tasks is known to be there.
    """

    connection: Connection
    moment: datetime
    first_due: Mapping[Kind, datetime]
    last_sent_at: datetime | None
    has_linked: bool

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
    statement, parameters = _statement()
    mine = Connection._meta.pk.get_db_prep_value(connection_id, database)
    asked = [mine if one == _any() else one for one in parameters]
    seen = next(iter(Connection.objects.raw(statement, asked)), None)
    if seen is None:
        return None
    told = vars(seen)
    first_due = {kind: _moment(told[f"first_due_{number}"]) for number, kind in enumerate(KINDS)}
    seen_at = _moment(told["seen_at"])
    assert seen_at is not None
    return Sight(
        connection=seen,
        moment=now or seen_at,
        first_due={kind: at for kind, at in first_due.items() if at is not None},
        last_sent_at=_moment(told["last_sent_at"]),
        has_linked=bool(told["has_linked"]),
    )


@cache
def _statement() -> tuple[str, tuple[Any, ...]]:
    """Return the query and its parameters, with `ANY` for the connection. Django takes longer to make it than the database to answer it."""
    return _sights().filter(pk=ANY).query.sql_with_params()


def _sights() -> QuerySet[Connection]:
    first_due = {f"first_due_{number}": _first_due(*kind) for number, kind in enumerate(KINDS)}
    attempts = Attempt.objects.filter(connection=OuterRef("pk")).order_by("-id")
    linked = TaskLink.objects.filter(connection=OuterRef("pk")).exclude(external_id="")
    return Connection.objects.order_by().annotate(
        seen_at=DatabaseNow(),
        **first_due,
        last_sent_at=Subquery(attempts.values("started_at")[:1]),
        has_linked=Exists(linked),
    )


def _first_due(lane: Lane, model: type[PushedLink]) -> Subquery:
    owed = model._default_manager.filter(connection=OuterRef("pk"), lane=lane, due_at__isnull=False)
    return Subquery(owed.exclude(sync_status__in=OFF).order_by("due_at").values("due_at")[:1])


@cache
def _any() -> Any:
    return Connection._meta.pk.get_db_prep_value(ANY, database)


def _moment(told: datetime | str | None) -> datetime | None:
    """Return a moment of a query that Django did not read: SQLite has texts, and none of its zones."""
    moment = datetime.fromisoformat(told) if isinstance(told, str) else told
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment
