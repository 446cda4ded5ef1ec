"""Calls that are under way: threads speak HTTP, while the job that began them claims, plans and settles."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Generic, TypeVar

Work = TypeVar("Work")

MOST_THREADS = 512  # of one process; its jobs keep far below it by themselves


class Flow(Generic[Work]):
    """The calls of one job. Each stands for some work, which is handed back when its call is over."""

    def __init__(self) -> None:
        """Begin nothing."""
        self._begun: dict[Future[None], tuple[Work, float]] = {}

    @property
    def under_way(self) -> list[Work]:
        """Return the work whose calls are not over."""
        return [work for work, _ in self._begun.values()]

    @property
    def oldest_s(self) -> float:
        """Return for how many seconds the oldest call has been under way; 0.0 when none is."""
        now = time.monotonic()
        return now - min((began for _, began in self._begun.values()), default=now)

    def begin(self, work: Work, call: Callable[[], None]) -> None:
        """Make the call in a thread; it must touch no row."""
        self._begun[_threads(os.getpid()).submit(call)] = (work, time.monotonic())

    def ended(self, *, within_s: float | None = None) -> list[Work]:
        """Return the work whose calls are over, waiting these seconds for the first of them; None waits for all. Raises what a call raised."""
        done = wait(self._begun, within_s, ALL_COMPLETED if within_s is None else FIRST_COMPLETED).done
        over = [future for future in self._begun if future in done]
        work = [self._begun.pop(future)[0] for future in over]
        for future in over:
            future.result()
        return work


@cache
def _threads(_process: int) -> ThreadPoolExecutor:
    # By process, for threads do not live through a fork. They are kept, for a new one for each call takes longer than the call's own work.
    return ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="call")
