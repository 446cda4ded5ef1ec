"""Taking due links, each for one worker: the first of the four steps.

A claim is a token and a lease: `due_at` moves to the lease's end, and whoever finds the token on a link that is due again knows that its
worker died. Nothing else has to happen when a worker dies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from crmhub.models import Connection, Lane, PushedLink
from crmhub.models.links import OFF
from crmhub.sync.gate import SendWindow

AnyLink = TypeVar("AnyLink", bound=PushedLink)
Kind = tuple[Lane, type[PushedLink]]  # links of which kind, in which lane

# A link whose worker died so often, the last times while it was the only one claimed, is taken to be the cause.
STOPS_ITS_WORKER_AFTER = 8
# From this lapse on it is tried again later and later, so that eighteen leases lie between the first death and the blame. Where workers die of
# something else, a machine without memory or a bad release, they are well again by then, and what was merely under way goes out.
SUSPECTED_AFTER = 4
LONGEST_REST = 3  # leases
IS_SUSPECTED = "Workers stopped while they sent this. It is tried again later."
STOPS_ITS_WORKER = "Workers stopped while they sent this. It is set aside; look at it, then send it again."


@dataclass(frozen=True)
class Claim(Generic[AnyLink]):
    """Some links that are ours until `until`; requests may leave while `window` is open. `connection` is as it was read for this claim."""

    connection: Connection
    token: UUID
    links: Sequence[AnyLink]
    lane: Lane
    at: datetime
    until: datetime
    window: SendWindow

    @property
    def kind(self) -> Kind:
        """Return the lane and the kind of the links."""
        return self.lane, type(self.links[0])

    @property
    def has_lapsed(self) -> bool:
        """Return whether earlier claims of these links were never ended: they may be what stopped a worker."""
        return bool(self.links[0].lapses)


def landing_of(connection: Connection) -> timedelta:
    """Return how long a request may still take effect after we hung up.

    A lease that is shorter than four times the vendor's own figure shortens it: that is for tests, and a check says so.
    """
    return min(connection.capabilities.landing, timedelta(seconds=settings.LEASE_SECONDS / 4))


def take(
    model: type[AnyLink],
    connection: Connection,
    *,
    lane: Lane,
    size: int,
    now: datetime,
    window: SendWindow | None = None,
) -> Claim[AnyLink] | None:
    """Claim up to `size` due links of one lane; None when nothing is due.

    `window` is the time in which they may be sent; it must have been opened before `now` was read.

    Links whose earlier claims lapsed equally often go together, the fewer the more often, so that one that kills its worker is soon alone.
    """
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    window = window or window_of(connection)
    token = uuid4()
    with transaction.atomic():
        # Without joins: the task is read afterwards, for it must not be older than the claim.
        due = model._default_manager.filter(connection=connection, lane=lane, due_at__lte=now)
        due = due.exclude(sync_status__in=OFF).order_by("due_at")
        # SQLite has no row locks; there the transaction itself excludes others.
        due = due.select_for_update(skip_locked=True, of=("self",))
        found = list(due[:size])
        while _put_off_suspects(found, now=now):
            found = list(due[:size])
        links, lapses = _those_that_go_together(found, size=size)
        if not links:
            return None
        changes = {"claim_token": token, "claimed_at": now, "due_at": now + lease, "lapses": lapses}
        changes |= {"owed_again": False}
        model._default_manager.filter(pk__in=[link.pk for link in links]).update(**changes)
    for link in links:
        vars(link).update(changes)
    links.sort(key=lambda link: link.pk)
    return Claim(connection, token, links, lane, at=now, until=now + lease, window=window)


def window_of(connection: Connection, *, at_most: float = float("inf")) -> SendWindow:
    """Open the time in which a claim that is taken from now on may send: the lease less the landing, and at most these seconds."""
    lease = timedelta(seconds=settings.LEASE_SECONDS)
    return SendWindow(min((lease - landing_of(connection)).total_seconds(), at_most))


def stops_its_worker(claim: Claim[Any], *, size: int) -> bool:
    """Return whether the link of this claim, for which `size` were asked, has stopped its workers so often, and alone, that it must be the cause."""
    lapses = claim.links[0].lapses
    was_alone: bool = lapses > 0 and size // 4 ** (lapses - 1) <= 1
    return was_alone and lapses >= STOPS_ITS_WORKER_AFTER


def set_aside(claim: Claim[Any], *, now: datetime) -> None:
    """Park the one link of the claim. It may be tried again with the next save, so its lapses are forgotten; a save meanwhile is tried at once."""
    [link] = claim.links
    changes = {"claim_token": None, "claimed_at": None, "lapses": 0, "owed_again": False, "status_since": now}
    mine = type(link)._default_manager.filter(pk=link.pk, claim_token=claim.token)
    parked = mine.filter(wanted_version=link.wanted_version, owed_again=False).update(
        **changes,
        due_at=None,
        sync_status="failed",
        last_error=STOPS_ITS_WORKER,
        last_error_code="stops_its_worker",
    )
    if not parked:
        mine.update(**changes, due_at=now, sync_status="pending")


def _put_off_suspects(found: Sequence[PushedLink], *, now: datetime) -> bool:
    """Let those rest whose last claim is found to have lapsed once more, all of a rest together; returns whether there were any."""
    resting: dict[tuple[int, int], list[PushedLink]] = defaultdict(list)
    for link in found:
        if leases := _rest_of(link):
            resting[_lapses_of(link), leases].append(link)
    for (lapses, leases), links in resting.items():
        type(links[0])._default_manager.filter(pk__in=[link.pk for link in links]).update(
            claim_token=None,
            claimed_at=None,
            owed_again=False,
            lapses=lapses,
            due_at=now + timedelta(seconds=settings.LEASE_SECONDS) * leases,
            last_error=IS_SUSPECTED,
            last_error_code="stops_its_worker",
        )
    return bool(resting)


def _rest_of(link: PushedLink) -> int:
    """Return the leases that a due link rests for now: none but where a lapse has just been found."""
    lapses = _lapses_of(link)
    if link.claim_token is None or not SUSPECTED_AFTER <= lapses < STOPS_ITS_WORKER_AFTER:
        return 0
    doubled: int = 2 ** (lapses - SUSPECTED_AFTER + 1)
    return min(doubled - 1, LONGEST_REST)


def _lapses_of(link: PushedLink) -> int:
    """Return how many claims of a due link lapsed. A token that is still there is that of one more."""
    return link.lapses + (link.claim_token is not None)


def _those_that_go_together(found: Sequence[AnyLink], *, size: int) -> tuple[list[AnyLink], int]:
    """Return those of which as many claims lapsed as of the first, and how many that were."""
    if not found:
        return [], 0
    lapses = _lapses_of(found[0])
    together = [link for link in found if _lapses_of(link) == lapses]
    return together[: max(1, size // 4**lapses)], lapses
