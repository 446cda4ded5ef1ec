"""Measure everything, or some of it: `python -m bench`, `python -m bench --quick`, `python -m bench --only T1 T6`."""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from bench import databases, figures
from bench.experiments import EXPERIMENTS, Experiment, Size, by_number, chosen, side_by_side
from bench.figures import Figure
from tools.servers import NotFoundOnThisMachine

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results"
PUBLISHED = ROOT / "docs" / "benchmarks.md"
LONGEST = {Size.QUICK: 240, Size.USUAL: 900, Size.FULL: 7200}  # seconds of one experiment
LONGEST_END = 30  # seconds that one may take to end
MEASURED, NOT_MEASURED, WRONG_USE = 0, 1, 2


def main() -> int:
    """Run what the command line asks for; returns 0 when all could be measured, whether targets were met or missed."""
    options = _options()
    began = time.monotonic()
    try:
        groups = side_by_side(chosen(options.only), options.size)
        with databases.server():
            found = [one for group in groups for one in _measure(group, options.size, began=began)]
    except (ValueError, NotFoundOnThisMachine) as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE
    wanted = [one for one in found if not options.only or one.name in options.only]
    wanted.sort(key=lambda one: by_number(one.name))
    _report(wanted, options, took_s=time.monotonic() - began)
    return NOT_MEASURED if any(one.what == figures.NOT_MEASURED for one in wanted) else MEASURED


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description="Measure the hub and its peers.")
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--quick",
        dest="size",
        action="store_const",
        const=Size.QUICK,
        help="less of everything, in some minutes",
    )
    size.add_argument(
        "--full",
        dest="size",
        action="store_const",
        const=Size.FULL,
        help="all of everything, however long it takes",
    )
    names = sorted({name for one in EXPERIMENTS for name in one.figures}, key=by_number)
    parser.add_argument("--only", nargs="+", default=[], metavar="FIGURE", help=f"some of {', '.join(names)}")
    parser.add_argument("--json", type=Path, help="the file for the figures; by default one in bench/results")
    parser.add_argument(
        "--publish", action="store_true", help=f"write this run into {PUBLISHED.relative_to(ROOT)} too"
    )
    parser.set_defaults(size=Size.USUAL)
    return parser.parse_args()


# Measuring


def _measure(group: Sequence[Experiment], size: Size, *, began: float) -> list[Figure]:
    with ThreadPoolExecutor(len(group)) as pool:
        found = [one for several in pool.map(partial(_run, size=size), group) for one in several]
    for one in found:
        print(f"{time.monotonic() - began:6.0f} s  {figures.line(one)}", flush=True)
    return found


def _run(experiment: Experiment, *, size: Size) -> list[Figure]:
    """Run one experiment in a process of its own; what goes wrong there stands for its figures and ends nothing else."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        file = Path(folder) / "figures.json"
        command = [sys.executable, "-m", "bench.child", experiment.function, size, str(file)]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env=_surroundings(experiment),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            said, is_late = _wait_for(process, seconds=LONGEST[size])
        if is_late:
            return _not_measured(experiment, f"longer than {LONGEST[size]} s")
        if process.returncode:
            print(said, file=sys.stderr)
            last = said.strip().rpartition("\n")[2]
            return _not_measured(experiment, _placeless(last) or f"exit status {process.returncode}")
        return figures.from_json(file.read_text())


def _placeless(text: str) -> str:
    """Return the text with names of files and nothing of the folders that they lie in: it may be published."""
    return re.sub(r"(/[\w.+-]+)+/", "…/", text)


def _wait_for(process: subprocess.Popen[str], *, seconds: float) -> tuple[str, bool]:
    """Return what it said, and whether it had to be ended after so many seconds; it is asked first, so that it leaves nothing behind."""
    for patience, end in ((seconds, process.terminate), (LONGEST_END, process.kill)):
        try:
            return process.communicate(timeout=patience)[1], patience != seconds
        except subprocess.TimeoutExpired:
            end()
    return process.communicate()[1], True


def _surroundings(experiment: Experiment) -> dict[str, str]:
    """Return the environment of an experiment's process; one that restarts PostgreSQL is not told of the run's."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "BENCH_POSTGRES" or not experiment.restarts
    }


def _not_measured(experiment: Experiment, why: str) -> list[Figure]:
    return [figures.not_measured(name, why) for name in experiment.figures]


# Telling


def _report(found: Sequence[Figure], options: argparse.Namespace, *, took_s: float) -> None:
    at = datetime.now(UTC)
    about = {
        "at": at.isoformat(timespec="seconds"),
        "size": options.size,
        "took_s": round(took_s),
        "machine": _machine(),
    }
    file = options.json or RESULTS / f"{at:%Y-%m-%dT%H%M%S}-{options.size}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(figures.as_json(found, **about) + "\n")
    page = file.with_suffix(".md")
    page.write_text(figures.page(found, **about))
    if options.publish:
        PUBLISHED.write_text(figures.page(found, **about))
    print(f"\n{figures.table(found)}\n\n{figures.summary(found)} {took_s:.0f} s. In {file} and {page}.")


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
