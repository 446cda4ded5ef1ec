"""Apps that are let into accounts: a hub with AppCRM (single-use refresh tokens) and CalmCRM (lasting ones) in its registry."""

from __future__ import annotations

from typing import Any

import pytest

from crmhub import services
from crmhub.models import Connection
from crmhub.tests.engine.conftest import Hub, ada, grace, hub
from providers import registry
from providers.simulator import Server, Simulator
from providers.simulator.__main__ import simulator_class

__all__ = ["ada", "grace", "hub"]

LIFE = 1800  # seconds of an access token of the simulators
HOME = "crmhub.tests.oauth.appcrm.provider"


@pytest.fixture(autouse=True)
def _two_more_crms(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines in the registry."""
    monkeypatch.setitem(registry.PROVIDERS, "appcrm", f"{HOME}.AppCrm")
    monkeypatch.setitem(registry.PROVIDERS, "calmcrm", f"{HOME}.CalmCrm")


@pytest.fixture(params=["appcrm", "calmcrm"])
def each(request: pytest.FixtureRequest) -> str:
    """AppCRM, whose refresh tokens work once, and CalmCRM, whose stay."""
    return str(request.param)


def start(hub: Hub, code: str) -> Any:
    """Return a fresh simulator of this CRM on a port."""
    simulator = simulator_class(code)()
    hub.servers[code] = Server(simulator).start()
    return simulator


def connect(hub: Hub, simulator: Simulator, **secrets: str) -> Connection:
    """Connect the simulator by its app, with these tokens; nobody is called."""
    code = simulator.code
    connection = services.connect_account(
        provider=code,
        name=code,
        secrets={**simulator.app, **secrets},  # type: ignore[attr-defined]
        settings=simulator.setting,
        base_url=hub.servers[code].url,
        now=hub.now,
    )
    hub.connections[code] = connection
    return connection


def let_in(hub: Hub, code: str) -> tuple[Any, Connection]:
    """Return a simulator and its connection, which knows a refresh token and nothing else, and is taken for tested."""
    simulator = start(hub, code)
    connection = connect(hub, simulator, refresh_token=simulator.grants.grant().refresh_token)
    Connection.objects.filter(pk=connection.pk).update(untested_since=None)
    return simulator, stored(connection)


def stored(connection: Connection) -> Connection:
    """Return the connection as the database has it."""
    return Connection.objects.get(pk=connection.pk)


def asked_for_tokens(simulator: Simulator) -> int:
    """Return how often the CRM was asked for tokens."""
    return len([one for one in simulator.log if one["path"].endswith("/token")])


def titles(simulator: Simulator) -> list[str]:
    """Return the titles of the live tasks that the CRM holds, sorted."""
    return sorted(task["title"] for task in simulator.tasks() if not task["deleted"])
