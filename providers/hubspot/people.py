"""HubSpot's calls about contacts, owners, companies, deals and tickets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from providers.errors import Ambiguous, Conflict, NotFound
from providers.hubspot import records
from providers.hubspot.account import AccountCalls
from providers.hubspot.client import record
from providers.types import HubKey, Owner, Page, Person, RecordKind, RemoteContact, RemoteRecord, RemoteRef

CONTACTS = "/crm/v3/objects/contacts"
OWNERS = "/crm/v3/owners"


class PeopleCalls(AccountCalls):
    """People and records."""

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the active users; queues, which have no e-mail, are not among them. One call for each hundred."""
        told = self._client.pages(OWNERS, {"limit": 100, "archived": "false"})
        return tuple(
            records.owner(one) for one in told if one.get("id") and one.get("type", "PERSON") == "PERSON"
        )

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the contact with one of the person's e-mails, in their order, else with one of the phones.

        One call for each e-mail until one is known, then one search for each phone. A phone that was saved there a moment ago may
        not be found yet: search is behind.
        """
        for email in dict.fromkeys(email.strip().lower() for email in person.emails if email.strip()):
            if (found := self._contact_by_email(email)) is not None:
                return found
        for phone in dict.fromkeys(filter(None, person.phones)):
            candidates = self._contacts_by_phone(phone)
            if len(candidates) > 1:
                raise Ambiguous(
                    f"{len(candidates)} HubSpot contacts share this phone.", candidates=candidates
                )
            if candidates:
                return candidates[0]
        raise NotFound("HubSpot has no contact with this e-mail or phone.")

    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the contact; one that has the e-mail already is returned as it is. Without an e-mail nothing prevents a second."""
        body = {"properties": records.contact_properties(person), "associations": []}
        try:
            answer = self._client.call("POST", CONTACTS, json_body=body)
        except Conflict as conflict:
            if conflict.existing_id:
                return self.fetch_contact(RemoteRef(conflict.existing_id))
            found = self._contact_by_email(person.email) if person.email else None
            if found is None:
                raise
            return found
        return self._contact(record(answer, "id", writes=True))

    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Bring the contact to what the hub knows; what it does not know stays. `Conflict` when the e-mail is another's."""
        body = {"properties": records.contact_properties(person)}
        answer = self._client.call("PATCH", _path(ref), json_body=body)
        return self._contact(record(answer, "id", writes=True))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact; one that was merged comes back with the survivor's id."""
        return self._fetch_contact(_path(ref))

    def list_contacts(self, cursor: str | None = None) -> Page[RemoteContact]:
        """Return a hundred of the live contacts, in the order of their ids. One call."""
        query = {"limit": 100, "properties": ",".join(records.CONTACT_PROPERTIES), "archived": "false"}
        told, following = self._client.page(CONTACTS, query, cursor)
        return Page(tuple(self._contact(one) for one in told if one.get("id")), following)

    def find_records(self, kind: RecordKind, text: str) -> tuple[RemoteRecord, ...]:
        """Return up to a hundred companies, deals or tickets: the one with this id, else what HubSpot's search finds. One search."""
        if kind not in records.RECORDS:
            return super().find_records(kind, text)
        body = {**records.record_search(kind, text), "after": "0"}
        found, _ = self._client.search_page(records.RECORDS[kind].plural, body)
        return tuple(records.remote_record(kind, one, spelling=self._spelling) for one in found)

    def _contact(self, told: Mapping[str, Any]) -> RemoteContact:
        return records.remote_contact(told, spelling=self._spelling)

    def _fetch_contact(self, path: str, **query: str) -> RemoteContact:
        wanted = {"properties": ",".join(records.CONTACT_PROPERTIES), **query}
        return self._contact(record(self._client.call("GET", path, query=wanted), "id", writes=False))

    def _contact_by_email(self, email: str) -> RemoteContact | None:
        try:
            return self._fetch_contact(f"{CONTACTS}/{quote(email, safe='')}", idProperty="email")
        except NotFound:
            return None

    def _contacts_by_phone(self, phone: str) -> list[RemoteContact]:
        body = records.search(records.phone_filters(phone), records.CONTACT_PROPERTIES)
        found = map(self._contact, self._client.search("contacts", body))
        return [contact for contact in found if records.has_phone(contact, phone)]


def _path(ref: RemoteRef) -> str:
    return f"{CONTACTS}/{quote(ref.id, safe='')}"
