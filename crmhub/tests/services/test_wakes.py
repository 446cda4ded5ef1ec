"""Looking at a connection sooner than the sweep would: published after the commit, once, and never in the way."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import redis
from django.conf import settings as hub_settings
from django.db import transaction

from crmhub import services, wake
from crmhub.tests.services.conftest import NOON, connect, save_task

CONNECTION = uuid4()


@pytest.fixture(autouse=True)
def fresh_publisher() -> None:
    """The Valkey was emptied before this test, and a publisher declares its queue there only once."""
    wake._publisher.cache_clear()
    wake.circuit.reset()
    wake.marks.reset()


@pytest.fixture
def queue(redis_connection: redis.Redis):
    """What the workers would find: the wakes, oldest first."""

    def read() -> list[dict]:
        return [
            json.loads(one)
            for one in reversed(redis_connection.lrange(hub_settings.CELERY_TASK_DEFAULT_QUEUE, 0, -1))
        ]

    return read


def ids(queue) -> list[str]:
    return [message["headers"]["kwargsrepr"].split("'")[3] for message in queue()]


def test_a_wake_names_the_job_and_the_connection(queue):
    assert wake.push([CONNECTION])

    [message] = queue()
    assert message["headers"]["task"] == "crmhub.push_due"
    assert str(CONNECTION) in message["headers"]["kwargsrepr"]
    assert message["headers"]["eta"] is None


def test_the_same_wake_is_published_once_until_it_is_heard(queue):
    for _ in range(3):
        wake.push([CONNECTION])
    before = len(queue())
    wake.heard(CONNECTION)
    wake.push([CONNECTION])

    assert (before, len(queue())) == (1, 2)


def test_the_mark_of_a_wake_expires_by_itself(queue, redis_connection):
    wake.push([CONNECTION])

    assert 0 < redis_connection.pttl(f"crmhub:woken:{CONNECTION}") <= 2000


def test_a_wake_for_later_is_never_for_later_than_a_minute(queue):
    wake.push([CONNECTION], countdown=3600)

    [message] = queue()
    ahead = datetime.fromisoformat(message["headers"]["eta"]) - datetime.now(UTC)
    assert timedelta(seconds=50) < ahead <= timedelta(seconds=60)


def test_a_wake_for_later_does_not_hold_back_one_for_now(queue):
    wake.push([CONNECTION], countdown=30)
    wake.push([CONNECTION])

    assert len(queue()) == 2


def test_wakes_for_the_same_later_moment_are_one(queue):
    for _ in range(3):
        wake.push([CONNECTION], countdown=30)
        wake.heard(CONNECTION)  # as saves are, in the meantime
    wake.push([CONNECTION], countdown=50)

    assert len(queue()) == 1


def test_a_wake_that_is_wanted_sooner_does_not_wait_for_the_one_that_is_on_its_way(queue):
    wake.push([CONNECTION], countdown=50)
    wake.push([CONNECTION], countdown=5)
    wake.push([CONNECTION], countdown=5)

    assert len(queue()) == 2


def test_the_mark_of_a_wake_for_later_ends_when_the_wake_comes(queue, redis_connection):
    wake.push([CONNECTION], countdown=30)

    assert 29_000 < redis_connection.pttl(f"crmhub:woken-later:{CONNECTION}") <= 30_000


def test_a_broker_that_failed_is_left_alone_for_a_moment_and_then_asked_again(queue):
    wake.circuit.trip()

    assert not wake.push([CONNECTION])
    wake.circuit.reset()
    assert wake.push([CONNECTION])
    assert len(queue()) == 1


def test_wakes_go_out_although_nobody_knows_which_are_on_their_way(queue, settings, tmp_path):
    settings.REDIS_URL = f"unix://{tmp_path}/nobody.sock"
    wake._store.cache_clear()
    try:
        taken = [wake.push([CONNECTION]), wake.push([CONNECTION], countdown=5)]
    finally:
        wake._store.cache_clear()

    assert taken == [True, True]
    assert len(queue()) == 2


def test_a_broker_that_goes_on_failing_is_asked_less_and_less_often_and_never_less_than_the_sweep(settings):
    settings.SWEEP_SECONDS = 5.0
    rests = []
    for _ in range(5):
        wake.circuit.trip()
        rests.append(wake.circuit.open_until - time.monotonic())
    wake.circuit.open_until = 0.0
    wake.push([CONNECTION])
    wake.circuit.trip()

    assert [round(one) for one in rests] == [1, 2, 4, 5, 5]
    assert wake.circuit.open_until - time.monotonic() <= 1.0
    wake.circuit.reset()


def test_a_wake_that_was_not_sent_says_nothing_of_the_broker(queue):
    wake.push([CONNECTION])
    wake.circuit.trip()
    wake.circuit.open_until = 0.0
    rest = wake.circuit.rest

    wake.push([CONNECTION])  # the same as the first, which is on its way

    assert wake.circuit.rest == rest


@pytest.mark.django_db(transaction=True)
def test_a_save_wakes_each_of_its_connections_once_it_is_committed(queue):
    connections = [connect("First"), connect("Second")]

    with transaction.atomic():
        save_task()
        within = len(queue())

    assert within == 0
    assert sorted(ids(queue)) == sorted(str(one.pk) for one in connections)


@pytest.mark.django_db(transaction=True)
def test_a_save_that_is_taken_back_wakes_nobody(queue):
    connect()

    with transaction.atomic():
        save_task()
        transaction.set_rollback(True)

    assert queue() == []


@pytest.mark.django_db(transaction=True)
def test_resuming_a_connection_wakes_it(queue):
    connection = connect()
    services.pause_connection(connection=connection, now=NOON)

    services.resume_connection(connection=connection)

    assert ids(queue) == [str(connection.pk)]
