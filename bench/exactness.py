"""Creates while answers are lost, requests refused, workers killed, the broker emptied: what is lost, what is there twice (T14, T15)."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

from bench.figures import Figure, exactly, figure
from bench.lab import Lab, Unsettled, link_contact, make_backlog, owe_all
from bench.peer import Naive
from bench.processes import Workers
from bench.recovery import SHORT
from bench.vendors import Vendor
from crmhub.models import Attempt, TaskLink
from providers.registry import codes

SEED = 20261130


def exactness(lab: Lab) -> Iterator[Figure]:
    """T14, T15: creates at four CRMs while answers are lost, requests refused, workers killed, the broker emptied."""
    count = lab.size.pick(60, 600, 10_000)
    vendors = {code: lab.simulator(code, "--unlimited", "--latency=0.05") for code in codes()}
    connections = [lab.connect(vendor, scope="manual") for vendor in vendors.values()]
    for connection in connections:
        contact = link_contact(connection, vendors[connection.provider])
    make_backlog(connections, count, contact=contact)
    for vendor in vendors.values():
        _make_unreliable(vendor)
    with lab.workers(groups=2, **SHORT) as workers:
        began = time.monotonic()
        owe_all(connections)
        harm = _harass(lab, workers, of=count * len(vendors))
        with contextlib.suppress(Unsettled):
            lab.settle(seconds=lab.size.pick(90, 400, 1800))
        took = time.monotonic() - began
        owed = TaskLink.objects.filter(due_at__isnull=False).count()
    words = f"{harm}, 5 % of answers lost, 5 % refused, seed {SEED}; {took:.0f} s, {owed} still owed then"
    for name, those, what in (
        ("T14", ["hubspot"], "HubSpot, whose keys are unique"),
        ("T15", [code for code in vendors if code != "hubspot"], "CRMs that only create"),
    ):
        lost, twice = _lost_and_twice([vendors[code] for code in those], count)
        note = f"{words}; {_looks(those)}"
        where = (
            f"{count:,} creates at {what}"
            if len(those) == 1
            else f"{count:,} creates at each of {len(those)} {what}"
        )
        yield figure(name, f"{where}: lost", lost, target=exactly(0), note=note)
        yield figure(name, f"{where}: there twice", twice, target=exactly(0))


def naive_early(lab: Lab) -> Iterator[Figure]:
    """T14: what becomes of the naive project, as one begins."""
    yield from _naive_under_faults(lab, "early acknowledgement, no retry", acks="early", retry=False)


def naive_late(lab: Lab) -> Iterator[Figure]:
    """T14: what becomes of it with all that its books recommend."""
    yield from _naive_under_faults(
        lab, "late acknowledgement, autoretry, messages delivered again after 6 s", acks="late", retry=True
    )


def _naive_under_faults(lab: Lab, words: str, *, acks: str, retry: bool) -> Iterator[Figure]:
    count = lab.size.pick(60, 300, 600)
    vendor = lab.simulator("hubspot", "--unlimited", "--latency=0.05")
    _make_unreliable(vendor)
    with (
        Naive(lab, vendor, acks=acks, retry=retry, visibility_s=6) as naive,
        naive.workers(concurrency=4) as workers,
    ):
        saver = threading.Thread(target=lambda: naive.save(count))
        saver.start()
        harm = _harass(lab, workers, of=count, sent=lambda: len(vendor.tasks()))
        saver.join()
        naive.drive("rest", "--idle=20", "--wait=90")
    lost, twice = _lost_and_twice([vendor], count)
    what, note = f"for comparison: naive, {count} creates, {words}", f"{harm}, the rest as above"
    yield Figure("T14", f"{what}: lost", lost, note=note)
    yield Figure("T14", f"{what}: there twice", twice)


def _make_unreliable(vendor: Vendor) -> None:
    # Not the looks, some of which are POST as well.
    writing = "(POST|PUT|PATCH) (?!.*([sS]earch|[rR]ead|[rR]etrieve)).*[tT]ask"
    lost = {"kind": "drop", "match": writing, "times": None, "share": 0.05, "after_write": True}
    refused = {"kind": "status", "match": writing, "times": None, "share": 0.05, "status": 503}
    vendor.ask("POST", "faults", [lost, refused])
    vendor.ask("POST", "find_lag", {"seconds": 3})


def _harass(lab: Lab, workers: Workers, *, of: int, sent: Callable[[], int] | None = None) -> str:
    """Kill a process every two seconds, every fifth time a whole worker, and empty the broker twice, until most was sent; says how often."""
    chance, kills, flushes = random.Random(SEED), 0, [2 / 3, 1 / 3]
    sent = sent or TaskLink.objects.filter(sync_status="in_sync").count
    end = time.monotonic() + lab.size.pick(20, 45, 900)
    while (share := sent() / of) < 0.95 and time.monotonic() < end:
        time.sleep(2)
        kills += 1
        if kills % 5:
            workers.kill_one(chance)
        else:
            workers.kill(chance.randrange(len(workers.groups)))
        if flushes and share >= flushes[-1]:
            flushes.pop()
            lab.valkey.flush()
    return f"{kills} kills, the broker emptied {2 - len(flushes)} times"


def _lost_and_twice(vendors: list[Vendor], count: int) -> tuple[int, int]:
    lost = twice = 0
    for vendor in vendors:
        there = Counter(one["title"] for one in vendor.tasks())
        lost += sum(f"Task {n}" not in there for n in range(count))
        twice += sum(times - 1 for times in there.values())
    return lost, twice


def _looks(those: list[str]) -> str:
    attempts = Attempt.objects.filter(connection__provider__in=those)
    unknown = attempts.filter(operation="create", outcome="unconfirmed").count()
    return f"{unknown} creates without a known answer, {attempts.filter(operation='find').count()} looks"
