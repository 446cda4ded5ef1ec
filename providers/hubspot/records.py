"""Contacts, owners and records ↔ HubSpot's JSON, and the searches for them; nothing here speaks to anyone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import phonenumbers

from providers.hubspot.json_shapes import mapping
from providers.hubspot.payloads import KEY_PROPERTY, Spelling
from providers.types import HubKey, Owner, Person, RecordKind, RemoteContact, RemoteRecord, RemoteRef

Filter = tuple[str, str, str | Sequence[str]]  # property, operator, value or values
GROUPS = 5  # of filters in one search; they were six in one text of HubSpot's


class RecordType(NamedTuple):
    """How HubSpot calls a kind of record: in paths, its property with the name, its object type's id."""

    plural: str
    name: str
    type_id: str


RECORDS: Mapping[RecordKind, RecordType] = {
    RecordKind.COMPANY: RecordType("companies", "name", "0-2"),
    RecordKind.DEAL: RecordType("deals", "dealname", "0-3"),
    RecordKind.TICKET: RecordType("tickets", "subject", "0-5"),
}
CONTACT_PROPERTIES = (
    "email",
    "hs_additional_emails",
    "firstname",
    "lastname",
    "phone",
    "mobilephone",
    "company",
    "jobtitle",
)


def contact_properties(person: Person) -> dict[str, str]:
    """Return what the hub knows of the person; what it does not know is absent, so that nothing there is wiped."""
    properties = {
        "email": person.email,
        "firstname": person.first_name,
        "lastname": person.last_name,
        "phone": person.phone,
        "company": person.company,
        "jobtitle": person.job_title,
    }
    return {name: value for name, value in properties.items() if value}


def remote_contact(answer: Mapping[str, Any], *, spelling: Spelling) -> RemoteContact:
    """Return the contact in an answer; the primary e-mail and the land line come first."""
    held = {name: str(value or "") for name, value in mapping(answer.get("properties")).items()}
    emails = [held.get("email", ""), *held.get("hs_additional_emails", "").split(";")]
    phones = [held.get("phone", ""), held.get("mobilephone", "")]
    person = Person(
        first_name=held.get("firstname", ""),
        last_name=held.get("lastname", ""),
        emails=tuple(email.strip().lower() for email in emails if email.strip()),
        phones=tuple(phone for phone in phones if phone),
        company=held.get("company", ""),
        job_title=held.get("jobtitle", ""),
    )
    id_ = str(answer["id"])
    return RemoteContact(RemoteRef(id_), person, _record_url(answer, "0-1", spelling))


def remote_record(kind: RecordKind, answer: Mapping[str, Any], *, spelling: Spelling) -> RemoteRecord:
    """Return the company, deal or ticket in an answer."""
    name = str(mapping(answer.get("properties")).get(RECORDS[kind].name) or "")
    url = _record_url(answer, RECORDS[kind].type_id, spelling)
    return RemoteRecord(RemoteRef(str(answer["id"])), RecordKind(kind), name, url)


def _record_url(answer: Mapping[str, Any], type_id: str, spelling: Spelling) -> str:
    return str(answer.get("url") or spelling.page(f"contacts/{{portal}}/record/{type_id}/{answer['id']}"))


def owner(answer: Mapping[str, Any]) -> Owner:
    """Return the owner in an answer; its `id`, not its `userId`, is what a task is assigned to."""
    name = f"{answer.get('firstName') or ''} {answer.get('lastName') or ''}".strip()
    return Owner(
        id=str(answer["id"]),
        email=str(answer.get("email") or "").lower(),
        name=name,
        is_active=not answer.get("archived", False),
    )


# Searches


def search(
    groups: Sequence[Sequence[Filter]], properties: Collection[str], *, limit: int = 200
) -> dict[str, Any]:
    """Return the body of a search: groups of filters, any of which may fit. All of its keys are required."""
    return {
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": name, "operator": operator, _valued(value): value}
                    for name, operator, value in group
                ]
            }
            for group in groups
        ],
        "sorts": [],
        "properties": list(properties),
        "limit": limit,
        "after": "0",
    }


def _valued(value: str | Sequence[str]) -> str:
    return "value" if isinstance(value, str) else "values"


def keys_in_one_search(has_property: bool) -> int:
    """Return for how many keys one search asks: each takes a group of filters, and all of them one more where there is the property."""
    return GROUPS - 1 if has_property else GROUPS


def key_search(keys: Sequence[HubKey], properties: Collection[str], *, has_property: bool) -> dict[str, Any]:
    """Return the search for tasks that may carry one of the keys, in our property or in the body; the caller compares the whole key."""
    # Which characters end a word there is not documented, so the key's letters are looked for inside any word (2026-11).
    in_bodies: list[Sequence[Filter]] = [
        [("hs_task_body", "CONTAINS_TOKEN", f"*{str(key).partition('.')[0]}*")] for key in keys
    ]
    in_property: Filter = (
        KEY_PROPERTY,
        "IN",
        [str(key) for key in keys],
    )  # in lower case, as `IN` needs them
    return search([[in_property], *in_bodies] if has_property else in_bodies, properties)


def record_search(kind: RecordKind, text: str) -> dict[str, Any]:
    """Return the search for a record by its id, where the text is one, or by HubSpot's own idea of what the words may fit."""
    name = RECORDS[kind].name
    if text.isdecimal():
        return search([[("hs_object_id", "EQ", text)], [(name, "CONTAINS_TOKEN", text)]], (name,), limit=100)
    return {**search([], (name,), limit=100), "query": text}


def phone_filters(phone: str) -> list[list[Filter]]:
    """Return the filter groups that find contacts by phone: HubSpot keeps the digits without country code to search in."""
    number = _parsed(phone)
    if number is None:
        return [[("phone", "EQ", phone)]]
    national = phonenumbers.national_significant_number(number)
    names = ("phone", "hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number")
    return [[(name, "EQ", value)] for name, value in zip(names, (phone, national, national), strict=True)]


def has_phone(contact: RemoteContact, phone: str) -> bool:
    """Return whether one of the contact's phones is this one; one written without country code may be."""
    close = (phonenumbers.MatchType.NSN_MATCH, phonenumbers.MatchType.EXACT_MATCH)
    return any(
        held == phone or phonenumbers.is_number_match(held, phone) in close for held in contact.person.phones
    )


def _parsed(phone: str) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(phone)
    except phonenumbers.NumberParseException:
        return None
