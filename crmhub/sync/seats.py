"""A few seats for the jobs that push to one account: more would send half-empty batches, and a CRM or two that hang would hold every worker.

They are counted in Redis. Nothing hangs on them but speed: where Redis does not answer, or has forgotten, jobs go on without.
"""

from __future__ import annotations

import logging
import os
import socket
from functools import cache
from uuid import UUID, uuid4

import redis
from django.conf import settings

log = logging.getLogger(__name__)

MOST = 4  # jobs at one account; each makes several calls side by side
SLACK = 5.0  # seconds that a job may be held up beside its calls and keep its seat

# KEYS the seats taken at the account and in this worker, by when they fall free. ARGV: whose, for how many seconds, how many at most at the account,
# how many in this worker for an account's second job. Returns how many others there are at the account, −1 where no seat is free. One that lies
# further ahead than any can was taken before the clock was set back.
_TAKE = """
local t = redis.call('TIME')
local now, lasts = tonumber(t[1]) + tonumber(t[2]) / 1000000, tonumber(ARGV[2])
local had = redis.call('ZSCORE', KEYS[1], ARGV[1])
for _, seats in ipairs(KEYS) do
  redis.call('ZREMRANGEBYSCORE', seats, '-inf', now)
  redis.call('ZREMRANGEBYSCORE', seats, now + lasts + 1, '+inf')
  redis.call('ZREM', seats, ARGV[1])
end
local others = redis.call('ZCARD', KEYS[1])
if others >= tonumber(ARGV[3]) then return -1 end
if not had and others > 0 and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return -1 end
for _, seats in ipairs(KEYS) do
  redis.call('ZADD', seats, now + lasts, ARGV[1])
  redis.call('EXPIRE', seats, math.ceil(lasts) + 1)
end
return others
"""


def most_per_account() -> int:
    """Return how many jobs may push to one account: at most half of the workers, so that the others are never all held by one that hangs."""
    return max(1, min(MOST, _half()))


def _half() -> int:
    return int(settings.WORKERS) // 2


class Seat:
    """One job's seat at a connection. It falls free by itself when its job has died: a while after it was last kept."""

    def __init__(self, connection_id: UUID, *, worker: str = "") -> None:
        """Take none yet. `worker` is whose process the job runs in, by default the one that started this process."""
        self._keys = [f"crmhub:seats:{connection_id}", f"crmhub:seats-in:{worker or _this_worker()}"]
        self._mine = str(uuid4())
        self.others = 0  # jobs beside this one, when it was last kept

    def keep(self, *, most: int) -> bool:
        """Take the seat, or keep it for longer; returns False where `most` others have one.

        False too for an account's second job where half of the worker's processes have a job already: the others are left to other accounts.
        """
        lasts = settings.HTTP_DEADLINE_SECONDS + SLACK
        try:
            others = int(
                _script(settings.REDIS_URL)(keys=self._keys, args=[self._mine, lasts, most, _half()])
            )
        except redis.RedisError as error:
            log.warning("seats_not_counted: %s", type(error).__name__)
            others = 0
        self.others = max(others, 0)
        return others >= 0

    def leave(self) -> None:
        """Let another job have it."""
        try:
            for key in self._keys:
                _store(settings.REDIS_URL).zrem(key, self._mine)
        except redis.RedisError:
            log.warning("seat_not_left: it falls free by itself")


def _this_worker() -> str:
    return f"{socket.gethostname()}.{os.getppid()}"


@cache
def _store(url: str) -> redis.Redis:
    wait = settings.WAKE_TIMEOUT_SECONDS
    return redis.Redis.from_url(url, socket_connect_timeout=wait, socket_timeout=wait, retry=None)


@cache
def _script(url: str) -> redis.commands.core.Script:
    return _store(url).register_script(_TAKE)
