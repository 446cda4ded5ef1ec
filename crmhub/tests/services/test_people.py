"""Saving contacts and records."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from crmhub import services
from crmhub.models import Contact, ContactLink, Record
from crmhub.tests.services.conftest import LATER, NOON, connect, save_task, stored

pytestmark = pytest.mark.django_db


def save(**values):
    return services.save_contact(contact=Contact(**values), changed=[], now=NOON)


def test_a_contact_is_tidied():
    contact = save(
        first_name=" Grace ",
        last_name="Hopper\n",
        email=" Grace@Example.COM ",
        more_emails=[" G.Hopper@Example.com", ""],
        more_phones=["+1 202 555 0199 ", " "],
    )

    kept = stored(contact)
    assert (kept.name, kept.email) == ("Grace Hopper", "grace@example.com")
    assert (kept.more_emails, kept.more_phones) == (["g.hopper@example.com"], ["+1 202 555 0199"])


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("+1 (202) 555-0123", "+12025550123"),
        ("+44 20 7946 0958", "+442079460958"),
        ("0049 30 123456", ""),  # without a region nobody knows which country is called with 00
        ("030 123456", ""),
        ("ask at the desk", ""),
        ("+1 2", ""),
        ("", ""),
    ],
)
def test_a_phone_stays_as_typed_and_is_kept_in_e164_where_it_is_understood(typed, understood):
    contact = save(first_name="Grace", phone=typed)

    assert (stored(contact).phone, stored(contact).phone_e164) == (typed, understood)


def test_two_people_who_edit_different_fields_of_a_contact_do_not_undo_each_other(grace):
    adas, mallorys = stored(grace), stored(grace)

    adas.company = "Compilers Ltd"
    services.save_contact(contact=adas, changed=["company"], now=LATER)
    mallorys.job_title = "Rear admiral"
    services.save_contact(contact=mallorys, changed=["job_title"], now=LATER)

    kept = stored(grace)
    assert (kept.company, kept.job_title, kept.version) == ("Compilers Ltd", "Rear admiral", 3)
    assert kept.created_at == NOON


def test_a_contacts_new_name_finds_its_tasks(grace, katherine):
    about_grace, other = save_task(about=[grace]).task, save_task(about=[katherine]).task
    before = stored(other).search_text
    grace.last_name, grace.email = "Murray", "murray@example.com"

    services.save_contact(contact=grace, changed=["last_name", "email"], now=LATER)

    assert "MURRAY@EXAMPLE.COM" in stored(about_grace).search_text
    assert "HOPPER" not in stored(about_grace).search_text
    assert (stored(about_grace).version, stored(other).search_text) == (1, before)


def test_a_contacts_save_leaves_a_history_row_that_says_who(grace, ada):
    grace.company = "Compilers Ltd"

    services.save_contact(contact=grace, changed=["company"], by=ada, origin="staff", now=LATER)

    assert [(row.version, row.history_user) for row in grace.history.order_by("version")] == [
        (1, None),
        (2, ada),
    ]
    assert stored(grace).origin == "staff"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "last_name"),
        ({"company": "Acme"}, "last_name"),
        ({"first_name": " "}, "last_name"),
        ({"email": "grace"}, "email"),
        ({"first_name": "Grace", "more_emails": ["grace"]}, "more_emails"),
        ({"first_name": "Grace", "more_emails": "grace@example.com"}, "more_emails"),
        ({"first_name": "Grace", "more_phones": [1]}, "more_phones"),
        ({"first_name": "Grace", "more_phones": ["+1\x00"]}, "more_phones"),
        ({"first_name": "Gra\x00ce"}, "first_name"),
        ({"first_name": "Grace", "phone": "1" * 65}, "phone"),
    ],
)
def test_a_contact_that_makes_no_sense_is_refused_by_field_and_nothing_is_written(values, name):
    connect()

    with pytest.raises(ValidationError) as refusal:
        save(**values)

    assert list(refusal.value.message_dict) == [name]
    assert not Contact.objects.exists()
    assert not ContactLink.objects.exists()


def test_a_refused_contact_can_be_mended_and_is_then_version_one():
    contact = Contact(email="grace", first_name="Grace")
    with pytest.raises(ValidationError):
        services.save_contact(contact=contact, changed=[], now=NOON)
    contact.email = "grace@example.com"

    services.save_contact(contact=contact, changed=[], now=NOON)

    assert stored(contact).version == 1


def test_a_record_is_tidied_and_each_save_is_a_version(acme, ada):
    acme.name = "  Acme Ltd "

    services.save_record(record=acme, changed=["name"], by=ada, now=LATER)

    kept = stored(acme)
    assert (kept.name, kept.version, kept.created_at, kept.updated_at) == ("Acme Ltd", 2, NOON, LATER)
    assert [row.history_user for row in acme.history.order_by("version")] == [None, ada]


def test_the_kind_of_a_record_does_not_change(acme):
    acme.kind = "deal"

    services.save_record(record=acme, changed=["kind", "name"], now=LATER)

    assert stored(acme).kind == "company"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"kind": "company", "name": " "}, "name"),
        ({"kind": "company", "name": "x" * 301}, "name"),
        ({"kind": "company", "name": "Ac\x00me"}, "name"),
        ({"kind": "planet", "name": "Acme"}, "kind"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused_by_field(values, name):
    with pytest.raises(ValidationError) as refusal:
        services.save_record(record=Record(**values), changed=[], now=NOON)

    assert list(refusal.value.message_dict) == [name]
    assert not Record.objects.exists()
