"""An account's pace while it is lent to Redis: one script for whatever is asked, with Redis's own clock."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from crmhub.sync.pace_rule import BELIEVED, FURTHEST, RISE, Asked, Window

ANSWERS_WITHIN = 1.0  # seconds; a Redis that takes longer counts as away


@dataclass(frozen=True)
class Ended:
    """The loan in Redis does not cover what was asked: Redis's clock, what is kept there (None: nothing), and which server that is.

    `asked_at` is when it was asked, on this process's monotonic clock.
    """

    now: int
    kept: dict[str, Any] | None
    server: str
    asked_at: float


def ask(asked: Asked, loan: Mapping[str, Any] | None = None) -> list[int] | Ended:
    """Return what the rule says, under this loan if it is given and follows upon the one there. Raises `redis.RedisError`."""
    asked_at = time.monotonic()
    answer = _script()(
        keys=[f"crmhub:pace:{asked.connection_id}"],
        args=[
            asked.rule,
            "" if asked.now is None else asked.now,
            "" if loan is None else json.dumps(loan),
            _as_json(asked.windows),
            _keep_for(asked.every),
            asked.slots,
            asked.ahead,
            *asked.arguments,
        ],
    )
    if answer[0] == b"done":
        return [int(one) for one in answer[1:]]
    return Ended(answer[1], json.loads(answer[2]) if answer[2] else None, answer[3].decode(), asked_at)


@lru_cache(maxsize=1024)
def _as_json(windows: tuple[Window, ...]) -> str:
    return json.dumps([asdict(window) for window in windows])


@lru_cache(maxsize=1024)
def _keep_for(every: tuple[Window, ...]) -> int:
    """Return how long what is kept must outlast its last change, in milliseconds."""
    return 2 * max(window.length + window.margin for window in every)


@cache
def _script() -> redis.commands.core.Script:
    store = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWERS_WITHIN, socket_timeout=ANSWERS_WITHIN
    )
    numbers = f"local FURTHEST, RISE, BELIEVED = {FURTHEST}, {RISE}, {BELIEVED}\n"
    return store.register_script(numbers + Path(__file__).with_name("pace.lua").read_text())
