"""A real account at each vendor, from `LIVE_<CRM>_<SECRET or SETTING>` in the environment; without them the tests skip, saying which are missing.

For HubSpot that is LIVE_HUBSPOT_ACCESS_TOKEN. Use a sandbox: the tests make a contact and a few tasks there, and delete the tasks.
`LIVE_<CRM>_BASE_URL` names another address than the usual one, a simulator for instance.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from providers.base import Provider
from providers.capabilities import Capabilities
from providers.http import HttpTransport, Recorder, Request
from providers.projection import project
from providers.registry import capabilities, codes, provider_class
from providers.types import Account, HubKey, Linked, Person, RemoteContact, TaskDraft

LOOPBACK = ("127.0.0.1", "localhost")


@dataclass
class Sandbox:
    """One real account, and a contact in it whom nobody else has."""

    provider: Provider
    account: Account
    grace: RemoteContact
    waits: bool

    @property
    def capabilities(self) -> Capabilities:
        """Return what the vendor can do."""
        return self.provider.capabilities

    def draft(self, **changes: Any) -> TaskDraft:
        """Return a task for Grace as this vendor can hold it."""
        whole = TaskDraft(
            title=f"crmhub test {uuid.uuid4().hex[:8]}",
            created_at=datetime.now(UTC),
            body="Made by a test; it deletes itself.",
            due=(datetime.now(UTC) + timedelta(days=7)).date(),
            contacts=(Linked(self.grace.ref),),
        )
        return project(replace(whole, **changes), self.capabilities, self.account.settings).draft

    def wait_for_look_ups(self) -> None:
        """Wait until the vendor's look-ups have caught up."""
        if self.waits:
            time.sleep(self.capabilities.find_lag.total_seconds())


class Evenly:
    """Keeps below the vendor's limits by spreading the requests over time."""

    def __init__(self, apart_s: float) -> None:
        self._apart_s = apart_s

    def before_request(self, request: Request) -> None:
        """Wait for the next even slot."""
        time.sleep(self._apart_s)

    def before_bytes(self) -> None:
        """Hold nothing back."""

    def after_answer(self, request: Request, headers: object, error: object) -> None:
        """Learn nothing."""


def variable(code: str, name: str) -> str:
    """Return the environment variable of a secret or setting."""
    return f"LIVE_{code}_{name}".upper()


@pytest.fixture(scope="module", params=codes())
def code(request: pytest.FixtureRequest) -> str:
    """Each registered vendor in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def sandbox(code: str) -> Iterator[Sandbox]:
    """The vendor's account. Skips where the environment does not name one."""
    can = capabilities(code)
    needed = [one.name for one in can.secrets if one.is_required] + [
        one.name for one in can.settings if one.is_required
    ]
    if missing := [variable(code, name) for name in needed if not os.environ.get(variable(code, name))]:
        pytest.skip(f"no {can.label} sandbox: {', '.join(missing)} not in the environment")
    base_url = os.environ.get(variable(code, "base_url"), "")
    is_simulated = urlsplit(base_url).hostname in LOOPBACK
    transport = HttpTransport(can.hosts, any_host=is_simulated, deadline_s=20.0)
    account = Account(
        secrets=_given(code, [one.name for one in can.secrets]),
        settings={
            **{one.name: one.default for one in can.settings},
            **_given(code, [one.name for one in can.settings]),
        },
        base_url=base_url,
    )
    kind = provider_class(code)
    short = [one for one in can.limits_for(account.settings) if one.seconds <= 60]
    pace = Evenly(0.0 if is_simulated else max(one.seconds / one.calls for one in short))
    recorder = Recorder(transport, secrets=account.secrets.values(), gate=pace)
    account = replace(account, learned=kind(account, recorder).check().learned)
    account = replace(account, learned={**account.learned, **kind(account, recorder).prepare()})
    provider = kind(account, recorder)
    person = Person("Grace", "Test", (f"grace-{uuid.uuid4().hex[:12]}@example.com",))
    grace = provider.create_contact(person, key=HubKey(uuid.uuid4()))
    yield Sandbox(provider, account, grace, waits=not is_simulated)
    transport.close()


def _given(code: str, names: list[str]) -> dict[str, str]:
    return {name: text for name in names if (text := os.environ.get(variable(code, name)))}
