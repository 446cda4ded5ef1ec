"""Workers and web servers that die, freeze or are told to stop, at every point of a push and of a save."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import Any

import pytest

from crmhub import wake
from crmhub.kill_points import EXIT_STATUS
from crmhub.models import Task, TaskLink
from crmhub.tests.faults.hubs import LiveHub, creates, settled
from crmhub.tests.faults.processes import Processes, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(300)]

# LeadLex shows a new task after five seconds, the others after ten.
SOONEST = "leadlex"
each_crm = pytest.mark.parametrize(
    "code",
    [
        SOONEST,
        *(pytest.param(code, marks=pytest.mark.long) for code in ("highlevel", "hubspot", "leadsquared")),
    ],
)


def test_what_a_worker_claimed_before_it_died_is_sent_by_the_next(hub: LiveHub, processes: Processes):
    """F1: the claim ends with its lease."""
    simulator = hub.connect("hubspot")
    hub.save_task()

    assert processes.doomed("after_claim").wait() == EXIT_STATUS
    died_with = creates(simulator)
    processes.start()

    settled(hub)
    assert (died_with, creates(simulator)) == (0, 1)


@pytest.mark.long
def test_what_a_worker_wrote_down_and_did_not_send_before_it_died_is_sent_once(
    hub: LiveHub, processes: Processes, grace
):
    """F1: the claim was marked as about to be sent."""
    simulator = hub.connect(SOONEST)
    hub.bring(grace)
    task = hub.save_task(contacts=[grace])

    assert processes.doomed("after_mark").wait() == EXIT_STATUS
    processes.start()

    settled(hub)
    assert creates(simulator) == 2
    assert hub.operations(task)[:3] == ["create", "find", "create"]


@each_crm
def test_what_a_worker_created_before_it_died_is_looked_for_and_adopted(
    hub: LiveHub, processes: Processes, grace, code
):
    """F2: the CRM has the task and the hub has no record of it."""
    simulator = hub.connect(code)
    hub.bring(grace)
    task = hub.save_task(contacts=[grace])

    assert processes.doomed("after_post").wait() == EXIT_STATUS
    [made] = [there for there in simulator.tasks() if there["title"] == task.title]
    processes.start()

    settled(hub)
    assert hub.link(task).external_id == made["id"]
    assert hub.operations(task)[:2] == ["create", "find"]
    assert creates(simulator) == 2


def test_a_wake_that_comes_again_after_a_worker_died_behind_its_work_sends_nothing(
    hub: LiveHub, processes: Processes
):
    """F3: all is written down, and the job has not ended."""
    simulator = hub.connect("hubspot")
    hub.save_task()

    assert processes.doomed("after_record").wait() == EXIT_STATUS
    settled(hub)
    requests = len(simulator.log)
    wake.push([hub.connections["hubspot"].pk])
    processes.start()

    assert not wait_until(lambda: len(simulator.log) > requests, seconds=2)


@pytest.mark.parametrize(
    ("code", "tasks"), [(SOONEST, 4), pytest.param("hubspot", 100, marks=pytest.mark.long)]
)
def test_a_batch_is_written_down_whole_or_not_at_all(hub: LiveHub, processes: Processes, grace, code, tasks):
    """F4: a worker dies with the links written and the attempts not."""
    simulator = hub.connect(code)
    hub.bring(grace)
    for number in range(tasks):
        hub.save_task(title=f"Task {number}", contacts=[grace])

    made = len(simulator.tasks())
    while made == 1:  # that no slot was free for the batch is written down as well
        assert processes.doomed("in_record").wait() == EXIT_STATUS
        made = len(simulator.tasks())
    known = TaskLink.objects.exclude(external_id="").count()
    processes.start()

    assert (made, known) == (tasks + 1, 1)
    settled(hub, seconds=200)


def test_a_worker_that_is_told_to_stop_ends_what_it_began_and_leaves_no_claim(
    hub: LiveHub, processes: Processes
):
    """F6: the lease is a minute here, and nothing waits for it."""
    simulator = hub.connect("highlevel")
    grace = hub.save_contact()
    hub.bring(grace)
    for number in range(20):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    under_way = threading.Event()

    def linger(_call: object) -> None:
        under_way.set()
        time.sleep(0.5)

    simulator.before_answer = linger
    worker = processes.worker(LEASE_SECONDS="60")
    assert under_way.wait(60), processes.said

    worker.terminate()
    asked = time.monotonic()
    status = worker.wait(20)

    assert status == 0
    assert time.monotonic() - asked < 10
    assert not TaskLink.objects.filter(claim_token__isnull=False).exists()
    simulator.before_answer = None
    processes.start(LEASE_SECONDS="60")
    settled(hub, seconds=50)


@pytest.mark.long
def test_a_task_that_kills_its_workers_is_set_aside_and_its_neighbours_pass(
    hub: LiveHub, processes: Processes
):
    """F7: each worker that sends this task is killed, as for want of memory."""
    simulator = hub.connect("hubspot")
    worker = processes.start(size=1)

    def die(call: Any) -> None:
        if b"Poison" in call.body:
            for pid in worker.children():
                os.kill(pid, signal.SIGKILL)

    simulator.before_answer = die
    poison = hub.save_task(title="Poison")
    for number in range(5):
        hub.save_task(title=f"Task {number}")

    assert wait_until(lambda: hub.link(poison).is_parked, seconds=200), processes.said
    assert hub.link(poison).last_error_code == "stops_its_worker"
    settled(hub, parked=1, seconds=60)
    assert worker.status is None


def test_a_worker_that_was_frozen_past_its_lease_does_not_undo_what_came_after(
    hub: LiveHub, processes: Processes
):
    """F8: frozen between the CRM's write and our record of it."""
    simulator = hub.connect("hubspot")
    task = hub.save_task()
    hub.push()
    hub.edit(task, title="Ring Grace")
    frozen = processes.doomed("after_post:freeze")
    assert wait_until(lambda: "Ring Grace" in [there["title"] for there in simulator.tasks()])

    hub.edit(task, title="Visit Grace")
    beat = processes.beat()
    processes.worker()
    settled(hub)
    beat.kill()  # or the next sweep would mend what a late worker spoils
    frozen.thaw()
    time.sleep(1)

    settled(hub)
    assert frozen.status is None


def test_a_worker_that_was_frozen_before_it_sent_sends_nothing_after_its_lease(
    hub: LiveHub, processes: Processes
):
    """F8: frozen between the mark and the request."""
    simulator = hub.connect("hubspot")
    task = hub.save_task()
    hub.push()
    hub.edit(task, title="Ring Grace")
    frozen = processes.doomed("after_mark:freeze")
    assert wait_until(lambda: hub.link(task).may_land_until is not None)

    hub.edit(task, title="Visit Grace")
    processes.start()
    settled(hub)
    requests = len(simulator.log)
    frozen.thaw()
    time.sleep(1)

    settled(hub)
    assert len(simulator.log) == requests


def test_a_save_whose_process_died_behind_its_commit_is_sent_by_the_sweep(
    hub: LiveHub, processes: Processes, broker, key
):
    """F9: committed, and no worker was woken."""
    hub.connect("hubspot")
    web = processes.web(dies_at="after_commit")
    broker.client.flushall()

    status, _ = web.post_task(key)
    woken = broker.client.keys("crmhub:woken:*")
    processes.start()

    assert (status, woken) == (None, [])
    assert Task.objects.count() == 1
    settled(hub)


def test_a_save_whose_process_died_before_its_commit_was_never_made(hub: LiveHub, processes: Processes, key):
    """F10: written, and not committed."""
    simulator = hub.connect("hubspot")
    web = processes.web(dies_at="before_commit")

    status, _ = web.post_task(key)
    processes.start()

    assert status is None
    assert not wait_until(lambda: creates(simulator), seconds=2)
    assert not Task.objects.exists()
    assert not TaskLink.objects.exists()
