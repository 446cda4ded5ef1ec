"""Claims: one worker per link, interactive links first, and the database's clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connections

from crmhub import services
from crmhub.models import Connection, ContactLink, Lane, TaskLink
from crmhub.sync.claim import take
from crmhub.tests.engine.conftest import Hub, live

pytestmark = pytest.mark.engine


def taken(connection: Connection, *, size: int, now: datetime) -> Sequence[TaskLink]:
    """Return the links of a claim, none when nothing was due."""
    claim = take(TaskLink, connection, lane=Lane.INTERACTIVE, size=size, now=now)
    return claim.links if claim else []


def connected(hub: Hub, tasks: int):
    hub.connect("highlevel")
    made = [hub.save_task(title=f"Task {number}") for number in range(tasks)]
    return hub.connections["highlevel"], made


def test_a_link_is_claimed_by_one_of_two_workers(hub: Hub):
    """F23: four of them begin at the same moment."""
    connection, _ = connected(hub, tasks=6)
    start = threading.Barrier(4)
    claimed: list[UUID] = []

    def work() -> None:
        start.wait()
        while claim := take(TaskLink, connection, lane=Lane.INTERACTIVE, size=2, now=hub.now):
            claimed.extend(link.pk for link in claim.links)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(claimed) == sorted(TaskLink.objects.values_list("pk", flat=True))


def test_interactive_saves_go_before_retries_of_either_kind(hub: Hub):
    simulator = hub.connect("hubspot")
    hub.save_task(title="Retry")
    grace = hub.save_contact()
    TaskLink.objects.update(lane=Lane.RETRY, due_at=hub.now - timedelta(hours=1))
    ContactLink.objects.filter(contact=grace).update(lane=Lane.BACKFILL, due_at=hub.now - timedelta(hours=2))
    hub.save_task(title="Interactive")

    hub.push()

    assert [there["title"] for there in live(simulator)] == ["Interactive", "Retry"]


def test_what_is_due_later_is_left_alone(hub: Hub):
    connection, (task,) = connected(hub, tasks=1)
    TaskLink.objects.filter(task=task).update(due_at=hub.now + timedelta(seconds=1))

    assert take(TaskLink, connection, lane=Lane.INTERACTIVE, size=5, now=hub.now) is None


def test_a_claim_can_be_taken_again_when_its_lease_is_over_and_the_lapse_is_counted(hub: Hub):
    connection, _ = connected(hub, tasks=1)
    take(TaskLink, connection, lane=Lane.INTERACTIVE, size=5, now=hub.now)

    during = take(TaskLink, connection, lane=Lane.INTERACTIVE, size=5, now=hub.now + timedelta(seconds=59))
    after = taken(connection, size=5, now=hub.now + timedelta(seconds=60))

    assert during is None
    assert [link.lapses for link in after] == [1]


def test_a_link_whose_workers_die_again_and_again_is_tried_later_and_later(hub: Hub):
    """Workers that die of something else are well again by then, and nothing innocent is set aside."""
    connection, _ = connected(hub, tasks=1)
    now, tries = hub.now, list[int]()
    while len(tries) < 9:
        if taken(connection, size=100, now=now):
            tries.append((now - hub.now) // timedelta(seconds=60))
        now = hub.link(TaskLink.objects.get().task).due_at or now

    assert tries == [0, 1, 2, 3, 5, 9, 13, 17, 18]  # leases; the last finds it to blame


def test_a_link_that_is_put_off_hinders_no_other_and_says_why_it_waits(hub: Hub):
    connection, [suspect, other] = connected(hub, tasks=2)
    TaskLink.objects.filter(task=suspect).update(lapses=3, claim_token=uuid4(), claimed_at=hub.now)

    links = taken(connection, size=100, now=hub.now)

    waits = hub.link(suspect)
    assert [link.task_id for link in links] == [other.pk]
    assert (waits.claim_token, waits.due_at) == (None, hub.now + timedelta(seconds=60))
    assert waits.last_error == "Workers stopped while they sent this. It is tried again later."


def test_a_crowd_of_suspects_is_put_off_in_a_few_statements(hub: Hub, django_assert_max_num_queries):
    connection, _ = connected(hub, tasks=20)
    TaskLink.objects.update(lapses=3, claim_token=uuid4(), claimed_at=hub.now)

    with django_assert_max_num_queries(8):
        links = taken(connection, size=100, now=hub.now)

    assert links == []
    assert set(TaskLink.objects.values_list("lapses", "due_at")) == {(4, hub.now + timedelta(seconds=60))}


def test_a_link_that_was_put_off_is_tried_at_once_when_somebody_saves_it_or_sends_it_again(hub: Hub):
    _, tasks = connected(hub, tasks=2)
    TaskLink.objects.update(lapses=5, due_at=hub.now + timedelta(minutes=3))

    hub.edit(tasks[0], title="Edited")
    services.replay_links(links=[hub.link(tasks[1])], now=hub.now)

    assert [(hub.link(task).due_at, hub.link(task).lapses) for task in tasks] == [(hub.now, 5), (hub.now, 0)]


def test_links_that_lapsed_are_claimed_in_ever_smaller_groups(hub: Hub):
    connection, _ = connected(hub, tasks=20)
    sizes = []
    for lapse in range(3):
        TaskLink.objects.update(lapses=lapse, claim_token=uuid4(), claimed_at=hub.now, due_at=hub.now)
        sizes.append(len(taken(connection, size=16, now=hub.now)))

    assert sizes == [4, 1, 1]
