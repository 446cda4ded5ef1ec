"""The people of a HighLevel sub-account: its contacts, and its users."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from providers.error_cases import Answer
from providers.errors import Ambiguous, Conflict, Forbidden, NotFound, Permanent, Transient
from providers.highlevel import payloads
from providers.highlevel.account import READ, WRITE, HighLevelAccount, listed, path_of, silent
from providers.highlevel.error_cases import VENDOR
from providers.highlevel.walking import NOT_OURS, PAGE
from providers.types import HubKey, Owner, Page, Person, RemoteContact, RemoteRef

USERS = "users.readonly"
BY_CHANGE = [{"field": "dateUpdated", "direction": "asc"}]


class HighLevelPeople(HighLevelAccount):
    """The calls about contacts and users."""

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the sub-account's users; an empty list is an answer too.

        `v3` has the list no more; there the agency's users are searched for those of the sub-account.
        Source: https://marketplace.gohighlevel.com/docs/ghl/users/get-user-by-location (read 2026-11).
        """
        rows = self._searched_users() if self._version == "v3" else self._listed_users()
        return tuple(payloads.owner(row) for row in rows if payloads.serves(row, self._location_id))

    def _listed_users(self) -> Iterable[Mapping[str, Any]]:
        query = {"locationId": self._location_id}
        return listed(self._call("GET", "/users/", scope=USERS, query=query), "users")

    def _searched_users(self) -> Iterable[Mapping[str, Any]]:
        company = self.account.learned.get("company_id") or self.prepare().get("company_id")
        if not company:
            raise Forbidden(
                f"{VENDOR} shows the users in this API version only to who knows their agency: the scope locations.readonly is missing. Tick it, "
                "or choose another version in this connection's settings.",
                scope="locations.readonly",
            )
        query = {"companyId": company, "locationId": self._location_id, "limit": PAGE}
        found: dict[str, Mapping[str, Any]] = {}
        while True:
            answer = self._call("GET", "/users/search", scope=USERS, query={**query, "skip": len(found)})
            # Not a short page ends it but one without news: how long pages may be is not documented.
            new = {payloads.id_of(row): row for row in listed(answer, "users") if payloads.id_of(row)}
            if not new.keys() - found.keys():
                return found.values()
            found |= new

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the contact with one of the person's e-mails, else with one of the phones.

        Each is searched for first, because only the search shows several, then asked of the duplicate look-up, because the search
        lags: one request when it is found at once, two for each address that is not there.
        """
        for name, value in payloads.identities(person):
            found = self._contacts_with(name, value)
            if len(found) > 1:
                raise Ambiguous(f"{VENDOR} has {len(found)} contacts with this {name}.", candidates=found)
            if found:
                return found[0]
        raise NotFound(f"{VENDOR} knows no contact with this e-mail or phone.")

    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the contact; the one that HighLevel names as its duplicate is fetched instead. The key has no place there."""
        body = payloads.new_contact(person, location=self._location_id)
        try:
            return self._told_contact(self._call("POST", "/contacts/", scope=WRITE, json_body=body))
        except Conflict as error:
            if not error.existing_id:
                raise
            return self.fetch_contact(RemoteRef(error.existing_id))

    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Bring names, e-mail and phone to what the person says; company and job title cannot be changed there."""
        body = payloads.changed_contact(person)
        return self._told_contact(self._call("PUT", path_of("contacts", ref.id), scope=WRITE, json_body=body))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact as it stands there. Raises `NotFound` when it is gone."""
        answer = self._call("GET", path_of("contacts", ref.id), scope=READ)
        record = payloads.record_in(answer.json, "contact")
        if record is not None and record.get("deleted") is True:
            raise NotFound(f"{VENDOR} has deleted this contact.", status=answer.status)
        return self._told_contact(answer, writes=False)

    def list_contacts(self, cursor: str | None = None) -> Page[RemoteContact]:
        """Return the sub-account's contacts, the one that was changed longest ago first; the search lags.

        One that is changed meanwhile comes once more. Going on after the last row has no end at 10,000 contacts, as pages by number have.
        Source: https://marketplace.gohighlevel.com/docs/ghl/contacts/search-contacts-advanced (read 2026-11).
        """
        after = {} if cursor is None else {"searchAfter": _place(cursor)}
        answer = self._search_contacts({"pageLimit": PAGE, "sort": BY_CHANGE, **after})
        rows = listed(answer, "contacts")
        if not rows:
            return Page(())
        if not isinstance(rows[-1].get("searchAfter"), list):
            raise Transient(f"{VENDOR} did not say where its list of contacts goes on.", status=answer.status)
        return Page(tuple(map(self._contact, rows)), json.dumps(rows[-1]["searchAfter"]))

    def _contacts_with(self, name: str, value: str) -> list[RemoteContact]:
        filters = [{"field": name, "operator": "eq", "value": value}]
        rows = listed(self._search_contacts({"pageLimit": PAGE, "filters": filters}), "contacts")
        found = [
            contact for contact in map(self._contact, rows) if payloads.is_known_by(contact, name, value)
        ]
        if found:
            return found
        query = {"locationId": self._location_id, "email" if name == "email" else "number": value}
        try:
            answer = self._call("GET", "/contacts/search/duplicate", scope=READ, query=query)
        except NotFound:
            return []
        row = payloads.record_in(answer.json, "contact")
        return [self._contact(row)] if row is not None else []

    def _told_contact(self, answer: Answer, *, writes: bool = True) -> RemoteContact:
        row = payloads.record_in(answer.json, "contact")
        if row is None:
            raise silent("contact", answer, writes=writes)
        return self._contact(row)

    def _contact(self, row: Mapping[str, Any]) -> RemoteContact:
        return payloads.remote_contact(row, url=self._page_of(payloads.id_of(row)))


def _place(cursor: str) -> list[Any]:
    try:
        place = json.loads(cursor)
    except (ValueError, RecursionError):
        place = None
    if not isinstance(place, list):
        raise Permanent(NOT_OURS)
    return place
