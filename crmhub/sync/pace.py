"""Keeping below a vendor's rate, across all workers: a sliding log of the slots that were given out, in Redis.

A slot is a reservation: the caller learns when it may send and is counted at once. Slots are given up to a moment ahead only; what
does not fit learns when to come back. The store's clock decides, so the clocks of the workers do not matter. Libraries that were measured let
429s through or ran a fifth slower (docs/decisions/0004-own-pacer.md).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from uuid import UUID

import redis
from django.conf import settings

from crmhub.models import Lane
from providers.capabilities import Limit

log = logging.getLogger(__name__)

# The vendor's window is entered when a request arrives there, not when it leaves here.
MARGIN = 1.03
KEPT_FOR_PEOPLE = 0.2  # of each rate: retries and back-fills leave it to interactive saves
STORE_IS_AWAY = (
    5.0  # seconds until we ask again when Redis does not answer; sending blind would break the rate
)
SHORT_WINDOW = 60.0  # seconds; a window longer than this is not waited out after its log was lost
# Seconds; nobody asks for slots further ahead. One that lies there was given before the store's clock was set back.
FURTHEST = 3.0
SAME_SEND = 0.5  # seconds by which the age of a send may differ from its slot in the log

# Begins both scripts. KEYS[1] the log. ARGV: now or "", then what `_knowledge` returns.
_LOG = f"""
local now = tonumber(ARGV[1])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local age, refill, longest, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local last, jumped = tonumber(redis.call('LINDEX', KEYS[1], -1) or now), 0
while last > now + {FURTHEST} do
  redis.call('RPOP', KEYS[1])
  last, jumped = tonumber(redis.call('LINDEX', KEYS[1], -1) or now), jumped + 1
end
-- When those were used is not known any more; they count as used now, so that no window gets too many.
for _ = 1, jumped do redis.call('RPUSH', KEYS[1], string.format('%.6f', math.max(now, last))) end
-- A send that is known of and that the log begins after: the log was lost, whoever has begun a new one.
if age and jumped == 0 and redis.call('LLEN', KEYS[1]) <= most then
  local first = redis.call('LINDEX', KEYS[1], 0)
  if not first or tonumber(first) > now - age + {SAME_SEND} then
    for _ = 1, refill do redis.call('LPUSH', KEYS[1], string.format('%.6f', now - age)) end
  end
end
"""

# ARGV: how many slots, how far ahead at most, then of each limit the calls for this lane and the seconds. Returns the delays in microseconds,
# negative the first that was not given.
_SCRIPT = (
    _LOG
    + """
local wanted, ahead = tonumber(ARGV[6]), tonumber(ARGV[7])
local limits = {}
for i = 8, #ARGV, 2 do
  limits[#limits + 1] = {tonumber(ARGV[i]), tonumber(ARGV[i + 1])}
end
local delays = {}
for n = 1, wanted do
  local held = redis.call('LLEN', KEYS[1])
  local slot = now
  if held > 0 then slot = math.max(slot, tonumber(redis.call('LINDEX', KEYS[1], -1))) end
  for _, limit in ipairs(limits) do
    if held >= limit[1] then
      slot = math.max(slot, tonumber(redis.call('LINDEX', KEYS[1], -limit[1])) + limit[2])
    end
  end
  local delay = slot - now
  if delay > ahead then
    delays[n] = string.format('%.0f', -delay * 1000000)
    break
  end
  delays[n] = string.format('%.0f', delay * 1000000)
  redis.call('RPUSH', KEYS[1], string.format('%.6f', slot))
end
redis.call('LTRIM', KEYS[1], -most - 1, -1)
redis.call('EXPIRE', KEYS[1], math.ceil(longest * 1.1) + 1)
return delays
"""
)

# ARGV: how late the slot is used. Takes the slot out of the log and counts it now, where it belongs in order; only slots that were given
# since then are touched.
_LATE_SCRIPT = (
    _LOG
    + """
local slot, later = now - tonumber(ARGV[6]) + 0.001, {}
while true do
  local last = redis.call('RPOP', KEYS[1])
  if not last or tonumber(last) <= slot then break end
  later[#later + 1] = last
end
local is_counted = false
for n = #later, 1, -1 do
  if not is_counted and tonumber(later[n]) > now then
    redis.call('RPUSH', KEYS[1], string.format('%.6f', now))
    is_counted = true
  end
  redis.call('RPUSH', KEYS[1], later[n])
end
if not is_counted then redis.call('RPUSH', KEYS[1], string.format('%.6f', now)) end
redis.call('EXPIRE', KEYS[1], math.ceil(longest * 1.1) + 1)
"""
)

# The newest slot that this process used or was given, by connection and budget: a process that sends on after the log was lost must not begin
# a new one as if nothing had been sent. The clock is monotonic, or the one that a test hands in.
_newest: dict[tuple[UUID, str, bool], float] = {}


@dataclass(frozen=True)
class Slots:
    """What was given: a delay in seconds for each slot, and the seconds after which to ask for the rest (None: all were given)."""

    delays: tuple[float, ...]
    ask_again_in: float | None = None
    why: str = "The rate of this account is used up for the moment."


def reserve(
    connection_id: UUID,
    limits: Sequence[Limit],
    *,
    count: int = 1,
    ahead: float = 0.0,
    lane: int = Lane.INTERACTIVE,
    budget: str = "all",
    last_sent_ago: float | None = None,
    now: datetime | None = None,
) -> Slots:
    """Reserve up to `count` slots, none of them more than `ahead` seconds in the future.

    `last_sent_ago` is the age in seconds of the newest request that the caller knows of; this process knows its own. If the log is gone although
    that is younger than a window, the window counts as used up. `now` replaces the store's clock in tests. Never raises: a
    store that does not answer gives no slots.
    """
    rules = [limit for limit in limits if limit.budget == budget]
    if not rules:
        return Slots((0.0,) * count)
    arguments = [
        *_knowledge(connection_id, rules, budget, last_sent_ago, now),
        str(count),
        str(min(ahead, FURTHEST)),
    ]
    for limit in rules:
        arguments += [str(_calls_for(lane, limit.calls)), str(limit.seconds * MARGIN)]
    try:
        delays = [
            int(text) / 1_000_000
            for text in _script(_SCRIPT)(keys=[_key(connection_id, budget)], args=arguments)
        ]
    except redis.RedisError as error:
        log.warning("pace_store_is_away: %s", type(error).__name__)
        return Slots(
            (), STORE_IS_AWAY, "Redis, which keeps the pace, does not answer; nothing is sent blindly."
        )
    ask_again_in = -delays.pop() if delays and delays[-1] < 0 else None
    if delays:
        _note(connection_id, budget, _clock(now) + delays[-1], now)
    return Slots(tuple(delays), ask_again_in)


def seconds_for(calls: int, limits: Sequence[Limit], *, lane: int) -> float:
    """Return how long so many calls take at least, while nobody else calls: each window lets its share through, and then the next."""
    windows = [
        (max(calls - 1, 0) // _calls_for(lane, limit.calls)) * limit.seconds
        for limit in limits
        if limit.budget == "all"
    ]
    return max(windows, default=0.0)


def use_late(
    connection_id: UUID,
    limits: Sequence[Limit],
    *,
    late_s: float,
    budget: str = "all",
    now: datetime | None = None,
) -> None:
    """Count a slot at this moment instead of `late_s` seconds ago, when it was to be used.

    The vendor counts requests when they arrive. A window that began with requests that were held up here would otherwise end too early
    and let the next ones through on top of them. Never raises.
    """
    rules = [limit for limit in limits if limit.budget == budget]
    if not rules:
        return
    arguments = [*_knowledge(connection_id, rules, budget, None, now), f"{late_s:.6f}"]
    _note(connection_id, budget, _clock(now), now)
    try:
        _script(_LATE_SCRIPT)(keys=[_key(connection_id, budget)], args=arguments)
    except redis.RedisError as error:
        log.warning("pace_store_is_away: %s", type(error).__name__)


def _knowledge(
    connection_id: UUID,
    rules: Sequence[Limit],
    budget: str,
    last_sent_ago: float | None,
    now: datetime | None,
) -> list[str]:
    """Return now or "", the age of the newest send that is known of or "", how many such sends stand for a window that is used up, the longest
    window, and how many slots the log keeps at least.
    """
    newest = _newest.get((connection_id, budget, now is None))
    ages = [] if last_sent_ago is None else [last_sent_ago]
    if newest is not None:
        ages.append(max(_clock(now) - newest, -FURTHEST))  # a slot that was given may still lie ahead
    age = min(ages, default=SHORT_WINDOW * MARGIN)
    used_up = [one.calls for one in rules if one.seconds <= SHORT_WINDOW and age < one.seconds * MARGIN]
    return [
        "" if now is None else f"{now.timestamp():.6f}",
        f"{age:.6f}" if used_up else "",
        str(max(used_up, default=0)),
        str(max(one.seconds for one in rules) * MARGIN),
        str(max(one.calls for one in rules)),
    ]


def _note(connection_id: UUID, budget: str, moment: float, now: datetime | None) -> None:
    key = (connection_id, budget, now is None)
    _newest[key] = max(moment, _newest.get(key, moment))


def _clock(now: datetime | None) -> float:
    return time.monotonic() if now is None else now.timestamp()


def _calls_for(lane: int, calls: int) -> int:
    if lane == Lane.INTERACTIVE:
        return calls
    return max(int(calls * (1 - KEPT_FOR_PEOPLE)), 1)


def _key(connection_id: UUID, budget: str) -> str:
    return f"crmhub:pace:{connection_id}:{budget}"


@cache
def _script(text: str) -> redis.commands.core.Script:
    store = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1.0, socket_timeout=1.0, decode_responses=True
    )
    return store.register_script(text)
