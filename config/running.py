"""Which hub runs in this checkout: one file in `var`, locked for as long as its launcher lives.

There is one hub at a time, and the commands that are run beside it speak with that one: its database and its Valkey.
The lock belongs to the process, so one that was killed leaves no lock behind, only a file that counts for nothing.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

FILE = "running.json"
# A command that looks whether a hub runs holds the lock for an instant.
LOOKERS_GONE_AFTER = 0.5  # seconds


class RunsAlready(Exception):
    """Another hub runs in this checkout; the message says which, and how to stop it."""


class Running:
    """The hold on this checkout. It lasts until `release`, or until the process ends in any way."""

    def __init__(self, folder: Path, command: str) -> None:
        """Take hold. Raises `RunsAlready` where another hub has it."""
        self._path = folder / FILE
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(self._file, patience=LOOKERS_GONE_AFTER):
            told = _told(self._path)
            os.close(self._file)
            raise RunsAlready(_in_words(told))
        self._notes: dict[str, Any] = {"pid": os.getpid(), "command": command}
        self.note()

    def note(self, **notes: Any) -> None:
        """Write down what others may want to know: `url`, `processes`, and `settings` for commands run beside."""
        self._notes |= notes
        text = json.dumps(self._notes, indent=1).encode()
        # In place, for the lock is on the file and not on its name; in one write that covers what stood there, so that
        # nobody reads half of it.
        os.pwrite(self._file, text.ljust(os.fstat(self._file).st_size), 0)

    def release(self) -> None:
        """Let go; the file stays, and is empty."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def settings_of_the_running_hub(folder: Path) -> dict[str, str]:
    """Return the settings that commands beside the running hub need, {} when none runs."""
    told = _told(folder / FILE)
    if "settings" not in told or not _is_locked(folder / FILE):
        return {}
    return {str(name): str(value) for name, value in told["settings"].items()}


def hub_that_runs(folder: Path) -> tuple[str, str] | None:
    """Return the command, up or demo, and the address of the hub that runs here; None where none does."""
    told = _told(folder / FILE)
    if "command" not in told or not _is_locked(folder / FILE):
        return None
    return str(told["command"]), str(told.get("url", ""))


def _told(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _is_locked(path: Path) -> bool:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(file, shared=True)
    finally:
        os.close(file)


def _lock(file: int, *, shared: bool = False, patience: float = 0.0) -> bool:
    give_up_at = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(0.02)
        else:
            return True


def _in_words(told: dict[str, Any]) -> str:
    where = f", {told['url']}" if "url" in told else ""
    process = f"process {told['pid']}" if "pid" in told else "its process is not known"
    stop = f"Ctrl-C there, or kill {told['pid']}" if "pid" in told else "Ctrl-C there"
    return f"`make {told.get('command', 'up')}` runs in this checkout already ({process}{where}); stop it first: {stop}"
