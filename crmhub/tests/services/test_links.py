"""Which CRMs a save of a task is owed to, and what it does to a link that is there."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmhub import services
from crmhub.models import ContactLink, Lane, TaskLink
from crmhub.models.ids import link_id
from crmhub.tests.services.conftest import (
    LATER,
    NOON,
    claim,
    connect,
    link_of,
    save_task,
    settle,
    stored,
)

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def edit(task, *, now=LATER, **values):
    for name, value in values.items():
        setattr(task, name, value)
    return services.save_task(task=task, changed=list(values), now=now).task


# Which links are made


def test_every_new_link_has_the_id_that_its_two_ends_give(grace):
    everywhere, by_hand = connect("Everywhere"), connect("By hand", scope="manual")

    task = save_task(about=[grace]).task
    services.add_to_crm(task=task, connection=by_hand, now=LATER)

    for connection in (everywhere, by_hand):
        assert link_of(task, connection).pk == link_id(task.pk, connection.pk)
        assert ContactLink.objects.get(contact=grace, connection=connection).pk == link_id(
            grace.pk, connection.pk
        )


def test_a_save_is_owed_at_once_to_each_connection_that_takes_every_task():
    first, second = connect("First"), connect("Second", provider="hubspot")

    task = save_task().task

    for connection in (first, second):
        link = link_of(task, connection)
        assert (link.due_at, link.wanted_version, link.sync_status) == (NOON, 1, "pending")
        assert (link.lane, link.pushed_version, link.generation) == (Lane.INTERACTIVE, 0, 1)


def test_a_task_saved_before_the_connection_goes_there_with_its_next_save():
    task = save_task().task
    connection = connect()

    before = TaskLink.objects.exists()
    edit(task, title="Call Grace back")

    assert not before
    assert link_of(task, connection).wanted_version == 2


def test_a_connection_for_linked_tasks_takes_those_whose_contact_is_known_there(grace, katherine):
    connection = connect(scope="linked")
    ContactLink.objects.create(
        contact=grace, connection=connection, external_id="c-1", status_since=NOON, sync_status="in_sync"
    )
    ContactLink.objects.create(contact=katherine, connection=connection, status_since=NOON)

    known = save_task(about=[grace]).task
    unknown = save_task(about=[katherine]).task

    assert list(TaskLink.objects.values_list("task_id", flat=True)) == [known.pk]
    assert not unknown.links.exists()


def test_a_connection_for_linked_tasks_takes_those_whose_record_is_known_there(acme):
    connection = connect(scope="linked")
    elsewhere = connect("Elsewhere", scope="linked")
    services.link_record(record=acme, connection=connection, external_id="r-1", now=NOON)

    task = save_task(about=[acme]).task

    assert [link.connection for link in task.links.all()] == [connection]
    assert not TaskLink.objects.filter(connection=elsewhere).exists()


def test_a_connection_for_chosen_tasks_takes_only_what_staff_add(grace):
    connection = connect(scope="manual")
    task = save_task(about=[grace]).task
    other = save_task().task

    services.add_to_crm(task=task, connection=connection, now=LATER)
    edit(task, title="Call Grace back")

    assert (link_of(task, connection).wanted_version, link_of(task, connection).due_at) == (2, LATER)
    assert ContactLink.objects.get(contact=grace).connection == connection
    assert not other.links.exists()


def test_a_disconnected_connection_is_owed_nothing_and_keeps_its_links():
    connection = connect()
    task = save_task().task
    services.disconnect_account(connection=connection, now=NOON)
    settle(link_of(task, connection), external_id="t-1")

    edit(task, title="Call Grace back")
    save_task(title="Another")

    [link] = TaskLink.objects.all()
    assert (link.wanted_version, link.due_at, link.external_id) == (1, None, "t-1")


def test_a_paused_connection_keeps_a_queue():
    connection = connect()
    services.pause_connection(connection=connection, now=NOON)

    task = edit(save_task().task, title="Call Grace back")

    # It keeps its place.
    assert (link_of(task, connection).wanted_version, link_of(task, connection).due_at) == (2, NOON)
    assert not stored(connection).may_be_called(LATER)


def test_a_task_in_the_recycle_bin_gets_no_new_links():
    task = save_task().task
    services.delete_task(task=task, now=NOON)
    connection = connect()

    edit(task, title="Call Grace back")
    while_deleted = TaskLink.objects.count()
    services.restore_task(task=task, now=LATER)

    assert while_deleted == 0
    assert link_of(task, connection).wanted_version == 4


@pytest.mark.parametrize("act", [services.delete_task, services.complete_task])
def test_deleting_and_completing_are_owed_too(act):
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), external_id="t-1")

    act(task=task, now=LATER)

    link = link_of(task, connection)
    assert (link.wanted_version, link.due_at, link.sync_status) == (2, LATER, "pending")


def test_a_back_fill_goes_into_its_own_lane():
    connection = connect()
    task = save_task().task

    services.save_task(task=task, changed=[], lane=Lane.BACKFILL, now=LATER)

    assert link_of(task, connection).lane == Lane.BACKFILL


# What a save does to a link that is there


def test_a_save_while_a_worker_holds_the_link_leaves_the_lease_and_raises_what_is_wanted():
    connection = connect()
    task = save_task().task
    lease_ends = NOON + timedelta(seconds=60)
    claim(link_of(task, connection), until=lease_ends)
    before = link_of(task, connection)

    edit(task, title="Call Grace back")

    link = link_of(task, connection)
    assert (link.due_at, link.claim_token) == (lease_ends, before.claim_token)
    assert (link.wanted_version, link.sync_status, link.lane) == (2, before.sync_status, before.lane)


def test_a_save_while_a_worker_holds_the_link_does_not_forgive_its_failures():
    connection = connect()
    task = save_task().task
    claim(link_of(task, connection))
    TaskLink.objects.update(failures=3, first_failed_at=NOON)

    edit(task, title="Call Grace back")

    assert (link_of(task, connection).failures, link_of(task, connection).first_failed_at) == (3, NOON)


@pytest.mark.parametrize("status", ["failed", "conflict"])
def test_a_save_tries_again_what_waited_for_a_person(status):
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), sync_status=status, pushed_version=0, failures=4, first_failed_at=NOON)

    edit(task, title="Call Grace back")

    link = link_of(task, connection)
    assert (link.sync_status, link.due_at, link.status_since) == ("pending", LATER, LATER)
    assert (link.failures, link.first_failed_at) == (0, None)


@pytest.mark.parametrize("status", ["unknown", "gone", "excluded", "paused"])
def test_a_save_does_not_move_what_only_a_person_may(status):
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), sync_status=status, pushed_version=0, failures=2)

    edit(task, title="Call Grace back")

    link = link_of(task, connection)
    assert (link.sync_status, link.due_at, link.failures) == (status, None, 2)
    assert link.wanted_version == 2


def test_a_save_keeps_since_when_a_link_has_been_waiting():
    connection = connect()
    task = save_task().task

    edit(task, title="Call Grace back")

    assert link_of(task, connection).status_since == NOON
