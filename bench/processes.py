"""The processes of an experiment that can be killed, frozen and weighed: a Valkey, and groups of Celery workers."""

from __future__ import annotations

import contextlib
import os
import random
import signal
from dataclasses import dataclass, field
from pathlib import Path

import redis

from crmhub.launcher import valkey
from crmhub.launcher.children import Child

ROOT = Path(__file__).resolve().parents[1]
READY_WITHIN = 60.0  # seconds, of a process on a busy machine


class Valkey:
    """A Valkey on a socket, which can be stopped, started, frozen and emptied."""

    def __init__(self, folder: Path) -> None:
        """Start it."""
        folder.mkdir()
        self.socket = folder / "valkey.sock"
        self.url = f"unix://{self.socket}"
        self._child = Child("valkey", valkey.command(self.socket, folder), log=folder / "valkey.log")
        self.start()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self._child.start(ROOT)
        self._child.wait_until(lambda: valkey.answers(self.socket), within_s=READY_WITHIN)

    def stop(self) -> None:
        """Kill it; whoever asks is refused."""
        self._child.kill_the_rest()
        self.socket.unlink(missing_ok=True)

    def freeze(self) -> None:
        """Let it accept and not answer."""
        os.kill(self._child.pid or 0, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._child.pid or 0, signal.SIGCONT)

    def flush(self) -> None:
        """Empty it."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()


@dataclass
class Workers:
    """Some Celery worker groups and, for the hub, beat; each group a process session that can be killed as a whole."""

    groups: list[Child]
    others: list[Child] = field(default_factory=list)

    def kill(self, number: int = 0) -> None:
        """Kill one group with all its processes, as a power cut would, and start it again."""
        self.groups[number].kill_the_rest()
        self.groups[number].start(ROOT)

    def kill_one(self, chance: random.Random) -> None:
        """Kill one process of a pool; its parent makes another."""
        pool = [pid for child in self.groups for pid in in_session(child.pid or 0) if pid != child.pid]
        if pool:
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(sorted(pool)), signal.SIGKILL)

    def stop(self) -> None:
        """Kill everything."""
        for child in [*self.groups, *self.others]:
            child.kill_the_rest()

    def pss_mib(self) -> float:
        """Return the memory of the groups in MiB, shared pages divided among those who share them. Linux tells it, others do not."""
        return sum(pss_kib(pid) for child in self.groups for pid in in_session(child.pid or 0)) / 1024


def in_session(leader: int) -> list[int]:
    """Return the processes that were started together: a worker and its pool."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # After the name, which may hold anything, come state, parent, group, session.
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                found.append(int(stat.parent.name))
    return found


def pss_kib(pid: int) -> int:
    """Return the proportional memory of one process in KiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
