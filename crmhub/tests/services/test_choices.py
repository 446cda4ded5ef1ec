"""Choosing whom a typed name means: who is known here already, who is new, and what becomes of the task."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from crmhub import services
from crmhub.models import Contact, ContactLink, Record, RecordLink
from crmhub.tests.services.conftest import LATER, connect, link_of, save_task, settle, stored

pytestmark = pytest.mark.engine

HANNA = {"first_name": "Hanna", "last_name": "Müller", "email": "hanna@example.com", "phone": ""}
CONTACTS = [
    {"kind": "contact", "id": "c-1", "name": "Hans Müller", "first_name": "Hans", "last_name": "Müller"},
    {"kind": "contact", "id": "c-2", "name": "Hanna Müller", **HANNA},
    {"kind": "contact", "id": "c-3", "name": ""},
]
COMPANIES = [
    {"kind": "company", "id": "o-1", "name": "Twin North"},
    {"kind": "company", "id": "o-2", "name": ""},
]


def parked(candidates: list[dict[str, str]], **values: Any) -> Any:
    """Return the link of a task whose typed name fits these, at a connection."""
    connection = connect(provider="leadlex")
    task = save_task(**{"contact_name": "Müller", "company_name": "Twin", **values}).task
    link = link_of(task, connection)
    settle(link, sync_status="failed", pushed_version=0, last_error_code="ambiguous", candidates=candidates)
    return stored(link)


def there(link: Any, contact: Contact) -> str:
    return ContactLink.objects.get(connection=link.connection, contact=contact).external_id


def test_whoever_is_not_known_here_becomes_a_contact_of_the_task(ada):
    link = parked(CONTACTS)

    chosen = services.choose_for_task(link=link, external_id="c-2", by=ada, now=LATER)

    assert {name: getattr(chosen, name) for name in HANNA} == HANNA
    assert there(link, chosen) == "c-2"
    assert [one.contact_id for one in link.task.task_contacts.all()] == [chosen.pk]
    kept = stored(link)
    assert (kept.candidates, kept.sync_status, kept.due_at) == ([], "pending", LATER)
    assert link.task.version == 2
    assert link.task.history.first().history_user == ada


def test_one_of_whom_no_name_was_told_is_called_as_it_was_typed(ada):
    link = parked(CONTACTS)

    chosen = services.choose_for_task(link=link, external_id="c-3", by=ada, now=LATER)

    assert (str(chosen), there(link, chosen)) == ("Müller", "c-3")


def test_who_is_linked_with_the_one_there_already_is_taken(ada, grace):
    link = parked(CONTACTS)
    ContactLink.objects.create(
        connection=link.connection, contact=grace, external_id="c-2", status_since=LATER
    )

    chosen = services.choose_for_task(link=link, external_id="c-2", by=ada, now=LATER)

    assert chosen == grace
    assert Contact.objects.get() == grace


@pytest.mark.parametrize(("linked_as", "is_taken"), [("", True), ("c-9", False)])
def test_who_has_the_same_email_is_taken_unless_it_is_somebody_else_there(ada, linked_as, is_taken):
    link = parked(CONTACTS)
    hanna = services.save_contact(contact=Contact(first_name="H.", email="hanna@example.com"), changed=[])
    ContactLink.objects.filter(contact=hanna).update(external_id=linked_as)

    chosen = services.choose_for_task(link=link, external_id="c-2", by=ada, now=LATER)

    assert (chosen == hanna) == is_taken
    assert there(link, chosen) == "c-2"


def test_the_contacts_that_the_task_has_stay_before_the_chosen_one(ada, grace, katherine):
    link = parked(CONTACTS, about=[katherine, grace])

    chosen = services.choose_for_task(link=link, external_id="c-1", by=ada, now=LATER)

    told = link.task.task_contacts.order_by("position")
    assert [one.contact for one in told] == [katherine, grace, chosen]


@pytest.mark.parametrize(("external_id", "name"), [("o-1", "Twin North"), ("o-2", "Twin")])
def test_a_company_becomes_one_of_the_task(ada, external_id, name):
    link = parked(COMPANIES)

    chosen = services.choose_for_task(link=link, external_id=external_id, by=ada, now=LATER)

    assert (chosen.kind, chosen.name) == ("company", name)
    assert RecordLink.objects.get(record=chosen, connection=link.connection).external_id == external_id
    assert [one.record for one in link.task.task_records.all()] == [chosen]


@pytest.mark.parametrize("is_linked", [True, False])
def test_a_company_of_that_name_or_that_is_linked_already_is_taken(ada, is_linked):
    link = parked(COMPANIES)
    known = services.save_record(record=Record(kind="company", name="TWIN NORTH"), changed=[])
    if is_linked:
        services.link_record(record=known, connection=link.connection, external_id="o-1")

    assert services.choose_for_task(link=link, external_id="o-1", by=ada, now=LATER) == known
    assert Record.objects.get() == known


def test_who_is_no_longer_to_be_chosen_changes_nothing(ada):
    link = parked(CONTACTS)
    services.choose_for_task(link=link, external_id="c-1", by=ada, now=LATER)

    with pytest.raises(ValidationError, match="no longer among those to choose from"):
        services.choose_for_task(link=link, external_id="c-2", by=ada, now=LATER)

    assert Contact.objects.count() == 1
