"""How long a link waits after a failure that may pass by itself."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=1)
SPREAD = 0.2  # of the wait, up and down, so that what failed together does not come back together
OFTEN = 8  # tries; the back-off makes that many in about a quarter of an hour
GIVE_UP_AFTER = timedelta(hours=24)  # of nothing but passing failures; then a person is asked


def wait_after(failures: int, *, chance: random.Random | None = None) -> timedelta:
    """Return the wait after this many failures in a row (1 for the first): 5 s doubling to an hour, ±20 %."""
    doubled: int = 2 ** min(failures - 1, 20)
    wait = min(FIRST_WAIT * doubled, LONGEST_WAIT)
    factor = (chance or random).uniform(1 - SPREAD, 1 + SPREAD)
    return wait * factor


def is_time_to_park(first_failed_at: datetime | None, failures: int, *, now: datetime) -> bool:
    """Return whether a link has failed for so long that a person should look.

    It must have been tried often as well: a day that a connection was paused is no day of failures.
    """
    return failures >= OFTEN and first_failed_at is not None and now - first_failed_at >= GIVE_UP_AFTER
