"""A task whose contact is known by a typed name only: created by that name where the CRM and the connection allow it."""

from __future__ import annotations

import pytest

from crmhub import services, sync
from crmhub.tests.engine.conftest import Hub, live

pytestmark = pytest.mark.engine

HANS = {"first_name": "Hans", "last_name": "Müller", "email": "hans@example.com"}
HANNA = {"first_name": "Hanna", "last_name": "Müller", "email": "hanna@example.com"}
BY_NAME = {"send_names": "unlinked"}


def test_a_typed_name_is_not_sent_unless_the_connection_says_so(hub: Hub):
    simulator = hub.connect("leadlex")
    simulator.seed({"contacts": [HANS]})

    task = hub.save_task(contact_name="Hans Müller")
    hub.settle()

    assert live(simulator) == []
    assert hub.link(task).sync_status == "failed"
    assert any("takes no task without" in line for line in sync.expected_losses(task))


def test_a_typed_name_will_do_where_the_connection_says_so(hub: Hub):
    simulator = hub.connect("leadlex", settings=BY_NAME)
    simulator.seed({"contacts": [HANS]})

    task = hub.save_task(contact_name="Hans Müller", company_name="")
    expected = sync.expected_losses(task)
    hub.settle()

    link = hub.link(task)
    assert [there["contact"] for there in live(simulator)] == ["hans@example.com"]
    assert (link.sync_status, link.losses, expected) == ("in_sync", [], [])


def test_the_setting_frees_what_waited_for_a_contact(hub: Hub):
    simulator = hub.connect("leadlex")
    simulator.seed({"contacts": [HANS]})
    task = hub.save_task(contact_name="Hans Müller")
    hub.settle()

    services.change_connection(connection=hub.connections["leadlex"], settings=BY_NAME)
    hub.wait(60)
    hub.settle()

    assert hub.link(task).sync_status == "in_sync"


def test_a_name_of_several_is_parked_until_a_person_has_chosen(hub: Hub):
    simulator = hub.connect("leadlex", settings=BY_NAME)
    simulator.seed({"contacts": [HANS, HANNA]})
    task = hub.save_task(contact_name="Müller")
    hub.settle()
    parked = hub.link(task)

    hub.edit(task, contact_name="Hanna Müller")
    hub.settle()

    assert (parked.sync_status, parked.last_error_code) == ("failed", "ambiguous")
    assert "Hans Müller (hans@example.com)" in parked.last_error
    assert [there["contact"] for there in live(simulator)] == ["hanna@example.com"]
    assert hub.link(task).sync_status == "in_sync"


def test_whoever_a_person_chooses_is_a_contact_of_the_task_from_then_on(hub: Hub, ada):
    simulator = hub.connect("leadlex", settings=BY_NAME)
    [_, hanna] = simulator.seed({"contacts": [HANS, HANNA]})["contacts"]
    task = hub.save_task(contact_name="Müller")
    hub.settle()
    parked = hub.link(task)

    chosen = services.choose_for_task(link=parked, external_id=hanna, by=ada, now=hub.now)
    hub.settle()

    assert {one["id"]: one["name"] for one in parked.candidates}[hanna] == "Hanna Müller"
    assert (str(chosen), chosen.email) == ("Hanna Müller", "hanna@example.com")  # type: ignore[union-attr]
    assert [one.contact for one in task.task_contacts.all()] == [chosen]
    assert hub.contact_link(chosen).external_id == hanna  # type: ignore[arg-type]
    assert [there["contact"] for there in live(simulator)] == ["hanna@example.com"]
    assert (hub.link(task).sync_status, hub.link(task).candidates) == ("in_sync", [])
    assert len(simulator.contacts()) == 2


def test_a_company_that_a_person_chooses_is_not_guessed_at_again(hub: Hub, ada):
    simulator = hub.connect("leadlex", settings=BY_NAME)
    told = simulator.seed({"contacts": [HANS], "companies": [{"name": "Twin North"}, {"name": "Twin South"}]})
    task = hub.save_task(contact_name="Hans Müller", company_name="Twin")
    hub.settle()
    parked = hub.link(task)

    chosen = services.choose_for_task(link=parked, external_id=told["companies"][1], by=ada, now=hub.now)
    hub.settle()

    assert (parked.sync_status, len(parked.candidates)) == ("failed", 2)
    assert (chosen.kind, chosen.name) == ("company", "Twin South")  # type: ignore[union-attr]
    assert chosen.links.get().external_id == told["companies"][1]
    assert [one.record for one in task.task_records.all()] == [chosen]
    assert [there["contact"] for there in live(simulator)] == ["hans@example.com"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_lost_answer_to_a_create_by_name_makes_no_second_task(hub: Hub):
    simulator = hub.connect("leadlex", settings=BY_NAME)
    simulator.seed({"contacts": [HANS]})
    simulator.fail_next("drop", "POST .*tasks", after_write=True)

    task = hub.save_task(contact_name="Hans Müller")
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Call Grace"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_contact_that_is_linked_goes_by_its_id_and_not_by_the_name(hub: Hub, grace):
    simulator = hub.connect("leadlex", settings=BY_NAME)
    simulator.seed({"contacts": [HANS]})

    task = hub.save_task(contacts=[grace], contact_name="Hans Müller")
    hub.settle()

    assert [there["contact"] for there in live(simulator)] == ["grace@example.com"]
    assert hub.link(task).sync_status == "in_sync"
