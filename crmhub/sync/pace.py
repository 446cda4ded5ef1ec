"""Keeping below a vendor's rate, across all workers: how many requests may leave at an account, and when.

A slot is a reservation: the caller learns when it may send and is counted at once. Slots are given up to a moment ahead only; what does not fit
learns when to come back. The rule is in pace_rule.py. An account's pace is at home in its row (pace_rows.py) and lent to Redis (pace_redis.py) while
that answers; the clock of whoever keeps it decides, so the clocks of the workers do not matter. Libraries that were measured let 429s through or ran a
fifth slower (docs/decisions/0004-own-pacer.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import redis
from django.db import InterfaceError, OperationalError

from crmhub.clock import database_now
from crmhub.models import Connection, Lane
from crmhub.sync import pace_redis, pace_rows
from crmhub.sync.health import hold_back
from crmhub.sync.pace_redis import Ended
from crmhub.sync.pace_rule import Asked
from crmhub.sync.pace_windows import Window, windows_of
from providers.capabilities import Limit
from providers.errors import RateLimited
from providers.waiting import CallsLeft

log = logging.getLogger(__name__)

SHORT_WINDOW = 60.0  # seconds; what was sent longer ago says nothing about the rate of this moment
FURTHEST_AHEAD = 3.0  # seconds; nobody asks for slots that lie further ahead
AWAY_FOR = 5.0  # seconds until this process asks a Redis again that did not answer
NOBODY_ANSWERS = 5.0  # seconds until we ask again when there is no database either
TRIES, BETWEEN_TRIES = 25, 0.004  # and seconds; while another worker makes the loan that we wait for
SOON = 60.0  # seconds; a slot that lies further ahead is worth a word on the connection's page
HELD_AT_MOST = 60.0  # seconds; the connection itself waits longer where it must (health.hold_back)

_away_until = 0.0  # on the monotonic clock


@dataclass(frozen=True)
class Slots:
    """What was given: a delay in seconds for each slot, and the seconds after which to ask for the rest (None: all were given)."""

    delays: tuple[float, ...]
    ask_again_in: float | None = None
    why: str = "The rate of this account is used up for the moment."


def reserve(
    connection_id: UUID,
    limits: Iterable[Limit],
    *,
    count: int = 1,
    ahead: float = 0.0,
    lane: int = Lane.INTERACTIVE,
    budget: str = "all",
    is_counted: bool = False,
    last_sent_ago: float | None = None,
    now: datetime | None = None,
) -> Slots:
    """Reserve up to `count` slots, none of them more than `ahead` seconds in the future.

    A request of a budget of its own counts in "all" as well, unless `is_counted` there already. `last_sent_ago` is the age in seconds of the newest
    request that the caller knows of; where nothing is known of the account's pace, its short windows count as used up then. `now` replaces
    the stores' clocks in tests. Never raises: where neither Redis nor the database answers there are no slots.
    """
    limits = tuple(limits)
    budgets = {budget} if is_counted else {"all", budget}
    windows = windows_of(limits, lane, frozenset(budgets))
    if not windows:
        return Slots((0.0,) * count)
    asked = Asked(
        connection_id,
        _every(limits),
        "take",
        windows,
        slots=count,
        ahead=round(min(ahead, FURTHEST_AHEAD) * 1000),
        now=_milliseconds(now),
    )
    found = _done(asked, last_sent_ago)
    if found is None:
        return Slots((), NOBODY_ANSWERS, "Neither Redis nor the database answers; nothing is sent blindly.")
    which, again, *delays = found
    slots = Slots(
        tuple(delay / 1000 for delay in delays),
        None if again < 0 else again / 1000,
        _why(windows[which - 1] if which else None),
    )
    if not delays and again > SOON * 1000 and lane == Lane.INTERACTIVE:
        _hold_back(connection_id, slots, now)
    return slots


def seconds_for(calls: int, limits: Iterable[Limit], *, lane: int) -> float:
    """Return how many seconds so many calls take at least, while nobody else calls: each window lets its share through, and then the next."""
    windows = windows_of(tuple(limits), lane, frozenset({"all"}))
    return max((max(calls - 1, 0) // one.calls * one.length / 1000 for one in windows), default=0.0)


def use_late(
    connection_id: UUID,
    limits: Iterable[Limit],
    *,
    late_s: float,
    budget: str = "all",
    now: datetime | None = None,
) -> None:
    """Count a slot at this moment instead of `late_s` seconds ago, when it was to be used.

    The vendor counts requests when they arrive. A window that began with requests that were held up here would otherwise end too early
    and let the next ones through on top of them. Never raises.
    """
    limits = tuple(limits)
    windows = windows_of(limits, Lane.INTERACTIVE, frozenset({"all", budget}))
    _tell(connection_id, limits, "use_late", windows, (round(late_s * 1000),), now)


def heed(
    connection_id: UUID,
    limits: Iterable[Limit],
    told: Iterable[CallsLeft],
    *,
    now: datetime | None = None,
) -> None:
    """Give out no more than the vendor says is left of these limits: others use the account too. Never raises."""
    limits = tuple(limits)
    for one in told:
        anew = -1 if one.anew_in is None else round(one.anew_in * 1000)
        windows = windows_of((one.limit,), Lane.INTERACTIVE, frozenset({one.limit.budget}))
        _tell(connection_id, limits, "heed", windows, (one.calls, anew), now)


def hold(
    connection_id: UUID,
    limits: Iterable[Limit],
    refusal: RateLimited,
    *,
    budget: str = "all",
    now: datetime | None = None,
) -> None:
    """Let nothing leave for as long as the vendor asks, a minute at most, and then only as much as it can bear. Never raises.

    This holds every worker back at once, also in the middle of what it does. That the account waits for longer, and why, stands with the connection
    (`health.hold_back`), where people see it and no more is claimed.
    """
    limits = tuple(limits)
    windows = windows_of(limits, Lane.INTERACTIVE, frozenset({budget}))
    calls, seconds = refusal.limit or (0, 0.0)
    wait = round(min(refusal.retry_after, HELD_AT_MOST) * 1000)
    arguments = (wait, int(refusal.is_told), calls, round(seconds * 1000))
    _tell(connection_id, limits, "hold", windows, arguments, now)


def _tell(
    connection_id: UUID,
    limits: tuple[Limit, ...],
    rule: str,
    windows: tuple[Window, ...],
    arguments: tuple[int, ...],
    now: datetime | None,
) -> None:
    if windows:
        _done(Asked(connection_id, _every(limits), rule, windows, arguments, now=_milliseconds(now)))


def _every(limits: tuple[Limit, ...]) -> tuple[Window, ...]:
    return windows_of(limits, Lane.INTERACTIVE, frozenset(one.budget for one in limits))


def _milliseconds(now: datetime | None) -> int | None:
    return None if now is None else int(now.timestamp() * 1000)


def _hold_back(connection_id: UUID, slots: Slots, now: datetime | None) -> None:
    """Let the whole account wait, and say so where people look: not even for them anything is left of its day."""
    try:
        with pace_rows.left_as_it_was():
            until = (now or database_now()) + timedelta(seconds=slots.ask_again_in or 0)
            hold_back(Connection(pk=connection_id), until=until, why=slots.why)
    except (InterfaceError, OperationalError) as error:
        log.warning("not_held_back: %s", type(error).__name__)


def _why(window: Window | None) -> str:
    if window is None:
        return "The vendor asked us to wait."
    span = {1_000: "second", 60_000: "minute", 3_600_000: "hour", 86_400_000: "day"}.get(window.length)
    return f"The {window.calls:,} calls {f'a {span}' if span else f'in {window.length / 1000:g} s'} that are ours are used up."


# Who is asked


def _done(asked: Asked, last_sent_ago: float | None = None) -> list[int] | None:
    """Return what the rule says, by Redis or by the account's row; None where neither answers."""
    ago = None if last_sent_ago is None else round(last_sent_ago * 1000)
    try:
        if time.monotonic() < _away_until and (found := pace_rows.ask(asked, last_sent_ago=ago)) is not None:
            return found
        try:
            return _from_redis(asked, ago)
        except redis.RedisError as error:
            log.warning("pace_comes_home: Redis does not answer (%s)", type(error).__name__)
            stay_away(AWAY_FOR)
            return pace_rows.ask(asked, calls_home=True, last_sent_ago=ago)
    except (InterfaceError, OperationalError) as error:
        log.warning("pace_is_away: %s", type(error).__name__)
        return None


def _from_redis(asked: Asked, last_sent_ago: int | None) -> list[int] | None:
    loan = None
    for tried in range(TRIES * 2):
        found = pace_redis.ask(asked, loan)  # type: ignore[arg-type]
        if not isinstance(found, Ended):
            return found
        loan = pace_rows.lend(asked, found, is_patient=tried < TRIES, last_sent_ago=last_sent_ago)
        if isinstance(loan, int):
            stay_away(loan / 1000)
            return pace_rows.ask(asked, last_sent_ago=last_sent_ago)
        if loan is None:
            time.sleep(BETWEEN_TRIES)
    return None


def stay_away(seconds: float) -> None:
    """Keep to the accounts' rows for so long; Redis is asked only for what is lent to it."""
    global _away_until  # noqa: PLW0603
    _away_until = time.monotonic() + seconds
