"""A CRM that refuses requests for being too many, with a time to wait, without one, and with one that makes no sense."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest

from crmhub.clock import database_now
from crmhub.models import Attempt, Connection, Contact, TaskLink
from crmhub.sync.credentials import provider_for
from crmhub.tests.engine.conftest import live, writing
from crmhub.tests.faults.hubs import LiveHub, settled
from crmhub.tests.faults.processes import Processes, wait_until
from providers.capabilities import Limit
from providers.errors import RateLimited
from providers.registry import capabilities
from providers.simulator import Simulator
from providers.simulator.__main__ import simulator_class

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.timeout(300)]

WORKERS = 2
PARALLEL = capabilities("highlevel").parallel  # requests of one worker at one moment
IN_FLIGHT = WORKERS * PARALLEL
LONG_AGO = "Mon, 01 Jan 2001 00:00:00 GMT"


def connect(hub: LiveHub, code: str, *limits: Limit) -> Simulator:
    """Connect a CRM that enforces these limits, to a hub that knows them."""
    setting = ",".join(f"{one.calls}/{one.seconds:g}" for one in limits)
    return hub.connect(code, simulator=simulator_class(code)(limits=limits), settings={"limits": setting})


def save(hub: LiveHub, grace: Contact, count: int) -> None:
    for number in range(count):
        hub.save_task(title=f"Task {number}", contacts=[grace])


def stored(hub: LiveHub, code: str) -> Connection:
    """Return the connection as the database has it."""
    return Connection.objects.get(pk=hub.connections[code].pk)


def moments(simulator: Simulator, *, status: int | None = None) -> list[float]:
    """Return when requests about tasks came there, all or those that were answered so."""
    return [
        entry["monotonic"]
        for entry in list(simulator.log)
        if entry["path"].endswith("/tasks") and status in (None, entry["status"])
    ]


def came_within(simulator: Simulator, moment: float, seconds: float) -> int:
    """Return how many requests about tasks came there in so many seconds after this moment."""
    return sum(moment < one < moment + seconds for one in moments(simulator))


@contextmanager
def another_app(hub: LiveHub, code: str, *, every: float) -> Iterator[None]:
    """Let another app call this account again and again."""
    provider, _ = provider_for(hub.connections[code])
    is_over = threading.Event()

    def call() -> None:
        while not is_over.wait(every):
            with suppress(RateLimited):
                provider.list_owners()

    calling = threading.Thread(target=call)
    calling.start()
    try:
        yield
    finally:
        is_over.set()
        calling.join()


def test_a_refusal_holds_all_workers_back_for_as_long_as_the_crm_says(
    hub: LiveHub, processes: Processes, grace
):
    """F29: what was under way arrives and no more is sent, whoever was refused; of forty tasks that is few."""
    simulator = hub.connect("highlevel")
    hub.bring(grace)
    save(hub, grace, 40)
    simulator.fail_next("rate_limited", writing(simulator, "POST"), seconds=3)

    processes.start(size=WORKERS)
    assert wait_until(lambda: moments(simulator, status=429)), processes.said
    assert wait_until(lambda: stored(hub, "highlevel").wait_reason)
    held = stored(hub, "highlevel")

    settled(hub)
    [refused] = moments(simulator, status=429)
    assert came_within(simulator, refused, 3) <= 2 * IN_FLIGHT
    assert held.wait_reason.startswith("HighLevel asks us to wait: too many requests in too short a time")
    assert not TaskLink.objects.filter(failures__gt=0).exists()


@pytest.mark.long
def test_half_of_the_rate_used_by_another_app_costs_few_refusals(hub: LiveHub, processes: Processes, grace):
    """F29: the hub takes all of the rate for its own, and learns from what the CRM says is left."""
    calls, seconds = 40, 10.0
    simulator = connect(hub, "highlevel", Limit(calls, seconds))
    hub.bring(grace)
    save(hub, grace, 60)

    with another_app(hub, "highlevel", every=2 * seconds / calls):
        processes.start(size=WORKERS)
        settled(hub)

    sent = moments(simulator)
    windows = (sent[-1] - sent[0]) / seconds + 1
    assert len(moments(simulator, status=429)) <= windows * IN_FLIGHT / 2


@pytest.mark.long
def test_after_a_refusal_without_a_time_half_of_the_rate_is_used(hub: LiveHub, processes: Processes, grace):
    """F30: it waits for a window, and goes on slowly."""
    seconds = 2.0
    simulator = connect(hub, "highlevel", Limit(20, seconds))
    simulator.tells_wait = False  # type: ignore[attr-defined]
    hub.bring(grace)
    save(hub, grace, 31)
    simulator.fail_next("rate_limited", writing(simulator, "POST"))

    processes.start(size=1)

    settled(hub)
    [refused] = moments(simulator, status=429)
    after = [one for one in moments(simulator) if one > refused + seconds]
    fullest = max(sum(start <= one < start + seconds for one in after) for start in after)
    assert came_within(simulator, refused, seconds) < PARALLEL
    assert fullest <= 12  # ten are half, and a busy machine brings some late


def test_waits_that_make_no_sense_stop_nobody(hub: LiveHub, processes: Processes, grace):
    """F31: fewer than no seconds, a word, and a date that is long past."""
    told = {"highlevel": "-5", "leadsquared": "soon", "leadlex": LONG_AGO}
    simulators = [connect(hub, code, Limit(20, 2.0)) for code in told]
    hub.bring(grace)
    for simulator in simulators:
        header = {"Retry-After": told[simulator.code]}
        simulator.fail_next("rate_limited", writing(simulator, "POST"), headers=header)
    hub.save_task(contacts=[grace])

    worker = processes.start()

    settled(hub)
    assert not Attempt.objects.filter(outcome="unconfirmed").exists()
    for simulator in simulators:
        assert sum(entry["status"] == 429 for entry in simulator.log) == 1
        assert len(live(simulator)) == 2
    assert worker.status is None


def test_a_wait_of_ten_days_is_one_of_an_hour_and_is_said(hub: LiveHub, processes: Processes, admin_client):
    """F31: it is asked again each hour; meanwhile nothing is sent, and the first page says why."""
    simulator = hub.connect("hubspot")
    simulator.fail_next(
        "rate_limited", writing(simulator, "POST"), times=None, headers={"Retry-After": "864000"}
    )
    task = hub.save_task()

    processes.start()
    assert wait_until(lambda: stored(hub, "hubspot").wait_until), processes.said
    requests = len(simulator.log)
    time.sleep(2)

    held = stored(hub, "hubspot")
    assert held.wait_until is not None
    assert timedelta() < held.wait_until - database_now() < timedelta(hours=1)
    assert len(simulator.log) == requests
    assert (hub.link(task).sync_status, hub.link(task).failures) == ("pending", 0)
    assert held.wait_reason in admin_client.get("/admin/").content.decode()


def test_a_day_that_is_used_up_holds_this_account_and_no_other(
    hub: LiveHub, processes: Processes, grace, admin_client
):
    """F32: no request is one too many; the rest waits for the next day, and the first page says so."""
    simulator = connect(hub, "leadlex", Limit(200, 60.0), Limit(12, 86_400.0, is_fixed=True))
    other = hub.connect("highlevel")
    save(hub, grace, 20)

    worker = processes.start()
    assert wait_until(lambda: len(live(other)) == 20), processes.said
    assert wait_until(lambda: stored(hub, "leadlex").wait_reason), processes.said
    requests = len(simulator.log)
    time.sleep(1)

    links = TaskLink.objects.filter(connection=hub.connections["leadlex"])
    waiting = links.filter(sync_status="pending", due_at__isnull=False, failures=0).count()
    why = stored(hub, "leadlex").wait_reason
    assert not any(entry["status"] == 429 for entry in simulator.log)
    assert len(simulator.log) == requests <= 12
    assert len(live(simulator)) + waiting == 20
    assert why == "The 12 calls a day that are ours are used up."
    assert why in admin_client.get("/admin/").content.decode()
    assert worker.status is None
