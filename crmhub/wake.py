"""Looking at a connection sooner than the next sweep would: a message by name, which may be lost, doubled or late.

Publishing never raises and never takes longer than a moment. It goes through a Celery app of its own, because the time-outs that suit
a worker's long-lived broker connection would hold a save up.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import cache
from uuid import UUID

import redis
from celery import Celery
from django.conf import settings
from django.db import transaction
from kombu.exceptions import ChannelError

from crmhub.kill_points import reached

log = logging.getLogger(__name__)

LONGEST_COUNTDOWN = 60.0  # seconds; Redis hands longer ones out twice
SAME_WAKE = 2  # seconds in which a second wake of one connection is the same wake
SOONER = (
    1.0  # seconds by which a wake for later must come earlier than the one on its way, to be published too
)
CIRCUIT_SECONDS = 1.0
AT_LEISURE = 9  # the lowest of Celery's priorities at a Redis broker; without one a message has the highest


class _Circuit:
    """Whether something failed a moment ago, in this process. While it goes on failing it is asked less and less often, for each try holds up a save."""

    def __init__(self) -> None:
        self.open_until, self.rest = 0.0, CIRCUIT_SECONDS

    @property
    def is_open(self) -> bool:
        return time.monotonic() < self.open_until

    def trip(self) -> None:
        self.open_until = time.monotonic() + self.rest
        # No longer than that: by then the sweep will have found what was not published.
        self.rest = max(CIRCUIT_SECONDS, min(self.rest * 2, settings.SWEEP_SECONDS))

    def reset(self) -> None:
        self.open_until, self.rest = 0.0, CIRCUIT_SECONDS


circuit = _Circuit()  # of the broker
marks = _Circuit()  # of the store that knows which wakes are on their way; it may be another server


def after_commit(connection_ids: Iterable[UUID]) -> None:
    """Wake these connections once the transaction is committed; nothing happens if it is rolled back."""
    wanted = sorted(set(connection_ids))
    if wanted:
        transaction.on_commit(lambda: _committed(wanted), robust=True)
        reached("before_commit")


def _committed(connection_ids: Iterable[UUID]) -> None:
    reached("after_commit")
    push(connection_ids)


def push(connection_ids: Iterable[UUID], *, countdown: float = 0.0, is_urgent: bool = True) -> bool:
    """Publish a wake for each connection; returns whether the broker took them all. Never raises.

    One that is not urgent is heard when no other is left. `countdown` is in seconds and cut at a minute; while such a wake is on its way, one for
    about the same moment or later is taken for the same. A broker that did not answer is not asked again for a second, then for two, and so on up to
    the time between two sweeps: they find what is due.
    """
    wanted = (one for one in connection_ids if _is_new(one, min(countdown, LONGEST_COUNTDOWN)))
    return _publish(wanted, countdown=min(countdown, LONGEST_COUNTDOWN), is_urgent=is_urgent)


def go_on(connection_id: UUID) -> bool:
    """Publish a wake for what a job left when its turn was over, behind everybody else's; no other wake is taken for the same. Never raises."""
    return _publish([connection_id], countdown=0.0, is_urgent=False)


def others_wait() -> bool:
    """Return whether wakes are waiting for a worker; True where the broker does not say."""
    try:
        with _publisher().connection_or_acquire() as broker:
            queue = settings.CELERY_TASK_DEFAULT_QUEUE
            waiting: int = broker.default_channel.queue_declare(queue, passive=True).message_count
    except ChannelError:
        return False  # no such queue: it is empty
    except Exception as error:
        log.warning("wakes_not_counted: %s", type(error).__name__)
        return True
    return waiting > 0


def _publish(connection_ids: Iterable[UUID], *, countdown: float, is_urgent: bool) -> bool:
    if circuit.is_open:
        return False
    try:
        for connection_id in connection_ids:
            _send(
                "crmhub.push_due",
                countdown=countdown,
                priority=None if is_urgent else AT_LEISURE,
                connection_id=str(connection_id),
            )
            circuit.reset()
    except Exception as error:  # whatever the broker does, a save that is committed must not fail
        circuit.trip()
        log.warning("wake_not_published: the sweep will find the work (%s)", type(error).__name__)
        return False
    return True


def is_answering() -> bool:
    """Return whether the broker answers and has room for a message; asks it, which takes a moment at most."""
    try:
        return bool(_store().set("crmhub:asked", "1", ex=1))
    except redis.RedisError:
        return False


def replay_after_commit(replay_id: UUID) -> None:
    """Let a worker go on with this replay once the transaction is committed."""
    transaction.on_commit(lambda: replay([replay_id]), robust=True)


def replay(replay_ids: Iterable[UUID]) -> bool:
    """Publish that workers are to go on with these replays; returns whether the broker took it. Never raises: the sweep publishes it again."""
    if circuit.is_open:
        return False
    try:
        for replay_id in replay_ids:
            _send("crmhub.replay", replay_id=str(replay_id))
            circuit.reset()
    except Exception as error:  # as for a push
        circuit.trip()
        log.warning("wake_not_published: the sweep will find the work (%s)", type(error).__name__)
        return False
    return True


def heard(connection_id: UUID) -> None:
    """Let the next wake of this connection through again; the job that answers a wake calls this before it looks what is due."""
    try:
        _store().delete(_key(connection_id))
    except redis.RedisError:
        log.warning("wake_key_not_deleted: it expires by itself")


def is_first(job: str, *, within: float) -> bool:
    """Return whether no other job of this name began in the last seconds: those that piled up while every worker was busy or away are worth no more than one.

    Messages do not expire for that: a worker whose clock runs ahead would throw every one away. Whoever has heard one knows that the broker is back.
    """
    circuit.reset()
    try:
        return bool(_store().set(f"crmhub:begun:{job}", "1", nx=True, px=int(within * 1000)))
    except redis.RedisError:
        return True


def _send(job: str, *, countdown: float = 0.0, priority: int | None = None, **about: str) -> None:
    _publisher().send_task(
        job, kwargs=about, countdown=countdown or None, priority=priority, retry=False, ignore_result=True
    )


def _is_new(connection_id: UUID, countdown: float) -> bool:
    """Return whether no such wake is on its way; True too where nobody knows, for one too many is no harm.

    Raises `redis.TimeoutError` where that took a moment already: the broker would take another one.
    """
    if marks.is_open:
        return True
    try:
        if countdown:
            is_new = _is_new_for_later(connection_id, countdown)
        else:
            is_new = bool(_store().set(_key(connection_id), "1", nx=True, ex=SAME_WAKE))
    except redis.RedisError as error:
        marks.trip()
        if isinstance(error, redis.TimeoutError):
            raise
        log.warning("wakes_not_marked: %s", type(error).__name__)
        return True
    marks.reset()
    return is_new


def _is_new_for_later(connection_id: UUID, countdown: float) -> bool:
    # The mark ends when its wake arrives. `heard` leaves it alone: a save's wake is heard while the one for later is still on its way, and each
    # save would add another.
    key, milliseconds = f"crmhub:woken-later:{connection_id}", max(int(countdown * 1000), 1)
    if _store().set(key, "1", nx=True, px=milliseconds):
        return True
    is_sooner = int(_store().pttl(key)) > milliseconds + SOONER * 1000
    return is_sooner and bool(_store().set(key, "1", px=milliseconds))


def _key(connection_id: UUID) -> str:
    return f"crmhub:woken:{connection_id}"


@cache
def _publisher() -> Celery:
    app = Celery("crmhub-wake", broker=settings.CELERY_BROKER_URL, set_as_current=False)
    app.conf.update(
        broker_transport_options={
            "max_retries": 0,
            "socket_connect_timeout": settings.WAKE_TIMEOUT_SECONDS,
            "socket_timeout": settings.WAKE_TIMEOUT_SECONDS,
        },
        broker_connection_timeout=settings.WAKE_TIMEOUT_SECONDS,
        task_publish_retry=False,
        task_default_queue=settings.CELERY_TASK_DEFAULT_QUEUE,
        task_ignore_result=True,
        timezone="UTC",
    )
    return app


@cache
def _store() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.WAKE_TIMEOUT_SECONDS,
        socket_timeout=settings.WAKE_TIMEOUT_SECONDS,
        retry=None,
    )
