"""`kill -9` of the whole worker group between the CRM's write and our record of it, at random moments, again and again.

Afterwards each hub task has exactly one counterpart with its newest title. `KILLS=50` in the environment kills more often.
"""

from __future__ import annotations

import os
import random
import threading
import time

import pytest

from crmhub.models import ContactLink, TaskLink
from crmhub.tests.engine.conftest import Hub, hub, live  # noqa: F401 — the fixture
from crmhub.tests.processes.conftest import Workers, wait_until

pytestmark = [pytest.mark.engine, pytest.mark.slow, pytest.mark.timeout(1200)]

KILLS = int(os.environ.get("KILLS", "4"))
ANSWER_DELAY = 0.25  # seconds between the CRM's write and its answer, in which the kill falls


def nothing_is_owed() -> bool:
    return not (
        TaskLink.objects.filter(due_at__isnull=False).exists()
        or ContactLink.objects.filter(due_at__isnull=False).exists()
    )


def test_killed_workers_leave_one_remote_task_per_hub_task(hub: Hub, workers: Workers):  # noqa: F811
    chance = random.Random(20261122)
    simulators = [hub.connect("highlevel"), hub.connect("hubspot")]
    grace = hub.save_contact()
    workers.start()
    assert wait_until(nothing_is_owed), workers.log.read_text()[-2000:]
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
        between += written.wait(15)
        time.sleep(chance.uniform(0, ANSWER_DELAY))
        workers.kill()
        workers.start()
    for simulator in simulators:
        simulator.before_answer = None

    assert wait_until(nothing_is_owed, seconds=120), list(TaskLink.objects.exclude(due_at=None).values())
    assert between == KILLS
    for simulator in simulators:
        assert sorted(there["title"] for there in live(simulator)) == sorted(
            f"Task {n}" for n in range(KILLS)
        )
    assert set(TaskLink.objects.values_list("sync_status", flat=True)) == {"in_sync"}
