"""An account's pace while it is lent to Redis: one script for whatever is asked, with Redis's own clock."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import redis
from django.conf import settings

from crmhub.sync.pace_rule import BELIEVED, FURTHEST, RISE, Asked
from crmhub.sync.pace_windows import Window

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
    answer = _run(
        f"crmhub:pace:{asked.connection_id}",
        asked.rule,
        "" if asked.now is None else asked.now,
        "" if loan is None else json.dumps(loan),
        _as_json(asked.windows),
        _keep_for(asked.every),
        asked.slots,
        asked.ahead,
        *asked.arguments,
    )
    if isinstance(answer, bytes):
        return [int(number) for number in answer.split()]
    now, kept, server = answer
    return Ended(now, json.loads(kept) if kept else None, server.decode(), asked_at)


def forget_connections() -> None:
    """Speak to the server that the settings name now."""
    _store.cache_clear()
    _idle.clear()


@lru_cache(maxsize=1024)
def _as_json(windows: tuple[Window, ...]) -> str:
    return json.dumps([asdict(window) for window in windows])


@lru_cache(maxsize=1024)
def _keep_for(every: tuple[Window, ...]) -> int:
    """Return how long what is kept must outlast its last change, in milliseconds."""
    return 2 * max(window.length + window.margin for window in every)


# Speaking to Redis. The client's own pool and commands would take more time than Redis does.

SCRIPT = f"local FURTHEST, RISE, BELIEVED = {FURTHEST}, {RISE}, {BELIEVED}\n" + Path(__file__).with_name(
    "pace.lua"
).read_text(encoding="utf-8")
SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()

_idle: list[redis.Connection] = []
os.register_at_fork(after_in_child=_idle.clear)


def _run(key: str, *arguments: str | int) -> Any:
    try:
        line = _idle.pop()
    except IndexError:
        line = _store().make_connection()  # type: ignore[assignment]
    try:
        answer = _said(line, key, arguments)
    except redis.ConnectionError:
        # It was closed while it was idle, or Redis was started anew: this one is opened for this request. If the first had arrived, a slot is wasted.
        line.disconnect()  # type: ignore[no-untyped-call]
        answer = _said(line, key, arguments)
    _idle.append(line)
    return answer


def _said(line: redis.Connection, key: str, arguments: tuple[str | int, ...]) -> Any:
    try:
        line.send_command("EVALSHA", SHA, 1, key, *arguments)  # type: ignore[no-untyped-call]
        return line.read_response()
    except redis.exceptions.NoScriptError:
        line.send_command("EVAL", SCRIPT, 1, key, *arguments)  # type: ignore[no-untyped-call]
        return line.read_response()


@cache
def _store() -> redis.ConnectionPool:
    return redis.ConnectionPool.from_url(
        settings.REDIS_URL, socket_connect_timeout=ANSWERS_WITHIN, socket_timeout=ANSWERS_WITHIN
    )
