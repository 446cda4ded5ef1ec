"""One process of the hub: started in a session of its own, watched, stopped, and never left behind.

A session of its own keeps a Ctrl-C in the terminal from reaching it: the launcher stops the processes, once and in order. On Linux the
kernel also ends it when the launcher is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
LARGEST_LOG = 10 * 1024 * 1024  # bytes; a larger one is put aside at the next start
LIVES_LONG = 10.0  # seconds; whoever lived that long is started again at once
LONGEST_BACKOFF = 30.0  # seconds

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class DidNotStart(Exception):
    """A process ended or kept silent where it should have become ready; the message shows the end of its log."""


@dataclass
class Child:
    """One process: what it is called, how it is started, where it writes, and how long it may take to stop.

    `signal` asks it to stop; `grace_s` later it is killed with all its children. `passed` are file descriptors that it inherits.
    """

    name: str
    command: list[str]
    log: Path
    grace_s: float = 10.0
    signal: signal.Signals = signal.SIGTERM
    passed: tuple[int, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    restarts: bool = True
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    due: float = 0.0  # when to start it again, on the monotonic clock; 0.0 for not at all
    _begins_at: int = 0

    @property
    def pid(self) -> int | None:
        """Return its process id while it runs."""
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    def start(self, root: Path) -> None:
        """Start it in the folder `root`."""
        _put_aside(self.log)
        self._begins_at = self.log.stat().st_size if self.log.exists() else 0
        output = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.process = subprocess.Popen(
                self.command,
                cwd=root,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=self.passed,
                start_new_session=True,
                preexec_fn=end_with_parent if _libc else None,  # noqa: PLW1509 — the launcher has one thread
            )
        finally:
            os.close(output)
        self.started = time.monotonic()
        self.due = 0.0

    def wait_until(self, is_ready: Callable[[], bool], *, within_s: float) -> None:
        """Wait until it is ready. Raises `DidNotStart` when it ends first or takes longer."""
        give_up_at = time.monotonic() + within_s
        while not is_ready():
            if self.pid is None:
                raise DidNotStart(
                    f"{self.name} {self.how_it_ended()} at its start\n{self.last_lines()}".rstrip()
                )
            if time.monotonic() > give_up_at:
                raise DidNotStart(
                    f"{self.name} was not ready within {within_s:g} s\n{self.last_lines()}".rstrip()
                )
            time.sleep(0.05)

    def how_it_ended(self) -> str:
        """Return in words how it ended."""
        code = self.process.returncode if self.process is not None else None
        if code is None:
            return "has not ended"
        if code >= 0:
            return f"ended (exit status {code})"
        with contextlib.suppress(ValueError):
            return f"was killed ({signal.Signals(-code).name})"
        return f"was killed (signal {-code})"

    def line_with(self, beginning: str) -> str:
        """Return the first line that begins so of what it wrote since it was last started, "" until it is whole."""
        try:
            with self.log.open("rb") as file:
                file.seek(self._begins_at)
                lines = file.read(65_536).decode(errors="replace").splitlines(keepends=True)
        except OSError:
            return ""
        return next(
            (line.strip() for line in lines if line.startswith(beginning) and line.endswith("\n")), ""
        )

    def has_written(self, beginning: str) -> bool:
        """Return whether `line_with` finds a line."""
        return bool(self.line_with(beginning))

    def last_lines(self, count: int = 12) -> str:
        """Return the end of what it wrote since it was last started, indented."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self._begins_at, self.log.stat().st_size - 16_384))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line[:300]}" for line in lines[-count:])

    def plan_restart(self) -> float:
        """Note that it died and decide when it is started again; returns the seconds until then."""
        self.kill_the_rest()
        now = time.monotonic()
        self.deaths = 1 if now - self.started >= LIVES_LONG else self.deaths + 1
        wait = 0.0 if self.deaths == 1 else min(2.0 ** (self.deaths - 2), LONGEST_BACKOFF)
        self.due = now + wait
        return wait

    def ask_to_stop(self) -> None:
        """Ask it to stop; returns at once."""
        self.due = 0.0
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.signal)

    def wait(self, seconds: float) -> bool:
        """Return whether it has ended, waiting at most so long."""
        if self.process is None:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is not None

    def kill_the_rest(self) -> None:
        """Kill it, if it still runs, and whatever it left in its session."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def end_with_parent() -> None:
    """Let the kernel send this process a SIGTERM when its parent ends in any way. Does nothing where there is no such call."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _put_aside(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
