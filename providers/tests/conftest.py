"""Fixtures of the provider tests: every vendor's simulator on a real port, and the people in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.registry import codes
from providers.simulator import Server, Simulator
from providers.simulator.__main__ import simulator_class
from providers.tests.worlds import World, build_world


@pytest.fixture(params=codes())
def code(request: pytest.FixtureRequest) -> str:
    """Each registered vendor in turn."""
    return str(request.param)


@pytest.fixture
def simulator(code: str) -> Simulator:
    """The vendor's simulated CRM, empty."""
    return simulator_class(code)()


@pytest.fixture
def server(simulator: Simulator) -> Iterator[Server]:
    """The simulated CRM on a port."""
    with Server(simulator) as server:
        yield server


@pytest.fixture
def world(code: str, simulator: Simulator, server: Server) -> Iterator[World]:
    """The vendor's account with Ada, Grace and some records in it, and a provider that is connected to it."""
    world = build_world(code, simulator, server)
    yield world
    world.close()
