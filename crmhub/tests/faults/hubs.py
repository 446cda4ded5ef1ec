"""The hub as it runs: on the real clock, with workers that come and go, and what must be true once all is quiet."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from typing import Any

from crmhub.models import Attempt, Contact, ContactLink, Task, TaskLink
from crmhub.models.links import NEEDS_A_PERSON, OFF
from crmhub.tests.engine.conftest import Hub
from crmhub.tests.faults.processes import wait_until
from providers.simulator import Call, Simulator
from providers.types import HubKey

LONGEST_REST = (
    90.0  # seconds until nothing is owed; the usual is a lease and a find lag at most, but machines are busy
)
# The requests that make tasks, at each of the CRMs.
CREATES = re.compile(r"POST .*(objects/tasks(/batch/create)?|contacts/[^/]+/tasks|v1/tasks|Task.*Create)$")


class LiveHub(Hub):
    """A hub whose time runs by itself: nothing is handed in, so the database's clock decides, as in production."""

    def __init__(self) -> None:
        super().__init__()
        self.now: Any = None

    def wait(self, seconds: float) -> None:
        """Sleep; CRMs and hub live by the same time."""
        time.sleep(seconds)

    def bring(self, *contacts: Contact) -> None:
        """Let these contacts arrive at every CRM, with a task, so that what follows is about tasks alone."""
        self.save_task(title="The first", contacts=contacts)
        assert wait_until(self.has_pushed_all)

    def has_pushed_all(self) -> bool:
        """Push from here, and return whether nothing is owed any more."""
        self.push()
        return not is_anything_owed()

    def operations(self, task: Task, code: str | None = None) -> list[str]:
        """Return what was tried to bring this task there, in order, as its attempts tell it."""
        attempts = Attempt.objects.filter(task_link=self.link(task, code)).order_by("id")
        return list(attempts.values_list("operation", flat=True))


class Held:
    """Answers of the CRM that are held back: it has done what it was asked for, and nobody knows. `count` is how many there were."""

    def __init__(self, simulator: Simulator) -> None:
        self.count = 0
        self._go = threading.Event()
        simulator.before_answer = self._hold

    def _hold(self, call: Call) -> None:
        if call.method != "GET" and not self._go.is_set():
            self.count += 1
            self._go.wait(60)

    def let_go(self) -> None:
        """Answer them, and all later ones at once."""
        self._go.set()


def creates(simulator: Simulator) -> int:
    """Return how many requests to make tasks came there."""
    return sum(bool(CREATES.match(f"{entry['method']} {entry['path']}")) for entry in list(simulator.log))


def wait_for_creates(simulator: Simulator, count: int) -> bool:
    """Return whether so many requests to make tasks came there, waiting for them."""
    return wait_until(lambda: creates(simulator) >= count)


def is_anything_owed() -> bool:
    """Return whether some link is due, or will be without anybody doing anything."""
    return any(model.objects.filter(due_at__isnull=False).exists() for model in (TaskLink, ContactLink))


def settled(hub: Hub, *, seconds: float = LONGEST_REST, parked: int = 0) -> None:
    """Wait until nothing is owed, then assert what must be true of every CRM whatever happened.

    Each live task has exactly one counterpart, with its newest content; each deleted one has none; there is nothing else; no claim is
    out and no link is parked, but for `parked` of them.
    """
    came_to_rest = wait_until(lambda: not is_anything_owed(), seconds=seconds)
    assert came_to_rest, f"still owed after {seconds:g} s: {owed()}"
    links = list(TaskLink.objects.select_related("task", "connection").exclude(sync_status__in=OFF))
    stuck = [link for link in links if link.sync_status in NEEDS_A_PERSON]
    assert len(stuck) == parked, [(link.task.title, link.sync_status, link.last_error) for link in stuck]
    for code in hub.connections:
        wanted = {
            str(HubKey(link.pk, link.generation)): content(link.task)
            for link in links
            if link.connection.provider == code and link not in stuck and not link.task.is_deleted
        }
        held = [there for there in hub.servers[code].simulator.tasks() if not there["deleted"]]
        theirs = {str(HubKey(link.pk, link.generation)) for link in stuck}
        shown = [there for there in held if there["hub_key"] not in theirs]
        assert not doubled(held), f"doubled at {code}: {doubled(held)}"
        assert {
            there["hub_key"]: (there["title"], there["body"], there["status"]) for there in shown
        } == wanted
    for link in links:
        assert link.claim_token is None
        assert link in stuck or link.pushed_version == link.wanted_version == link.task.version
    assert len(links) == sum(1 for _ in hub.connections) * Task.objects.count() - _off()


def content(task: Task) -> tuple[str, str, str]:
    """Return what a CRM shows of this task, as its simulator tells it."""
    return task.title, task.body, "completed" if task.status == Task.Status.COMPLETED else "open"


def doubled(held: list[dict[str, Any]]) -> list[str]:
    """Return the hub keys that more than one live task there has; a task without a key counts by its title."""
    counts = Counter(there["hub_key"].partition(".")[0] or there["title"] for there in held)
    return [key for key, count in counts.items() if count > 1]


def owed() -> list[dict[str, Any]]:
    """Return what is owed, in few words, for the message of a test that fails."""
    columns = ("id", "sync_status", "due_at", "claim_token", "lapses", "failures", "last_error")
    return [
        row
        for model in (ContactLink, TaskLink)
        for row in model.objects.filter(due_at__isnull=False).values(*columns)[:5]
    ]


def _off() -> int:
    return TaskLink.objects.filter(sync_status__in=OFF).count()
