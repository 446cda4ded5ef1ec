"""What may hold a request back on its way out: the pace of the connection, and the time in which a claim may still send."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from crmhub.sync import pace
from providers.capabilities import Limit
from providers.errors import NotSent
from providers.http import Request

A_MOMENT = 0.25  # seconds that a worker sleeps for a slot; for a later one it gives the claim back
FOR_A_SECOND_REQUEST = 2.0  # seconds that an operation may wait for the slot of its second and later requests


class SendWindow:
    """The time in which a claim may still send: what is sent later could take effect after the lease has ended.

    Measured on the wall clock and on the clock that runs on while the machine is suspended; the one that has run further counts.
    """

    def __init__(self, seconds: float) -> None:
        """Open the window now; make it before the claim is taken, so that it can only close too early."""
        self._seconds = seconds
        self._wall = time.time()
        self._running = _running_clock()

    @property
    def is_open(self) -> bool:
        """Return whether a request may still leave."""
        gone = max(time.time() - self._wall, _running_clock() - self._running)
        return gone < self._seconds


def _running_clock() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


class PaceGate:
    """The gate of one operation. `reserved` are delays of slots that are its own already, measured from now."""

    def __init__(
        self,
        connection_id: UUID,
        limits: Iterable[Limit],
        *,
        lane: int,
        window: SendWindow | None = None,
        reserved: Iterable[float] = (),
        now: datetime | None = None,
    ) -> None:
        """Without a window (a check by hand) requests may leave at any time. With `now` handed in, time stands still and nothing sleeps."""
        self._connection_id = connection_id
        self._limits = tuple(limits)
        self._lane = lane
        self._window = window
        self._opened = time.monotonic()
        self._reserved = deque(reserved)
        self._now = now
        self.ask_again_in: float | None = None

    def before_request(self, request: Request) -> None:
        """Wait for this request's slot. Raises `NotSent` when it lies too far ahead."""
        if request.budget == "all" and self._reserved:
            self._sleep(self._reserved.popleft() - (time.monotonic() - self._opened))
            return
        slots = pace.reserve(
            self._connection_id,
            self._limits,
            ahead=FOR_A_SECOND_REQUEST,
            lane=self._lane,
            budget=request.budget,
            now=self._now,
        )
        if not slots.delays:
            self.ask_again_in = slots.ask_again_in
            raise NotSent(slots.why)
        self._sleep(slots.delays[0])

    def before_bytes(self) -> None:
        """Raise `NotSent` when the claim's time to send is over."""
        if self._window is not None and not self._window.is_open:
            raise NotSent("The time in which this claim may send is over.")

    def _sleep(self, seconds: float) -> None:
        if seconds > 0 and self._now is None:
            time.sleep(seconds)
