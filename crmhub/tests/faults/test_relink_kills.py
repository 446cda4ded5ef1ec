"""`kill -9` of `manage.py relink` and `manage.py backfill` at random moments, again and again: the end is the same.

`KILLS=50` in the environment kills more often.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from crmhub.clock import database_now
from crmhub.models import Connection, ContactLink, TaskLink
from crmhub.tests.engine.conftest import Hub, hub, live  # noqa: F401 — the fixture
from crmhub.tests.faults.nursery import ROOT
from crmhub.tests.faults.servers import database_url

pytestmark = [
    pytest.mark.faults,
    pytest.mark.long,
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.timeout(1200),
]

KILLS = int(os.environ.get("KILLS", "4"))
TASKS = 220  # three pages of HubSpot's list
ANSWER_DELAY = 0.15  # seconds; a kill falls into the first second of answers


def manage(*words: str, log: Path) -> subprocess.Popen[bytes]:
    """Start a command on the test's own database."""
    with log.open("ab") as said:
        return subprocess.Popen(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": database_url()},
            stdout=said,
            stderr=said,
        )


def kill_again_and_again(simulator: Any, *words: str, log: Path) -> int:
    """Start the command and kill it while it reads the CRM; return how often it was killed in the middle."""
    chance, asked, times = random.Random(20261130), threading.Event(), 0

    def linger(_: object) -> None:
        asked.set()
        time.sleep(ANSWER_DELAY)

    simulator.before_answer = linger
    for _ in range(KILLS):
        asked.clear()
        process = manage(*words, log=log)
        assert asked.wait(60), log.read_text()[-2000:]
        time.sleep(chance.uniform(0, 6 * ANSWER_DELAY))
        times += process.poll() is None
        process.kill()
        process.wait()
    simulator.before_answer = None
    return times


def test_a_killed_relink_comes_to_the_same_end(hub: Hub, tmp_path: Path):  # noqa: F811
    simulator = hub.connect("hubspot", settings={"limits": "1000/1"})
    grace = hub.save_contact()
    for number in range(TASKS):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    hub.settle()
    before = set(TaskLink.objects.values_list("pk", "task", "external_id", "sync_status"))
    TaskLink.objects.all().delete()
    ContactLink.objects.all().delete()
    log = tmp_path / "said"

    killed = kill_again_and_again(simulator, "relink", "hubspot", log=log)
    is_held = Connection.objects.get().links_lost_at is not None
    assert manage("relink", "hubspot", log=log).wait(120) == 0, log.read_text()[-2000:]

    assert (killed, is_held) == (KILLS, True)
    assert set(TaskLink.objects.values_list("pk", "task", "external_id", "sync_status")) == before
    assert len(live(simulator)) == TASKS
    assert Connection.objects.get().health(database_now()) == "healthy"


def test_a_killed_back_fill_makes_each_task_once(hub: Hub, tmp_path: Path):  # noqa: F811
    grace = hub.save_contact()
    for number in range(TASKS):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    hub.wait(60)
    simulator = hub.connect("hubspot", settings={"limits": "1000/1"})
    log = tmp_path / "said"

    kill_again_and_again(simulator, "backfill", "hubspot", log=log)
    hub.now = database_now()
    hub.push()
    assert manage("backfill", "hubspot", log=log).wait(120) == 0, log.read_text()[-2000:]
    hub.now = database_now()
    hub.settle()

    assert sorted(there["title"] for there in live(simulator)) == sorted(f"Task {n}" for n in range(TASKS))
    assert set(TaskLink.objects.values_list("sync_status", flat=True)) == {"in_sync"}
