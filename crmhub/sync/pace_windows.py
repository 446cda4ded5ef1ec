"""A vendor's limits as the pacer reckons with them: windows of whole milliseconds, a little wider than the vendor says, with the calls of a lane."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from crmhub.models import Lane
from providers.capabilities import Limit

TICKS = 256  # in a window; what falls into the same tick counts as used at its end
# The vendor's window is entered when a request arrives there, not when it leaves here, and its strokes are those of its own clock.
MARGIN = 0.03  # of a window
LEAST_MARGIN, MOST_MARGIN = 150, 60_000  # milliseconds
# Of each rate: what people wait for leaves first, then what is tried again, then what nobody waits for.
KEPT = {Lane.INTERACTIVE: 0, Lane.RETRY: 20, Lane.BACKFILL: 30}  # per cent
WHOLE = 4  # calls that one contact may take; no window is divided so far that they do not fit


@dataclass(frozen=True, slots=True)
class Window:
    """One limit as it is reckoned with: at most `calls` in `length`, told apart by `tick`; 0 where windows are fixed, each from stroke to stroke.

    `name` is its bucket. `margin` makes a sliding window longer; near a stroke what leaves counts in both windows. `offset` is how far the strokes
    are ahead of UTC's.
    """

    name: str
    budget: str
    calls: int
    length: int
    margin: int
    tick: int
    offset: int = 0

    @classmethod
    def of(cls, limit: Limit, calls: int) -> Window:
        """Return the limit's window with so many calls in it."""
        length = round(limit.seconds * 1000)
        margin = round(min(max(length * MARGIN, LEAST_MARGIN), MOST_MARGIN))
        tick = 0 if limit.is_fixed else -(-(length + margin) // TICKS)
        name = f"{limit.budget} {limit.seconds:g}" + (" fixed" if limit.is_fixed else "")
        return cls(name, limit.budget, calls, length, margin, tick, round(limit.offset * 1000))

    def ends(self, key: int) -> int:
        """Return when what stands under this key is forgotten."""
        if self.tick:
            return key * self.tick + self.length + self.margin
        return (key + 1) * self.length - self.offset + self.margin

    def keys(self, slot: int) -> range:
        """Return under which keys a slot counts."""
        if self.tick:
            tick = -(-slot // self.tick)
            return range(tick, tick + 1)
        first, last = (slot + self.offset + shift for shift in (-self.margin, self.margin))
        return range(first // self.length, last // self.length + 1)


@lru_cache(maxsize=1024)
def windows_of(limits: tuple[Limit, ...], lane: int, budgets: frozenset[str]) -> tuple[Window, ...]:
    """Return the windows of these budgets with the calls that are the lane's; where two limits are of one bucket, the stricter."""
    found: dict[str, Window] = {}
    for limit in limits:
        if limit.budget in budgets:
            window = Window.of(limit, _calls_for(lane, limit.calls))
            if window.name not in found or window.calls < found[window.name].calls:
                found[window.name] = window
    return tuple(found.values())


def _calls_for(lane: int, calls: int) -> int:
    return min(calls, max(calls * (100 - KEPT[Lane(lane)]) // 100, WHOLE))
