"""A hub in a folder of its own, started as people start it; and a simulated account to connect."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from providers.simulator import Server
from providers.simulator.__main__ import simulator_class

ROOT = Path(__file__).resolve().parents[3]
READY_WITHIN = 90.0  # seconds; the usual is four


def until(is_so: Callable[[], Any], *, within_s: float = READY_WITHIN) -> Any:
    """Return what is finally true. Fails when it takes too long."""
    give_up_at = time.monotonic() + within_s
    while not (found := is_so()):
        assert time.monotonic() < give_up_at, "it took too long"
        time.sleep(0.05)
    return found


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a dead one that nobody has buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@dataclass
class StartedHub:
    """`manage.py` in a folder of its own, with nothing else in its environment."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return {**kept, "ENV_FILE": os.devnull, "VAR_DIR": str(self.folder), **self.settings}

    def manage(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=ROOT,
            env={**self.environment, **settings},
            capture_output=True,
            text=True,
            timeout=READY_WITHIN,
        )

    def start(self, *words: str) -> None:
        """Start it and wait until it says that it is ready."""
        with (self.folder / "said").open("w") as said:
            process = self.process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=ROOT,
                env=self.environment,
                stdout=said,
                stderr=said,
            )
        until(lambda: "Ctrl-C stops" in self.said or process.poll() is not None)
        assert process.poll() is None, self.said

    @property
    def said(self) -> str:
        return (self.folder / "said").read_text()

    @property
    def told(self) -> dict[str, Any]:
        """What var/demo.json says."""
        return json.loads((self.folder / "demo.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        """The process ids by name, as var/running.json has them."""
        text = (self.folder / "running.json").read_text()
        return json.loads(text).get("processes", {}) if text else {}

    def signal(self, number: signal.Signals) -> int:
        """Send the launcher a signal and return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(READY_WITHIN)


@pytest.fixture(scope="session")
def hub() -> Iterator[StartedHub]:
    """A hub that runs, for every test that leaves it running."""
    with tempfile.TemporaryDirectory(prefix="hub-", dir="/tmp") as folder:
        hub = StartedHub(Path(folder))
        hub.start("up", "--port", "0")
        yield hub
        hub.signal(signal.SIGTERM)


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[StartedHub]:
    """A hub that a test starts and stops itself."""
    hub = StartedHub(tmp_path)
    yield hub
    if hub.process is not None and hub.process.poll() is None:
        hub.signal(signal.SIGTERM)


@pytest.fixture
def account() -> Iterator[Server]:
    """A simulated HubSpot account on a port."""
    with Server(simulator_class("hubspot")()) as server:
        yield server


@dataclass(frozen=True)
class Said:
    """What a command said on stdout and stderr."""

    out: str
    warnings: str


def run(*words: str, **options: Any) -> Said:
    """Run a command in this process. Raises `CommandError` where the command line would show its one line."""
    out, err = StringIO(), StringIO()
    call_command(*words, stdout=out, stderr=err, **options)
    return Said(out.getvalue(), err.getvalue())
