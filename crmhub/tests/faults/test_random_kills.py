"""`kill -9` of the whole worker group between the CRM's write and our record of it, at random moments, again and again.

Afterwards each hub task has exactly one counterpart with its newest title. `KILLS=50` in the environment kills more often.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from crmhub.tests.faults.hubs import LiveHub, creates, is_anything_owed, settled, wait_for_creates
from crmhub.tests.faults.processes import Processes, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1200)]

KILLS = int(os.environ.get("KILLS", "4"))
ANSWER_DELAY = 0.25  # seconds between the CRM's write and its answer, in which the kill falls


def test_killed_workers_leave_one_remote_task_per_hub_task(hub: LiveHub, processes: Processes):
    """F5: each kill falls between the CRM's write and its answer."""
    chance = random.Random(20261122)
    simulators = [hub.connect("highlevel"), hub.connect("hubspot")]
    grace = hub.save_contact()
    processes.start()
    assert wait_until(lambda: not is_anything_owed()), processes.said
    written = threading.Event()

    def linger(call) -> None:
        if call.method != "GET" and "search" not in call.path:
            written.set()
            time.sleep(ANSWER_DELAY)

    for simulator in simulators:
        simulator.before_answer = linger
    between = 0
    for number in range(KILLS):
        written.clear()
        hub.save_task(title=f"Task {number}", contacts=[grace])
        between += written.wait(30)
        time.sleep(chance.uniform(0, ANSWER_DELAY))
        processes.kill()
        processes.start()
    for simulator in simulators:
        simulator.before_answer = None

    settled(hub, seconds=120)
    assert between == KILLS


@pytest.mark.long
@pytest.mark.postgres
@pytest.mark.timeout(2400)
def test_twenty_kills_in_two_thousand_tasks_lose_none_and_double_none(hub: LiveHub, processes: Processes):
    """F5: the tasks go out in batches, and each kill finds some under way."""
    chance = random.Random(20261130)
    simulator = hub.connect("hubspot")
    simulator.before_answer = lambda _call: time.sleep(ANSWER_DELAY)
    for kill in range(20):
        for number in range(100):
            hub.save_task(title=f"Task {kill}.{number}")
        processes.start()
        assert wait_for_creates(simulator, creates(simulator) + 1), processes.said
        time.sleep(chance.uniform(0, 2 * ANSWER_DELAY))
        processes.kill()
    owed = is_anything_owed()
    simulator.before_answer = None
    processes.start()

    # What was claimed and not sent is looked for four tasks at a time, at the five searches in a second that HubSpot allows.
    settled(hub, seconds=1800)
    assert owed
