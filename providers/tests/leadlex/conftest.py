"""One simulated LeadLex workspace on a port, the people in it, and a provider that speaks to it."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import httpcore2
import pytest

from providers.http import HttpTransport
from providers.leadlex.provider import LeadLex
from providers.leadlex.simulator import LeadLexSimulator
from providers.simulator import Server
from providers.types import Account, HubKey, Linked, RemoteRef, TaskDraft

WORLD = {
    "users": [
        {"name": "Ada Byron", "email": "ada@hub.example"},
        {"name": "Mallory Quill", "email": "mallory@hub.example"},
    ],
    "contacts": [
        {
            "first_name": "Grace",
            "last_name": "Hopper",
            "email": "grace@client.example",
            "phone": "+1 202 555-0123",
            "company": "Compilers Ltd",
        },
        {"first_name": "Edith", "last_name": "Clarke", "email": "edith@client.example"},
    ],
    "companies": [{"name": "Compilers Ltd"}, {"name": "Power Lines"}],
    "deals": [{"name": "New compiler"}, {"name": "Old compiler"}],
    "events": [{"name": "Open day"}],
}


@pytest.fixture
def simulator():
    return LeadLexSimulator()


@pytest.fixture
def ids(simulator):
    return simulator.seed(WORLD)


@pytest.fixture
def server(simulator):
    with Server(simulator) as server:
        yield server


@pytest.fixture
def transport():
    transport = HttpTransport((), any_host=True, deadline_s=5.0)
    yield transport
    transport.close()


@pytest.fixture
def account(simulator, server):
    return Account(secrets=simulator.secret, settings=simulator.setting, base_url=server.url)


@pytest.fixture
def provider(account, transport):
    return LeadLex(account, transport)


@pytest.fixture
def with_settings(account, transport):
    """A provider on the same workspace with more settings."""

    def make(**settings):
        return LeadLex(replace(account, settings={**account.settings, **settings}), transport)

    return make


@pytest.fixture
def key():
    return HubKey(uuid.uuid4())


@pytest.fixture
def draft(ids):
    """A task of Ada's for Grace; changes come as keywords."""

    def make(**changes):
        whole = TaskDraft(
            title="Call Grace",
            created_at=datetime(2026, 11, 20, 8, 0, 0, 123000, tzinfo=UTC),
            contacts=(Linked(RemoteRef(ids["contacts"][0])),),
        )
        return replace(whole, **changes)

    return make


@pytest.fixture
def send(simulator, server):
    """One raw request with the workspace's key; headers of None are left out. Returns status, JSON (or text) and headers."""

    def send(method, path, body=None, *, headers=None):
        given = {
            "Host": server.url.removeprefix("http://"),
            "Authorization": f"Bearer {simulator.secret['api_key']}",
            **({"Content-Type": "application/json"} if body is not None else {}),
            **(headers or {}),
        }
        content = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        with httpcore2.ConnectionPool() as pool:
            response = pool.request(
                method,
                server.url + path,
                headers={name: value for name, value in given.items() if value is not None},
                content=content,
            )
        answered = {name.decode().lower(): value.decode() for name, value in response.headers}
        text = response.content.decode()
        return response.status, json.loads(text) if text[:1] in ("{", "[") else text, answered

    return send
