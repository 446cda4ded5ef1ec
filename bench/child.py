"""One experiment in a process of its own: `python -m bench.child bench.drain:prefork quick figures.json`.

`bench.__main__` starts it, with the address of the run's PostgreSQL in `BENCH_POSTGRES`; without it the experiment starts one of its own.
"""

# ruff: noqa: PLC0415 — Django is set up before what needs it is imported
from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path

from bench import databases, figures
from bench.experiments import Size
from bench.figures import Figure


def run(function: str, size: Size) -> list[Figure]:
    """Give the experiment its database, its Valkey and its lab, and return what it measured."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir="/tmp", ignore_cleanup_errors=True) as place,
        nullcontext() if "BENCH_POSTGRES" in os.environ else databases.server(),
        databases.database("hub", f"hub_{os.getpid()}") as url,
    ):
        folder = Path(place)
        os.environ |= databases.settings(
            folder, DATABASE_URL=url, REDIS_URL=f"unix://{folder / 'valkey/valkey.sock'}"
        )
        return _measured(function, size, folder)


def _measured(function: str, size: Size, folder: Path) -> list[Figure]:
    # The settings are read now, from the environment that was just made.
    import django

    django.setup()
    from django.db import connections

    from bench.lab import Lab
    from bench.processes import Valkey

    module, _, name = function.partition(":")
    broker = Valkey(folder / "valkey")
    try:
        with Lab(folder, size, broker) as lab:
            return list(getattr(importlib.import_module(module), name)(lab))
    finally:
        broker.stop()
        connections.close_all()


def main() -> None:
    """Run the experiment that the command line names; a SIGTERM ends it as Ctrl-C does, with all that it started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    function, size, file = sys.argv[1:]
    Path(file).write_text(figures.as_json(run(function, Size(size))))


if __name__ == "__main__":
    main()
