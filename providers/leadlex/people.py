"""Contacts, users, companies and deals: the hub's values ↔ LeadLex's JSON; pure."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from providers.types import Owner, Person, RecordKind, RemoteContact, RemoteRecord, RemoteRef

# The company's text is no part of these: it has one name on create and another one on update and in answers.
_PERSON_KEYS = ("first_name", "last_name", "email", "phone", "job_title")


def contact_to_create(person: Person) -> dict[str, Any]:
    """Return the body of a create. First and last name go separately: the vendor splits a whole name at its last space.

    Source: https://docs.leadlex.com/api-reference/contacts/create (read 2026-11).
    """
    values = _person_values(person) | {"company": person.company}
    return {name: value for name, value in values.items() if value}


def contact_changes(person: Person) -> dict[str, Any]:
    """Return the body of an update, null for what the person has not; the company is called `company_name` here.

    Source: https://docs.leadlex.com/api-reference/contacts/update (read 2026-11).
    """
    values = _person_values(person) | {"company_name": person.company}
    return {name: value or None for name, value in values.items()}


def _person_values(person: Person) -> dict[str, str]:
    return {name: str(getattr(person, name)) for name in _PERSON_KEYS}


def read_contact(contact: Mapping[str, Any]) -> RemoteContact:
    """Return the contact; one without separate names is read from its full name."""
    first, last = _text(contact.get("first_name")), _text(contact.get("last_name"))
    if not first and not last:
        first, _, last = _text(contact.get("full_name")).strip().rpartition(" ")
        first, last = (first, last) if first else (last, "")
    company = contact.get("company_name") or contact.get("company")
    if isinstance(company, Mapping):
        company = company.get("name")
    person = Person(
        first_name=first,
        last_name=last,
        emails=_one(contact.get("email")),
        phones=_one(contact.get("phone")),
        company=_text(company),
        job_title=_text(contact.get("job_title")),
    )
    return RemoteContact(RemoteRef(str(contact["id"])), person)


def read_owner(user: Mapping[str, Any]) -> Owner:
    """Return the user; the vendor tells no one as inactive."""
    return Owner(str(user["id"]), _text(user.get("email")).lower(), _text(user.get("full_name")))


def read_record(record: Mapping[str, Any], kind: RecordKind) -> RemoteRecord:
    """Return the company or deal."""
    return RemoteRecord(RemoteRef(str(record["id"])), kind, _text(record.get("name")))


def is_id(text: str) -> bool:
    """Return whether the text is a UUID, as the ids of records are there."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def same_phone(one: str, other: str) -> bool:
    """Return whether both are one number, however they are spelled; `00` stands for `+`."""
    return bool(one) and _digits(one) == _digits(other)


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", re.sub(r"^\s*00", "", phone))


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _one(value: Any) -> tuple[str, ...]:
    return (str(value),) if value else ()
