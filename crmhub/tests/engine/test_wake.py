"""A save never waits for the broker: it answers in its usual time when the broker is down, and when it is frozen."""

from __future__ import annotations

import os
import signal
import statistics
import time

import pytest
import redis
from django.conf import settings as hub_settings

from crmhub import tasks, wake
from crmhub.models import TaskLink
from crmhub.sync import pace_redis
from crmhub.tests.engine.conftest import Hub
from tools import servers

pytestmark = pytest.mark.engine

SLACK = 0.1  # seconds that a save may take longer than usual
TIMEOUT = 0.05  # as it is by default; tests that need an answer wait longer


@pytest.fixture
def broker(settings, request):
    """A broker of its own for this test; `os.kill` may freeze it."""
    with servers.valkey() as url:
        settings.REDIS_URL = url
        settings.CELERY_BROKER_URL = url.replace("unix://", "redis+socket://")
        _forget_connections()
        yield redis.Redis.from_url(url)
    _forget_connections()


def _forget_connections() -> None:
    wake._publisher.cache_clear()
    wake._store.cache_clear()
    pace_redis.forget_connections()
    wake.circuit.reset()
    wake.marks.reset()


def seconds_of_a_save(hub: Hub) -> float:
    started = time.monotonic()
    hub.save_task()
    return time.monotonic() - started


def usual(hub: Hub) -> float:
    return statistics.median(seconds_of_a_save(hub) for _ in range(5))


def test_a_save_wakes_the_workers(hub: Hub, broker):
    hub.connect("highlevel")
    broker.flushall()

    hub.save_task()

    assert broker.llen(hub_settings.CELERY_TASK_DEFAULT_QUEUE) == 1


def test_saves_that_come_together_are_one_wake(hub: Hub, broker):
    hub.connect("highlevel")
    broker.flushall()

    for _ in range(5):
        hub.save_task()

    assert broker.llen(hub_settings.CELERY_TASK_DEFAULT_QUEUE) == 1


@pytest.mark.parametrize("everything", [False, True])
def test_sweeps_that_piled_up_while_workers_were_away_are_one(hub: Hub, broker, everything):
    hub.connect("highlevel")
    broker.flushall()
    hub.save_task()
    broker.flushall()

    for _ in range(5):
        tasks.sweep(everything=everything)
        for key in broker.keys("crmhub:woken:*"):
            broker.delete(key)

    assert broker.llen(hub_settings.CELERY_TASK_DEFAULT_QUEUE) == 1


def test_nothing_of_the_schedule_is_thrown_away_by_a_worker_whose_clock_runs_ahead():
    assert not any("expires" in one.get("options", {}) for one in hub_settings.CELERY_BEAT_SCHEDULE.values())


def test_a_frozen_broker_does_not_hold_a_save_up(hub: Hub, broker, settings):
    hub.connect("highlevel")
    settings.WAKE_TIMEOUT_SECONDS = TIMEOUT
    _forget_connections()
    before = usual(hub)
    broker.flushall()
    pid = broker.info()["process_id"]
    os.kill(pid, signal.SIGSTOP)
    try:
        frozen = [seconds_of_a_save(hub) for _ in range(3)]
    finally:
        os.kill(pid, signal.SIGCONT)

    assert max(frozen) < before + SLACK
    assert TaskLink.objects.filter(due_at__isnull=False).count() == 8


def test_a_broker_that_is_down_does_not_hold_a_save_up(hub: Hub, broker):
    hub.connect("highlevel")
    before = usual(hub)
    broker.shutdown(nosave=True)

    down = [seconds_of_a_save(hub) for _ in range(3)]

    assert max(down) < before + SLACK
    assert TaskLink.objects.filter(due_at__isnull=False).count() == 8
