"""Asking LeadSquared for users and leads; a contact of the hub is a lead there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.errors import Conflict, NotFound, Rejected, Unconfirmed
from providers.json_api import JsonApi
from providers.leadsquared import answers, leads
from providers.types import Owner, Person, RemoteContact, RemoteRef

LEADS = "/v2/LeadManagement.svc/"
USERS = "/v2/UserManagement.svc/"


# Users


def list_owners(api: JsonApi) -> tuple[Owner, ...]:
    """Return all users, inactive ones too; for a user, a `StatusCode` of 0 means active."""
    return tuple(
        Owner(
            id=str(user.get("ID") or user.get("UserId") or ""),
            email=str(user.get("EmailAddress") or "").lower(),
            name=f"{user.get('FirstName') or ''} {user.get('LastName') or ''}".strip(),
            is_active=str(user.get("StatusCode")) == "0",
        )
        for user in answers.list_in(api.call("GET", USERS + "Users.Get"))
    )


def email_of(api: JsonApi, user_id: str) -> str:
    """Return the user's e-mail, "" for one who is unknown or inactive."""
    users = answers.list_in(api.call("GET", USERS + "User/Retrieve/ByUserId", query={"userId": user_id}))
    return str(users[0].get("EmailAddress") or "") if users else ""


# Leads


def resolve(api: JsonApi, person: Person) -> RemoteContact:
    """Return the lead with one of the person's e-mails, else with one of the phones, each asked for in turn."""
    for email in person.emails:
        if found := _leads(api, "Leads.GetByEmailaddress", {"emailaddress": email}):
            return answers.only_one(found, f"the e-mail {email}")
    for phone in person.phones:
        if found := _by_phone(api, phone):
            return answers.only_one(found, f"the phone {phone}")
    raise NotFound("LeadSquared knows nobody with this e-mail or phone.")


def create(api: JsonApi, person: Person) -> RemoteContact:
    """Create the lead, or return the one that has its e-mail or phone already."""
    body = leads.attributes(person, with_empty=False)
    try:
        answer = api.call("POST", LEADS + "Lead.Create", json_body=body)
    except Conflict:
        return resolve(api, person)
    return RemoteContact(RemoteRef(answers.id_made(answer, "contact")), person)


def update(api: JsonApi, ref: RemoteRef, person: Person) -> RemoteContact:
    """Write what the person says over the lead."""
    body = leads.attributes(person, with_empty=True)
    try:
        answer = api.call("POST", LEADS + "Lead.Update", query={"leadId": ref.id}, json_body=body)
    except Rejected:
        # The refusal of a lead that is gone has no name of its own; a look tells it from a refused value.
        fetch(api, ref)
        raise
    if not isinstance(answer.json, Mapping):
        raise Unconfirmed("LeadSquared did not say whether it changed the contact.", status=answer.status)
    return RemoteContact(ref, person)


def create_or_update(api: JsonApi, person: Person, *, by: str) -> RemoteContact:
    """Write the person over the lead that has the same value in the column `by`, else create one."""
    body = [*leads.attributes(person, with_empty=False), {"Attribute": "SearchBy", "Value": by}]
    answer = api.call(
        "POST", LEADS + "Lead.CreateOrUpdate", query={"postUpdatedLead": "false"}, json_body=body
    )
    return RemoteContact(RemoteRef(answers.id_made(answer, "contact")), person)


def fetch(api: JsonApi, ref: RemoteRef) -> RemoteContact:
    """Return the lead as it stands there. Raises `NotFound` when it is gone."""
    found = _leads(api, "Leads.GetById", {"id": ref.id})
    if not found:
        raise NotFound("LeadSquared has no such contact.")
    return leads.read_lead(found[0])


def _leads(api: JsonApi, call: str, query: Mapping[str, object]) -> list[Mapping[str, Any]]:
    return answers.list_in(api.call("GET", LEADS + call, query=query))


def _by_phone(api: JsonApi, phone: str) -> list[Mapping[str, Any]]:
    first = _leads(api, "RetrieveLeadByPhoneNumber", {"phone": leads.digits(phone)})
    if not first:
        return []
    # What came may be somebody whose number only ends alike; then ours may stand there as we spell it.
    column = leads.phone_column(first[0], phone)
    name, text = column or ("Phone", phone)
    return search(api, name, "=", text, size=20) or (first if column else [])


def search(
    api: JsonApi, name: str, operator: str, value: str, *, size: int, page: int = 1
) -> list[Mapping[str, Any]]:
    """Return a page of the leads that fit one condition, oldest first.

    Source: https://apidocs.leadsquared.com/search-by-lead-criteria/ (read 2026-11).
    """
    body = {
        "Parameter": {"LookupName": name, "LookupValue": value, "SqlOperator": operator},
        "Columns": {"Include_CSV": leads.COLUMNS},
        "Sorting": {"ColumnName": "CreatedOn", "Direction": "0"},
        "Paging": {"PageIndex": page, "PageSize": size},
    }
    answer = api.call("POST", LEADS + "Leads.Get", json_body=body, writes=False)
    # Some accounts answer with a list, others with one inside an object (seen by integrators, 2026-11).
    return answers.rows_in(answer, "List") if isinstance(answer.json, Mapping) else answers.list_in(answer)
