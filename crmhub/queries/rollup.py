"""How a task stands over all of its CRMs: as the worst of them does, and who lags, since when and why.

What is off does not count: links that a person keeps out, and those of accounts that were disconnected. Every other CRM counts alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from crmhub.models import PushedLink, Task, TaskLink
from crmhub.queries.sync import Standing, standing, standing_so

WORST_FIRST = (Standing.NEEDS_A_PERSON, Standing.WAITING, Standing.IN_SYNC)


@dataclass(frozen=True)
class RollUp:
    """How a task stands, at how many of how many CRMs it is in sync, and the links that lag: the worst first, then the longest."""

    standing: Standing
    in_sync: int
    of: int
    lagging: tuple[PushedLink, ...] = ()

    @property
    def words(self) -> str:
        """Return the counts as they are read: "3 of 4 CRMs"."""
        if not self.of:
            return "no CRM"
        return f"{self.in_sync} of {self.of} {'CRM' if self.of == 1 else 'CRMs'}"


def roll_up(links: Iterable[PushedLink]) -> RollUp:
    """Return how the task or contact with these links stands; each has its connection."""
    on = {link: stands for link in links if (stands := standing(link)) is not Standing.OFF}
    lagging = [link for link, stands in on.items() if stands is not Standing.IN_SYNC]
    lagging.sort(key=lambda link: (WORST_FIRST.index(on[link]), link.status_since))
    worst = min(on.values(), key=WORST_FIRST.index, default=Standing.OFF)
    return RollUp(worst, len(on) - len(lagging), len(on), tuple(lagging))


def why_it_lags(link: PushedLink, *, now: datetime) -> str:
    """Return why the link is not in sync, in words; "" when it is simply its turn that has not come."""
    connection = link.connection
    if link.last_error:
        return link.last_error
    if connection.paused_at is not None:
        return "The connection is paused."
    if connection.reauthorise_since is not None:
        return "The CRM refuses our credentials."
    if connection.wait_until is not None and connection.wait_until > now:
        return connection.wait_reason or "The CRM asked to be left alone for a while."
    return ""


def tasks_rolled_up(tasks: QuerySet[Task], wanted: Iterable[Standing]) -> QuerySet[Task]:
    """Narrow the tasks to those whose roll-up is one of these."""
    return tasks.filter(reduce(or_, [_so(one) for one in wanted], Q(pk__in=())))


def _so(wanted: Standing) -> Q:
    live = TaskLink.objects.filter(connection__disconnected_at__isnull=True)
    here: Any = live.filter(task=OuterRef("pk"))

    def any_is(standing: Standing) -> Q:
        # The few that wait or are parked are found by their status; asking each task would read them all.
        return Q(pk__in=live.filter(standing_so(standing)).values("task_id"))

    parked, waiting = any_is(Standing.NEEDS_A_PERSON), any_is(Standing.WAITING)
    return {
        Standing.NEEDS_A_PERSON: parked,
        Standing.WAITING: waiting & ~parked,
        Standing.IN_SYNC: Q(Exists(here.filter(standing_so(Standing.IN_SYNC)))) & ~waiting & ~parked,
        Standing.OFF: ~Q(Exists(here.exclude(standing_so(Standing.OFF)))),
    }[wanted]
