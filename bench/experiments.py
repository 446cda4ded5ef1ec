"""The experiments of a run, in order. A new one is a function `(lab) -> Iterable[Figure]` and a line here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum


class Size(StrEnum):
    """How much a run does: a look in minutes, the usual in some sixteen, or everything without a limit of time."""

    QUICK = "quick"
    USUAL = "usual"
    FULL = "full"

    def pick(self, quick: int, usual: int, full: int | None = None) -> int:
        """Return how many of something this size takes; the full run takes as many as the usual unless told otherwise."""
        return {Size.QUICK: quick, Size.USUAL: usual, Size.FULL: usual if full is None else full}[self]


@dataclass(frozen=True)
class Experiment:
    """One function of the bench, `module:function`, and the figures that it measures.

    One that spends its time waiting, for vendors or for what ends a fault, `waits_with` others and runs beside those that follow it and name the
    same; a quick run does not tell them apart. One that `restarts` PostgreSQL has one of its own.
    """

    function: str
    figures: tuple[str, ...]
    waits_with: str = ""
    restarts: bool = False


EXPERIMENTS = (
    Experiment("bench.drain:prefork", ("T1", "T6")),
    Experiment("bench.drain:threads", ("T2", "T6")),
    Experiment("bench.drain:backlog", ("T3",)),
    Experiment("bench.drain:ceiling", ("T22",)),
    Experiment("bench.drain:bursts", ("T7", "T11")),
    Experiment("bench.saves:one_save", ("T8",)),
    Experiment("bench.saves:many_saves", ("T9",)),
    Experiment("bench.saves:broker_away", ("T10",)),
    Experiment("bench.limits:cost", ("T21",)),
    Experiment("bench.memory:workers", ("T16",)),
    Experiment("bench.scale:million", ("T17", "T18", "T19", "T20")),
    Experiment("bench.limits:hubspot", ("T4",)),
    Experiment("bench.limits:highlevel", ("T4",), waits_with="limits"),
    Experiment("bench.limits:leadsquared", ("T4",), waits_with="limits"),
    Experiment("bench.limits:leadlex", ("T4",), waits_with="limits"),
    Experiment("bench.limits:without_redis", ("T5",), waits_with="faults"),
    Experiment("bench.limits:redis_stops", ("T5",), waits_with="faults"),
    Experiment("bench.recovery:redelivery", ("T12",), waits_with="faults"),
    Experiment("bench.recovery:five_faults", ("T13",), restarts=True),
    Experiment("bench.exactness:exactness", ("T14", "T15"), waits_with="kills"),
    Experiment("bench.exactness:naive_early", ("T14",), waits_with="kills"),
    Experiment("bench.exactness:naive_late", ("T14",), waits_with="kills"),
    # On clocks that are moved; and a peer that is slowed down asks for less that is refused.
    Experiment("bench.limits:budget_of_a_day", ("T4",), waits_with="kills"),
    Experiment("bench.limits:naive", ("T4",), waits_with="kills"),
)


def chosen(only: Collection[str]) -> list[Experiment]:
    """Return the experiments that measure one of these figures, all of them where none is named. Raises `ValueError` for an unknown one."""
    known = {name for one in EXPERIMENTS for name in one.figures}
    if unknown := set(only) - known:
        raise ValueError(
            f"no experiment measures {', '.join(sorted(unknown))}; there are {', '.join(sorted(known, key=by_number))}"
        )
    return [one for one in EXPERIMENTS if not only or set(one.figures) & set(only)]


def by_number(name: str) -> tuple[int, str]:
    """Return what sorts the names of figures by their number; names without one come last."""
    return (int(name[1:]) if name[1:].isdigit() else 99, name)


def side_by_side(experiments: list[Experiment], size: Size) -> list[list[Experiment]]:
    """Return the experiments in groups: neighbours that wait together, every other one by itself; in a quick run in twos."""
    groups: list[list[Experiment]] = []
    for one in experiments:
        if groups and _fits(one, groups[-1], size):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _fits(one: Experiment, group: list[Experiment], size: Size) -> bool:
    before = group[-1].waits_with
    if size is Size.QUICK and bool(one.waits_with) == bool(before):
        return bool(before) or len(group) == 1
    return bool(before) and one.waits_with == before
