"""A few seats for the jobs that push to one account: more would send half-empty batches, and one that hangs would hold every worker.

They are counted in Redis. Nothing hangs on them but speed: where Redis does not answer, or has forgotten, jobs go on without.
"""

from __future__ import annotations

import logging
from functools import cache
from uuid import UUID, uuid4

import redis
from django.conf import settings

log = logging.getLogger(__name__)

MOST = 4  # jobs at one account; each makes several calls side by side
SLACK = 5.0  # seconds that a job may be held up beside its calls and keep its seat

# KEYS[1] the seats taken, by when they fall free. ARGV: whose, how many at most, for how many seconds. Returns how many others there are, −1
# where no seat is free. One that lies further ahead than any can was taken before the clock was set back.
_TAKE = """
local t = redis.call('TIME')
local now, lasts = tonumber(t[1]) + tonumber(t[2]) / 1000000, tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZREMRANGEBYSCORE', KEYS[1], now + lasts + 1, '+inf')
redis.call('ZREM', KEYS[1], ARGV[1])
local others = redis.call('ZCARD', KEYS[1])
if others >= tonumber(ARGV[2]) then return -1 end
redis.call('ZADD', KEYS[1], now + lasts, ARGV[1])
redis.call('EXPIRE', KEYS[1], math.ceil(lasts) + 1)
return others
"""


def most_per_account() -> int:
    """Return how many jobs may push to one account: at most half of the workers, so that the others are never all held by one that hangs."""
    return max(1, min(MOST, settings.WORKERS // 2))


class Seat:
    """One job's seat at a connection. It falls free by itself when its job has died: a while after it was last kept."""

    def __init__(self, connection_id: UUID) -> None:
        """Take none yet."""
        self._key = f"crmhub:seats:{connection_id}"
        self._mine = str(uuid4())
        self.others = 0  # jobs beside this one, when it was last kept

    def keep(self, *, most: int) -> bool:
        """Take the seat, or keep it for longer; returns False where `most` others have one."""
        lasts = settings.HTTP_DEADLINE_SECONDS + SLACK
        try:
            others = int(_script(settings.REDIS_URL)(keys=[self._key], args=[self._mine, most, lasts]))
        except redis.RedisError as error:
            log.warning("seats_not_counted: %s", type(error).__name__)
            others = 0
        self.others = max(others, 0)
        return others >= 0

    def leave(self) -> None:
        """Let another job have it."""
        try:
            _store(settings.REDIS_URL).zrem(self._key, self._mine)
        except redis.RedisError:
            log.warning("seat_not_left: it falls free by itself")


@cache
def _store(url: str) -> redis.Redis:
    wait = settings.WAKE_TIMEOUT_SECONDS
    return redis.Redis.from_url(url, socket_connect_timeout=wait, socket_timeout=wait, retry=None)


@cache
def _script(url: str) -> redis.commands.core.Script:
    return _store(url).register_script(_TAKE)
