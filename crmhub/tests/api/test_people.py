"""Contacts, companies, deals, tickets and events over the API."""

from __future__ import annotations

import pytest

from crmhub.models import Contact, ContactLink, Record

pytestmark = pytest.mark.django_db

GRACE = {
    "first_name": "Grace",
    "last_name": "Hopper",
    "email": "grace@example.org",
    "phone": "+1 (212) 555-0100",
    "more_emails": ["rear.admiral@example.org"],
    "more_phones": ["+1 212 555 0199"],
    "company": "Acme",
    "job_title": "Rear admiral",
}


def test_a_contact_is_shown_as_it_was_sent(service):
    answer = service.post("/contacts", GRACE)

    contact = answer.json()
    assert (answer.status_code, answer["ETag"]) == (201, '"1"')
    assert {name: contact[name] for name in GRACE} == GRACE
    assert contact["phone_e164"] == "+12125550100"
    assert contact["origin"] == "api:billing"
    assert answer["Location"] == f"/api/v1/contacts/{contact['id']}"
    assert service.get(f"/contacts/{contact['id']}").json() == contact


def test_the_crms_are_owed_a_new_contact(service, connection):
    contact = service.post("/contacts", GRACE).json()

    assert ContactLink.objects.get(contact=contact["id"], connection=connection).due_at is not None


def test_a_change_of_a_contact_leaves_alone_what_it_does_not_name(service):
    contact = service.post("/contacts", GRACE).json()

    changed = service.patch(f"/contacts/{contact['id']}", {"company": "Navy"}, If_Match='"1"')

    expected = {**contact, "company": "Navy", "version": 2, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == expected


def test_a_contact_that_somebody_changed_meanwhile_is_not_overwritten(service, grace):
    at = f"/contacts/{grace.pk}"

    assert service.patch(at, {"company": "Navy"}, If_Match='"1"').status_code == 200
    assert service.patch(at, {"company": "Army"}, If_Match='"1"').status_code == 412
    assert Contact.objects.get().company == "Navy"


def test_a_contact_cannot_lose_all_that_it_is_known_by(service, grace):
    answer = service.patch(f"/contacts/{grace.pk}", {"first_name": "", "last_name": "", "email": ""})

    assert answer.status_code == 400
    assert Contact.objects.get().email == "grace@example.org"


@pytest.mark.parametrize("kind", ["company", "deal", "ticket", "event"])
def test_a_record_is_made_and_renamed(service, kind):
    answer = service.post("/records", {"kind": kind, "name": "Acme"})
    at = f"/records/{answer.json()['id']}"

    renamed = service.patch(at, {"name": "Acme Inc."})

    assert answer.status_code == 201
    assert (renamed.json()["kind"], renamed.json()["name"], renamed["ETag"]) == (kind, "Acme Inc.", '"2"')
    assert service.get(at).json() == renamed.json()


def test_a_company_does_not_become_a_deal(service, acme):
    answer = service.patch(f"/records/{acme.pk}", {"kind": "deal"})

    assert "kind" in answer.json()["errors"]
    assert Record.objects.get().kind == "company"
