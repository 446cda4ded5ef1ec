"""How fast saves reach the CRM: live and from a backlog, in how many requests, and how soon the first of them leaves (T1–T3, T6, T7, T11, T22)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import Figure, at_least, at_most, figure, median, number, percentile, ratio, spread
from bench.lab import Lab, make_backlog, owe_all, titles_wrong
from bench.peer import Naive
from bench.vendors import Vendor, writes
from crmhub.models import Connection

ROUNDS = 3
BATCH = 100  # tasks that HubSpot takes in one request
SINGLE_S, BATCH_S = 0.05, 0.15  # latency of the vendor
STUB = (f"--single={SINGLE_S}", f"--batch={BATCH_S}")
LATENCY = f"one POST {SINGLE_S * 1000:.0f} ms, a batch {BATCH_S * 1000:.0f} ms"
DRAINERS = 4  # processes of one worker, by default


@dataclass(frozen=True)
class Drain:
    """One round: seconds from the first save until all was there, seconds of the saves alone, requests it took."""

    drain_s: float
    saves_s: float
    requests: int


def prefork(lab: Lab) -> Iterator[Figure]:
    """T1, T6: saves live, two worker processes on either side."""
    count = lab.size.pick(200, 2000)
    hub = _live(lab, count, pool="prefork", concurrency=2)
    share = lab.size.pick(2, 2, 1)  # the naive time is that of its calls, one after the other
    half = _naive_live(lab, count // share, rounds=lab.size.pick(1, 1, ROUNDS), pool="prefork", concurrency=2)
    naive = [took * share for took in half]
    yield _times_faster(
        "T1", f"{count:,} saves until all are there, prefork -c 2: naive ÷ hub", hub, naive, target=25
    )
    yield _filling(hub, count, "prefork -c 2")


def threads(lab: Lab) -> Iterator[Figure]:
    """T2, T6: the same with sixteen threads, and a backlog without anybody saving."""
    count = lab.size.pick(200, 2000)
    hub = _live(lab, count, pool="threads", concurrency=16)
    backlog = _from_backlog(lab, count, accounts=1, pool="threads", concurrency=16)
    naive = _naive_live(lab, count, rounds=lab.size.pick(1, 1, ROUNDS), pool="threads", concurrency=16)
    yield _times_faster(
        "T2", f"{count:,} saves until all are there, threads -c 16: naive ÷ hub", hub, naive, target=6
    )
    yield _filling(hub, count, "threads -c 16")
    yield figure(
        "T2",
        f"the same from a backlog of {count:,}",
        ratio(median(naive), median(backlog)),
        unit="×",
        target=at_least(15),
        peer=f"naive, live {spread(naive, 's')}",
        note=f"hub {spread(backlog, 's')}; {LATENCY}",
    )


def backlog(lab: Lab) -> Iterator[Figure]:
    """T3: a backlog against what its batches take at least."""
    count = lab.size.pick(2000, 10_000, 20_000)
    found = _from_backlog(lab, count, accounts=1, pool="prefork", concurrency=DRAINERS)
    least = count / BATCH * BATCH_S / DRAINERS
    yield figure(
        "T3",
        f"backlog of {count:,} at one account, prefork -c {DRAINERS}: time ÷ (batches × latency ÷ processes)",
        ratio(median(found), least),
        target=at_most(1.15),
        note=f"hub {spread(found, 's')}, least {number(least)} s; {LATENCY}",
    )


def ceiling(lab: Lab) -> Iterator[Figure]:
    """T22: what one machine can send where no vendor holds it back."""
    count, accounts = lab.size.pick(600, 2500, 5000), 4
    found = _from_backlog(lab, count, accounts=accounts, pool="prefork", concurrency=16)
    rates = [count * accounts / took for took in found]
    yield figure(
        "T22",
        f"backlog of {count:,} at each of {accounts} accounts, prefork -c 16, no limit",
        median(rates),
        unit="tasks/s",
        target=at_least(5000),
        note=f"{spread(rates, 'tasks/s')}; {LATENCY}",
    )


def bursts(lab: Lab) -> Iterator[Figure]:
    """T7, T11: ten saves of one task, and how soon a single save is there."""
    vendor = lab.stub(*STUB)
    lab.connect(vendor)
    with lab.workers():
        lab.warm_up()
        together = [_ten_saves(lab, vendor) for _ in range(ROUNDS)]
        waits = _idle_waits(lab, vendor, count=lab.size.pick(50, 200))
    with Naive(lab, vendor) as naive, naive.workers():
        vendor.reset()
        naive.save(10, wait=20, again=True)
        theirs = len(writes(vendor.log()))
    yield figure(
        "T7",
        "writes at the CRM for ten saves of one task in 100 ms; the last value is there each time",
        max(together),
        target=at_most(2),
        peer=f"naive {theirs}",
        note=f"{ROUNDS} rounds: {', '.join(map(str, together))}",
    )
    for name, percent, most in (("half", 50, 15), ("99 of 100", 99, 50)):
        yield figure(
            "T11",
            f"from a save to the request's arrival while nothing else happens: {name} within",
            percentile(waits, percent) * 1000,
            unit="ms",
            target=at_most(most),
            note=f"{len(waits)} saves",
        )


# The hub


def _live(lab: Lab, count: int, *, pool: str, concurrency: int) -> list[Drain]:
    vendor = lab.stub(*STUB)
    lab.connect(vendor, name=f"live {pool}")
    with lab.workers(pool=pool, concurrency=concurrency):
        lab.warm_up()
        return [_live_round(lab, vendor, count) for _ in range(ROUNDS)]


def _live_round(lab: Lab, vendor: Vendor, count: int) -> Drain:
    vendor.reset()
    titles = [f"Task {n}" for n in range(count)]
    began = time.monotonic()
    for title in titles:
        lab.save_task(title)
    saved = time.monotonic()
    settled = lab.settle()
    _refuse_wrong(vendor, titles)
    return Drain(settled - began, saved - began, len(writes(vendor.log())))


def _from_backlog(lab: Lab, count: int, *, accounts: int, pool: str, concurrency: int) -> list[float]:
    """Return the seconds in which a backlog of so many at each account was sent, round by round."""
    # Else a connection of an earlier part, which takes all tasks, would take these too: the sweep sees to that.
    Connection.objects.update(scope=Connection.Scope.MANUAL)
    vendors = [lab.stub(*STUB) for _ in range(accounts)]
    connections = [
        lab.connect(vendor, name=f"backlog {n}", scope="manual") for n, vendor in enumerate(vendors)
    ]
    make_backlog(connections, count)
    with lab.workers(pool=pool, concurrency=concurrency):
        return [backlog_round(lab, vendors, connections, count) for _ in range(ROUNDS)]


def backlog_round(lab: Lab, vendors: list[Vendor], connections: list[Connection], count: int) -> float:
    """Send a backlog of so many tasks at each of these once more, and return the seconds it took."""
    for vendor in vendors:
        vendor.reset()
    began = time.monotonic()
    owe_all(connections)
    took = lab.settle(seconds=300) - began
    for vendor in vendors:
        _refuse_wrong(vendor, [f"Task {n}" for n in range(count)])
    return took


def _refuse_wrong(vendor: Vendor, titles: list[str]) -> None:
    """Raise where the CRM does not hold just these: a figure of speed would be worth nothing."""
    if wrong := titles_wrong(vendor, titles):
        raise RuntimeError(f"{wrong} tasks are not as they should be at {vendor.code}")


def _ten_saves(lab: Lab, vendor: Vendor) -> int:
    vendor.reset()
    began = time.monotonic()
    task = lab.save_task("Save 0")
    for n in range(1, 10):
        time.sleep(max(0.0, began + n * 0.01 - time.monotonic()))
        lab.edit(task, f"Save {n}")
    lab.settle()
    _refuse_wrong(vendor, ["Save 9"])
    return len(writes(vendor.log()))


def _idle_waits(lab: Lab, vendor: Vendor, *, count: int) -> list[float]:
    """Return the seconds from each save's return to the arrival of its request; one save at a time."""
    vendor.reset()
    saved_at: dict[str, float] = {}
    for n in range(count):
        title = f"Idle {n}"
        lab.save_task(title)
        saved_at[title] = time.monotonic()
        lab.settle()
    arrived_at = {title: entry["monotonic"] for entry in vendor.log() for title in entry["titles"]}
    return [max(arrived_at[title] - at, 0.0) for title, at in saved_at.items()]


# The naive project


def _naive_live(lab: Lab, count: int, *, rounds: int, pool: str, concurrency: int) -> list[float]:
    vendor = lab.stub(*STUB)
    found = []
    for _ in range(rounds):
        with Naive(lab, vendor) as naive, naive.workers(pool=pool, concurrency=concurrency):
            naive.save(20, wait=20)
            vendor.reset()
            told = naive.save(count, wait=180)
            _refuse_wrong(vendor, [f"Task {n}" for n in range(count)])
            found.append(told["drain_s"])
    return found


# Telling


def _times_faster(name: str, what: str, hub: list[Drain], naive: list[float], *, target: float) -> Figure:
    return figure(
        name,
        what,
        ratio(median(naive), median(one.drain_s for one in hub)),
        unit="×",
        target=at_least(target),
        peer=f"naive {spread(naive, 's')}",
        note=f"hub {spread((one.drain_s for one in hub), 's')}, of these saving {spread((one.saves_s for one in hub), 's')}; {LATENCY}",
    )


def _filling(hub: list[Drain], count: int, pool: str) -> Figure:
    least = math.ceil(count / BATCH)
    return figure(
        "T6",
        f"requests for these {count:,} saves ÷ batches they would fill, {pool}",
        ratio(median(one.requests for one in hub), least),
        target=at_most(1.15),
        peer=f"naive {count / least:.0f}",
        note=f"{spread(one.requests for one in hub)} requests, least {least}",
    )
