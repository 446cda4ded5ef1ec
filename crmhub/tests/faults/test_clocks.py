"""Workers whose own clock is wrong, or is set while they work. The clocks of the database and of Redis decide; theirs must do no harm."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crmhub.models import Attempt, TaskLink
from crmhub.tests.faults.hubs import LiveHub, creates, settled, wait_for_creates
from crmhub.tests.faults.processes import Processes, wait_until
from providers.capabilities import Limit
from providers.simulator.__main__ import simulator_class

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TEN_MINUTES = 600
RATE = 20  # calls in a second

Clock = Callable[[float], str]


@pytest.fixture(scope="module")
def clock(tmp_path_factory) -> Clock:
    """Set the wrong clock so many seconds ahead; returns what a process is to be told, to go by it."""
    file: Path = tmp_path_factory.mktemp("clock") / "off"

    def set_to(seconds: float) -> str:
        file.write_text(str(seconds))
        return str(file)

    return set_to


@pytest.mark.engine
@pytest.mark.parametrize("off", [TEN_MINUTES, pytest.param(-TEN_MINUTES, marks=pytest.mark.long)])
def test_a_worker_whose_clock_is_wrong_and_one_whose_clock_is_right_send_each_task_once(
    hub: LiveHub, processes: Processes, grace, clock: Clock, off
):
    """F51: by its own clock it would end the other's leases too early, or its own."""
    simulator = simulator_class("highlevel")(limits=[Limit(RATE, 1.0)])
    hub.connect("highlevel", simulator=simulator, settings={"limits": f"{RATE}/1"})
    hub.bring(grace)
    for number in range(2 * RATE):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    simulator.before_answer = lambda _call: time.sleep(0.3)
    workers = [processes.start(), processes.worker(CLOCK_IS_OFF_IN=clock(off))]

    settled(hub)
    assert set(Attempt.objects.values_list("operation", flat=True)) == {"create_contact", "create"}
    assert creates(simulator) == 2 * RATE + 1
    assert 429 not in [entry["status"] for entry in simulator.log]
    assert [one.status for one in workers] == [None, None]


@pytest.mark.engine
@pytest.mark.parametrize("off", [TEN_MINUTES, pytest.param(-TEN_MINUTES, marks=pytest.mark.long)])
def test_a_worker_whose_clock_is_wrong_heeds_the_sweeps(
    hub: LiveHub, processes: Processes, broker, clock: Clock, off
):
    """F51: every wake is lost, and beat's clock is right."""
    simulator = hub.connect("hubspot")
    hub.save_task()
    broker.client.flushall()
    processes.beat()
    worker = processes.worker(CLOCK_IS_OFF_IN=clock(off))

    assert wait_until(lambda: creates(simulator)), worker.said[-2000:]
    settled(hub)


def test_a_clock_that_is_set_back_does_not_let_a_worker_send_after_its_lease(
    hub: LiveHub, processes: Processes, clock: Clock
):
    """F51: the worker is frozen between the mark and the request, and the clock is set back before it thaws."""
    simulator = hub.connect("hubspot")
    task = hub.save_task()
    hub.push()
    hub.edit(task, title="Ring Grace")
    frozen = processes.doomed("after_mark:freeze", CLOCK_IS_OFF_IN=clock(0))
    assert wait_until(lambda: hub.link(task).may_land_until is not None), frozen.said[-2000:]

    hub.edit(task, title="Visit Grace")
    processes.start()
    settled(hub)
    requests = len(simulator.log)
    clock(-TEN_MINUTES)
    frozen.thaw()

    assert not wait_until(lambda: len(simulator.log) > requests, seconds=2)
    settled(hub)


def test_a_clock_that_leaps_forward_while_a_worker_sends_costs_nothing(
    hub: LiveHub, processes: Processes, grace, clock: Clock
):
    """F51: it leaps forward by ten minutes, then back by twenty."""
    simulator = hub.connect("leadlex", settings={"limits": f"{RATE}/1"})
    simulator.before_answer = lambda _call: time.sleep(0.1)
    for number in range(2 * RATE):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    worker = processes.start(CLOCK_IS_OFF_IN=clock(0))
    for seconds, made in ((TEN_MINUTES, RATE // 2), (-TEN_MINUTES, RATE)):
        assert wait_for_creates(simulator, made), processes.said
        clock(seconds)

    settled(hub)
    assert creates(simulator) == 2 * RATE
    assert worker.status is None
    assert not TaskLink.objects.filter(lapses__gt=0).exists()
