"""HighLevel alone: the fixtures of the contract suite for one vendor, and a client that speaks plain HTTP to it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from providers.simulator import Server, Simulator
from providers.tests.highlevel.examples import EXAMPLE, GRACE


@pytest.fixture
def code() -> str:
    """The vendor that the shared fixtures build."""
    return "highlevel"


@pytest.fixture
def raw(simulator: Simulator, server: Server) -> Iterator[httpx2.Client]:
    """A client with the right token and version that knows nothing of our provider."""
    headers = {"Authorization": f"Bearer {simulator.secret['token']}", "Version": "2021-07-28"}
    with httpx2.Client(base_url=server.url, headers=headers) as client:
        yield client


@pytest.fixture
def ids(simulator):
    """A user and a contact who are there already."""
    return simulator.seed({"users": [{"email": "ada@hub.example", "name": "Ada Byron"}], "contacts": [GRACE]})


@pytest.fixture
def contact(ids):
    """Grace's id."""
    return ids["contacts"][0]


@pytest.fixture
def location(simulator):
    """The sub-account's id."""
    return simulator.setting["location_id"]


@pytest.fixture
def task(raw, contact):
    """The id of a task of Grace, made from the documented example."""
    return raw.post(f"/contacts/{contact}/tasks", json=EXAMPLE).json()["task"]["id"]
