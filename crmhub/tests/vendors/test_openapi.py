"""A task's whole life, watched by a proxy between hub and CRM that knows only the vendor's own OpenAPI documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmhub import services
from crmhub.models import Contact, Record, TaskLink
from crmhub.sync.credentials import provider_for
from crmhub.tests.engine.conftest import Hub, ada, grace, hub
from providers.capabilities import Operation
from providers.tests.differences import KNOWN
from providers.tests.openapi import FOLDER, Documents, Proxy

__all__ = ["ada", "grace", "hub"]

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the vendors' OpenAPI documents are not beside the project"
)

DOCUMENTS = {
    "hubspot": ("tasks", "contacts", "associations-v4", "properties", "owners", "oauth-v3"),
    "highlevel": ("contacts", "locations", "users", "oauth"),
}
MANY = 250
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(params=DOCUMENTS)
def code(request: pytest.FixtureRequest) -> str:
    """Each vendor that publishes documents."""
    return str(request.param)


@pytest.fixture
def watched(hub: Hub, code: str) -> Iterator[Proxy]:
    """The CRM is connected through the proxy."""
    proxies = []

    def through(url: str) -> str:
        proxies.append(Proxy(url, Documents(code, *DOCUMENTS[code])).__enter__())
        return proxies[0].url

    hub.connect(code, through=through)
    yield proxies[0]
    proxies[0].__exit__()


def live_the_whole_life(hub: Hub, grace: Contact, code: str, ada) -> None:
    connection, simulator = hub.connections[code], hub.servers[code].simulator
    there = simulator.seed(
        {
            "users": [{"email": ada.email, "name": "Ada"}],
            **{part: [{"name": "Acme"}] for part in ("companies", "deals", "tickets")},
        }
    )
    records = []
    for part, kind in (("companies", "company"), ("deals", "deal"), ("tickets", "ticket")):
        record = services.save_record(record=Record(kind=kind, name="Acme"), changed=[], now=hub.now)
        records.append(record)
        if there.get(part):
            services.link_record(
                record=record, connection=connection, external_id=there[part][0], now=hub.now
            )
    edith = hub.save_contact(first_name="Edith", email="edith@example.com", phone="+442079460958")
    task = hub.save_task(contacts=[grace], records=records, body="About the quote", assignee=ada)
    hub.settle()
    hub.edit(task, title="Call Grace back", body="", priority="high", due_at=hub.now)
    hub.settle()
    about = services.Associations(
        contacts=[services.Associated(grace.pk), services.Associated(edith.pk)], records=[]
    )
    services.save_task(task=task, changed=[], associations=about, now=hub.now)
    hub.settle()
    services.complete_task(task=task, now=hub.now)
    hub.settle()
    services.complete_task(task=task, is_completed=False, now=hub.now)
    hub.settle()
    services.delete_task(task=task, now=hub.now)
    hub.settle()


def list_everything(hub: Hub, code: str) -> None:
    provider, _ = provider_for(hub.connections[code])
    if provider.capabilities.can(Operation.LIST_TASKS):
        page = provider.list_tasks()
        while page.cursor is not None:
            page = provider.list_tasks(page.cursor)
    if provider.capabilities.can(Operation.LIST_CHANGED):
        provider.list_changed(hub.now)
    provider.list_owners()


def test_nothing_passes_that_the_documents_do_not_know(hub, grace, watched, code, ada):
    live_the_whole_life(hub, grace, code, ada)
    for number in range(MANY):
        hub.save_task(contacts=[grace], title=f"Call Grace, {number}")
    hub.settle(rounds=60)
    list_everything(hub, code)

    assert TaskLink.objects.exclude(sync_status="in_sync").count() == 0
    unknown = sorted(
        f"{one.call}, {one.direction}: {one.what}"
        for one in watched.violations
        if not any(row.fits(code, one) for row in KNOWN)
    )
    assert unknown == []
    assert sum(watched.passed.values()) > 20


def test_the_proxy_notices_what_does_not_fit(hub, grace, watched, code):
    simulator = hub.servers[code].simulator
    simulator.fail_next("html", "POST .*tasks")

    hub.save_task(contacts=[grace])
    hub.settle(rounds=3)

    assert "the status 200 is not known" in {one.what for one in watched.violations}


def test_every_known_difference_is_published():
    page = (ROOT / "docs" / "differences.md").read_text(encoding="utf-8")
    published = re.findall(r"^\| (\w+) \| `(.+?)` \| (.+?) \| \[.*?\]\((.+?)\) \|$", page, re.MULTILINE)

    assert published == [(row.label, row.shown, row.words, row.source) for row in KNOWN]
