"""Real processes of the hub: Celery workers, beat and web servers, each in a process group of its own, to be killed, frozen and told to stop."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crmhub import kill_points
from crmhub.tests.faults.nursery import Nursery
from crmhub.tests.faults.servers import Lab

# A lease that a test can wait for; what has to lie below it follows (config/settings.py).
QUICK = {"LEASE_SECONDS": "6", "SWEEP_SECONDS": "0.5", "IDLE_TRANSACTION_SECONDS": "5"}
CELERY = ["celery", "-A", "config", "--quiet"]
QUIET = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
LONGEST_START = 60.0  # seconds; the usual is below one


class Process:
    """One process with all its children."""

    def __init__(self, nursery: Nursery, words: list[str], *, log: Path, environment: dict[str, str]) -> None:
        self._nursery = nursery
        self.log = log
        self.url = ""  # where it answers, if it is a web server
        self.pid = nursery.start(words, environment=environment, log=log)

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self._nursery.status_of(self.pid)

    @property
    def said(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def children(self) -> list[int]:
        """Return the process ids of its children: those of a worker's pool, those of a web server."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def kill(self) -> None:
        """End it and its children at once, as a power cut would."""
        self._signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """Ask it to stop, as a deployment does."""
        os.kill(self.pid, signal.SIGTERM)

    def freeze(self) -> None:
        """Stop it and its children where they are."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it and its children go on."""
        self._signal(signal.SIGCONT)

    def wait(self, seconds: float = LONGEST_START) -> int:
        """Return its exit status: 9 after a kill point. Fails when that takes longer."""
        assert wait_until(lambda: self.status is not None, seconds=seconds), self.said[-2000:]
        assert self.status is not None
        return self.status

    def post_task(self, key: str) -> tuple[int | None, Any]:
        """Save a task through the API of this web server; returns status and body, None where it dies instead of answering."""
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        with contextlib.closing(http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)) as client:
            try:
                client.request("POST", "/api/v1/tasks", json.dumps({"title": "Call Grace"}), headers)
                answer = client.getresponse()
                return answer.status, json.loads(answer.read())
            except (http.client.HTTPException, OSError):
                return None, None

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


class Processes:
    """Starts processes on the test's own database and broker, and ends those that are left."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab = lab
        self._folder = folder
        self._started: list[Process] = []

    def start(self, *, pool: str = "prefork", size: int = 2, **settings: str) -> Process:
        """Start a worker, and a beat beside it; return the worker. What is named in capitals is a setting of both."""
        self.beat(**settings)
        return self.worker(pool=pool, size=size, **settings)

    def worker(self, *, pool: str = "prefork", size: int = 2, **settings: str) -> Process:
        """Start a worker. One with the pool `solo` is a single process, without children."""
        return self._worker(pool, size, settings)

    def doomed(self, point: str, **settings: str) -> Process:
        """Start a worker that dies at this kill point, `after_post` or `after_post:2`. Wait for its exit status 9."""
        return self._worker("solo", 1, {**settings, **_dying_at(point)})

    def _worker(self, pool: str, size: int, settings: dict[str, str]) -> Process:
        name = f"worker{len(self._started)}@%h"
        words = [*CELERY, "worker", "--pool", pool, "--concurrency", str(size), "--hostname", name, *QUIET]
        return self._start("worker", words, settings)

    def beat(self, **settings: str) -> Process:
        """Start a beat."""
        return self._start("beat", [*CELERY, "beat", "--pidfile="], settings)

    def web(self, *, dies_at: str = "", **settings: str) -> Process:
        """Start a web server and wait until it answers. `dies_at` is a kill point for the process that answers."""
        address = f"127.0.0.1:{_free_port()}"
        words = ["gunicorn", "config.wsgi", f"--bind={address}", "--workers=1", "--threads=4"]
        web = self._start("web", [*words, "--no-control-socket"], {**settings, **_dying_at(dies_at)})
        web.url = f"http://{address}"
        assert wait_until(lambda: _answers(address), seconds=LONGEST_START), web.said[-2000:]
        return web

    def kill(self) -> None:
        """Kill everything that was started and still runs."""
        for process in self._started:
            process.kill()
        self._started = []

    @property
    def said(self) -> str:
        """The end of what all of them wrote, to be shown where a test fails."""
        return "\n".join(f"{one.log.name}:\n{one.said[-1500:]}" for one in self._started)

    def _start(self, name: str, words: list[str], settings: dict[str, str]) -> Process:
        # Read when it is used, and so the one thing that a loaded hub can still be told.
        at = {name: settings.pop(name) for name in [kill_points.VARIABLE] if name in settings}
        nursery = self._lab.nursery({**QUICK, **settings})
        log = self._folder / f"{name}-{len(self._started)}.log"
        process = Process(nursery, words, log=log, environment=at)
        self._started.append(process)
        return process


def _dying_at(point: str) -> dict[str, str]:
    assert point.partition(":")[0] in (*kill_points.POINTS, "")
    return {kill_points.VARIABLE: point}


def _answers(address: str) -> bool:
    with contextlib.closing(http.client.HTTPConnection(address, timeout=5)) as client:
        try:
            client.request("GET", "/healthz")
            return client.getresponse().status == 200
        except OSError:
            return False


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(is_so: Callable[[], object], *, seconds: float = 60) -> bool:
    """Return whether it became so within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.05)
    return bool(is_so())
