"""Rebuilding lost links from what the CRM holds: everything is known again, nothing is made or changed there."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from crmhub import services, sync
from crmhub.models import Connection, ContactLink, Task, TaskLink, Unmatched
from crmhub.models.ids import link_id
from crmhub.tests.engine.conftest import Hub, live, writes, writing
from providers.simulator import Simulator

pytestmark = pytest.mark.engine

DUE = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
# Everything that makes tasks differ: days and moments, texts of several lines, all statuses and types.
MANY: tuple[dict[str, Any], ...] = (
    {"title": "Call Grace"},
    {
        "title": "Call Grace about the compiler",
        "body": "Ask for the manual.\nThen thank her.  \n",
        "due_at": DUE,
    },
    {
        "title": "Send the offer",
        "due_at": datetime(2026, 12, 3, tzinfo=UTC),
        "due_is_date": True,
        "priority": "high",
    },
    {
        "title": "Meet <Grace> & Ada",
        "type": "meeting",
        "due_at": DUE,
        "end_at": datetime(2026, 12, 1, 15, tzinfo=UTC),
    },
    {"title": "Wait for the answer", "status": "waiting", "type": "email", "queue": "support"},
    {"title": "Thank Grace", "status": "completed"},
    {"title": "Call off", "status": "cancelled"},
    {"title": "Remind Grace", "due_at": DUE, "reminder_at": datetime(2026, 12, 1, 14, tzinfo=UTC)},
)


class HubClock(sync.Clock):
    """The time of the hub of a test; who waits moves it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def now(self) -> datetime:
        return self.hub.now

    def wait(self, seconds: float) -> None:
        self.hub.wait(seconds)

    @property
    def stands_still(self) -> datetime:
        return self.hub.now


def relink(hub: Hub, code: str, **options: Any) -> sync.Relinked:
    return sync.relink(hub.connections[code], clock=HubClock(hub), **options)


def lose_the_links() -> None:
    TaskLink.objects.all().delete()
    ContactLink.objects.all().delete()


def standing() -> dict[Any, Any]:
    """How the tasks are linked: to what, under which key, and how that stands."""
    return {
        link.task.title: (
            link.pk,
            link.generation,
            link.external_id,
            link.external_parent_id,
            link.sync_status,
        )
        for link in TaskLink.objects.select_related("task")
    }


@pytest.fixture
def many(hub: Hub, grace, ada, code):
    """A CRM that holds many kinds of tasks, all in step; returns its simulator."""
    simulator = hub.connect(code)
    hub.wait(60)
    for values in MANY:
        hub.save_task(contacts=[grace], assignee=ada, **values)
    hub.settle()
    return simulator


def test_lost_links_are_rebuilt_as_they_were(hub: Hub, many, grace, code):
    before, people = standing(), list(ContactLink.objects.values_list("contact", "external_id"))
    asked = len(writes(many))
    lose_the_links()

    found = relink(hub, code)

    assert standing() == before
    assert list(ContactLink.objects.values_list("contact", "external_id")) == people
    assert (found.were_lost, found.missing, found.stock.unmatched, found.stock.differing) == (True, 0, 0, 0)
    assert found.stock.by_key == len(before)
    assert [
        line for line in writes(many)[asked:] if "search" not in line.lower() and "Retrieve" not in line
    ] == []
    assert Connection.objects.get().health(hub.now) == "healthy"


def test_after_rebuilding_nothing_is_sent_and_a_save_sends_what_differs(hub: Hub, many, code):
    lose_the_links()
    relink(hub, code)
    held = many.tasks()

    sync.sweep(now=hub.now, everything=True)
    hub.settle()
    assert many.tasks() == held

    task = Task.objects.get(title="Call Grace about the compiler")
    hub.edit(task, title="Call Grace back")
    hub.settle()

    changed = [there for there, before in zip(many.tasks(), held, strict=True) if there != before]
    assert [there["title"] for there in changed] == ["Call Grace back"]
    assert {**changed[0], "title": "Call Grace about the compiler"} in held
