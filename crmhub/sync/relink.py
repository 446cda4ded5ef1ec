"""Rebuilding the links of a connection from what the CRM holds. Nothing is made or changed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from crmhub import services
from crmhub.models import Connection
from crmhub.queries.stock import should_be_linked, tasks_without_counterpart
from crmhub.services.counterparts import MISSING
from crmhub.sync.health import has_lost_links
from crmhub.sync.patience import Clock
from crmhub.sync.stock import CannotBegin, Stock
from crmhub.sync.stocktaking import Stocktaking
from providers.capabilities import Operation

NOT_FOUND = "It was not found there when the links were rebuilt. If it is to be there, send it again: it is looked for once more, then made."


@dataclass(frozen=True)
class Relinked:
    """What came of rebuilding: the stock, how many tasks that should be there were not found, and whether the links had been lost."""

    stock: Stock
    missing: int
    were_lost: bool


def relink(
    connection: Connection,
    *,
    is_dry: bool = False,
    is_sent: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
) -> Relinked:
    """Link what is at the CRM with the tasks here again, by its keys and by likeness; returns what came of it.

    While the links are lost the connection is held, and is let go at the end; whoever is stopped before goes on with the next call. `is_dry`
    writes nothing; `is_sent` owes what differs and what was not found. `tell` gets lines for whoever watches. Raises `CannotBegin`, and any
    `ProviderError` that does not pass by itself; what was linked until then stays.
    """
    clock = clock or Clock()
    connection.refresh_from_db()
    can = connection.capabilities
    if not can.can(Operation.LIST_TASKS):
        raise CannotBegin(f"{can.label} does not list its tasks: links with it cannot be rebuilt.")
    if not connection.is_live:
        raise CannotBegin(f"{connection} was disconnected; its links are history.")
    were_lost = has_lost_links(connection, now=clock.now())
    if were_lost:
        tell("its links are lost: nothing is sent there until this is done")
    walk = Stocktaking(connection, clock=clock, tell=tell, is_dry=is_dry, is_sent=is_sent)
    stock = walk.take(tasks_without_counterpart(connection))
    missing = _missing(connection, walk)
    if were_lost and not is_dry:
        if is_sent:
            walk.send(missing, looks_first=True)
        else:
            walk.set_aside(missing, MISSING, NOT_FOUND)
        services.end_loss(connection=connection, now=clock.now())
    return Relinked(stock, len(missing), were_lost)


def _missing(connection: Connection, walk: Stocktaking) -> set[UUID]:
    """Return the tasks that should be there and are neither linked nor waiting for a person to say which one they are."""
    unknown = tasks_without_counterpart(connection)
    wanted = should_be_linked(unknown, connection).values_list("pk", flat=True)
    return set(wanted) - walk.linked.keys() - walk.uncertain
