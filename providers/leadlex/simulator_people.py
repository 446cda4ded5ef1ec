"""The simulated LeadLex's contacts, users, companies and deals. Shapes and rules as its pages tell them (read 2026-11)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from providers.leadlex import simulator_records as records
from providers.leadlex.simulator_gateway import Gateway, answering, body_of, known_query, listing
from providers.leadlex.simulator_records import Record, Refused, invalid
from providers.simulator import Call, Reply, route

_SORTS = ("created_at", "updated_date", "full_name")
_DEAL_FILTERS = ("status", "pipeline", "stage", "contact_id", "owner_user_id", "tags")
_NAMES = ("full_name", "first_name", "last_name", "email")


class People(Gateway):
    """Everything that a task can point at."""

    # Contacts

    @route("POST", "/v1/contacts")
    @answering
    def create_contact(self, call: Call) -> Reply:
        """Make a contact. …/api-reference/contacts/create (read 2026-11)."""
        if (replay := self._replay(call)) is not None:
            return replay
        body = records.check_body(body_of(call), records.CONTACT_CREATE)
        if not any(str(body.get(name, "")).strip() for name in _NAMES):
            raise invalid("At least one of full_name, first_name, last_name or email is required")
        if (existing := self._same_email(body)) is not None and self.duplicate_contacts != "second":
            if self.duplicate_contacts == "conflict":
                raise Refused(409, "conflict", f"A contact with this email exists: {existing['id']}")
            return Reply(200, {"data": dict(existing)})
        self._must_be_ours(
            "related_company_id", body.get("related_company_id", body.get("company_id")), "companies"
        )
        contact = self._new_contact(body)
        self._tell("contact.created", {"contact": dict(contact)})
        return self._remember(call, Reply(201, {"data": dict(contact)}))

    @route("GET", "/v1/contacts")
    @answering
    def list_contacts(self, call: Call) -> Reply:
        """List or search contacts. …/api-reference/contacts/list (read 2026-11)."""
        known_query(call, "search", "list_id", "created_after", "sort")
        sort = call.query.get("sort", "created_at")
        if sort.removeprefix("-") not in _SORTS:
            raise invalid("sort: Unknown sort", {"sort": f"Must be one of: {', '.join(_SORTS)}"})
        text = call.query.get("search", "").casefold()
        names = ("full_name", "email", *(("phone",) if self.search_covers_phones else ()))
        found = [
            contact
            for contact in self._held["contacts"].values()
            if any(text in str(contact[name] or "").casefold() for name in names)
            and contact["created_at"] >= call.query.get("created_after", "")
            and "list_id" not in call.query  # there are no lists here
        ]
        found.sort(key=lambda one: str(one[sort.removeprefix("-")] or ""), reverse=sort.startswith("-"))
        return listing(call, "contacts", found)

    @route("GET", "/v1/contacts/{id}")
    @answering
    def get_contact(self, call: Call) -> Reply:
        """Show one contact under `data`. …/api-reference/contacts/get (read 2026-11)."""
        return Reply(200, {"data": dict(self._one_of("contacts", call, "Contact"))})

    @route("PATCH", "/v1/contacts/{id}")
    @answering
    def update_contact(self, call: Call) -> Reply:
        """Change what is sent; `notes` is added to. …/api-reference/contacts/update (read 2026-11)."""
        contact = self._one_of("contacts", call, "Contact")
        body = records.check_body(body_of(call), records.CONTACT_UPDATE, nullable=records.CONTACT_UPDATE)
        if "notes" in body:
            body = {**body, "notes": f"{contact.get('notes', '')}{body['notes']}"}
        changed = {**contact, **body}
        if not any(str(changed[name] or "").strip() for name in ("first_name", "last_name", "email")):
            raise invalid("At least one of full_name, first_name, last_name or email is required")
        contact |= body
        if {"first_name", "last_name"} & body.keys():
            contact["full_name"] = f"{contact['first_name'] or ''} {contact['last_name'] or ''}".strip()
        contact["updated_date"] = records.created_date(None, self.now())
        self._tell("contact.updated", {"contact": dict(contact)})
        return Reply(200, {"data": dict(contact)})

    def _new_contact(self, body: Mapping[str, Any]) -> Record:
        contact = {
            "id": str(body.get("id") or uuid.uuid4()),
            **records.named(body),
            **{name: body.get(name) for name in ("email", "phone", "job_title", "linkedin_url", "priority")},
            "company_name": body.get("company"),
            "related_company_id": body.get("related_company_id", body.get("company_id")),
            "tags": body.get("tags", []),
            "custom_fields": body.get("custom_fields", {}),
            "created_at": records.created_date(body.get("created_date"), self.now()),
            "updated_date": None,
        }
        self._held["contacts"][contact["id"]] = contact
        return contact

    def _same_email(self, body: Mapping[str, Any]) -> Record | None:
        email = str(body.get("email") or "").casefold()
        held = self._held["contacts"].values()
        return next((one for one in held if email and str(one["email"] or "").casefold() == email), None)

    # Users, companies, deals

    @route("GET", "/v1/users")
    @answering
    def list_users(self, call: Call) -> Reply:
        """List all users; no pages. …/api-reference/users/list (read 2026-11)."""
        return Reply(200, {"data": {"users": list(self._held["users"].values())}})

    @route("GET", "/v1/companies")
    @answering
    def list_companies(self, call: Call) -> Reply:
        """List or search companies. …/api-reference/companies/list (read 2026-11)."""
        known_query(call, "search", "industry")
        text = call.query.get("search", "").casefold()
        return listing(
            call,
            "companies",
            [
                one
                for one in self._held["companies"].values()
                if text in one["name"].casefold() and _fits(one, call, "industry")
            ],
        )

    @route("GET", "/v1/deals")
    @answering
    def list_deals(self, call: Call) -> Reply:
        """List deals; there is no search. …/api-reference/deals/list (read 2026-11)."""
        known_query(call, *_DEAL_FILTERS, "created_after", "created_before", "updated_after")
        after = max(call.query.get("created_after", ""), call.query.get("updated_after", ""))
        before = call.query.get("created_before", "9999")
        deals = [
            one
            for one in self._held["deals"].values()
            if after <= one["created_date"] < before and _fits(one, call, *_DEAL_FILTERS)
        ]
        return listing(call, "deals", deals)

    @route("GET", "/v1/deals/{id}")
    @answering
    def get_deal(self, call: Call) -> Reply:
        """Show one deal under `data.deal`. …/api-reference/deals/get (read 2026-11)."""
        return Reply(200, {"data": {"deal": self._one_of("deals", call, "Deal")}})

    # For the tests and the demo

    def remove_contact(self, id_: str) -> None:
        """Delete a contact, as a person does in the workspace; its tasks lose their link."""
        gone = self._held["contacts"].pop(id_)
        for task in self._tasks.values():
            if task["contact_id"] == id_:
                task["contact_id"] = None
        self._tell("contact.deleted", {"contact": dict(gone)})

    def remove_user(self, id_: str) -> None:
        """Take a user out of the workspace, as an administrator does."""
        del self._held["users"][id_]

    def merge_contacts(self, primary: str, other: str) -> None:
        """Merge a contact into another one, which takes what it lacks: its tasks move, its id is retired.

        …/api-reference/bulk/contacts-merge (read 2026-11).
        """
        kept, gone = self._held["contacts"][primary], self._held["contacts"][other]
        kept.update({name: gone[name] for name in gone if kept.get(name) in (None, "")})
        for task in self._tasks.values():
            if task["contact_id"] == other:
                task["contact_id"] = primary
        del self._held["contacts"][other]
        self._tell("contact.merged", {"primary_id": primary, "duplicate_ids": [other]})

    def contacts(self) -> list[dict[str, Any]]:
        """Return the contacts held."""
        names = ("id", "first_name", "last_name", "email", "phone")
        return [
            {**{name: one[name] for name in names}, "company": one["company_name"], "deleted": False}
            for one in self._held["contacts"].values()
        ]


def _fits(record: Record, call: Call, *names: str) -> bool:
    return all(record.get(name) == call.query[name] for name in names if name in call.query)
