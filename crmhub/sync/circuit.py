"""When a vendor fails again and again, its whole connection rests, and is then probed with one link."""

from __future__ import annotations

from datetime import timedelta

OPENS_AFTER = 5  # failures in a row, of whatever links
FIRST_REST = timedelta(seconds=10)
LONGEST_REST = timedelta(seconds=60)


def rest_after(failures: int) -> timedelta | None:
    """Return how long the connection rests after this many failures in a row; None while the circuit is closed."""
    if failures < OPENS_AFTER:
        return None
    doubled: int = 2 ** min(failures - OPENS_AFTER, 10)
    return min(FIRST_REST * doubled, LONGEST_REST)


def is_probing(failures: int) -> bool:
    """Return whether only one link may be tried: the circuit was open and nothing has succeeded since."""
    return failures >= OPENS_AFTER
