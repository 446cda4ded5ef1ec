"""Keeping to the vendors' limits: how long it takes against the least it could, and how much was refused (T4, T5, T21)."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Min

from bench.figures import Figure, at_most, exactly, figure, median, number, percentile, ratio
from bench.lab import (
    Lab,
    Unsettled,
    link_contact,
    make_backlog,
    owe_all,
    settled_at,
    titles_wrong,
    wait_until,
)
from bench.peer import Naive
from bench.processes import Valkey
from bench.vendors import Vendor
from config.environment import broker_url
from crmhub import sync
from crmhub.models import Connection, Contact, TaskLink
from crmhub.sync import pace
from providers.capabilities import Limit
from providers.simulator.windows import Window

PROCESSES = 4  # of the hub's worker
PATIENCE = 2.0  # times the least, after which what is left is given up


@dataclass(frozen=True)
class Profile:
    """One vendor's limit, and the work: so many calls, each with as many tasks as the hub puts into one there."""

    code: str
    limit: Limit
    calls: int
    latency_s: float
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def least_s(self) -> float:
        """Return the seconds that the calls take at least, begun with nothing used."""
        return (math.ceil(self.calls / self.limit.calls) - 1) * self.limit.seconds + self.latency_s

    @property
    def words(self) -> str:
        """Return the profile in words."""
        limit = f"{self.limit.calls} in {self.limit.seconds:g} s"
        return f"{self.calls} calls at {limit}, each {self.latency_s * 1000:.0f} ms, {PROCESSES} processes"


def hubspot(lab: Lab) -> Iterator[Figure]:
    """T4: batches."""
    profile = Profile("hubspot", Limit(100, 10.0), lab.size.pick(101, 200), 0.15, {"plan": "starter"})
    vendor = lab.stub("--batch=0.15", "--limit=100/10")
    yield from _kept("T4", "HubSpot, 100 tasks to a call", lab, profile, vendor)


def highlevel(lab: Lab) -> Iterator[Figure]:
    """T4: single calls that take as long as recorded ones did."""
    profile = Profile("highlevel", Limit(100, 10.0), lab.size.pick(200, 500), 2.0)
    yield from _kept("T4", "HighLevel, one task to a call", lab, profile, _simulator(lab, profile))


def leadsquared(lab: Lab) -> Iterator[Figure]:
    """T4: a short window."""
    profile = Profile("leadsquared", Limit(25, 5.0), lab.size.pick(50, 100), 2.0, {"plan": "enterprise"})
    yield from _kept("T4", "LeadSquared", lab, profile, _simulator(lab, profile))


def leadlex(lab: Lab) -> Iterator[Figure]:
    """T4: a long window. A few calls less than two windows, for connecting has used some."""
    profile = Profile("leadlex", Limit(200, 60.0), lab.size.pick(220, 390), 2.0, {"plan": "org"})
    yield from _kept("T4", "LeadLex, one task to a call", lab, profile, _simulator(lab, profile))


def budget_of_a_day(lab: Lab) -> Iterator[Figure]:
    """T4: a budget for each day in UTC beside the one for each minute, on clocks that are moved."""
    minute, day = Limit(10, 60.0), Limit(100, 86_400.0, is_fixed=True)
    calls = lab.size.pick(120, 250)
    vendor = lab.simulator("leadlex", "--limit=10/60", "--limit=100/86400/fixed", "--latency=0")
    connection = lab.connect(vendor, limits="", plan="starter")
    make_backlog([connection], calls, contact=link_contact(connection, vendor))
    owe_all([connection])
    begins = datetime.fromisoformat(vendor.ask("POST", "clock", {"advance": 0})["now"])
    used = len(vendor.log())
    took = _push_on_a_moved_clock(connection, vendor, begins)
    least = _least_on_any_clock([minute, day], begins, calls=used + calls)
    yield figure(
        "T4",
        f"LeadLex Starter, {calls} tasks at 10 in a minute and 100 a day, clocks moved: time ÷ least",
        ratio(took.total_seconds(), least),
        unit="×",
        target=at_most(1.05),
        note=f"{took.total_seconds() / 3600:.1f} h, least {least / 3600:.1f} h",
    )
    yield figure("T4", "LeadLex Starter: calls refused", vendor.refused(), target=exactly(0))


def without_redis(lab: Lab) -> Iterator[Figure]:
    """T5: the store of the pace is away from the beginning. The broker is another server, and is there."""
    yield from _kept_without_redis(lab, "the store of the pace away", stop_after=0)


def redis_stops(lab: Lab) -> Iterator[Figure]:
    """T5: the store of the pace goes away half-way."""
    yield from _kept_without_redis(lab, "the store of the pace stopped half-way", stop_after=0.5)


def naive(lab: Lab) -> Iterator[Figure]:
    """T4: what becomes of the naive project at the same limit."""
    count = lab.size.pick(200, 500)
    for retry, words in ((False, "without retry"), (True, "autoretry with back-off, five times")):
        vendor = lab.stub("--single=0.05", "--limit=100/10")
        with Naive(lab, vendor, retry=retry) as project, project.workers(pool="threads", concurrency=16):
            told = project.save(count, wait=120, idle=lab.size.pick(17, 35))
        yield Figure(
            "T4",
            f"for comparison: naive, {count} tasks at 100 in 10 s, threads -c 16, {words}: never sent",
            told["not_synced"],
            unit=f"of {count}",
            note=f"{vendor.refused():,} calls refused",
        )


def cost(lab: Lab) -> Iterator[Figure]:
    """T21: what asking for a slot costs."""
    connection = lab.connect(lab.stub(), limits="")
    for is_away, words, most in ((False, "Redis", 60), (True, "the database, Redis away", 250)):
        if is_away:
            lab.valkey.stop()
        spent = _asked(connection, lab.size.pick(500, 3000))
        yield figure(
            "T21",
            f"asking for a slot, in {words}: half within",
            median(spent) * 1e6 if spent else math.inf,
            unit="µs",
            target=at_most(most),
            note=f"99 of 100 within {number(percentile(spent, 99) * 1e6)} µs"
            if spent
            else "no slot was given",
        )


# The hub at a limit


def _simulator(lab: Lab, profile: Profile) -> Vendor:
    limit = f"{profile.limit.calls}/{profile.limit.seconds:g}"
    return lab.simulator(profile.code, f"--limit={limit}", f"--latency={profile.latency_s}")


def _kept(name: str, what: str, lab: Lab, profile: Profile, vendor: Vendor) -> Iterator[Figure]:
    connection = lab.connect(vendor, limits="", scope="manual", **profile.settings)
    count = profile.calls * connection.capabilities.batch_size
    make_backlog([connection], count, contact=_contact(connection, vendor))
    with lab.workers(concurrency=PROCESSES):
        _let_the_window_pass(profile)
        took = _drained(connection, profile)
    yield from _verdict(name, what, profile, vendor, took, count, most=1.05)


def _kept_without_redis(lab: Lab, what: str, *, stop_after: float) -> Iterator[Figure]:
    profile = Profile("highlevel", Limit(100, 10.0), lab.size.pick(200, 500), 0.05)
    vendor = _simulator(lab, profile)
    connection = lab.connect(vendor, limits="", scope="manual")
    make_backlog([connection], profile.calls, contact=_contact(connection, vendor))
    store = Valkey(lab.folder / "store")
    broker = broker_url("REDIS_URL", redis=lab.valkey.url)
    try:
        if not stop_after:
            store.stop()
        with lab.workers(concurrency=PROCESSES, redis_url=store.url, celery_broker_url=broker):
            _let_the_window_pass(profile)
            began = time.monotonic()
            owe_all([connection])
            if stop_after:
                done = TaskLink.objects.filter(sync_status="in_sync")
                wait_until(
                    lambda: done.count() >= profile.calls * stop_after, "half were not sent", seconds=120
                )
                store.stop()
            took = _settled_after(began, profile)
    finally:
        store.stop()
    yield from _verdict("T5", f"HighLevel, {what}", profile, vendor, took, profile.calls, most=1.10)


def _contact(connection: Connection, vendor: Vendor) -> Contact | None:
    return link_contact(connection, vendor) if connection.capabilities.needs_one_of else None


def _let_the_window_pass(profile: Profile) -> None:
    # What connecting used is forgotten then. A minute is not waited for; such profiles leave room instead.
    if profile.limit.seconds <= 10:
        time.sleep(profile.limit.seconds * 1.1)


def _drained(connection: Connection, profile: Profile) -> float:
    began = time.monotonic()
    owe_all([connection])
    return _settled_after(began, profile)


def _settled_after(began: float, profile: Profile) -> float:
    at = settled_at(seconds=profile.least_s * PATIENCE + 10)
    return math.inf if at is None else at - began


def _verdict(
    name: str, what: str, profile: Profile, vendor: Vendor, took: float, count: int, *, most: float
) -> Iterator[Figure]:
    wrong = titles_wrong(vendor, [f"Task {n}" for n in range(count)])
    if wrong and math.isfinite(took):
        raise RuntimeError(f"{wrong} tasks are not as they should be at {vendor.code}")
    left = f"; {wrong} of {count:,} not sent" if wrong else ""
    yield figure(
        name,
        f"{what}: {profile.words}: time ÷ least",
        took / profile.least_s,
        unit="×",
        target=at_most(most),
        note=f"{number(took)} s, least {number(profile.least_s)} s{left}",
    )
    yield figure(name, f"{what}: calls refused", vendor.refused(), target=exactly(0))


# Clocks that are moved


def _push_on_a_moved_clock(connection: Connection, vendor: Vendor, now: datetime) -> timedelta:
    """Push whatever is due and move both clocks to when more is; returns how long that was for the clocks."""
    began = last = now
    while (due := TaskLink.objects.aggregate(due=Min("due_at"))["due"]) is not None:
        connection.refresh_from_db()
        then = max(due, connection.wait_until or due)
        if then > now:
            vendor.ask("POST", "clock", {"advance": (then - now).total_seconds()})
            now = then
        if sync.push_due(connection.pk, now=now).settled:
            last = now
    return last - began


def _least_on_any_clock(limits: list[Limit], begins: datetime, *, calls: int) -> float:
    """Return the seconds after which the last of so many calls can go out."""
    windows = [Window(limit) for limit in limits]
    began = now = begins.timestamp()
    for _ in range(calls):
        while (wait := max(window.wait(now) for window in windows)) > 0:
            now += wait + 0.001
        for window in windows:
            window.count(now)
    return now - began


def _asked(connection: Connection, count: int) -> list[float]:
    """Return the seconds that each asking took; nothing where no slot was given."""
    limits = [Limit(10_000, 0.5)]  # as many as never make anybody wait here
    with contextlib.suppress(Unsettled):
        # Where the store has changed, the window counts as used up at first.
        wait_until(lambda: bool(pace.reserve(connection.pk, limits).delays), "no slot was given", seconds=15)
    spent = []
    for _ in range(count):
        began = time.perf_counter()
        slots = pace.reserve(connection.pk, limits, ahead=1.0)
        spent.append(time.perf_counter() - began)
        if not slots.delays:
            return []
    return spent
