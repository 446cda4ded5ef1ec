"""How soon and how well it goes on after processes were killed and the database was away (T12, T13)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connection as own
from django.db.models import F, Min, Value
from django.db.models.functions import Concat
from django.utils import timezone

from bench import databases
from bench.experiments import Size
from bench.figures import Figure, at_least, at_most, exactly, figure, number, ratio, spread
from bench.lab import Lab, Unsettled, make_backlog, owe_all, titles_wrong, wait_until
from bench.peer import Naive
from bench.processes import Workers
from bench.vendors import Vendor
from crmhub import wake
from crmhub.models import Attempt, Connection, Task, TaskLink

LEASE_S, SWEEP_S = 10.0, 1.0  # instead of 60 and 5, so that something comes of it in time
FIND_LAG_S = 10.0  # HubSpot's, declared: how long a lost create is not looked for
IN_THE_CALL_S = 0.15  # after a claim, when the request is out and not answered
SHORT: dict[str, Any] = {"lease_seconds": LEASE_S, "sweep_seconds": SWEEP_S}


# T12


def redelivery(lab: Lab) -> Iterator[Figure]:
    """T12: how long what a killed worker held waits for the next."""
    vendor = lab.stub("--batch=0.3")
    connection = lab.connect(vendor, scope="manual")
    make_backlog([connection], 200)
    with lab.workers(**SHORT) as workers:
        owe_all([connection])
        lab.settle()
        edits = []
        for _ in range(lab.size.pick(1, 2)):
            _edit_all(connection)
            edits.append(_redelivered_after(lab, workers))
        vendor.reset()
        owe_all([connection])
        creates = [_redelivered_after(lab, workers)]
    least = LEASE_S + SWEEP_S + 1
    for what, waits, most in (("edits", edits, least), ("creates", creates, least + FIND_LAG_S)):
        yield figure(
            "T12",
            f"from kill -9 until the last of the {what} that it held is taken up again",
            max(waits),
            unit="s",
            target=at_most(most),
            note=f"lease {LEASE_S:g} s, sweep {SWEEP_S:g} s{f', find lag {FIND_LAG_S:g} s' if what == 'creates' else ''}; {spread(waits, 's')}",
        )


def _edit_all(connection: Connection) -> None:
    """Let every task be owed with a new title."""
    Task.objects.update(title=Concat(Value("New: "), "title"), version=F("version") + 1)
    TaskLink.objects.update(
        wanted_version=F("wanted_version") + 1, due_at=timezone.now(), sync_status="pending"
    )
    wake.push([connection.pk])


def _redelivered_after(lab: Lab, workers: Workers) -> float:
    """Kill the worker while it holds some; returns the seconds until the last of those has been taken up by another."""
    held = TaskLink.objects.filter(claim_token__isnull=False)
    wait_until(held.exists, "nothing was claimed")
    time.sleep(IN_THE_CALL_S)
    claims = set(held.values_list("claim_token", flat=True))
    at = timezone.now()
    workers.kill()
    stuck = set(held.filter(claim_token__in=claims).values_list("pk", flat=True))
    if not stuck:
        raise Unsettled("the worker held nothing when it was killed")
    lab.settle()
    again = Attempt.objects.filter(task_link__in=stuck, started_at__gt=at).values("task_link")
    taken_up = dict(again.annotate(first=Min("started_at")).values_list("task_link", "first"))
    return (max(taken_up[pk] for pk in stuck) - at).total_seconds()


# T13


@dataclass
class Side:
    """One of those who are hit by the same faults: its workers, its vendor, and what it did before anything happened."""

    workers: Workers
    vendor: Vendor
    baseline: float = 0.0

    def rate(self, seconds: float) -> float:
        """Return how many tasks in a second reach the vendor from now on, for so long."""
        began = self.sent()
        time.sleep(seconds)
        return (self.sent() - began) / seconds

    def sent(self) -> int:
        """Return how many tasks the vendor holds."""
        return len(self.vendor.tasks())


Fault = Callable[[list[Side], float], None]
PER_SECOND = 20  # saves
MANY = 1_000_000  # saves, more than there will be


@dataclass(frozen=True)
class Times:
    """Seconds: of a fault, after it until the rate must be what it was, and for which that is watched."""

    fault: float
    grace: float
    watched: float


USUAL, QUICK = Times(5.0, 8.0, 5.0), Times(3.0, 5.0, 3.0)


def five_faults(lab: Lab) -> Iterator[Figure]:
    """T13: the rate after a fault ÷ the rate before, hub and naive project side by side under the same faults."""
    times = QUICK if lab.size is Size.QUICK else USUAL
    vendor, theirs = lab.stub(), lab.stub()
    lab.connect(vendor)
    with (
        Naive(lab, theirs, acks="late", retry=True, visibility_s=6) as naive,
        lab.workers(groups=2, **SHORT) as workers,
        naive.workers(groups=2) as naive_workers,
        _saving(lab, naive) as is_over,
    ):
        sides = [Side(workers, vendor), Side(naive_workers, theirs)]
        for side in sides:
            wait_until(lambda one=side: one.sent() >= PER_SECOND, "hardly anything was sent")  # type: ignore[misc]
        for side, rate in zip(sides, _rates(sides, times.watched), strict=True):
            side.baseline = rate
        found = [(words, _after(fault, sides, times)) for words, fault in _FAULTS.items()]
        is_over.set()
        own.close()  # it was ended with all others
        lab.settle()
        ended = sum(child.pid is None for child in [*workers.groups, *workers.others])
    wrong = titles_wrong(vendor, Task.objects.values_list("title", flat=True))
    for words, (ours, naives) in found:
        yield figure(
            "T13",
            f"rate {times.grace:g} s after {words} ÷ before",
            ours * 100,
            unit="%",
            target=at_least(95),
            peer=f"naive {number(naives * 100)} %",
            note=f"{number(sides[0].baseline)} tasks/s before; naive, with late acknowledgement, {number(sides[1].baseline)}",
        )
    yield figure("T13", "tasks that were lost or came twice in all this", wrong, target=exactly(0))
    yield figure("T13", "workers that ended by themselves", ended, target=exactly(0))


@contextlib.contextmanager
def _saving(lab: Lab, naive: Naive) -> Iterator[threading.Event]:
    """Let both be saved to at a steady rate until the event is set."""
    is_over, flag = threading.Event(), lab.folder / "saving"
    flag.touch()
    threads = [
        threading.Thread(target=_save_steadily, args=(lab, is_over)),
        threading.Thread(target=lambda: naive.save(MANY, every=1 / PER_SECOND, flag=flag)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield is_over
    finally:
        is_over.set()
        flag.unlink()
        for thread in threads:
            thread.join()


def _save_steadily(lab: Lab, is_over: threading.Event) -> None:
    for count in range(MANY):
        if is_over.wait(1 / PER_SECOND):
            break
        try:
            lab.save_task(f"Task {count}")
        except Exception:  # without a database a save fails, and says so
            own.close()
    own.close()


def _rates(sides: list[Side], seconds: float) -> list[float]:
    rates = [0.0] * len(sides)

    def watch(number_: int) -> None:
        rates[number_] = sides[number_].rate(seconds)

    threads = [threading.Thread(target=watch, args=(n,)) for n in range(len(sides))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return rates


def _after(fault: Fault, sides: list[Side], times: Times) -> list[float]:
    fault(sides, times.fault)
    time.sleep(times.grace)
    rates = _rates(sides, times.watched)
    return [ratio(rate, side.baseline) for side, rate in zip(sides, rates, strict=True)]


def _one_kill(sides: list[Side], seconds: float) -> None:
    for side in sides:
        side.workers.kill(0)
    time.sleep(seconds)


def _kills(sides: list[Side], seconds: float) -> None:
    for _ in range(3):
        for side in sides:
            side.workers.kill(0)
        time.sleep(seconds / 3)


def _restart(_: list[Side], seconds: float) -> None:
    own.close()
    databases.restart(down_s=seconds / 2)


def _terminated(_: list[Side], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with databases.as_owner() as server:
            server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL"
            )
        time.sleep(0.5)


def _exhausted(_: list[Side], seconds: float) -> None:
    with contextlib.ExitStack() as held:
        with contextlib.suppress(psycopg.OperationalError):
            for _number in range(300):
                held.enter_context(databases.as_owner())
        time.sleep(seconds)


_FAULTS: dict[str, Fault] = {
    "kill -9 of one of two workers": _one_kill,
    "a restart of PostgreSQL": _restart,
    "three kill -9 of one of two workers": _kills,
    "some seconds in which every database connection is ended twice a second": _terminated,
    "some seconds in which all database connections are taken": _exhausted,
}
