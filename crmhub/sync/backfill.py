"""Bringing tasks to a CRM that were saved before it was connected: matched with what is there first, and made only where nothing is like them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from crmhub import services
from crmhub.clock import database_now
from crmhub.models import Connection, Contact, ContactLink, Lane, Task, TaskContact, TaskLink
from crmhub.queries.lost import LINKS_LOST
from crmhub.queries.stock import tasks_without_counterpart
from crmhub.queries.tasks import UNFINISHED
from crmhub.sync.credentials import limits_of, settings_of
from crmhub.sync.health import has_lost_links
from crmhub.sync.mapping import person_of
from crmhub.sync.pace import seconds_for
from crmhub.sync.patience import Clock
from crmhub.sync.plan import lacks_parent
from crmhub.sync.stock import CannotBegin, Stock, batches
from crmhub.sync.stocktaking import Stocktaking
from crmhub.sync.values import WantedTask
from providers.capabilities import Operation
from providers.types import ASSOCIATIONS, Field, TaskStatus


@dataclass(frozen=True)
class Wish:
    """Which tasks are to be brought: all, or only unfinished ones, or those made since a moment. `is_sent`: what differs there is sent too."""

    only_open: bool = False
    since: datetime | None = None
    is_sent: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return the wish as it is kept with the connection."""
        since = self.since.isoformat() if self.since else None
        return {"only_open": self.only_open, "since": since, "is_sent": self.is_sent}

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Wish:
        """Return the wish that was kept."""
        since = kept.get("since")
        moment = datetime.fromisoformat(since) if since else None
        return cls(bool(kept.get("only_open")), moment, bool(kept.get("is_sent")))


@dataclass(frozen=True)
class Backfilled:
    """What came of a back-fill: the stock, how many are to be made, and how many cannot be there as they are.

    `calls` are about how many requests making them takes, `seconds` how long that lasts at least at the account's rate.
    """

    stock: Stock
    to_make: int
    skipped: int
    calls: int
    seconds: float


def backfill(
    connection: Connection,
    wish: Wish,
    *,
    is_dry: bool = False,
    tell: Callable[[str], None] = lambda _: None,
    clock: Clock | None = None,
) -> Backfilled:
    """Link the tasks that are at the CRM already and owe it the others, behind saves and retries; returns what came of it.

    Whoever is stopped before goes on with the next call: tasks that have a link by then are left alone. `is_dry` writes nothing. Raises
    `CannotBegin`, and any `ProviderError` that does not pass by itself.
    """
    clock = clock or Clock()
    connection.refresh_from_db()
    refuse_impossible(connection, now=clock.now())
    if not is_dry:
        services.note_backfill(connection=connection, wish=wish.as_json())
    walk = Stocktaking(connection, clock=clock, tell=tell, is_dry=is_dry, is_sent=wish.is_sent)
    stock = walk.take(asked_for(connection, wish))
    rest = _Rest(connection, walk)
    rest.sort_out(_without_link(connection, wish))
    if not is_dry:
        tell(f"{len(rest.to_make):,} tasks are owed")
        walk.send(rest.to_make, looks_first=False)
        services.note_backfill(connection=connection, wish={})
    return Backfilled(stock, len(rest.to_make), rest.skipped, rest.calls, rest.seconds)


def refuse_impossible(connection: Connection, *, now: datetime | None = None) -> None:
    """Raise `CannotBegin` where tasks cannot be brought to this connection."""
    if connection.disconnected_at is not None:
        raise CannotBegin(f"{connection} was disconnected; nothing can be sent there.")
    if has_lost_links(connection, now=now or database_now()):
        raise CannotBegin(f"{LINKS_LOST} `manage.py relink` does that.")
    if connection.scope == Connection.Scope.MANUAL:
        raise CannotBegin(f"{connection} takes only tasks that staff add; change which tasks go there first.")
    if not connection.capabilities.can(Operation.LIST_TASKS):
        label = connection.capabilities.label
        raise CannotBegin(f"{label} does not list its tasks, so nobody could tell which are there already.")


def asked_for(connection: Connection, wish: Wish) -> QuerySet[Task]:
    """Return the tasks that the wish is about and that are not known to be there."""
    tasks = tasks_without_counterpart(connection)
    if wish.only_open:
        tasks = tasks.filter(status__in=UNFINISHED)
    if wish.since is not None:
        tasks = tasks.filter(created_at__gte=wish.since)
    return tasks


def _without_link(connection: Connection, wish: Wish) -> QuerySet[Task]:
    """Return those that have no link at all; the others wait for a person, who may say which one there they are."""
    links = TaskLink.objects.filter(task=OuterRef("pk"), connection=connection)
    return asked_for(connection, wish).exclude(Exists(links))


class _Rest:
    """The tasks that nothing there is like: which of them can be made there, and what that takes."""

    def __init__(self, connection: Connection, walk: Stocktaking) -> None:
        self.to_make: list[UUID] = []
        self.skipped = 0
        self._completed = 0
        self._newcomers: dict[UUID, int] = {}
        self._connection, self._walk = connection, walk
        self._can, self._settings = connection.capabilities, settings_of(connection)

    def sort_out(self, tasks: QuerySet[Task]) -> None:
        """Look at each of these tasks that the walk has left."""
        known = self._walk.linked.keys() | self._walk.uncertain
        left = [pk for pk in tasks.values_list("pk", flat=True) if pk not in known]
        for some in batches(left):
            newcomers = self._newcomers_of(some)
            for task_id, wanted in self._walk.wanted(some).items():
                if self._can_be_made(wanted, newcomers.get(task_id, [])):
                    self.to_make.append(task_id)
                    self._completed += wanted.draft.status is TaskStatus.COMPLETED
                    self._newcomers |= {one.pk: _cost_of(one) for one in newcomers.get(task_id, [])}
                else:
                    self.skipped += 1

    @property
    def calls(self) -> int:
        """Return about how many requests it takes: the contacts that are not there yet, then the tasks."""
        tasks = math.ceil(len(self.to_make) / self._can.batch_size)
        closing = 0 if self._can.closes_by_update else self._completed
        return sum(self._newcomers.values()) + tasks + closing

    @property
    def seconds(self) -> float:
        """Return how long that lasts at least."""
        return seconds_for(self.calls, limits_of(self._connection), lane=Lane.BACKFILL)

    def _can_be_made(self, wanted: WantedTask, newcomers: Sequence[Contact]) -> bool:
        if wanted.is_cancelled and self._settings.get("cancelled", "complete") != "complete":
            return False
        if self._connection.scope == Connection.Scope.LINKED and not _is_linked(wanted):
            return False
        is_coming = bool(newcomers) and Field.CONTACTS in self._can.needs_one_of
        return is_coming or not lacks_parent(wanted.draft, self._can, self._settings)

    def _newcomers_of(self, task_ids: Sequence[UUID]) -> dict[UUID, list[Contact]]:
        """Return, by task, the contacts that are not there yet and would be made."""
        if self._connection.contacts == Connection.Contacts.LOOKUP:
            return {}
        there = ContactLink.objects.filter(connection=self._connection).exclude(external_id="")
        rows = TaskContact.objects.filter(task_id__in=task_ids).exclude(contact__in=there.values("contact"))
        found: dict[UUID, list[Contact]] = defaultdict(list)
        for row in rows.select_related("contact"):
            if row.contact_id not in self._walk.people and _cost_of(row.contact) > 1:
                found[row.task_id].append(row.contact)
        return found


def _cost_of(contact: Contact) -> int:
    """Return how many requests making this contact takes: a look by e-mail, one by phone, and the making."""
    person = person_of(contact)
    return bool(person.email) + bool(person.phone) + 1


def _is_linked(wanted: WantedTask) -> bool:
    return any(getattr(wanted.whole or wanted.draft, name) for name in ASSOCIATIONS)
