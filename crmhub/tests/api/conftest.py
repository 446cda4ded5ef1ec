"""Somebody who calls the API with a key, and the people around."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from crmhub import services
from crmhub.models import Connection, Contact, Record, Task
from crmhub.models.access import Scope
from providers.registry import capabilities


class Caller:
    """Calls the API with a key, as a service does."""

    def __init__(self, key: str = "") -> None:
        self.client = Client(raise_request_exception=True)
        self.key = key

    def __call__(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any
    ) -> Any:
        """Send one request; `If_Match="…"` sets a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            named.setdefault("Authorization", f"Bearer {self.key}")
        content_type = named.pop("Content-Type", "application/json")
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        return self.client.generic(method, f"/api/v1{path}", data, content_type, headers=named)

    def get(self, path: str, **headers: Any) -> Any:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: Any) -> Any:
        return self("POST", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: Any) -> Any:
        return self("PATCH", path, body, **headers)

    def new_task(self, **values: Any) -> dict[str, Any]:
        """Create a task and return it as the API shows it."""
        answer = self.post("/tasks", {"title": "Call Grace", **values})
        assert answer.status_code == 201, answer.content
        return answer.json()


def make_key(*scopes: str, name: str = "billing") -> str:
    return services.create_key(name=name, scopes=scopes)[1]


def connect(name: str = "Main account", provider: str = "highlevel", **options: Any) -> Connection:
    """Make a connection that is well and is never called."""
    can = capabilities(provider)
    settings = {
        one.name: one.choices[0][0] if one.choices else "x" for one in can.settings if one.is_required
    }
    secrets = {one.name: "known-to-nobody" for one in can.secrets}
    connection = services.connect_account(
        provider=provider, name=name, secrets=secrets, settings=settings, **options
    )
    services.note_check(connection=connection, account_name="")
    return connection


@pytest.fixture
def service(db) -> Caller:
    """A service with every scope."""
    return Caller(make_key(*[scope.value for scope in Scope]))


@pytest.fixture
def connection(db) -> Connection:
    return connect()


@pytest.fixture
def ada(db) -> Any:
    return get_user_model().objects.create_user("ada", "ada@example.com", is_staff=True)


@pytest.fixture
def grace(db) -> Contact:
    contact = Contact(first_name="Grace", last_name="Hopper", email="grace@example.org")
    return services.save_contact(contact=contact, changed=["first_name", "last_name", "email"])


@pytest.fixture
def acme(db) -> Record:
    return services.save_record(record=Record(kind="company", name="Acme"), changed=["kind", "name"])


@pytest.fixture
def renewal(db) -> Record:
    return services.save_record(record=Record(kind="deal", name="Renewal"), changed=["kind", "name"])


def stored(task: dict[str, Any]) -> Task:
    """The task as the database has it."""
    return Task.objects.get(pk=task["id"])
