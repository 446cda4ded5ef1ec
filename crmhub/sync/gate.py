"""What may hold a request back on its way out: the pace of the connection, and the time in which a claim may still send."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from crmhub.models import Lane
from crmhub.sync import pace
from providers.capabilities import Limit
from providers.errors import NotSent, ProviderError, RateLimited
from providers.http import Request
from providers.waiting import calls_left

A_MOMENT = 0.25  # seconds that a worker sleeps for a slot; for a later one it gives the claim back
LATE = 0.02  # seconds after its slot from which a request is counted when it leaves, not when it was to leave
CROWDED = (
    0.5  # of a limit; while the vendor has more than that left, there is room for us whoever else is there
)
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
    """The gate of one operation. `reserved` are delays of slots that are its own already, measured from `reserved_at` (monotonic; now)."""

    ahead = FOR_A_SECOND_REQUEST

    def __init__(
        self,
        connection_id: UUID,
        limits: Iterable[Limit],
        *,
        lane: int,
        window: SendWindow | None = None,
        reserved: Iterable[float] = (),
        reserved_at: float | None = None,
        now: datetime | None = None,
    ) -> None:
        """Without a window (a check by hand) requests may leave at any time. With `now` handed in, time stands still: a slot is now or not given."""
        self._connection_id = connection_id
        self._limits = tuple(limits)
        self._lane = lane
        self._window = window
        self._reserved_at = time.monotonic() if reserved_at is None else reserved_at
        self._reserved = deque(reserved)
        self._slot: tuple[str, float] | None = (
            None  # the budget and the moment of the request that is on its way
        )
        self._now = now
        self.ask_again_in: float | None = None

    def before_request(self, request: Request) -> None:
        """Wait for this request's slot. Raises `NotSent` when it lies too far ahead."""
        moment = self._reserved_at + self._reserved.popleft() if self._reserved else 0.0
        if request.budget != "all" or not moment:
            # A slot that was reserved counts in "all"; what is left to ask for is the budget of its own.
            moment = max(moment, self._reserve(request.budget, is_counted=moment > 0))
        self._wait_for(request.budget, moment)

    def _reserve(self, budget: str, *, is_counted: bool) -> float:
        slots = pace.reserve(
            self._connection_id,
            self._limits,
            ahead=self.ahead if self._now is None else 0.0,
            lane=self._lane,
            budget=budget,
            is_counted=is_counted,
            now=self._now,
        )
        if not slots.delays:
            self.ask_again_in = slots.ask_again_in
            raise NotSent(slots.why)
        return time.monotonic() + slots.delays[0]

    def before_bytes(self) -> None:
        """Raise `NotSent` when the claim's time to send is over. A request that leaves later than its slot is counted when it leaves."""
        self._count_if_late()
        # Last of all: whatever stands between this look and the bytes could outlast the claim.
        if self._window is not None and not self._window.is_open:
            raise NotSent("The time in which this claim may send is over.")

    def after_answer(self, request: Request, headers: Mapping[str, str], error: ProviderError | None) -> None:
        """Hold every worker back when the vendor refused a request for its rate, and heed what it says is left before it does."""
        if isinstance(error, RateLimited):
            pace.hold(self._connection_id, self._limits, error, budget=request.budget, now=self._now)
            return
        told = [one for one in calls_left(headers, self._limits) if one.calls < one.limit.calls * CROWDED]
        pace.heed(self._connection_id, self._limits, told, now=self._now)

    def _count_if_late(self) -> None:
        if self._slot is None:
            return
        budget, moment = self._slot
        self._slot = None
        late = time.monotonic() - moment
        if late > LATE:
            pace.use_late(self._connection_id, self._limits, late_s=late, budget=budget)

    def _wait_for(self, budget: str, moment: float) -> None:
        if self._now is not None:
            return
        self._slot = (budget, moment)
        seconds = moment - time.monotonic()
        if seconds > 0:
            time.sleep(seconds)


class SpareGate(PaceGate):
    """The gate of something that may as well be left undone: a few requests, each now or never, out of what nobody else needs of the rate."""

    ahead = 0.0
    # HubSpot tells a task with all its records and pins in five; more would be a listing, and no look.
    most = 6

    def __init__(
        self,
        connection_id: UUID,
        limits: Iterable[Limit],
        *,
        window: SendWindow,
        now: datetime | None = None,
    ) -> None:
        """`window` is that of the claim under which it is asked."""
        super().__init__(connection_id, limits, lane=Lane.BACKFILL, window=window, now=now)
        self._left = self.most

    def before_request(self, request: Request) -> None:
        """Let the request pass if its slot is now. Raises `NotSent` where it is not, and after the last one."""
        if not self._left:
            raise NotSent("It would have taken too many requests.")
        self._left -= 1
        super().before_request(request)
