"""A vendor's rate limit as the vendor enforces it: so many requests in any stretch of so many seconds, or in each fixed one."""

from __future__ import annotations

from collections import deque

from providers.capabilities import Limit


class Window:
    """A window over the requests that were let through: a true sliding one, or, where the limit is fixed, one from stroke to stroke."""

    def __init__(self, limit: Limit) -> None:
        """Start empty."""
        self.limit = limit
        self._passed: deque[float] = deque()

    def wait(self, now: float) -> float:
        """Return the seconds until another request would pass, 0.0 when it would now."""
        begins = now - now % self.limit.seconds if self.limit.is_fixed else now - self.limit.seconds
        while self._passed and (self._passed[0] < begins or self._passed[0] <= now - self.limit.seconds):
            self._passed.popleft()
        if len(self._passed) < self.limit.calls:
            return 0.0
        return (begins if self.limit.is_fixed else self._passed[0]) + self.limit.seconds - now

    def count(self, now: float) -> None:
        """Remember a request that passed."""
        self._passed.append(now)

    @property
    def left(self) -> int:
        """Return how many requests would pass now, as of the last look."""
        return max(self.limit.calls - len(self._passed), 0)
