"""Links of contacts and records, and what staff do with a counterpart by hand: send again, keep out, add, choose."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from crmhub import services
from crmhub.models import ContactLink, Record, RecordLink, TaskLink
from crmhub.tests.services.conftest import (
    LATER,
    NOON,
    claim,
    connect,
    link_of,
    pointing_at,
    save_task,
    settle,
)

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def edit(task, *, now=LATER, **values):
    for name, value in values.items():
        setattr(task, name, value)
    return services.save_task(task=task, changed=list(values), now=now).task


# Contacts


def test_a_contact_is_owed_where_contacts_are_created_and_every_task_goes(grace):
    creates, syncs = connect("Creates"), connect("Syncs", contacts="sync")
    connect("Looks up", contacts="lookup")
    connect("Linked tasks only", scope="linked")

    services.save_contact(contact=grace, changed=[], now=LATER)

    links = ContactLink.objects.filter(contact=grace, due_at=LATER, wanted_version=2)
    assert {link.connection for link in links} == {creates, syncs}
    assert ContactLink.objects.count() == 2


def test_a_contact_is_looked_up_where_a_task_needs_it(grace):
    connection = connect(contacts="lookup")

    save_task(about=[grace])

    assert (ContactLink.objects.get().contact, ContactLink.objects.get().connection) == (grace, connection)


def test_a_save_of_a_parked_contact_tries_it_again(grace):
    connect()
    services.save_contact(contact=grace, changed=[], now=NOON)
    settle(ContactLink.objects.get(), sync_status="failed", pushed_version=0)

    services.save_contact(contact=grace, changed=[], now=LATER)

    link = ContactLink.objects.get()
    assert (link.sync_status, link.due_at, link.wanted_version) == ("pending", LATER, 3)


def test_a_save_of_a_contact_that_a_worker_holds_leaves_its_lease(grace):
    connect()
    services.save_contact(contact=grace, changed=[], now=NOON)
    claim(ContactLink.objects.get())

    services.save_contact(contact=grace, changed=[], now=LATER)

    link = ContactLink.objects.get()
    assert (link.due_at, link.wanted_version) == (NOON + timedelta(seconds=60), 3)


def test_the_choice_among_several_people_there_is_kept_and_gone_on_with(grace):
    connect()
    services.save_contact(contact=grace, changed=[], now=NOON)
    link = ContactLink.objects.get()
    settle(link, sync_status="failed", candidates=[{"id": "c-1"}, {"id": "c-2"}])

    services.choose_candidate(link=link, external_id=" c-2 ", now=LATER)

    link = ContactLink.objects.get()
    assert (link.external_id, link.candidates, link.due_at, link.sync_status) == ("c-2", [], LATER, "pending")


def test_two_contacts_here_cannot_be_the_same_person_there(grace, katherine):
    connection = connect()
    for contact in (grace, katherine):
        services.save_contact(contact=contact, changed=[], now=NOON)
    settle(ContactLink.objects.get(contact=grace), external_id="c-1")
    link = ContactLink.objects.get(contact=katherine)

    with pytest.raises(ValidationError, match="Grace Hopper is that one there already"):
        services.choose_candidate(link=link, external_id="c-1", now=LATER)

    assert ContactLink.objects.get(contact=katherine, connection=connection).external_id == ""


# By hand: send again, keep out, add


def test_a_replay_owes_the_link_again_with_every_field():
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), external_id="t-1", ancestor={"title": "Call Grace"}, failures=3)

    count = services.replay_links(links=[link_of(task, connection)], now=LATER)

    link = link_of(task, connection)
    assert (count, link.due_at, link.sync_status, link.ancestor) == (1, LATER, "pending", {})
    assert (link.external_id, link.failures, link.generation) == ("t-1", 0, 1)


def test_a_replay_makes_a_task_anew_that_is_gone_there():
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), external_id="t-1", sync_status="gone", last_write_at=NOON)

    services.replay_links(links=[link_of(task, connection)], now=LATER)

    link = link_of(task, connection)
    assert (link.external_id, link.generation, link.due_at) == ("", 2, LATER)
    assert link.last_write_at is None


def test_a_replay_of_an_unknown_outcome_is_looked_for_before_it_is_sent():
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), sync_status="unknown", may_land_until=NOON, lapses=8)

    services.replay_links(links=[link_of(task, connection)], now=LATER)

    link = link_of(task, connection)
    assert (link.may_land_until, link.lapses, link.due_at) == (NOON, 0, LATER)


def test_a_replay_of_a_link_that_still_awaits_a_look_keeps_the_look():
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), sync_status="unknown", due_at=LATER, may_land_until=LATER)

    services.replay_links(links=[link_of(task, connection)], now=NOON)

    assert link_of(task, connection).may_land_until == LATER


def test_a_replay_of_a_link_that_is_being_sent_is_remembered_for_afterwards():
    connection = connect()
    task = save_task().task
    claim(link_of(task, connection))

    services.replay_links(links=[link_of(task, connection)], now=LATER)

    link = link_of(task, connection)
    assert (link.owed_again, link.due_at) == (True, NOON + timedelta(seconds=60))


@pytest.mark.parametrize("status", ["excluded", "paused"])
def test_a_replay_leaves_alone_what_is_off(status):
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection), sync_status=status)

    assert services.replay_links(links=[link_of(task, connection)], now=LATER) == 0
    assert link_of(task, connection).due_at is None


def test_a_replay_leaves_a_disconnected_account_alone():
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection))
    services.disconnect_account(connection=connection, now=NOON)

    assert services.replay_links(links=TaskLink.objects.all(), now=LATER) == 0
    assert link_of(task, connection).due_at is None


def test_tasks_and_contacts_are_replayed_together(grace):
    connect()
    save_task(about=[grace])
    links = [*TaskLink.objects.all(), *ContactLink.objects.all()]
    for link in links:
        settle(link)

    assert services.replay_links(links=links, now=LATER) == 2
    assert {link.due_at for link in [*TaskLink.objects.all(), *ContactLink.objects.all()]} == {LATER}


def test_a_task_can_be_kept_out_of_a_crm_and_added_again():
    connection = connect()
    task = save_task().task

    is_out = services.exclude_link(link=link_of(task, connection), now=NOON)
    edit(task, title="Call Grace back")
    excluded = link_of(task, connection)
    services.add_to_crm(task=task, connection=connection, now=LATER)

    assert is_out
    assert (excluded.sync_status, excluded.due_at) == ("excluded", None)
    link = link_of(task, connection)
    assert (link.sync_status, link.due_at, link.wanted_version) == ("pending", LATER, 2)


def test_a_task_that_is_being_sent_is_not_kept_out_and_that_is_said():
    connection = connect()
    task = save_task().task
    claim(link_of(task, connection))

    assert not services.exclude_link(link=link_of(task, connection), now=LATER)
    assert link_of(task, connection).claim_token is not None


def test_a_task_cannot_be_added_to_a_disconnected_account():
    connection = connect(scope="manual")
    task = save_task().task
    services.disconnect_account(connection=connection, now=NOON)

    with pytest.raises(ValidationError, match="is disconnected"):
        services.add_to_crm(task=task, connection=connection, now=LATER)

    assert not TaskLink.objects.exists()


# Records


def test_linking_a_record_owes_the_tasks_that_point_at_it(acme):
    connection, elsewhere = connect(), connect("Elsewhere")
    about_acme, other = save_task(about=[acme]).task, save_task().task
    for link in TaskLink.objects.all():
        settle(link)

    services.link_record(record=acme, connection=connection, external_id=" r-1 ", now=LATER)

    owed = TaskLink.objects.filter(due_at=LATER, sync_status="pending")
    assert [(link.task, link.connection) for link in owed] == [(about_acme, connection)]
    assert RecordLink.objects.get().external_id == "r-1"
    assert link_of(other, elsewhere).due_at is None


def test_linking_a_record_anew_replaces_its_id_and_unlinking_forgets_it(acme):
    connection = connect()
    task = save_task(about=[acme]).task
    services.link_record(record=acme, connection=connection, external_id="r-1", now=NOON)
    link = services.link_record(record=acme, connection=connection, external_id="r-2", now=NOON)
    settle(link_of(task, connection))

    services.unlink_record(link=link, now=LATER)

    assert (link.external_id, RecordLink.objects.count()) == ("r-2", 0)
    assert link_of(task, connection).due_at == LATER


def test_linking_a_record_does_not_owe_what_staff_keep_out(acme):
    connection = connect()
    task = save_task(about=[acme]).task
    services.exclude_link(link=link_of(task, connection), now=NOON)

    services.link_record(record=acme, connection=connection, external_id="r-1", now=LATER)

    assert link_of(task, connection).due_at is None


def test_two_records_of_a_kind_cannot_be_the_same_one_there(acme):
    connection = connect()
    globex = services.save_record(record=Record(kind="company", name="Globex"), changed=[], now=NOON)
    deal = services.save_record(record=Record(kind="deal", name="Renewal"), changed=[], now=NOON)
    services.link_record(record=acme, connection=connection, external_id="7", now=NOON)

    services.link_record(record=deal, connection=connection, external_id="7", now=NOON)
    with pytest.raises(ValidationError, match="Acme is that one there already"):
        services.link_record(record=globex, connection=connection, external_id="7", now=NOON)

    assert {str(link.record) for link in RecordLink.objects.all()} == {"Acme", "Renewal"}


@pytest.mark.parametrize("wrong", ["", "  ", "x" * 201, "r\x001"])
def test_a_record_is_linked_by_a_real_id(acme, wrong):
    connection = connect()

    with pytest.raises(ValidationError, match="1 to 200 characters"):
        services.link_record(record=acme, connection=connection, external_id=wrong, now=NOON)

    assert not RecordLink.objects.exists()


def test_a_save_with_new_records_is_one_push_more(acme):
    connection = connect()
    task = save_task().task
    settle(link_of(task, connection))

    services.save_task(task=task, changed=[], associations=pointing_at([acme]), now=LATER)

    assert (link_of(task, connection).wanted_version, link_of(task, connection).due_at) == (2, LATER)
