"""When a vendor fails again and again, its whole connection rests, and is then probed with one link."""

from __future__ import annotations

from datetime import timedelta

OPENS_AFTER = 5  # calls in a row that failed, for whatever links
FIRST_REST = timedelta(seconds=10)  # most troubles are over by then
REST = timedelta(seconds=60)  # whoever is away for longer is asked once a minute


def rest_after(failures: int, *, before: int) -> timedelta | None:
    """Return how long the connection rests now that so many calls in a row have failed, `before` of them earlier; None while the circuit is closed."""
    if failures < OPENS_AFTER:
        return None
    return FIRST_REST if before < OPENS_AFTER else REST


def is_probing(failures: int) -> bool:
    """Return whether only one link may be tried: the circuit was open and nothing has succeeded since."""
    return failures >= OPENS_AFTER
