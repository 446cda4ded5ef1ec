"""What beat sends and when, also when the clock of its machine is set while it runs."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from celery import beat
from celery.schedules import schedstate, schedule

A_LEAP = 1.0  # seconds; clocks that are kept in step by the network are corrected by less


class Every(schedule):
    """So many seconds after the last time, and at once when the clock was set back since."""

    def is_due(self, last_run_at: datetime) -> schedstate:
        """Return whether it is time, and after how many seconds to ask again."""
        # Celery would wait until the clock has caught up with the last time, and nothing would be swept until then.
        if self.maybe_make_aware(last_run_at) > self.now():
            return schedstate(is_due=True, next=self.seconds)
        return super().is_due(last_run_at)


class Scheduler(beat.Scheduler):
    """Celery's own, but for the order in which it looks at what is to be sent: after a leap of the clock it is made anew.

    Celery asks the first entry alone whether it is due. One whose turn was worked out by a clock that has been set back since would be asked last.
    """

    _clock_is_ahead = 0.0  # of the clock that nobody sets

    def tick(self, *words: Any, **named: Any) -> float:
        """Send what is due; returns the seconds until there may be more."""
        ahead = time.time() - time.monotonic()
        if abs(ahead - self._clock_is_ahead) > A_LEAP:
            self._heap = None
        self._clock_is_ahead = ahead
        seconds: float = super().tick(*words, **named)
        return seconds
