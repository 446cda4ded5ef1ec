"""Whom and what a task in LeadLex can point at: its users, contacts, companies and deals."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from providers.errors import Ambiguous, Conflict, NotFound, ProviderError
from providers.leadlex import payloads, people
from providers.leadlex.answers import listing_in, record_in
from providers.leadlex.listings import page_of, pages
from providers.leadlex.workspace import Workspace
from providers.types import (
    Candidate,
    HubKey,
    Owner,
    Page,
    Person,
    RecordKind,
    RemoteContact,
    RemoteRecord,
    RemoteRef,
)

MOST_NAMED = 5  # candidates that are asked for their names


class Directory(Workspace):
    """The people and records of one workspace."""

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the workspace's users; the call has no pages. Source: …/api-reference/users/list (read 2026-11)."""
        users = listing_in(self._api.call("GET", "/v1/users"), "users")
        return tuple(people.read_owner(row) for row in users.rows)

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the vendor's contact for this person, by each e-mail, then by each phone.

        The search is a partial match on name or e-mail, so what it finds is compared exactly here; a phone is
        looked for by its digits, should the search know them, then among those of the same last name. Raises `NotFound` when
        nobody fits and `Ambiguous` when several do. Source: …/api-reference/contacts/list (read 2026-11).
        """
        for email in person.emails:
            if found := self._contacts(email, email=email):
                return _only(found, email)
        for phone in person.phones:
            for text in (phone, person.last_name or person.first_name):
                if text and (found := self._contacts(text, phone=phone)):
                    return _only(found, phone)
        raise NotFound(f"LeadLex has no contact {person.email or person.phone or person.name}.")

    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the contact; one that the vendor reports as there already is returned as it is.

        What happens to a second contact of one e-mail is not documented; an answer with the first one and a 409 that
        names it are both understood. Source: https://docs.leadlex.com/api-reference/contacts/create (read 2026-11).
        """
        try:
            answer = self._api.call(
                "POST",
                "/v1/contacts",
                json_body=people.contact_to_create(person),
                headers={"Idempotency-Key": payloads.idempotency_key(key)},
            )
        except Conflict as error:
            if error.existing_id:
                return self.fetch_contact(RemoteRef(error.existing_id))
            return self.resolve_contact(person)
        return people.read_contact(record_in(answer, "contact", writes=True))

    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Bring the contact to what the person says. `notes` is never sent: the vendor appends to it each time."""
        answer = self._api.call(
            "PATCH", f"/v1/contacts/{quote(ref.id, safe='')}", json_body=people.contact_changes(person)
        )
        if answer.status == 204:
            return self.fetch_contact(ref)
        return people.read_contact(record_in(answer, "contact", writes=True))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact as it stands there. Raises `NotFound` when it is gone or merged into another one."""
        answer = self._api.call("GET", f"/v1/contacts/{quote(ref.id, safe='')}")
        return people.read_contact(record_in(answer, "contact", writes=False))

    def list_contacts(self, cursor: str | None = None) -> Page[RemoteContact]:
        """Return the workspace's contacts, newest first, a hundred to a page; some may come twice.

        Source: https://docs.leadlex.com/api-reference/contacts/list (read 2026-11).
        """
        rows, following = page_of(self._api, "/v1/contacts", "contacts", {"sort": "-created_at"}, cursor)
        return Page(tuple(people.read_contact(row) for row in rows), following)

    def find_records(self, kind: RecordKind, text: str) -> tuple[RemoteRecord, ...]:
        """Return the companies or deals whose name holds the text or whose id it is.

        Companies are searched there; deals are listed in full, for they have no search. Raises `Unsupported` for tickets,
        which do not exist there, and for events, whose ids are not known to be those that a task takes.
        Source: https://docs.leadlex.com/api-reference/companies/list and …/deals/list (read 2026-11).
        """
        if kind == RecordKind.COMPANY:
            # An id is no text that the search knows, and there is no page on reading one company.
            found = pages(
                self._api, "/v1/companies", "companies", {} if people.is_id(text) else {"search": text}
            )
        elif kind == RecordKind.DEAL:
            found = pages(self._api, "/v1/deals", "deals", {})
        else:
            return super().find_records(kind, text)
        records = (people.read_record(row, kind) for row in found)
        return tuple(
            record for record in records if text.lower() in record.name.lower() or record.ref.id == text
        )

    def _with_names(self, error: Ambiguous, *, company_name: str) -> Ambiguous:
        """Return the error with the names of the candidates, which the vendor tells by their ids alone; never raises.

        Contacts are asked for one by one, the first few; companies, which have no page of their own, are searched by what was typed.
        """
        if all(isinstance(one, RemoteRecord) for one in error.candidates):
            told, kind = self._companies_named(error.candidates, company_name), "companies"
            known = [one.name for one in told if isinstance(one, RemoteRecord) and one.name]
        else:
            told, kind = self._people_named(error.candidates), "contacts"
            known = [
                _in_words(one.person) for one in told if isinstance(one, RemoteContact) and one.person.name
            ]
        if not known:
            return error
        return Ambiguous(
            f"Several {kind} in LeadLex have that name: {', '.join(known)}. Choose the one that is meant.",
            candidates=told,
            status=error.status,
            request_id=error.request_id,
        )

    def _people_named(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        named = list(candidates)
        for at, candidate in enumerate(candidates[:MOST_NAMED]):
            # Where the quota is spent, or one is no contact, the others are told all the same.
            with suppress(ProviderError):
                named[at] = self.fetch_contact(candidate.ref)
        return named

    def _companies_named(self, candidates: Sequence[Candidate], typed: str) -> list[Candidate]:
        try:
            known = {one.ref.id: one for one in self.find_records(RecordKind.COMPANY, typed)}
        except ProviderError:
            return list(candidates)
        return [known.get(one.ref.id, one) for one in candidates]

    def _contacts(self, text: str, *, email: str = "", phone: str = "") -> list[RemoteContact]:
        rows = pages(self._api, "/v1/contacts", "contacts", {"search": text})
        contacts = (people.read_contact(row) for row in rows)
        if email:
            return [one for one in contacts if one.person.email == email.lower()]
        return [one for one in contacts if people.same_phone(one.person.phone, phone)]


def _in_words(person: Person) -> str:
    known = [part for part in (person.email or person.phone, person.company) if part]
    return (person.name or "someone without a name") + (f" ({', '.join(known)})" if known else "")


def _only(found: list[RemoteContact], sought: str) -> RemoteContact:
    if len(found) > 1:
        raise Ambiguous(
            f"{len(found)} contacts in LeadLex have {sought}; a person must pick one.", candidates=found
        )
    return found[0]
