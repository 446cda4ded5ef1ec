"""Jobs side by side, in real time: full batches, a rate that is used up, and nobody kept waiting by somebody else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from math import ceil
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction

from crmhub import sync, wake
from crmhub.clock import database_now
from crmhub.models import Lane, Task, TaskLink
from crmhub.services.owing import LINGER
from crmhub.sync import push
from crmhub.sync.seats import SLACK, Seat, most_per_account
from crmhub.tests.engine.conftest import Hub, live, writes, writing

pytestmark = pytest.mark.engine


class Jobs:
    """Jobs that run in threads, as those of workers do."""

    def __init__(self) -> None:
        self.threads: list[threading.Thread] = []

    def start(self, connection: Any, *, number: int = 1) -> None:
        for _ in range(number):
            thread = threading.Thread(target=self._run, args=(connection.pk,))
            self.threads.append(thread)
            thread.start()

    def _run(self, pk: Any) -> None:
        try:
            sync.push_due(pk)
        finally:
            connections.close_all()

    def wait(self) -> None:
        for thread in self.threads:
            thread.join()


@pytest.fixture
def jobs(hub: Hub):
    """Jobs beside the test; all of them have ended when it is over."""
    push._used_up.clear()
    jobs = Jobs()
    yield jobs
    jobs.wait()


def slow(simulator: Any, seconds: float) -> None:
    """Let every write of a task take this long."""
    simulator.fail_next("delay", writing(simulator), seconds=seconds, times=None)


def until(is_so: Callable[[], bool], *, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not is_so():
        time.sleep(0.01)
    return is_so()


def sizes(simulator: Any) -> list[int]:
    """Return how many tasks each write was about."""
    return [len(one["body"].get("inputs", "1")) for one in simulator.log if one["method"] == "POST"]


def in_lane(hub: Hub, lane: Lane, number: int, **values: Any) -> list[Task]:
    tasks = [hub.save_task(title=f"{lane.label} {count}", **values) for count in range(number)]
    TaskLink.objects.filter(task__in=tasks).update(lane=lane)
    return tasks


# Full batches


def test_the_first_save_goes_at_once_and_what_is_saved_meanwhile_goes_together(hub: Hub, jobs: Jobs):
    simulator = hub.connect("hubspot")
    slow(simulator, 0.4)
    simulator.log.clear()
    hub.save_task(title="First")
    jobs.start(hub.connections["hubspot"])
    assert until(lambda: TaskLink.objects.exclude(claim_token=None).exists())

    hub.now = database_now()
    with transaction.atomic():
        for number in range(12):
            hub.save_task(title=f"Task {number}")
    jobs.start(hub.connections["hubspot"])
    jobs.wait()

    assert sorted(sizes(simulator)) == [1, 12]  # told as they were answered


def test_ten_saves_of_one_task_are_two_writes(hub: Hub, jobs: Jobs, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    slow(simulator, 0.05)
    simulator.log.clear()

    began = database_now()
    for number in range(10):
        hub.now = database_now()
        hub.edit(task, title=f"Title {number}")
        if number in (0, 9):
            jobs.start(hub.connections[code])
    took = database_now() - began
    jobs.wait()
    hub.settle()  # what a job left to the next one

    assert len(writes(simulator)) <= 1 + ceil(took / LINGER)  # two, where the saves take a tenth of a second
    assert [there["title"] for there in live(simulator)] == ["Title 9"]


def test_a_hundred_wakes_at_once_are_one_request(hub: Hub, jobs: Jobs, grace, code):
    simulator = hub.connect(code)
    hub.settle()
    simulator.log.clear()
    hub.save_task()

    jobs.start(hub.connections[code], number=20)
    jobs.wait()

    assert len(writes(simulator)) <= 1


# The rate


class Crowd:
    """Keeps the answers of a simulator back until so many requests wait for theirs, or nobody comes any more."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen = self.here = 0
        self.changed = threading.Condition()

    def __call__(self, _call: Any) -> None:
        with self.changed:
            self.here += 1
            self.seen = max(self.seen, self.here)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.seen >= self.wanted, timeout=3)
            self.here -= 1


def test_a_job_asks_again_when_there_are_slots_and_not_later_for_its_slow_calls(hub: Hub, jobs: Jobs, grace):
    simulator = hub.connect("highlevel", settings={"limits": "8/4"})
    hub.save_task(contacts=[grace])
    hub.settle()
    time.sleep(4.5)  # what that used is forgotten then
    for number in range(12):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    last = TaskLink.objects.order_by("-pk")[:8]
    TaskLink.objects.filter(pk__in=[one.pk for one in last]).update(lane=Lane.RETRY)
    slow(simulator, 0.8)

    began = time.monotonic()
    pushed = sync.push_due(hub.connections["highlevel"].pk)
    ended = time.monotonic()

    assert (pushed.settled >= 4, ended - began >= 0.8, pushed.ask_again_in is not None) == (True, True, True)
    # Four seconds, a little more to be safe, and the moment in which they were used up.
    assert ended + (pushed.ask_again_in or 0) <= began + 4.15 + 0.5


@pytest.mark.parametrize(("slot_in", "due_in", "wait"), [(2.0, 0.0, 2.0), (0.2, 1.0, 1.0), (2.0, 3.0, 3.0)])
def test_a_job_that_finds_the_rate_used_up_asks_for_when_there_are_slots_and_something_is_due(
    hub: Hub, jobs: Jobs, grace, monkeypatch, slot_in, due_in, wait
):
    """What an earlier job of this process learned, and whose wake came too early or was taken for another one."""
    hub.connect("highlevel")
    hub.save_task(contacts=[grace])
    hub.settle()
    connection = hub.connections["highlevel"]
    hub.save_task(title="Later", contacts=[grace])
    TaskLink.objects.filter(sync_status="pending").update(due_at=database_now() + timedelta(seconds=due_in))
    push._used_up[connection.pk, Lane.INTERACTIVE] = time.monotonic() + slot_in
    asked: list[float] = []
    monkeypatch.setattr(wake, "push", lambda _ids, *, countdown: asked.append(countdown))

    pushed = sync.push_due(connection.pk)

    assert pushed.settled == 0
    assert [round(one, 1) for one in asked] == [pytest.approx(wait, abs=0.3)]


def test_a_hundred_calls_may_be_under_way_at_a_slow_crm(hub: Hub, jobs: Jobs, grace):
    simulator = hub.connect("highlevel", settings={"limits": "200/10"})
    hub.save_task(contacts=[grace])
    hub.settle()
    for number in range(70):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    simulator.before_answer = crowd = Crowd(60)

    jobs.start(hub.connections["highlevel"])
    jobs.wait()

    assert crowd.seen >= 60
    assert len(live(simulator)) == 71


def test_at_a_slow_crm_more_calls_are_under_way(hub: Hub, jobs: Jobs, grace):
    simulator = hub.connect("highlevel")
    hub.save_task(contacts=[grace])
    hub.settle()
    for number in range(24):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    simulator.before_answer = crowd = Crowd(10)

    jobs.start(hub.connections["highlevel"])
    jobs.wait()

    assert crowd.seen >= 10
    assert len(live(simulator)) == 25


def test_what_has_no_slot_is_not_claimed_again_and_again(hub: Hub, jobs: Jobs, grace):
    simulator = hub.connect("highlevel", settings={"limits": "8/30"})
    hub.save_task(contacts=[grace])
    hub.settle()
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(12)]

    for _ in range(5):
        jobs.start(hub.connections["highlevel"])
        jobs.wait()

    links = TaskLink.objects.filter(task__in=tasks)
    untouched = links.filter(due_at__lte=hub.now).count()
    assert len(live(simulator)) <= 8
    assert untouched >= 4


# Who goes first


def test_a_back_fill_leaves_a_place_for_whoever_saves(hub: Hub, jobs: Jobs, grace):
    simulator = hub.connect("highlevel")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    in_lane(hub, Lane.BACKFILL, 12, contacts=[grace])
    slow(simulator, 1.0)
    simulator.log.clear()
    jobs.start(hub.connections["highlevel"])
    assert until(lambda: TaskLink.objects.exclude(claim_token=None).exists())

    hub.save_task(title="Now", contacts=[grace])
    jobs.wait()

    order = [one["body"]["title"] for one in simulator.log if one["method"] == "POST"]
    assert order.index("Now") <= 9


# Workers


@pytest.mark.parametrize(("workers", "seats"), [(1, 1), (2, 1), (4, 2), (16, 4)])
def test_one_account_never_holds_more_than_half_of_the_workers(settings, workers, seats):
    settings.WORKERS = workers

    assert most_per_account() == seats


def test_a_job_that_finds_no_seat_ends_and_its_work_is_done_by_the_others(
    hub: Hub, jobs: Jobs, grace, settings
):
    settings.WORKERS = 2
    simulator = hub.connect("highlevel")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    slow(simulator, 0.6)
    hub.save_task(title="Second", contacts=[grace])
    jobs.start(hub.connections["highlevel"])
    assert until(lambda: TaskLink.objects.exclude(claim_token=None).exists())

    hub.save_task(title="Third", contacts=[grace])
    started = time.monotonic()
    turned_away = sync.push_due(hub.connections["highlevel"].pk)
    took = time.monotonic() - started
    jobs.wait()

    assert (turned_away.settled, took < 0.3) == (0, True)
    assert sorted(there["title"] for there in live(simulator)) == ["First", "Second", "Third"]


def test_second_jobs_of_accounts_leave_half_of_a_worker_to_others(settings):
    settings.WORKERS = 4
    first, second, third = uuid4(), uuid4(), uuid4()
    here = [Seat(account, worker="here") for account in (first, first, second, second, third)]

    taken = [seat.keep(most=2) for seat in here]
    kept_by_who_has_one = here[1].keep(most=2)
    elsewhere = Seat(second, worker="elsewhere").keep(most=2)

    assert taken == [True, True, True, False, True]
    assert (kept_by_who_has_one, elsewhere) == (True, True)


def test_the_seat_of_a_job_that_died_falls_free(settings):
    settings.HTTP_DEADLINE_SECONDS = 0.1 - SLACK
    account = uuid4()
    dead, alive = Seat(account), Seat(account)
    assert dead.keep(most=1)

    at_once = alive.keep(most=1)
    time.sleep(0.15)

    assert (at_once, alive.keep(most=1)) == (False, True)


def test_without_redis_jobs_go_on_without_seats(settings):
    settings.REDIS_URL = "unix:///nowhere/at/all.sock"

    assert Seat(uuid4()).keep(most=1)


def test_when_others_wait_a_job_goes_on_behind_them(hub: Hub, jobs: Jobs, grace, redis_connection, settings):
    simulator = hub.connect("highlevel", settings={"limits": "20/1"})
    hub.save_task(contacts=[grace])
    hub.settle()
    for number in range(30):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    slow(simulator, 1.2)
    redis_connection.flushall()
    wake._publisher.cache_clear()
    wake.push([hub.connections["highlevel"].pk])  # nobody hears it: somebody waits

    jobs.start(hub.connections["highlevel"])
    jobs.wait()

    at_leisure = [
        key
        for key in redis_connection.scan_iter()
        if key.startswith(settings.CELERY_TASK_DEFAULT_QUEUE.encode() + b"\x06")
    ]
    assert TaskLink.objects.filter(due_at__isnull=False).exists()
    assert len(at_leisure) == 1
