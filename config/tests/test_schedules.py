"""Beat's own schedule, under a clock that is set while it runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.celery import app
from config.schedules import Every

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("clock_tells", "is_due"),
    [
        (NOON, False),
        (NOON + timedelta(seconds=4), False),
        (NOON + timedelta(seconds=6), True),
        (NOON + timedelta(minutes=10), True),
        (NOON - timedelta(minutes=10), True),  # it was set back
    ],
)
def test_a_sweep_is_due_after_its_seconds_and_when_the_clock_was_set_back(clock_tells, is_due):
    every = Every(5, nowfun=lambda: clock_tells, app=app)

    assert every.is_due(NOON).is_due is is_due
