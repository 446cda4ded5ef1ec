"""Contacts travel the same road, and tasks wait for those that they need."""

from __future__ import annotations

import pytest

from crmhub import services, sync
from crmhub.models import Contact, ContactLink, TaskLink
from crmhub.tests.engine.conftest import Hub, live

pytestmark = pytest.mark.engine


def people(simulator) -> list[str]:
    return sorted(one["email"] for one in simulator.contacts() if not one["deleted"])


def test_a_contact_that_is_missing_there_is_created_once(hub: Hub, code):
    simulator = hub.connect(code)

    grace = hub.save_contact()
    hub.settle()

    assert people(simulator) == ["grace@example.com"]
    assert hub.contact_link(grace).sync_status == "in_sync"


def test_a_contact_that_is_there_already_is_found_and_not_doubled(hub: Hub, code):
    simulator = hub.connect(code)
    simulator.seed(
        {"contacts": [{"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}]}
    )
    hub.wait(60)

    grace = hub.save_contact()
    hub.settle()

    assert people(simulator) == ["grace@example.com"]
    assert hub.contact_link(grace).external_id == simulator.contacts()[0]["id"]


def test_a_lost_answer_does_not_make_a_second_contact(hub: Hub, code):
    simulator = hub.connect(code)
    simulator.fail_next(
        "drop", "POST .*([cC]ontact|[lL]ead)(s|s/|s/batch/.*|.*Create.*|s/upsert)?$", after_write=True
    )

    hub.save_contact()
    hub.settle()

    assert people(simulator) == ["grace@example.com"]


def test_an_edit_of_a_contact_follows_where_contacts_are_kept_in_sync(hub: Hub, code):
    simulator = hub.connect(code, contacts="sync")
    grace = hub.save_contact()
    hub.settle()

    grace.last_name = "Murray"
    services.save_contact(contact=grace, changed=["last_name"], now=hub.now)
    hub.settle()

    assert [one["last_name"] for one in simulator.contacts()] == ["Murray"]


def test_an_edit_of_a_contact_stays_here_where_contacts_are_only_created(hub: Hub, code):
    simulator = hub.connect(code, contacts="create")
    grace = hub.save_contact()
    hub.settle()

    grace.last_name = "Murray"
    services.save_contact(contact=grace, changed=["last_name"], now=hub.now)
    hub.settle()

    assert [one["last_name"] for one in simulator.contacts()] == ["Hopper"]
    assert hub.contact_link(grace).sync_status == "in_sync"


def test_a_contact_is_never_created_where_contacts_are_only_looked_up(hub: Hub, code):
    simulator = hub.connect(code, contacts="lookup")
    grace = hub.save_contact()

    task = hub.save_task(contacts=[grace])
    hub.settle()

    assert people(simulator) == []
    link = hub.contact_link(grace)
    assert (link.sync_status, link.due_at) == ("failed", None)
    assert "only looks contacts up" in link.last_error
    if hub.connections[code].capabilities.needs_one_of:
        assert hub.link(task).sync_status == "failed"
        assert "only looks contacts up" in hub.link(task).last_error
    else:
        assert [there["title"] for there in live(simulator)] == ["Call Grace"]


def test_a_parked_contact_is_tried_again_with_its_next_save_and_its_tasks_follow(hub: Hub, code):
    simulator = hub.connect(code, contacts="lookup")
    grace = hub.save_contact()
    task = hub.save_task(contacts=[grace])
    hub.settle()
    simulator.seed(
        {"contacts": [{"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}]}
    )
    hub.wait(60)

    services.save_contact(contact=grace, changed=[], now=hub.now)
    hub.settle()

    assert [there["contact"] for there in live(simulator)] == ["grace@example.com"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_task_waits_for_its_contact_and_says_so(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    simulator.fail_next("status", ".*contacts.*", status=503, times=None)
    task = hub.save_task(contacts=[grace])

    hub.push()
    waiting = hub.link(task)
    simulator.faults.clear()
    hub.settle()

    assert (waiting.sync_status, waiting.due_at) == ("pending", None)
    assert "Waiting for the contact Grace Hopper" in waiting.last_error
    assert hub.link(task).sync_status == "in_sync"


def test_a_task_without_a_contact_is_parked_with_the_reason_where_one_is_needed(hub: Hub):
    simulator = hub.connect("highlevel")

    task = hub.save_task(title="Water the plants")
    hub.settle()

    link = hub.link(task)
    assert (link.sync_status, link.due_at) == ("failed", None)
    assert "takes no task without a contact" in link.last_error
    assert simulator.tasks() == []


def test_a_task_parked_for_want_of_a_contact_goes_when_it_gets_one(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    task = hub.save_task(title="Water the plants")
    hub.settle()

    services.save_task(
        task=task,
        changed=[],
        associations=services.Associations(contacts=[services.Associated(grace.pk)]),
        now=hub.now,
    )
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Water the plants"]


def test_a_task_that_moves_to_another_contact_moves_there_too(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    katherine = hub.save_contact(first_name="Katherine", last_name="Johnson", email="katherine@example.com")
    task = hub.save_task(contacts=[grace])
    hub.settle()

    services.save_task(
        task=task,
        changed=[],
        associations=services.Associations(contacts=[services.Associated(katherine.pk)]),
        now=hub.now,
    )
    hub.settle()

    assert [there["contact"] for there in live(simulator)] == ["katherine@example.com"]
    assert hub.link(task).retired == []


def test_two_contacts_here_that_are_one_there_are_shown_as_a_conflict(hub: Hub, code):
    hub.connect(code)

    first = hub.save_contact()
    second = hub.save_contact(first_name="G.", last_name="Hopper", email="grace@example.com")
    hub.settle()

    links = {hub.contact_link(one).sync_status for one in (first, second)}
    assert links == {"in_sync", "conflict"}
    assert "belongs to" in ContactLink.objects.get(sync_status="conflict").last_error


def test_a_contact_without_email_and_phone_is_parked_with_the_reason(hub: Hub, code):
    hub.connect(code)

    contact = hub.save_contact(first_name="Nobody", last_name="Known")
    hub.settle()

    assert "neither e-mail nor phone" in hub.contact_link(contact).last_error


def test_a_person_picks_one_of_several_that_fit(hub: Hub):
    simulator = hub.connect("hubspot")
    ids = simulator.seed(
        {
            "contacts": [
                {"first_name": "Grace", "last_name": "A", "email": "", "phone": "+14155550100"},
                {"first_name": "Grace", "last_name": "B", "email": "", "phone": "+14155550100"},
            ]
        }
    )["contacts"]
    hub.wait(60)
    grace = hub.save_contact(first_name="Grace", phone="+1 415 555 0100")
    hub.settle()

    link = hub.contact_link(grace)
    services.choose_candidate(link=link, external_id=ids[1], now=hub.now)
    hub.settle()

    assert {one["id"] for one in link.candidates} == set(ids)
    assert hub.contact_link(grace).external_id == ids[1]
    assert hub.contact_link(grace).sync_status == "in_sync"


def test_a_contact_that_arrives_late_is_added_to_its_tasks(hub: Hub):
    simulator = hub.connect("hubspot", contacts="lookup")
    grace = Contact.objects.get(pk=hub.save_contact().pk)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    without = live(simulator)[0]["contact"]
    simulator.seed(
        {"contacts": [{"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}]}
    )
    hub.wait(60)

    services.save_contact(contact=grace, changed=[], now=hub.now)
    hub.settle()

    assert without is None
    assert live(simulator)[0]["contact"] == "grace@example.com"
    assert TaskLink.objects.get(task=task).awaits_contact is None


def test_the_sweep_finds_a_task_whose_wake_was_lost(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    task = hub.save_task(contacts=[grace])
    hub.settle()
    TaskLink.objects.filter(task=task).update(pushed_version=0, due_at=None)

    sync.sweep(now=hub.now)
    hub.settle()

    assert hub.link(task).pushed_version == task.version
    assert len(live(simulator)) == 1
