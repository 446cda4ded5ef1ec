"""Workers and web servers that die, freeze or are told to stop, at every point of a push and of a save."""

from __future__ import annotations

import pytest

from crmhub.kill_points import EXIT_STATUS
from crmhub.tests.faults.hubs import settled

pytestmark = [pytest.mark.faults, pytest.mark.postgres]


def test_what_a_worker_claimed_before_it_died_is_sent_by_the_next(hub, processes):
    """F1: the lease ends and another worker sends, once."""
    hub.connect("hubspot")
    hub.save_task(title="Call Grace")

    assert processes.doomed("after_claim").wait() == EXIT_STATUS
    processes.start()

    settled(hub)
