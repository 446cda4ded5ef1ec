"""What workers weigh, before and after much work (T16). Linux tells the memory that processes share; elsewhere nothing is measured."""

from __future__ import annotations

from collections.abc import Iterator

from bench.drain import backlog_round
from bench.figures import Figure, at_most, figure, number, ratio
from bench.lab import Lab, make_backlog
from bench.peer import Naive

POOLS = (("prefork", 2, 165), ("threads", 16, 110))  # pool, its size, the most MiB


def workers(lab: Lab) -> Iterator[Figure]:
    """T16: the memory of one worker with all its processes, of the hub and of the naive project."""
    vendor = lab.stub("--single=0.005", "--batch=0.005")
    connection = lab.connect(vendor, scope="manual")
    count = lab.size.pick(500, 3000, 10_000)
    make_backlog([connection], count)
    for pool, size, most in POOLS:
        rounds = lab.size.pick(2, 4, 10) if pool == "prefork" else 1
        with lab.workers(pool=pool, concurrency=size) as ours:
            weights = []
            for _ in range(rounds):
                backlog_round(lab, [vendor], [connection], count)
                weights.append(ours.pss_mib())
        with Naive(lab, vendor) as naive, naive.workers(pool=pool, concurrency=size) as theirs:
            naive.save(300, wait=60)
            peer = theirs.pss_mib()
        yield figure(
            "T16",
            f"memory of a worker, {pool} -c {size}, after {count * rounds:,} tasks",
            weights[-1],
            unit="MiB",
            target=at_most(most),
            peer=f"naive {number(peer)} MiB",
            note="shared pages divided among those who share them",
        )
        if rounds > 1:
            yield figure(
                "T16",
                f"growth from {count:,} tasks to {count * rounds:,}, {pool} -c {size}",
                (ratio(weights[-1], weights[0]) - 1) * 100,
                unit="%",
                target=at_most(2),
                note=", ".join(number(one) for one in weights) + " MiB",
            )
