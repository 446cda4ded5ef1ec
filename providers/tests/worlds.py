"""A small believable account at one vendor, for the tests that run once per vendor."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from providers.base import Provider
from providers.capabilities import Capabilities
from providers.http import HttpTransport, Recorder
from providers.projection import project
from providers.registry import provider_class
from providers.simulator import Server, Simulator
from providers.types import (
    Account,
    Field,
    HubKey,
    Linked,
    Priority,
    RemoteRef,
    RemoteTask,
    TaskDraft,
)

MADE_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DUE_AT = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
DEADLINE_S = 0.5  # of a call in a test where the vendor does not answer

PEOPLE: Mapping[str, Sequence[Mapping[str, str]]] = {
    "users": [
        {"email": "ada@hub.example", "name": "Ada Byron"},
        {"email": "mallory@hub.example", "name": "Mallory Quill"},
    ],
    "contacts": [
        {
            "first_name": "Grace",
            "last_name": "Hopper",
            "email": "grace@client.example",
            "phone": "+12025550123",
            "company": "Compilers Ltd",
        },
        {
            "first_name": "Edith",
            "last_name": "Clarke",
            "email": "edith@client.example",
            "phone": "+442079460958",
            "company": "Power Lines",
        },
    ],
    "companies": [{"name": "Compilers Ltd"}, {"name": "Power Lines"}],
    "deals": [{"name": "New compiler"}],
    "tickets": [{"name": "Moth in relay 70"}],
    "events": [{"name": "Open day"}],
}


@dataclass
class World:
    """One account at one vendor: its simulator on a port, a provider that speaks to it, and the ids of who is there."""

    code: str
    simulator: Simulator
    server: Server
    account: Account
    provider: Provider
    recorder: Recorder
    transports: list[HttpTransport]
    ids: Mapping[str, Sequence[str]]

    @property
    def capabilities(self) -> Capabilities:
        """Return what the vendor can do."""
        return self.provider.capabilities

    def impatient(self) -> Provider:
        """Return a provider on the same account that waits half a second for an answer."""
        return self.another(self.account, deadline_s=DEADLINE_S)

    def another(self, account: Account, *, deadline_s: float = 10.0) -> Provider:
        """Return a provider on another account, over connections of its own."""
        transport = HttpTransport((), any_host=True, deadline_s=deadline_s)
        self.transports.append(transport)
        return type(self.provider)(account, transport)

    def close(self) -> None:
        """Close every connection that was opened in this world."""
        for transport in self.transports:
            transport.close()

    def with_secrets(self, secrets: Mapping[str, str]) -> Provider:
        """Return a provider that opens the account with other secrets."""
        return type(self.provider)(replace(self.account, secrets=secrets), self.recorder)

    def draft(self, **changes: Any) -> TaskDraft:
        """Return a task of Ada's for Grace with something in every field, as this vendor can hold it."""
        whole = TaskDraft(
            title="Call Grace about the compiler",
            created_at=MADE_AT,
            body="Ask for the manual.\nThen thank her.",
            priority=Priority.HIGH,
            type="call",
            due=DUE_AT,
            end_at=datetime(2026, 12, 1, 15, 0, tzinfo=UTC),
            reminder_at=datetime(2026, 12, 1, 14, 0, tzinfo=UTC),
            notify_by_email=True,
            assignee=self.ids["users"][0],
            assignee_email="ada@hub.example",
            queue="",
            location="Room 2",
            contacts=self.linked("contacts"),
            companies=self.linked("companies"),
            deals=self.linked("deals"),
            tickets=self.linked("tickets"),
            events=self.linked("events"),
        )
        return project(replace(whole, **changes), self.capabilities, self.account.settings).draft

    def linked(self, part: str, *, most: int = 1) -> tuple[Linked, ...]:
        """Return the first records of a kind as a task points at them; () where the vendor has none."""
        return tuple(Linked(RemoteRef(one)) for one in self.ids.get(part, ())[:most])

    def create(self, draft: TaskDraft | None = None, *, key: HubKey | None = None) -> RemoteTask:
        """Create a task there."""
        return self.provider.create_task(draft or self.draft(), key=key or new_key())

    def held(self, key: HubKey) -> list[dict[str, Any]]:
        """Return what the vendor holds under this key, deleted or not."""
        return [task for task in self.simulator.tasks() if task["hub_key"] == str(key)]

    def request_line_of_create(self) -> str:
        """Return an expression that fits just the request with which this provider writes a new task."""
        before = len(self.simulator.log)
        self.create()
        lines = [(one["method"], one["path"]) for one in list(self.simulator.log)[before:]]
        method, path = next(line for line in lines if line[0] != "GET")
        return re.escape(f"{method} {path}") + "$"


def new_key() -> HubKey:
    """Return a key that nothing has had before."""
    return HubKey(uuid.uuid4())


def day(text: str) -> date:
    """Return the day that the text names."""
    return date.fromisoformat(text)


def build_world(code: str, simulator: Simulator, server: Server) -> World:
    """Fill the vendor's account and connect to it, as `connect` and `prepare` would."""
    kind = provider_class(code)
    transport = HttpTransport((), any_host=True, deadline_s=10.0)
    recorder = Recorder(transport, secrets=simulator.secret.values())
    ids = simulator.seed(PEOPLE)
    defaults = {one.name: one.default for one in kind.capabilities.settings}
    account = Account(
        secrets=simulator.secret, settings={**defaults, **simulator.setting}, base_url=server.url
    )
    learned = {**kind(account, recorder).check().learned}
    account = replace(account, learned=learned)
    account = replace(account, learned={**learned, **kind(account, recorder).prepare()})
    return World(code, simulator, server, account, kind(account, recorder), recorder, [transport], ids)


CONTENT = frozenset(Field) - {Field.CREATED, Field.COMPLETED}
