"""The naive project (bench/naive) in an experiment: its database, its workers, and the one who saves."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import databases
from bench.lab import QUIET, Lab
from bench.processes import ROOT, Workers
from bench.vendors import Vendor

_databases = iter(range(1_000_000))


class Naive:
    """The naive project, which posts each save to this vendor. Use it as a context manager; its broker is the lab's Valkey."""

    def __init__(
        self, lab: Lab, vendor: Vendor, *, acks: str = "early", retry: bool = False, visibility_s: int = 3600
    ) -> None:
        """Start nothing yet. `acks` and `retry` are those of its settings."""
        self._lab = lab
        self._settings = {
            "DJANGO_SETTINGS_MODULE": "bench.naive.settings",
            "NAIVE_BROKER_URL": f"{lab.valkey.url}?db=1",
            "NAIVE_VENDOR_URL": vendor.url,
            "NAIVE_VENDOR_TOKEN": next(iter(vendor.secret.values())),
            "NAIVE_ACKS": acks,
            "NAIVE_RETRY": str(int(retry)),
            "NAIVE_VISIBILITY": str(visibility_s),
        }
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Naive:
        """Make its database."""
        name = f"naive_{os.getpid()}_{next(_databases)}"
        self._settings["DATABASE_URL"] = self._open.enter_context(databases.database("naive", name))
        return self

    def __exit__(self, *_: object) -> None:
        """Drop its database."""
        self._open.close()

    @contextlib.contextmanager
    def workers(self, *, pool: str = "prefork", concurrency: int = 2, groups: int = 1) -> Iterator[Workers]:
        """Run its Celery workers."""
        command = [
            "-m",
            "celery",
            "-A",
            "bench.naive.celery",
            "worker",
            f"--pool={pool}",
            f"--concurrency={concurrency}",
            *QUIET,
        ]
        names = [f"--hostname=n{number}@%h" for number in range(groups)]
        workers = Workers(
            [self._lab.child("naive-worker", [*command, name], self._settings) for name in names]
        )
        try:
            self.drive("prepare", str(groups))
            yield workers
        finally:
            workers.stop()

    def save(
        self, count: int, *, timeout: float | None = None, **options: float | bool | Path
    ) -> dict[str, Any]:
        """Save so many tasks and return what `python -m bench.naive save` tells; `options` are the command's.

        Raises `subprocess.TimeoutExpired` after so many seconds.
        """
        words = [f"--{name}" if value is True else f"--{name}={value}" for name, value in options.items()]
        return self.drive("save", str(count), *words, timeout=timeout)

    def drive(self, *words: str, timeout: float | None = None) -> dict[str, Any]:
        """Run one command of the project and return what it tells."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.naive", *words],
            cwd=ROOT,
            env={**os.environ, **self._settings},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode:
            raise RuntimeError(f"bench.naive {' '.join(words)}: {done.stderr.strip()[-2000:]}")
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return told
