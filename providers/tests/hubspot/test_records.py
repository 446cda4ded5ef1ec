"""Contacts, owners and records in HubSpot's JSON and back, and the searches for them."""

from __future__ import annotations

import uuid

import pytest

from providers.hubspot.payloads import Spelling
from providers.hubspot.records import (
    contact_properties,
    has_phone,
    key_search,
    owner,
    phone_filters,
    record_search,
    remote_contact,
    remote_record,
)
from providers.types import HubKey, Person, RecordKind

SPELLING = Spelling("Europe/Berlin", {}, "4711", "app-eu1.hubspot.com")
KEY = HubKey(uuid.UUID(int=7))


def test_what_the_hub_does_not_know_of_a_person_is_not_wiped_there():
    person = Person(first_name="Grace", emails=("Grace@Client.Example",))

    assert contact_properties(person) == {"email": "grace@client.example", "firstname": "Grace"}


def test_a_contact_is_read_with_its_further_e_mails_and_phones():
    properties = {
        "email": "grace@client.example",
        "hs_additional_emails": "gh@navy.example;Grace@Home.Example",
        "firstname": "Grace",
        "lastname": None,
        "phone": "+12025550123",
        "mobilephone": "+12025550124",
    }

    person = remote_contact({"id": "101", "properties": properties}, spelling=SPELLING).person

    assert person.emails == ("grace@client.example", "gh@navy.example", "grace@home.example")
    assert person.phones == ("+12025550123", "+12025550124")
    assert (person.first_name, person.last_name) == ("Grace", "")


@pytest.mark.parametrize(
    ("held", "wanted", "is_same"),
    [
        ("+12025550123", "+12025550123", True),
        ("(202) 555-0123", "+12025550123", True),
        ("+1 202-555-0123", "+12025550123", True),
        ("+492025550123", "+12025550123", False),
        ("ext. 7", "+12025550123", False),
        ("call Bob", "call Bob", True),
    ],
)
def test_a_phone_is_the_same_however_it_is_written(held, wanted, is_same):
    contact = remote_contact({"id": "1", "properties": {"phone": held}}, spelling=SPELLING)

    assert has_phone(contact, wanted) is is_same


def test_a_phone_is_searched_without_its_country_code():
    assert [group[0][2] for group in phone_filters("+442079460958")] == [
        "+442079460958",
        "2079460958",
        "2079460958",
    ]
    assert phone_filters("nonsense") == [[("phone", "EQ", "nonsense")]]


@pytest.mark.parametrize("has_property", [True, False])
def test_a_key_is_searched_in_the_property_only_where_there_is_one(has_property):
    body = key_search([KEY], ["hs_task_body"], has_property=has_property)

    searched = [group["filters"][0]["propertyName"] for group in body["filterGroups"]]
    assert searched == ["hub_task_key", "hs_task_body"] if has_property else ["hs_task_body"]
    assert set(body) == {"filterGroups", "sorts", "properties", "limit", "after"}


def test_a_record_is_searched_by_name_or_by_id():
    assert record_search(RecordKind.DEAL, "compiler")["query"] == "compiler"
    assert "query" not in record_search(RecordKind.DEAL, "4711")


def test_a_record_is_read_with_its_name():
    found = remote_record(
        RecordKind.TICKET, {"id": "5", "properties": {"subject": "Moth"}}, spelling=SPELLING
    )

    assert (found.name, found.kind, found.url) == (
        "Moth",
        RecordKind.TICKET,
        "https://app-eu1.hubspot.com/contacts/4711/record/0-5/5",
    )


def test_an_owner_is_known_by_id_and_not_by_user_id():
    found = owner(
        {"id": "64000001", "userId": 9, "email": "Ada@Hub.Example", "firstName": "Ada", "archived": True}
    )

    assert (found.id, found.email, found.name, found.is_active) == (
        "64000001",
        "ada@hub.example",
        "Ada",
        False,
    )
