"""The servers of the laboratory, to be stopped, frozen, emptied and started again, each behind a proxy: a Valkey and a PostgreSQL."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import redis
from django.core.management import call_command
from django.db import connection, connections

from crmhub import wake
from crmhub.tests.faults.nursery import Nursery
from crmhub.tests.faults.proxy import Proxy
from tools import servers


class Broker:
    """A Valkey with a proxy before it, through which this process and all others reach it."""

    def __init__(self, server: servers.Server, proxy: Proxy) -> None:
        self._server, self.proxy = server, proxy
        self._is_frozen = self._is_stopped = False

    @property
    def url(self) -> str:
        return self.proxy.url

    @property
    def client(self) -> redis.Redis:
        """A client that goes straight to the server, not through the proxy."""
        return redis.Redis.from_url(self._server.url)

    def stop(self) -> None:
        """Stop the server: its port refuses connections, and all that it knew is lost."""
        self.proxy.refuse()
        self._server.stop()
        self._is_stopped = True

    def start(self) -> None:
        """Start it again, empty, at the same address."""
        self._server.start()
        self.proxy.heal()
        self._is_stopped = False

    def freeze(self) -> None:
        """Stop it where it is: it takes connections and answers nothing."""
        os.kill(self._server.pid, signal.SIGSTOP)
        self._is_frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._server.pid, signal.SIGCONT)
        self._is_frozen = False

    def fill_up(self) -> None:
        """Let it refuse every write for want of memory."""
        self.client.config_set("maxmemory", "1")

    def make_room(self) -> None:
        """Let it take writes again."""
        self.client.config_set("maxmemory", "0")

    def mend(self) -> None:
        """Bring it into the state in which a test begins: running, reachable and empty."""
        if self._is_frozen:
            self.thaw()
        if self._is_stopped:
            self.start()
        self.proxy.heal()
        self.make_room()
        self.client.flushall()


class Database:
    """The PostgreSQL of a module's own, with the hub's tables in it."""

    def __init__(self, server: servers.Server) -> None:
        self._server = server

    def restart(self) -> None:
        """Stop it at once and start it again with what was committed, as `pg_ctl restart -m immediate` does."""
        connection.close()
        self._server.stop()
        self._server.start()

    def back_up(self) -> None:
        """Keep what it holds now, to be restored. Nobody else may be connected."""
        connection.close()
        name = connection.settings_dict["NAME"]
        self._do(f'DROP DATABASE IF EXISTS "{name}-kept"', f'CREATE DATABASE "{name}-kept" TEMPLATE "{name}"')

    def restore(self) -> None:
        """Let it hold again what it held when it was backed up. Nobody else may be connected."""
        connection.close()
        name = connection.settings_dict["NAME"]
        self._do(f'DROP DATABASE "{name}"', f'ALTER DATABASE "{name}-kept" RENAME TO "{name}"')

    def throw_everybody_out(self) -> None:
        """End every connection but the test's own."""
        self._say(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
        )

    @contextmanager
    def used_up(self) -> Iterator[None]:
        """Hold every connection that it still gives."""
        taken: list[psycopg.Connection] = []
        try:
            while True:
                taken.append(psycopg.connect(self._server.url))
        except psycopg.OperationalError:
            yield
        finally:
            for one in taken:
                one.close()

    @contextmanager
    def read_only(self) -> Iterator[None]:
        """Let it refuse every write, also on connections that are open."""
        self._say("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
        try:
            yield
        finally:
            self._say("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")

    def _do(self, *statements: str) -> None:
        with psycopg.connect(self._server.url, autocommit=True) as server:
            for statement in statements:
                server.execute(statement.encode())

    def _say(self, *statements: str) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


class Lab:
    """What all tests of one test process share: the broker, the way to the database, and the nurseries.

    The addresses stay the same from test to test, so that one nursery does for nearly all.
    """

    def __init__(self) -> None:
        self._running = ExitStack()
        self._nurseries: dict[tuple[tuple[str, str], ...], Nursery] = {}
        server = self._running.enter_context(servers.valkey_server())
        self.broker = Broker(server, self._running.enter_context(Proxy(server.url)))
        self.database_proxy = self._running.enter_context(Proxy("unix:///dev/null"))

    def lead_to_the_database(self) -> None:
        """Let the proxy lead to the database that this process uses at the moment."""
        if connection.vendor == "postgresql":
            self.database_proxy.target = database_url()
            self.database_proxy.heal()

    def nursery(self, settings: Mapping[str, str]) -> Nursery:
        """Return the nursery of processes with these settings, and the addresses of the laboratory where they name no others."""
        is_postgres = connection.vendor == "postgresql"
        addresses = {
            "REDIS_URL": self.broker.url,
            "DATABASE_URL": self.database_proxy.url if is_postgres else database_url(),
        }
        environment = {**os.environ, **addresses, **settings}
        environment.pop("PYTEST_CURRENT_TEST", None)  # it is another one each time
        key = tuple(sorted(environment.items()))
        if key not in self._nurseries:
            nursery = self._nurseries[key] = Nursery(environment)
            self._running.callback(nursery.close)
        return self._nurseries[key]

    def close(self) -> None:
        """End everything."""
        self._running.close()


def forget_connections() -> None:
    """Let this process connect anew to the broker of the settings, as if it had just been started."""
    for name, module in list(sys.modules.items()):
        if name == "crmhub.wake" or name.startswith("crmhub.sync.pace"):
            for kept in list(vars(module).values()):
                if hasattr(kept, "cache_clear"):
                    kept.cache_clear()
    wake.circuit.reset()


@contextmanager
def own_database() -> Iterator[Database]:
    """Run a PostgreSQL, and let this process use it instead of the one of all tests."""
    # What was committed outlives a restart here, as it does elsewhere.
    with servers.postgres_server(synchronous_commit="on", max_connections="30") as server:
        ours = connections.settings["default"]
        before = dict(ours)
        host = parse_qs(urlsplit(server.url).query)["host"][0]
        _use(ours, {**before, "HOST": host, "NAME": "postgres"})
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE DATABASE "{before["NAME"]}"')
        _use(ours, {**before, "HOST": host})
        try:
            call_command("migrate", verbosity=0)
            yield Database(server)
        finally:
            _use(ours, before)


def _use(settings: dict[str, Any], others: Mapping[str, Any]) -> None:
    connections.close_all()
    settings.clear()
    settings.update(others)


def database_url() -> str:
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    host = connection.settings_dict["HOST"] or connection.settings_dict["OPTIONS"]["host"]
    return f"postgres://postgres@/{name}?host={host}"
