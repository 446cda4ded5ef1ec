"""A CRM that does a batch in part, tells of it in any order and not of all, or refuses all of it for one item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crmhub.models import Attempt, Task, TaskLink
from crmhub.tests.engine.conftest import live
from crmhub.tests.faults.hubs import LiveHub, creates, settled
from crmhub.tests.faults.processes import Processes, wait_until
from providers.hubspot.simulator import HubSpotSimulator
from providers.simulator import Call, Reply, Simulator

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.timeout(300)]

UNHURRIED = "30"  # seconds of a lease: a batch that goes in halves takes many requests in one claim


class Particular(HubSpotSimulator):
    """Refuses every request with a bad title in it, as a whole; tells nothing of what is hushed."""

    def __init__(self) -> None:
        """Do not take offence at anything yet."""
        super().__init__()
        self.bad = b"no such word"
        self.hushed: set[str] = set()

    def _handle(self, call: Call) -> Reply:
        if self.bad in call.body:
            return self.refusal(400)
        reply = super()._handle(call)
        if "/batch/" not in call.path or not self.hushed:
            return reply
        told = [one for one in reply.body["results"] if _title(one) not in self.hushed]
        self.hushed = set()
        return Reply(reply.status, {**reply.body, "results": told}, reply.headers)


def _title(record: Mapping[str, Any]) -> str:
    return str(record["properties"].get("hs_task_subject", ""))


def save(hub: LiveHub, count: int) -> list[Task]:
    return [hub.save_task(title=f"Task {number}") for number in range(count)]


def test_what_a_batch_did_is_written_down_and_what_it_refused_is_said_item_by_item(
    hub: LiveHub, processes: Processes
):
    """F40: every second item is refused; none of the others is sent again."""
    simulator = hub.connect("hubspot")
    tasks = save(hub, 10)
    simulator.fail_next("partial", "POST .*/batch/create")

    processes.start(LEASE_SECONDS=UNHURRIED)

    settled(hub, parked=5)
    links = [hub.link(task) for task in tasks]
    refused = [link for link in links if link.sync_status == "failed"]
    assert creates(simulator) == 1
    assert all("this item is refused" in link.last_error for link in refused)
    assert Attempt.objects.filter(operation="create", outcome="ok").count() == 5
    assert Attempt.objects.filter(operation="create", outcome="rejected").count() == 5


def are_theirs(hub: LiveHub, simulator: Simulator, tasks: list[Task]) -> bool:
    """Return whether each link has the id of the task there that has its title."""
    ids = {there["title"]: there["id"] for there in live(simulator)}
    return all(hub.link(task).external_id == ids[task.title] for task in tasks)


def test_answers_in_any_order_are_matched_by_their_keys(hub: LiveHub, processes: Processes):
    """F41: the simulator tells of a batch in no order; each link has the id of its own task, and edits reach it."""
    simulator = hub.connect("hubspot", simulator=Particular())
    tasks = save(hub, 10)
    processes.start()
    settled(hub)
    first = are_theirs(hub, simulator, tasks)

    for number, task in enumerate(tasks):
        hub.edit(task, title=f"Task {number}, edited")

    settled(hub)
    assert first
    assert are_theirs(hub, simulator, tasks)


def test_what_an_answer_to_a_batch_of_edits_leaves_out_is_unknown_and_sent_again(
    hub: LiveHub, processes: Processes
):
    """F41: one of ten is not told of."""
    simulator = Particular()
    hub.connect("hubspot", simulator=simulator)
    tasks = save(hub, 10)
    assert wait_until(hub.has_pushed_all)
    for number, task in enumerate(tasks):
        hub.edit(task, title=f"Task {number}, edited")
    simulator.hushed = {"Task 3, edited"}

    processes.start()

    settled(hub)
    [unknown] = Attempt.objects.filter(outcome="unconfirmed")
    assert unknown.task_link == hub.link(tasks[3])
    assert hub.operations(tasks[3]) == ["create", "update", "update"]
    assert all(hub.operations(task) == ["create", "update"] for task in tasks if task != tasks[3])


@pytest.mark.long
def test_what_an_answer_to_a_batch_of_creates_leaves_out_is_looked_for(hub: LiveHub, processes: Processes):
    """F41: two of ten are not told of; the eight are written down at once."""
    simulator = Particular()
    hub.connect("hubspot", simulator=simulator)
    tasks = save(hub, 10)
    simulator.hushed = {"Task 3", "Task 7"}

    processes.start()
    assert wait_until(lambda: TaskLink.objects.filter(sync_status="unknown").count() == 2), processes.said
    known = TaskLink.objects.filter(sync_status="in_sync").count()

    settled(hub)
    assert known == 8
    assert creates(simulator) == 1
    assert [hub.operations(tasks[number])[:2] for number in (3, 7)] == [["create", "find"]] * 2
    assert are_theirs(hub, simulator, tasks)


@pytest.mark.parametrize(("count", "most"), [(16, 9), pytest.param(100, 15, marks=pytest.mark.long)])
def test_one_bad_item_is_found_by_halves_and_its_neighbours_pass(
    hub: LiveHub, processes: Processes, count, most
):
    """F42: the whole batch is refused for it, and the answer does not say which it was."""
    simulator = Particular()
    hub.connect("hubspot", simulator=simulator)
    tasks = [*save(hub, count - 1), hub.save_task(title="A bad one")]
    simulator.bad = b"A bad one"

    processes.start(LEASE_SECONDS=UNHURRIED)

    settled(hub, parked=1)
    bad = hub.link(tasks[-1])
    assert creates(simulator) <= most
    assert len(live(simulator)) == count - 1
    assert (bad.sync_status, bad.due_at) == ("failed", None)
    assert "refused the values" in bad.last_error
    assert Attempt.objects.filter(outcome="rejected").count() == 1
