"""Real processes: a Celery worker group that can be killed, on a database file and a Valkey of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[3]


class Workers:
    """A Celery worker and beat in a process group of their own."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        celery = [sys.executable, "-m", "celery", "-A", "config", "--quiet"]
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        self._run([*celery, "worker", "--pool", "prefork", "--concurrency", "2", *quiet])
        self._run([*celery, "beat"])

    def _run(self, command: list[str]) -> None:
        surroundings = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "LEASE_SECONDS": "4",
            "SWEEP_SECONDS": "0.5",
        }
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    command, cwd=ROOT, env=surroundings, stdout=log, stderr=log, start_new_session=True
                )
            )

    def kill(self) -> None:
        """Kill every process of the worker at once, as a power cut would."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes = []


def database_url() -> str:
    """Return the address of the test's own database, for other processes."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return f"postgres://postgres@/{name}?host={connection.settings_dict['HOST'] or connection.settings_dict['OPTIONS']['host']}"


@pytest.fixture
def workers(transactional_db: None, tmp_path: Path) -> Iterator[Workers]:
    """Workers that see the test's own database and Valkey."""
    workers = Workers(tmp_path / "workers.log")
    yield workers
    workers.kill()


def wait_until(is_so: Callable[[], bool], *, seconds: float = 30) -> bool:
    """Return whether it became so within the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.05)
    return is_so()
