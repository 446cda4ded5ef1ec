"""The vendors of an experiment, each a process: the hub's own simulators with the limits and the latency asked for, or the stub.

As a command it runs one simulator: `python -m bench.vendors highlevel --limit 100/10 --latency 2`.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from bench.stub import limit_of
from providers.capabilities import Limit
from providers.simulator import Server
from providers.simulator.__main__ import simulator_class

ANSWER_WITHIN = 60.0  # seconds; the log of a long run is large


@dataclass(frozen=True)
class Vendor:
    """A vendor that runs: where it is, what lets us in, and what it saw."""

    code: str
    url: str
    secret: dict[str, str]
    setting: dict[str, str]

    def reset(self) -> None:
        """Let it forget everything."""
        self.ask("POST", "reset")

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks it holds that nobody deleted."""
        return [one for one in self.ask("GET", "tasks") if not one["deleted"]]

    def log(self) -> list[dict[str, Any]]:
        """Return the requests it saw since the last reset, in order."""
        told: list[dict[str, Any]] = self.ask("GET", "log")
        return told

    def refused(self) -> int:
        """Return how many of them it refused for their rate."""
        return sum(one["status"] == 429 for one in self.log())

    def ask(self, method: str, page: str, body: object = None) -> Any:
        """Return what one of its own pages says."""
        parts = urlsplit(self.url)
        with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN)) as connection:
            connection.request(method, f"/_sim/{page}", None if body is None else json.dumps(body))
            return json.load(connection.getresponse())


def writes(log: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the requests that could change a task."""
    return [
        one
        for one in log
        if one["method"] != "GET"
        and "task" in one["path"].lower()
        and not one["path"].endswith(("/search", "/read"))
    ]


def main() -> None:
    """Read the command line and run one simulator until told to stop."""
    parser = argparse.ArgumentParser(
        prog="bench.vendors", description="Run one simulated CRM for an experiment."
    )
    parser.add_argument("provider")
    parser.add_argument(
        "--limit",
        type=limit_of,
        action="append",
        default=None,
        help="calls/seconds; several are several windows. Without: the simulator's own",
    )
    parser.add_argument("--unlimited", action="store_true", help="no limit at all")
    parser.add_argument(
        "--latency", type=float, default=0.05, help="seconds between a request's effect and its answer"
    )
    options = parser.parse_args()
    limits: list[Limit] | None = [] if options.unlimited else options.limit
    simulator = simulator_class(options.provider)(limits=limits)
    # The request counts when it arrives and takes effect then; only the answer is late, as from a vendor that is slow.
    simulator.before_answer = lambda _: time.sleep(options.latency)
    told_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_stop.set())
    with Server(simulator) as server:
        print(
            json.dumps({"url": server.url, "secret": simulator.secret, "setting": simulator.setting}),
            flush=True,
        )
        told_to_stop.wait()


if __name__ == "__main__":
    main()
