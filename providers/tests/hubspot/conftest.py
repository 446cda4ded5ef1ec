"""The world of the shared fixtures, at HubSpot only; and HubSpot's HTTP without our client in between."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from providers.tests.hubspot.guide import TASKS, example
from providers.tests.worlds import World

Answer = tuple[int, dict[str, str], object]


@pytest.fixture
def code() -> str:
    """This folder is about one vendor."""
    return "hubspot"


@pytest.fixture
def ask(world: World) -> Callable[..., Answer]:
    """Send one request as given and return status, headers and JSON; with the right token unless told otherwise."""

    def send(method: str, path: str, body: object = None, **changed: str | None) -> Answer:
        headers = {"Authorization": f"Bearer {world.simulator.secret['access_token']}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers.update(
            {name.replace("_", "-"): value for name, value in changed.items() if value is not None}
        )
        for name in (name for name, value in changed.items() if value is None):
            headers.pop(name.replace("_", "-"), None)
        connection = http.client.HTTPConnection(urlsplit(world.server.url).netloc, timeout=5)
        data = body if isinstance(body, (str, type(None))) else json.dumps(body)
        connection.request(method, path, data, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, json.loads(text) if text else None

    return send


@pytest.fixture
def task_id(world: World, ask: Callable[..., Answer]) -> str:
    """The guide's task, made there."""
    _, _, told = ask("POST", TASKS, example(world))
    assert isinstance(told, dict)
    return str(told["id"])
