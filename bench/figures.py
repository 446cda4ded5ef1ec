"""What was measured: a figure with its target and its peer, and how figures are shown to people and to machines."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MET, MISSED, UNJUDGED = "met", "MISSED", "–"
NOT_MEASURED = "not measured"
NEVER = "never"


@dataclass(frozen=True)
class Target:
    """What a figure should be: at least or at most this much."""

    text: str
    least: float = -math.inf
    most: float = math.inf

    def is_met_by(self, value: float) -> bool:
        """Return whether the value lies within; what is not a number never does."""
        return self.least <= value <= self.most


def at_least(bound: float) -> Target:
    """Return the target of a figure that should be large."""
    return Target(f"≥ {number(bound)}", least=bound)


def at_most(bound: float) -> Target:
    """Return the target of a figure that should be small."""
    return Target(f"≤ {number(bound)}", most=bound)


def exactly(bound: float) -> Target:
    """Return the target of a count that must be just this."""
    return Target(number(bound), least=bound, most=bound)


@dataclass(frozen=True)
class Figure:
    """One measured figure. `name` is its row in bench/README.md; `peer` the other's figure of the same run, in words.

    `is_met` is None for a figure without a target.
    """

    name: str
    what: str
    value: float
    unit: str = ""
    target: str = ""
    peer: str = ""
    is_met: bool | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return in one word whether the target was met."""
        return {True: MET, False: MISSED, None: UNJUDGED}[self.is_met]

    @property
    def shown(self) -> str:
        """Return the value with its unit."""
        return f"{number(self.value)}{' ' if self.unit and self.unit != '%' else ''}{self.unit}"


def figure(
    name: str, what: str, value: float, *, unit: str = "", target: Target, peer: str = "", note: str = ""
) -> Figure:
    """Return a figure, judged by its target."""
    is_met = target.is_met_by(value)
    return Figure(name, what, value, unit, target.text, peer, is_met, note)


def not_measured(name: str, why: str) -> Figure:
    """Return what stands for a figure whose measurement went wrong: it counts as missed."""
    return Figure(name, NOT_MEASURED, math.nan, is_met=False, note=why)


# Arithmetic


def median(values: Iterable[float]) -> float:
    """Return the median; not a number where there are no values."""
    values = list(values)
    return statistics.median(values) if values else math.nan


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the smallest value that so many percent of the values do not exceed (nearest rank)."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(math.ceil(len(ordered) * percent / 100), 1) - 1]


def ratio(one: float, other: float) -> float:
    """Return one ÷ other; not a number where the other is nothing."""
    return one / other if other else math.nan


def spread(values: Iterable[float], unit: str = "") -> str:
    """Return least, median and most in words; one value alone as it is."""
    values = list(values)
    three = [min(values), median(values), max(values)] if values else [math.nan]
    shown = [number(one) for one in (three if len(values) > 1 else three[:1])]
    return " / ".join(shown) + (f" {unit}" if unit else "")


def number(value: float) -> str:
    """Return a number as people read it: three digits that count, thousands apart."""
    if math.isnan(value):
        return "?"
    if math.isinf(value):
        return NEVER
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.{2 - math.floor(math.log10(abs(value)))}f}".rstrip("0").rstrip(".")


# Showing

HEAD = ("", "what", "measured", "target", "", "peer, same run", "note")


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    rows = [HEAD, ("---",) * len(HEAD)]
    rows += [
        (one.name, one.what, one.shown, one.target or "–", one.verdict, one.peer or "–", one.note)
        for one in figures
    ]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)


def line(one: Figure) -> str:
    """Return the figure as one line for the terminal."""
    peer = f"; {one.peer}" if one.peer else ""
    note = f" ({one.note})" if one.note else ""
    target = f", target {one.target}: {one.verdict}" if one.target else ""
    return f"{one.name:4} {one.what}: {one.shown}{target}{peer}{note}"


def summary(figures: Sequence[Figure]) -> str:
    """Return in one sentence how many targets were met."""
    judged = [one for one in figures if one.is_met is not None]
    missed = [one.name for one in judged if not one.is_met]
    return f"{len(judged) - len(missed)} of {len(judged)} targets met." + (
        f" Missed: {', '.join(missed)}." if missed else ""
    )


def page(figures: Sequence[Figure], *, at: str, size: str, took_s: float, machine: str) -> str:
    """Return the figures as a page in Markdown."""
    return f"""# Benchmarks

Measured {at[:10]} by `make bench`{"" if size == "usual" else f" ({size})"} in {took_s:.0f} s: {machine}. What each figure means and how it is measured stands in
[bench/README.md](../bench/README.md). Database, broker, vendors, workers and the one who saves share the machine, so ratios tell more than
absolute figures; peers ran in the same run.

{summary(figures)}

{table(figures)}
"""


def as_json(figures: Iterable[Figure], **about: Any) -> str:
    """Return the figures with what is known about the run, as JSON; a value that is no number is null."""
    rows = [
        {**asdict(one), "value": one.value if math.isfinite(one.value) else None, "shown": one.shown}
        for one in figures
    ]
    return json.dumps({**about, "figures": rows}, indent=2, ensure_ascii=False)


def from_json(text: str) -> list[Figure]:
    """Return the figures that `as_json` wrote."""
    return [_from_row(**row) for row in json.loads(text)["figures"]]


def _from_row(*, value: float | None, shown: str, **others: Any) -> Figure:
    if value is None:
        value = math.inf if shown.startswith(NEVER) else math.nan
    return Figure(value=value, **others)
