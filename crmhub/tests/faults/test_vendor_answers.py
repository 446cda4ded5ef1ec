"""A CRM that does what it is asked and tells so late, wrongly, in part or not at all: what it did is looked for, and never done twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crmhub.models import Attempt, Contact, Task, TaskLink
from crmhub.tests.engine.conftest import live, meanwhile
from crmhub.tests.faults.hubs import LiveHub, creates, settled
from crmhub.tests.faults.processes import Processes, wait_until
from crmhub.tests.faults.proxy import Proxy
from providers.keeping import KEPT_OF_A_BODY
from providers.simulator import Simulator

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.timeout(300)]

SOONEST = "leadlex"  # shows a new task after five seconds, the others after ten
CREATE = "POST .*(v1|contacts/[^/]+|objects)/tasks$"
NO_ANSWER, MAY_HAVE_LANDED = "No answer from 127.0.0.1: ", ". The request may have landed."
NONSENSE = ("html", "empty", "garbage", "cut", "echo")


@pytest.mark.parametrize(
    ("code", "tasks", "share"),
    [(SOONEST, 20, 0.2), pytest.param("highlevel", 100, 0.05, marks=pytest.mark.long)],
)
def test_creates_whose_answers_are_lost_are_looked_for_and_none_is_sent_twice(
    hub: LiveHub, processes: Processes, grace: Contact, code, tasks, share
):
    """F28: one of five answers is lost, or one of twenty."""
    simulator = hub.connect(code)
    hub.bring(grace)
    before = creates(simulator)
    simulator.fail_next("drop", CREATE, share=share, times=None, after_write=True)
    for number in range(tasks):
        hub.save_task(title=f"Task {number}", contacts=[grace])

    processes.start()
    is_said = wait_until(lambda: TaskLink.objects.filter(sync_status="unknown").exists())

    settled(hub)
    lost = sum(entry["fault"] == "drop" for entry in simulator.log)
    assert is_said
    assert lost > 0
    assert creates(simulator) == before + tasks
    assert Attempt.objects.filter(operation="create", outcome="unconfirmed").count() == lost
    assert Attempt.objects.filter(operation="find", outcome="ok").count() == lost


def outlive(hub: LiveHub, processes: Processes, task: Task, proxy: Proxy, trouble: Callable[[], None]) -> str:
    """Let there be trouble between the CRM's next write, which is about this task, and its answer; returns what was said of it meanwhile."""
    meanwhile(the_simulator(hub), trouble)
    worker = processes.start()

    assert wait_until(lambda: hub.link(task).last_error), processes.said
    waiting = hub.link(task)
    proxy.heal()

    settled(hub)
    assert waiting.sync_status == ("pending" if waiting.external_id else "unknown")
    assert worker.status is None
    return waiting.last_error


def the_simulator(hub: LiveHub) -> Simulator:
    [server] = hub.servers.values()
    return server.simulator


@pytest.fixture
def proxy(hub: LiveHub, grace: Contact, proxy_to) -> Proxy:
    """The way to a CRM, at which Grace has arrived."""
    ways: list[Proxy] = []

    def through(url: str) -> str:
        ways.append(proxy_to(url))
        return ways[0].url

    hub.connect(SOONEST, through=through)
    hub.bring(grace)
    return ways[0]


def test_a_create_that_is_never_answered_is_given_up_and_looked_for(
    hub: LiveHub, processes: Processes, grace, proxy
):
    """F34: the deadline of the call ends it, not the end of the job, and it counts as unknown."""
    before = creates(the_simulator(hub))
    task = hub.save_task(contacts=[grace])

    said = outlive(hub, processes, task, proxy, proxy.stall)

    assert said == f"{NO_ANSWER}it took too long{MAY_HAVE_LANDED}"
    assert hub.operations(task)[:2] == ["create", "find"]
    assert creates(the_simulator(hub)) == before + 1


def test_an_answer_that_drips_is_given_up_at_the_same_deadline(
    hub: LiveHub, processes: Processes, grace, proxy
):
    """F35: a byte comes again and again, each in time; the deadline is that of the whole call."""
    task = hub.save_task(contacts=[grace])
    assert wait_until(hub.has_pushed_all)
    hub.edit(task, title="Ring Grace")

    said = outlive(hub, processes, task, proxy, lambda: proxy.slice(1, pause_s=0.2))

    assert said == f"{NO_ANSWER}it took too long{MAY_HAVE_LANDED}"
    assert hub.operations(task) == ["create", "update", "update"]


@pytest.mark.parametrize("count", [pytest.param(0, marks=pytest.mark.long), 40])
def test_a_create_whose_answer_is_broken_off_is_looked_for(
    hub: LiveHub, processes: Processes, grace, proxy, count
):
    """F37: reset before the first byte, and in the middle of the head."""
    before = creates(the_simulator(hub))
    task = hub.save_task(contacts=[grace])

    said = outlive(hub, processes, task, proxy, lambda: proxy.cut_after(count))

    assert said.startswith(NO_ANSWER)
    assert said.endswith(MAY_HAVE_LANDED)
    assert hub.operations(task)[:2] == ["create", "find"]
    assert creates(the_simulator(hub)) == before + 1


def keep_a_connection(hub: LiveHub, processes: Processes, grace) -> Simulator:
    """Let a worker keep a connection to the CRM open, with nothing left to send; returns the CRM."""
    processes.worker(pool="solo")
    processes.beat()
    hub.save_task(title="The one before", contacts=[grace])
    settled(hub)
    return the_simulator(hub)


def test_what_went_into_a_connection_that_is_dead_and_open_is_not_sent_on_another_one(
    hub: LiveHub, processes: Processes, grace, proxy
):
    """F36: the path forgets a kept connection. What was written to it may have arrived, so it is looked for; new connections are good."""
    simulator = keep_a_connection(hub, processes, grace)
    before = creates(simulator)

    proxy.forget()
    task = hub.save_task(contacts=[grace])

    settled(hub)
    assert proxy.forgotten_heard > 0
    assert hub.operations(task)[:3] == ["create", "find", "create"]
    assert creates(simulator) == before + 1


def test_a_kept_connection_that_the_crm_has_closed_costs_nothing(
    hub: LiveHub, processes: Processes, grace, proxy
):
    """F36: that it is closed is seen before anything is written, so the request goes out on a new one at once."""
    simulator = keep_a_connection(hub, processes, grace)
    before = creates(simulator)

    proxy.reset()
    task = hub.save_task(contacts=[grace])

    settled(hub)
    assert hub.operations(task)[:1] == ["create"]
    assert not Attempt.objects.filter(outcome="unconfirmed").exists()
    assert creates(simulator) == before + 1


def test_nonsense_instead_of_an_answer_is_kept_and_the_task_looked_for(
    hub: LiveHub, processes: Processes, grace
):
    """F38: a web page, nothing, half a document, one that is cut short, and one that repeats our secrets."""
    simulator = hub.connect(SOONEST)
    hub.bring(grace)
    before = creates(simulator)
    for kind in NONSENSE:
        simulator.fail_next(kind, CREATE, after_write=True, status=502)
        hub.save_task(title=kind, contacts=[grace])

    processes.start()

    settled(hub)
    assert creates(simulator) == before + len(NONSENSE)
    spoilt = Attempt.objects.filter(operation="create", outcome="unconfirmed")
    assert spoilt.count() == len(NONSENSE)
    assert all("may have landed" in one.detail for one in spoilt)
    assert {one.decision for one in spoilt} == {"Will look whether it landed, then go on."}
    kept = [one.response for one in spoilt]
    assert any("We will be back soon" in one for one in kept)
    assert any("You sent •••" in one for one in kept)
    assert max(len(one) for one in kept) < 2 * KEPT_OF_A_BODY


@pytest.mark.parametrize("code", [SOONEST, "hubspot"])
def test_an_error_in_a_good_answer_is_an_error(hub: LiveHub, processes: Processes, grace, code):
    """F39: the status is 200, and the body says that the task was refused."""
    simulator = hub.connect(code)
    hub.bring(grace)
    before = creates(simulator)
    simulator.fail_next("error_in_200", CREATE)
    task = hub.save_task(contacts=[grace])

    processes.start()
    assert wait_until(lambda: hub.link(task).last_error), processes.said
    refused = hub.link(task)

    there = len(live(simulator))
    hub.edit(task, body="Now with words")

    settled(hub)
    assert (refused.sync_status, refused.external_id, there) == ("failed", "", 1)
    assert "refused the values" in refused.last_error
    assert hub.operations(task)[:2] == ["create", "create"]
    assert creates(simulator) == before + 2
