"""A host that runs workers for a hub together with others: they share PostgreSQL and Redis and nothing else, and each has its own way there."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from crmhub.tests.faults.processes import QUICK, Process, Processes
from crmhub.tests.faults.proxy import Proxy
from crmhub.tests.faults.servers import Lab, database_url


class Host:
    """One host: a folder of its own, a way to the broker and one to the database, and what runs on it. Use it as a context manager."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self._lab, self._folder = lab, folder
        self._stack = ExitStack()
        self._processes = Processes(lab, folder)
        self._running: list[Process] = []

    def __enter__(self) -> Host:
        """Open its ways, and let it load the hub, so that it starts in a fraction of a second later."""
        targets = (self._lab.broker.proxy.target, database_url())
        self._ways = [self._stack.enter_context(Proxy(target)) for target in targets]
        to_broker, to_database = (way.url for way in self._ways)
        self._settings = {"VAR_DIR": str(self._folder), "REDIS_URL": to_broker, "DATABASE_URL": to_database}
        self._lab.nursery({**QUICK, **self._settings})
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs on it, and close its ways."""
        self.kill()
        self._stack.close()

    @property
    def said(self) -> str:
        """The end of what its processes wrote."""
        return self._processes.said

    def start(self, *, freezes_at: str = "") -> None:
        """Start a worker and a beat on it. With `freezes_at` the worker is a single process that stops at this kill point."""
        at = f"{freezes_at}:freeze"
        worker = self._processes.doomed(at, **self._settings) if freezes_at else self._worker()
        self._running += [worker, self._processes.beat(**self._settings)]

    def cut_off(self) -> None:
        """Let nothing pass to the broker and the database any more, nor back. Connections stay open, as where a cable is pulled."""
        for way in self._ways:
            way.stall()

    def join(self) -> None:
        """Let everything pass again; connections from before are broken by now."""
        for way in self._ways:
            way.reset()
            way.heal()

    def freeze(self) -> None:
        """Stop all of it where it is, as a machine that is suspended."""
        for one in self._running:
            one.freeze()

    def thaw(self) -> None:
        """Let it go on."""
        for one in self._running:
            one.thaw()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._processes.kill()
        self._running = []

    def _worker(self) -> Process:
        return self._processes.worker(pool="prefork", size=2, **self._settings)
