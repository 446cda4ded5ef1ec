"""The simulated LeadSquared account: its leads and opportunities."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from providers.leadsquared.simulator_account import AccountSimulator
from providers.leadsquared.simulator_records import Lead, Opportunity, User, spelled
from providers.leadsquared.simulator_shapes import (
    Refusal,
    bad_request,
    invalid,
    is_text,
    refusing,
    shaped,
)
from providers.simulator import Call, Reply, route

ATTRIBUTES = (
    *("FirstName", "LastName", "EmailAddress", "Phone", "Mobile", "Company", "JobTitle"),
    *("Website", "Source", "Notes", "OwnerId", "ProspectStage"),
)
UNIQUE = {
    "EmailAddress": "A Lead with same Email Address already exists.",
    "Phone": "A Lead with same Phone Number already exists.",
}
LEADS = "/v2/LeadManagement.svc/"


class LeadsSimulator(AccountSimulator):
    """The part of the account that makes and shows leads."""

    def reset(self) -> None:
        """Empty the account."""
        super().reset()
        self.leads: dict[str, Lead] = {}
        self.opportunities: dict[str, Opportunity] = {}

    # Leads

    @route("POST", LEADS + "Lead.Create")
    @refusing
    def create_lead(self, call: Call) -> Reply:
        """Create a lead from a list of attributes."""
        values = self._attributes(call)
        values.pop("SearchBy", None)
        lead = self._add_lead(self._checked(values))
        self.announce({"code": 3, "entity": "Lead", "id": lead.id, "body": self._shown(lead)})
        return Reply(200, {"Status": "Success", "Message": {"Id": lead.id, "RelatedId": ""}})

    @route("POST", LEADS + "Lead.CreateOrUpdate")
    @refusing
    def create_or_update_lead(self, call: Call) -> Reply:
        """Update the lead that has the same value in `SearchBy`, else create one."""
        values = self._attributes(call)
        by = values.pop("SearchBy", "EmailAddress")
        known = [
            one for one in self.leads.values() if values.get(by) and _same(by, one.values.get(by), values[by])
        ]
        lead = known[0] if known else self._add_lead(self._checked(values))
        lead.values |= self._checked(values, but=lead)
        return Reply(200, {"Status": "Success", "Message": {"Id": lead.id, "AffectedRows": 1}})

    @route("POST", LEADS + "Lead.Update")
    @refusing
    def update_lead(self, call: Call) -> Reply:
        """Change the attributes given; told to nobody unless the caller asks for that."""
        lead = self.leads.get(call.query.get("leadId", ""))
        if lead is None:
            raise Refusal("MXInvalidLeadException", "Lead does not exist")
        before = self._shown(lead)
        lead.values |= self._checked(self._attributes(call), but=lead)
        if call.query.get("postUpdatedLead") == "true":
            body = {"Before": before, "After": self._shown(lead)}
            self.announce({"code": 6, "entity": "Lead", "id": lead.id, "body": body})
        return Reply(200, {"Status": "Success", "Message": {"AffectedRows": 1}})

    @route("GET", LEADS + "Leads.GetById")
    def get_lead(self, call: Call) -> Reply:
        """Return the lead in a list, an empty one for an unknown id."""
        lead = self.leads.get(call.query.get("id", ""))
        return Reply(200, [self._shown(lead)] if lead else [])

    @route("GET", LEADS + "Leads.GetByEmailaddress")
    def get_leads_by_email(self, call: Call) -> Reply:
        """Return the leads with this e-mail."""
        email = call.query.get("emailaddress", "").lower()
        found = [
            one for one in self._findable() if email and one.values.get("EmailAddress", "").lower() == email
        ]
        return Reply(200, [self._shown(one) for one in found])

    @route("GET", LEADS + "RetrieveLeadByPhoneNumber")
    @refusing
    def get_lead_by_phone(self, call: Call) -> Reply:
        """Return the latest lead whose phone or mobile has these digits, with or without the country code."""
        wanted = call.query.get("phone", "")
        if not re.fullmatch(r"\+?\d+", wanted):
            raise invalid("Invalid value for phone")
        found = [
            one
            for one in self._findable()
            if any(_rings(one.values.get(by), wanted) for by in ("Phone", "Mobile"))
        ]
        return Reply(200, [self._shown(one) for one in found[-1:]])

    def remove_contact(self, id_: str) -> None:
        """Delete a lead, as an administrator does; its tasks stay."""
        del self.leads[id_]

    # Helpers

    def contacts(self) -> list[dict[str, Any]]:
        """Return the leads in plain words."""
        return [
            {
                "id": one.id,
                "first_name": one.values.get("FirstName", ""),
                "last_name": one.values.get("LastName", ""),
                "email": one.values.get("EmailAddress", ""),
                "phone": one.values.get("Phone", ""),
                "company": one.values.get("Company", ""),
                "deleted": False,
            }
            for one in self.leads.values()
        ]

    def seed(self, world: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put people and opportunities there; an opportunity belongs to the account's first lead."""
        users = [self._seed_user(one) for one in world.get("users", ())]
        leads = [self._seed_lead(one) for one in world.get("contacts", ())]
        owner = next(iter(self.leads), "")
        deals = [Opportunity(str(uuid.uuid4()), one["name"], owner) for one in world.get("deals", ())]
        self.opportunities |= {one.id: one for one in deals}
        ids = {"users": users, "contacts": leads, "deals": [one.id for one in deals]}
        return {**ids, "companies": [], "tickets": [], "events": []}

    def _seed_user(self, wanted: Mapping[str, str]) -> str:
        known = self.user(email=wanted["email"])
        if known is None:
            first, _, last = wanted.get("name", "").partition(" ")
            known = User(str(uuid.uuid4()), wanted["email"], first, last)
            self.users.append(known)
        return known.id

    def _seed_lead(self, wanted: Mapping[str, str]) -> str:
        names = {
            "first_name": "FirstName",
            "last_name": "LastName",
            "email": "EmailAddress",
            "phone": "Phone",
            "company": "Company",
        }
        return self._add_lead(
            {names[name]: value for name, value in wanted.items() if name in names and value}
        ).id

    def _add_lead(self, values: dict[str, str]) -> Lead:
        lead = Lead(str(uuid.uuid4()), self.now(), values)
        self.leads[lead.id] = lead
        return lead

    def _attributes(self, call: Call) -> dict[str, str]:
        if "application/json" not in call.headers.get("content-type", "") or not isinstance(call.json, list):
            raise bad_request("The body must be a list of attributes")
        shape = {"Attribute": is_text, "Value": lambda value: value is None or is_text(value)}
        given = [shaped(one, shape, ["Attribute", "Value"]) for one in call.json]
        for one in given:
            if one["Attribute"] not in (*ATTRIBUTES, "SearchBy") and not one["Attribute"].startswith("mx_"):
                raise Refusal("MXUnknownAttributeException", f"Unknown attribute {one['Attribute']}")
        return {one["Attribute"]: one["Value"] or "" for one in given}

    def _checked(self, values: dict[str, str], *, but: Lead | None = None) -> dict[str, str]:
        whole = {**(but.values if but else {}), **values}
        if not any(whole.get(name) for name in ("FirstName", "LastName", "EmailAddress", "Phone")):
            raise Refusal(
                "MXMandatoryAttributeMissingException", "FirstName, LastName, EmailAddress or Phone is needed"
            )
        for name, message in UNIQUE.items():
            if values.get(name) and any(
                _same(name, one.values.get(name), values[name])
                for one in self.leads.values()
                if one is not but
            ):
                # The account tells of a duplicate under a status of success.
                raise Refusal("MXDuplicateEntryException", message, status=200)
        return values

    def _findable(self) -> list[Lead]:
        return [one for one in self.leads.values() if self.is_found(one.created_at)]

    def _shown(self, lead: Lead) -> dict[str, str | None]:
        values = {name: lead.values.get(name) or None for name in ATTRIBUTES}
        return {
            "ProspectID": lead.id,
            **values,
            "CreatedOn": spelled(lead.created_at),
            "IsLead": "1",
            "Score": "0",
        }


def _same(name: str, one: str | None, other: str) -> bool:
    if name == "Phone":
        return _digits(one) == _digits(other)
    return (one or "").lower() == other.lower()


def _rings(held: str | None, wanted: str) -> bool:
    digits, asked = _digits(held), _digits(wanted)
    return bool(digits) and (digits == asked or (len(asked) >= 7 and digits.endswith(asked)))


def _digits(text: str | None) -> str:
    return re.sub(r"\D", "", text or "")
