"""A broker that is down, frozen, full, forgetful, or says everything many times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from django.conf import settings as hub_settings

from config.celery import RECONNECT_EVERY
from crmhub import wake
from crmhub.tests.engine.conftest import meanwhile
from crmhub.tests.faults.hubs import LiveHub, creates, settled, wait_for_creates
from crmhub.tests.faults.processes import QUICK, Processes, wait_until
from crmhub.tests.faults.servers import Broker
from providers.capabilities import Limit
from providers.simulator import Simulator
from providers.simulator.__main__ import simulator_class

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(300)]

QUEUE = hub_settings.CELERY_TASK_DEFAULT_QUEUE
KICK = 2 * hub_settings.WAKE_TIMEOUT_SECONDS  # what a save waits at most: to connect, and to be answered
SWEEP = float(QUICK["SWEEP_SECONDS"])
CALLS = 10
SLACK = 0.25  # seconds that anything may take longer on a busy machine


def seconds_of(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def too_many(simulator: Simulator) -> int:
    """Return how many requests were refused there because they were too many."""
    return sum(entry["status"] == 429 for entry in list(simulator.log))


def with_much_to_send(hub: LiveHub) -> Simulator:
    """Connect a CRM that takes `CALLS` requests in three seconds, and save three times as many tasks."""
    simulator = simulator_class("highlevel")(limits=[Limit(CALLS, 3.0)])
    hub.connect("highlevel", simulator=simulator, settings={"limits": f"{CALLS}/3"})
    grace = hub.save_contact()
    for number in range(3 * CALLS):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    return simulator


def go_on_without(hub: LiveHub, *, seconds: float) -> float:
    """Save for so long while the broker does not answer; returns how long the slowest save took."""
    end, took = time.monotonic() + seconds, [0.0]
    while time.monotonic() < end:
        took.append(seconds_of(hub.save_task))
        time.sleep(0.2)
    return max(took)


def outlive(
    hub: LiveHub,
    processes: Processes,
    trouble: Callable[[], object],
    end: Callable[[], object],
    *,
    seconds: float,
) -> None:
    """Save while the broker is in trouble, and assert that saves are quick, and deliveries are again once it is over."""
    simulator = hub.connect("hubspot")
    worker, beat = processes.worker(), processes.beat()
    usual = max(seconds_of(hub.save_task) for _ in range(10))
    settled(hub)
    requests = len(simulator.log)

    trouble()
    slowest = go_on_without(hub, seconds=seconds)
    sent = len(simulator.log) - requests
    end()
    took = seconds_of(lambda: wait_until(lambda: len(simulator.log) > requests))

    assert sent == 0
    assert slowest < usual + KICK + SLACK
    assert took < RECONNECT_EVERY + SWEEP + 8  # Celery alone: up to half a minute
    settled(hub)
    assert (worker.status, beat.status) == (None, None)


def test_saves_go_on_while_the_broker_is_down_and_are_sent_soon_after_it_is_back(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F11: workers and beat reconnect by themselves."""
    outlive(hub, processes, broker.stop, broker.start, seconds=7)


def test_the_first_page_says_that_the_broker_is_away(hub: LiveHub, broker: Broker, admin_client):
    """F11: a person can see why nothing is sent."""
    words = "nothing is sent to the CRMs until it is back"
    before = admin_client.get("/admin/").content.decode()

    broker.stop()

    assert words not in before
    assert words in admin_client.get("/admin/").content.decode()


def test_saves_go_on_while_the_broker_is_frozen_and_are_sent_soon_after_it_thaws(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F12: it takes connections and answers nothing."""
    outlive(hub, processes, broker.freeze, broker.thaw, seconds=2)


def test_a_frozen_broker_is_asked_now_and_then_and_not_waited_for(hub: LiveHub, broker: Broker):
    """F12: the wake is given up within its time-out, and the next are not tried."""
    hub.connect("hubspot")
    account = hub.connections["hubspot"].pk
    broker.client.flushall()
    wake.push([account])  # so that the connection stands
    wake.heard(account)

    broker.freeze()
    first, second = (seconds_of(lambda: wake.push([account])) for _ in range(2))

    assert first < KICK + SLACK
    assert second < hub_settings.WAKE_TIMEOUT_SECONDS / 5
    assert wake.circuit.is_open


@pytest.mark.long
def test_no_rate_is_broken_when_the_broker_forgets_everything(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F13: the log of the rate is gone in the middle of a window."""
    simulator = with_much_to_send(hub)
    processes.start()
    for sent in (CALLS // 2, CALLS + 2):
        assert wait_for_creates(simulator, sent), processes.said
        broker.client.flushall()

    settled(hub)
    assert too_many(simulator) == 0


def test_saves_go_on_while_the_broker_is_full_and_are_sent_soon_after_it_has_room(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F14: it refuses every write."""
    outlive(hub, processes, broker.fill_up, broker.make_room, seconds=2)


def test_a_worker_that_finds_a_message_in_a_full_broker_lives(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F14: the message is there, and what the worker writes about it is refused."""
    hub.connect("hubspot")
    hub.save_task()
    broker.fill_up()

    worker = processes.start()
    time.sleep(3)
    broker.make_room()

    settled(hub)
    assert worker.status is None


def test_a_hundred_wakes_at_once_are_one_request(hub: LiveHub, processes: Processes, broker: Broker):
    """F15: each message is delivered again and again, to two workers."""
    simulator = hub.connect("hubspot")
    hub.save_task()
    [message] = broker.client.lrange(QUEUE, 0, -1)[:1]
    broker.client.rpush(QUEUE, *[message] * 100)

    for _ in range(2):
        processes.worker()

    settled(hub)
    assert wait_until(lambda: not broker.client.llen(QUEUE))
    assert creates(simulator) == 1


def test_the_sweep_alone_sends_everything_when_every_wake_is_lost(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F16: whoever publishes a wake is cut off, the sweep's job too; beat's own message passes."""
    broker.proxy.ban(b"crmhub.push_due")
    hub.connect("hubspot")
    for number in range(5):
        hub.save_task(title=f"Task {number}")

    processes.start()

    settled(hub)
    assert broker.proxy.banned > 0


def test_a_worker_whose_broker_connection_breaks_takes_up_the_next_message(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F17: the connection is reset while the worker is at work and holds messages."""
    simulator = hub.connect("hubspot")
    worker = processes.start()
    for number in range(3):
        under_way = threading.Event()
        meanwhile(simulator, under_way.set)
        hub.save_task(title=f"Task {number}")
        assert under_way.wait(60), processes.said
        broker.proxy.reset()

    settled(hub)
    assert worker.status is None


def test_no_rate_is_broken_when_the_store_of_the_rates_goes_and_comes_back(
    hub: LiveHub, processes: Processes, broker: Broker
):
    """F27: it is stopped in the middle of a window and comes back empty."""
    simulator = with_much_to_send(hub)
    processes.start()
    assert wait_for_creates(simulator, CALLS // 2), processes.said

    broker.stop()
    time.sleep(0.5)
    broker.start()

    settled(hub)
    assert too_many(simulator) == 0
