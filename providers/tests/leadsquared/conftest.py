"""Fixtures of the LeadSquared tests: the shared world at this one vendor, and raw HTTP to its simulator."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from providers.http import HttpTransport, Request
from providers.simulator import Server, Simulator


@pytest.fixture
def code() -> str:
    """Only this vendor."""
    return "leadsquared"


@pytest.fixture
def ask(simulator: Simulator, server: Server) -> Iterator[Callable[..., tuple[int, Any]]]:
    """Send one raw request with good keys in the headers; returns the status and the JSON of the answer."""
    transport = HttpTransport((), any_host=True)
    keys = {
        "x-LSQ-AccessKey": simulator.secret["access_key"],
        "x-LSQ-SecretKey": simulator.secret["secret_key"],
    }

    def send(method: str, path: str, body: Any = None, *, headers: Any = None) -> tuple[int, Any]:
        given = {"Content-Type": "application/json", **keys} if headers is None else headers
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = transport.send(Request(method, server.url + path, given, sent))
        return response.status, json.loads(response.body)

    yield send
    transport.close()
