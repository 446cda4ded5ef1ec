"""A person of the hub ↔ a lead of LeadSquared; pure.

Sources: https://apidocs.leadsquared.com/create-a-lead/, …/update-a-lead/, …/get-lead-by-phone/ (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from providers.types import Person, RemoteContact, RemoteRef

COLUMNS = "ProspectID,CreatedOn,FirstName,LastName,EmailAddress,Phone,Mobile,Company,JobTitle"
FEWEST_DIGITS = 7  # numbers that have fewer digits in common are not the same phone


def attributes(person: Person, *, with_empty: bool) -> list[dict[str, str]]:
    """Return the person as attributes of a lead; `with_empty` also those that are to be emptied.

    `Mobile` is sent for a second phone only and never emptied: a number that stands there is as likely the account's own.
    """
    values = {
        "FirstName": person.first_name,
        "LastName": person.last_name,
        "EmailAddress": person.emails[0] if person.emails else "",
        "Phone": person.phone,
        "Company": person.company,
        "JobTitle": person.job_title,
    }
    second = {"Mobile": person.phones[1]} if len(person.phones) > 1 else {}
    given = {name: value for name, value in values.items() if value or with_empty} | second
    return [{"Attribute": name, "Value": value} for name, value in given.items()]


def read_lead(record: Mapping[str, Any]) -> RemoteContact:
    """Return the contact in a lead, whether it comes flat or as a list of attributes."""
    flat = as_object(record)
    numbers = (_phone(flat.get("Phone")), _phone(flat.get("Mobile")))
    email = str(flat.get("EmailAddress") or "").strip()
    person = Person(
        first_name=str(flat.get("FirstName") or ""),
        last_name=str(flat.get("LastName") or ""),
        emails=(email,) if email else (),
        phones=tuple(dict.fromkeys(number for number in numbers if number)),
        company=str(flat.get("Company") or ""),
        job_title=str(flat.get("JobTitle") or ""),
    )
    return RemoteContact(RemoteRef(str(flat.get("ProspectID") or "")), person)


def phone_column(record: Mapping[str, Any], phone: str) -> tuple[str, str] | None:
    """Return the name and the text of the column in which the lead holds this phone, or None."""
    flat = as_object(record)
    for name in ("Phone", "Mobile"):
        text = str(flat.get(name) or "")
        if is_same_phone(text, phone):
            return name, text
    return None


def is_same_phone(one: str, other: str) -> bool:
    """Return whether two spellings are one number; only where a country code is missing may one end with the other."""
    first, second = digits(one), digits(other)
    if min(len(first), len(second)) < FEWEST_DIGITS:
        return False
    if one.strip().startswith("+") and other.strip().startswith("+"):
        return first == second
    return first.endswith(second.lstrip("0")) or second.endswith(first.lstrip("0"))


def digits(phone: str) -> str:
    """Return the digits of a phone number, as the look-up by phone wants them."""
    return re.sub(r"\D", "", phone)


def _phone(text: object) -> str:
    """Return the number as the hub writes it: LeadSquared puts a hyphen after the country code."""
    return re.sub(r"[^\d+]", "", str(text or ""))


def as_object(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the lead as one object, whether it comes so or as a list of attributes."""
    listed = record.get("LeadPropertyList")
    if not isinstance(listed, list):
        return record
    return {str(one.get("Attribute")): one.get("Value") for one in listed if isinstance(one, Mapping)}
