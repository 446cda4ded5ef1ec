"""Forgetting old attempts: first what went over the wire, later the attempts themselves. Links and history stay."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from crmhub.clock import database_now
from crmhub.models import Attempt

BATCH = 1000  # attempts in one statement, so that no lock is held for long
# What an attempt holds of requests and answers, and what is left of it.
PAYLOADS: dict[str, Any] = {"request": "", "response": "", "intent": None, "settled": None}


@dataclass(frozen=True)
class Pruned:
    """How many attempts are gone, and of how many only what went over the wire; `is_all` says that nothing old is left."""

    attempts: int = 0
    payloads: int = 0
    is_all: bool = False


def prune_attempts(
    *, now: datetime | None = None, seconds: float | None = None, batch: int = BATCH
) -> Pruned:
    """Forget what is older than `KEEP_ATTEMPTS_DAYS` and `KEEP_PAYLOADS_DAYS`, for at most so many seconds; 0 days keep for ever.

    Each batch is a statement of its own: it can be stopped at any time, and the next call goes on.
    """
    for so_far in prune_step_by_step(now=now, seconds=seconds, batch=batch):
        pruned = so_far
    return pruned


def prune_step_by_step(
    *, now: datetime | None = None, seconds: float | None = None, batch: int = BATCH
) -> Iterator[Pruned]:
    """Do the same and yield after each batch what is done so far."""
    now = now or database_now()
    end = None if seconds is None else time.monotonic() + seconds
    done = Pruned()
    for ids in _older_than(settings.KEEP_ATTEMPTS_DAYS, Attempt.objects.all(), now=now, batch=batch):
        gone, _ = Attempt.objects.filter(pk__in=ids).delete()
        done = replace(done, attempts=done.attempts + gone)
        yield done
        if end is not None and time.monotonic() > end:
            return
    for ids in _older_than(
        settings.KEEP_PAYLOADS_DAYS, Attempt.objects.exclude(request=""), now=now, batch=batch
    ):
        changed = Attempt.objects.filter(pk__in=ids).update(**PAYLOADS)
        done = replace(done, payloads=done.payloads + changed)
        yield done
        if end is not None and time.monotonic() > end:
            return
    yield replace(done, is_all=True)


def _older_than(days: int, attempts: QuerySet[Attempt], *, now: datetime, batch: int) -> Iterator[list[int]]:
    """Yield the ids of those older than so many days, a batch at a time.

    Ids grow with time: the walk begins at the oldest and ends at the first batch with a younger one in it, so ten million younger ones cost nothing.
    """
    before, last, is_more = now - timedelta(days=days), 0, days > 0
    while is_more:
        rows = list(attempts.filter(pk__gt=last).order_by("pk").values_list("pk", "started_at")[:batch])
        ids = [pk for pk, started_at in rows if started_at < before]
        if ids:
            yield ids
            last = ids[-1]
        is_more = bool(rows) and len(ids) == len(rows)
