"""Keeping below a vendor's rate, across all workers: a sliding log of the slots that were given out, in Redis.

A slot is a reservation: the caller learns when it may send and is counted at once. Slots are given up to a moment ahead only; what
does not fit learns when to come back. The store's clock decides, so the clocks of the workers do not matter. Libraries that were measured let
429s through or ran a fifth slower (docs/decisions/0004-own-pacer.md).
"""

from __future__ import annotations

import logging
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

# KEYS[1] the log. ARGV: how many slots, how far ahead at most, now or "", age of the last send when the log may have been lost,
# then of each limit the calls for this lane, the seconds, and the calls for any lane. Returns the delays in microseconds, negative the first that was not given.
_SCRIPT = """
local wanted, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = tonumber(ARGV[3])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local limits, longest, most = {}, 0, 0
for i = 5, #ARGV, 3 do
  limits[#limits + 1] = {tonumber(ARGV[i]), tonumber(ARGV[i + 1])}
  longest = math.max(longest, tonumber(ARGV[i + 1]))
  most = math.max(most, tonumber(ARGV[i + 2]))
end
if redis.call('EXISTS', KEYS[1]) == 0 and ARGV[4] ~= '' then
  local sent = now - tonumber(ARGV[4])
  for _, limit in ipairs(limits) do
    if limit[2] <= 60 and tonumber(ARGV[4]) < limit[2] then
      for _ = 1, limit[1] do redis.call('RPUSH', KEYS[1], string.format('%.6f', sent)) end
    end
  end
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

# KEYS[1] the log. ARGV: how late the slot is used, now or "", the longest window. Takes the slot out of the log and counts it now,
# where it belongs in order; only slots that were given since then are touched.
_LATE_SCRIPT = """
local now = tonumber(ARGV[2])
if not now then
  local t = redis.call('TIME')
  now = tonumber(t[1]) + tonumber(t[2]) / 1000000
end
local slot, later = now - tonumber(ARGV[1]) + 0.001, {}
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
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(ARGV[3]) * 1.1) + 1)
"""


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

    `last_sent_ago` is the age of the newest request that is known of, in seconds: if the log is gone although it is younger than a window,
    the window counts as used up. `now` replaces the store's clock in tests. Never raises: a store that does not answer gives
    no slots.
    """
    rules = [limit for limit in limits if limit.budget == budget]
    if not rules:
        return Slots((0.0,) * count)
    arguments: list[str] = [
        str(count),
        str(ahead),
        "" if now is None else f"{now.timestamp():.6f}",
        "" if last_sent_ago is None else f"{last_sent_ago:.3f}",
    ]
    for limit in rules:
        arguments += [str(_calls_for(lane, limit.calls)), str(limit.seconds * MARGIN), str(limit.calls)]
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
    if delays and delays[-1] < 0:
        return Slots(tuple(delays[:-1]), -delays[-1])
    return Slots(tuple(delays))


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
    longest = max((limit.seconds for limit in limits if limit.budget == budget), default=0.0) * MARGIN
    if not longest:
        return
    moment = "" if now is None else f"{now.timestamp():.6f}"
    try:
        _script(_LATE_SCRIPT)(
            keys=[_key(connection_id, budget)], args=[f"{late_s:.6f}", moment, str(longest)]
        )
    except redis.RedisError as error:
        log.warning("pace_store_is_away: %s", type(error).__name__)


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
