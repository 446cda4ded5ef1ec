"""Several workers share one rate while Redis stops, comes back and forgets: a vendor that counts strictly refuses nobody."""

from __future__ import annotations

import os
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from crmhub.models import Connection
from crmhub.tests.faults.nursery import ROOT
from crmhub.tests.faults.servers import database_url
from providers.capabilities import Limit
from providers.simulator.windows import Window
from tools import servers

pytestmark = [
    pytest.mark.faults,
    pytest.mark.engine,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
]

SLIDING, FIXED = Limit(40, 3.0), Limit(40, 3.0, is_fixed=True)


class Vendor(socketserver.ThreadingTCPServer):
    """Counts what comes in as the limit says, and remembers what it refused."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, limit: Limit) -> None:
        super().__init__(("127.0.0.1", 0), Caller)
        self.window, self.lock = Window(limit), threading.Lock()
        self.taken: list[float] = []
        self.refused: list[float] = []

    def call(self) -> None:
        with self.lock:
            now = time.time()
            if self.window.wait(now) > 0:
                self.refused.append(now)
            else:
                self.window.count(now)
                self.taken.append(now)


class Caller(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        while self.request.recv(1):
            self.server.call()  # type: ignore[attr-defined]
            self.request.sendall(b"!")


class Valkey:
    """A Valkey that can be stopped and started again under the same address."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "valkey.sock"
        self._running = ExitStack()
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        url = self._running.enter_context(servers.valkey())
        self._socket.unlink(missing_ok=True)
        self._socket.symlink_to(url.removeprefix("unix://"))

    def stop(self) -> None:
        self._running.close()

    def forget(self) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def keeps(self, name: str) -> bool:
        with redis.Redis.from_url(self.url) as client:
            return bool(client.exists(name))


class World:
    """An account, its vendor, a Redis that can be stopped, and workers."""

    def __init__(self, limit: Limit, folder: Path) -> None:
        self.limit = limit
        self.vendor = Vendor(limit)
        threading.Thread(target=self.vendor.serve_forever, daemon=True).start()
        self.account = Connection.objects.create(
            provider="highlevel", name="HighLevel", created_at=datetime.now(UTC)
        )
        self.valkey = Valkey(folder)
        self.valkey.start()
        self.workers: list[subprocess.Popen[bytes]] = []

    def start_worker(self, *, works: float = 0, rests: float = 0, redis_url: str = "") -> None:
        surroundings = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": database_url(),
            "REDIS_URL": redis_url or self.valkey.url,
        }
        limit = (
            self.limit.calls,
            self.limit.seconds,
            "fixed" if self.limit.is_fixed else "sliding",
            works,
            rests,
        )
        arguments = [str(self.account.pk), str(self.vendor.server_address[1]), *map(str, limit)]
        worker = subprocess.Popen(
            [sys.executable, "-m", "crmhub.tests.faults.sender", *arguments],
            cwd=ROOT,
            env=surroundings,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.workers.append(worker)

    def are_sending(self) -> None:
        for worker in self.workers:
            assert worker.stdout.readline() == b"sending\n"  # type: ignore[union-attr]

    def sent_since(self, moment: float) -> int:
        return sum(1 for one in self.vendor.taken if one >= moment)

    def end(self) -> None:
        for worker in self.workers:
            worker.communicate()
        self.valkey.stop()
        self.vendor.shutdown()
        self.vendor.server_close()


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="hub-", dir="/tmp") as folder:
        world = World(getattr(request, "param", SLIDING), Path(folder))
        yield world
        world.end()


@pytest.mark.parametrize(
    "world",
    [pytest.param(SLIDING, id="sliding"), pytest.param(FIXED, id="fixed", marks=pytest.mark.long)],
    indirect=True,
)
def test_nothing_is_refused_while_redis_stops_and_comes_back(world: World):
    world.start_worker()
    world.start_worker(works=0.5, rests=1.0)  # learns of everything later than the others
    world.start_worker(works=0.2, rests=2.5)
    world.are_sending()
    time.sleep(3)

    world.valkey.stop()
    stopped = time.time()
    time.sleep(6)
    world.valkey.start()
    time.sleep(7)

    assert world.vendor.refused == []
    assert world.sent_since(stopped) >= 40 * 3
    assert world.valkey.keeps(f"crmhub:pace:{world.account.pk}")


def test_nothing_is_refused_when_redis_forgets_in_the_middle(world: World):
    for rests in (0, 1.3, 2.1):
        world.start_worker(works=0.3, rests=rests)
    world.are_sending()

    for _ in range(4):
        time.sleep(2.3)
        world.valkey.forget()
    time.sleep(3)

    assert world.vendor.refused == []
    assert len(world.vendor.taken) >= 40 * 2


@pytest.mark.long
def test_nothing_is_refused_when_one_worker_alone_cannot_reach_redis(world: World):
    world.start_worker()
    world.start_worker()
    world.start_worker(redis_url="unix:///nowhere/valkey.sock")
    world.are_sending()
    began = time.time()

    time.sleep(10)

    assert world.vendor.refused == []
    assert world.sent_since(began) >= 40
