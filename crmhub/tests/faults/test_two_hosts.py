"""Two hosts run workers for one hub. One is lost with claims out and requests under way, the other goes on, and the lost one comes back."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.db import connection

from crmhub.models import Attempt, Contact, Task, TaskLink
from crmhub.tests.faults.hosts import Host
from crmhub.tests.faults.hubs import Held, LiveHub, creates, settled
from crmhub.tests.faults.processes import wait_until
from crmhub.tests.faults.servers import Lab
from providers.capabilities import Limit
from providers.simulator import Simulator
from providers.simulator.__main__ import simulator_class

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(300)]

CREATE_ONLY = "leadlex"  # it makes what it is told as often as it is told, and shows it after five seconds
AT_ONCE = 4  # requests that one worker has under way


@pytest.fixture(scope="module")
def pair(lab: Lab, django_db_setup: None, django_db_blocker, tmp_path_factory) -> Iterator[tuple[Host, Host]]:
    """Two hosts with nothing running on them."""
    with django_db_blocker.unblock():
        first, second = (Host(lab, tmp_path_factory.mktemp(name)) for name in ("first", "second"))
        with first, second:
            yield first, second


@pytest.fixture
def hosts(hub: LiveHub, pair: tuple[Host, Host]) -> Iterator[tuple[Host, Host]]:
    """The two hosts, well connected; what runs on them ends with the test."""
    yield pair
    for host in pair:
        host.kill()
        host.join()


@pytest.fixture
def simulator(hub: LiveHub) -> Simulator:
    """A CRM that knows Grace already, and whose rate is no hindrance."""
    simulator = simulator_class(CREATE_ONLY)(limits=[Limit(1000, 1.0)])
    hub.connect(CREATE_ONLY, simulator=simulator, settings={"limits": "1000/1"})
    return simulator


@pytest.fixture
def tasks(hub: LiveHub, simulator: Simulator, grace: Contact) -> list[Task]:
    """Tasks that are owed."""
    hub.bring(grace)
    return [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(2 * AT_ONCE)]


def claims() -> dict[UUID, UUID]:
    """Return the claims that are out, by link."""
    return {pk: token for pk, token in TaskLink.objects.values_list("pk", "claim_token") if token}


def works_alone(hub: LiveHub, host: Host, other: Host, grace: Contact) -> None:
    """Assert that this host sends what is saved when the other one is gone."""
    other.kill()
    hub.save_task(title="The last", contacts=[grace])
    settled(hub)


@pytest.mark.parametrize(
    ("lose", "regain"),
    [
        pytest.param(Host.cut_off, Host.join, id="cut off"),
        pytest.param(Host.freeze, Host.thaw, id="frozen", marks=pytest.mark.long),
        pytest.param(Host.kill, Host.start, id="killed", marks=pytest.mark.long),
    ],
)
def test_what_a_lost_host_had_under_way_is_made_once_by_the_other_one(
    hub: LiveHub, hosts, simulator: Simulator, grace, tasks, lose, regain
):
    """F53: the CRM has done what the lost host asked for, and the hub has no record of it."""
    first, second = hosts
    held = Held(simulator)
    first.start()
    assert wait_until(lambda: held.count >= AT_ONCE), first.said

    lose(first)
    lost = claims()
    held.let_go()
    second.start()
    hub.edit(tasks[0], title="Task 0, edited")
    hub.save_task(title="Meanwhile", contacts=[grace])
    settled(hub)
    regain(first)

    works_alone(hub, first, second, grace)
    assert len(lost) >= AT_ONCE
    taken_over = Attempt.objects.filter(task_link__in=lost, operation="find").exclude(
        claim_token__in=lost.values()
    )
    assert taken_over.count() >= AT_ONCE


@pytest.mark.long
def test_a_host_that_was_frozen_before_it_sent_sends_nothing_of_it_when_it_thaws(
    hub: LiveHub, hosts, simulator: Simulator, grace, tasks
):
    """F54: all of it is written down and about to be sent, and the lease ends."""
    first, second = hosts
    before = len(simulator.log)
    first.start(freezes_at="after_mark")
    assert wait_until(lambda: TaskLink.objects.filter(may_land_until__isnull=False).count() >= AT_ONCE)

    first.freeze()
    sent = len(simulator.log) - before
    lost = claims()
    second.start()
    settled(hub)
    first.thaw()

    works_alone(hub, first, second, grace)
    assert (sent, len(lost)) == (0, AT_ONCE)
    # What a late worker makes is deleted again; here it is not even made.
    assert creates(simulator) == len(Task.objects.all())


def idle_transactions() -> int:
    """Return how many transactions are open in which nothing is done."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
        )
        return int(cursor.fetchone()[0])


def test_what_a_host_had_locked_is_free_again_although_it_never_ended_its_transaction(
    hub: LiveHub, hosts, simulator: Simulator, grace, tasks
):
    """F55: it stops while it writes down what came of its requests; a save of one of these tasks waits for seconds, and not for ever."""
    first, second = hosts
    first.start(freezes_at="in_record")
    assert wait_until(lambda: idle_transactions() == 1), first.said

    first.freeze()
    second.start()
    for task in tasks:
        hub.edit(task, title=f"{task.title}, edited")
    settled(hub)
    first.thaw()

    works_alone(hub, first, second, grace)
    assert creates(simulator) == len(Task.objects.all())
