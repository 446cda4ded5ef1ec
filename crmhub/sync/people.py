"""Finding out who at a CRM our contacts and our staff are, for many at once and without changing anything there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model

from crmhub.models import Connection, Contact
from crmhub.services.counterparts import Known
from crmhub.services.people import e164
from crmhub.sync.mapping import person_of
from crmhub.sync.patience import Patient
from crmhub.sync.plan import person_values
from providers.capabilities import Level, Operation
from providers.errors import Ambiguous, Permanent
from providers.types import Field, Person, RemoteContact

FEW = 200  # contacts that are asked for one by one; for more the whole list is cheaper


def owners_there(patient: Patient) -> dict[Any, str] | None:
    """Return, by user, the ids that staff have there; None where the CRM does not tell its users, so that nothing can be said of assignees."""
    can = patient.connection.capabilities
    if can.supports(Field.ASSIGNEE).level is Level.NONE or not can.can(Operation.LIST_OWNERS):
        return None
    try:
        owners = patient.ask(lambda provider: provider.list_owners())
    except Permanent:
        return None
    ids = {one.email.lower(): one.id for one in owners if one.is_active and one.email}
    users = get_user_model().objects.exclude(email="")
    return {user.pk: ids[user.email.lower()] for user in users if user.email.lower() in ids}


@dataclass
class PeopleFound:
    """Who was found: `known` with an external id, and those of whom several fit. Contacts that are nowhere are missing."""

    known: list[Known] = field(default_factory=list)

    @property
    def ids(self) -> dict[UUID, str]:
        """Return the external ids by contact."""
        return {one.contact_id: one.external_id for one in self.known if one.external_id}


def people_there(patient: Patient, contacts: Sequence[Contact]) -> PeopleFound:
    """Return who there these contacts are: by e-mail, else by phone."""
    if len(contacts) > FEW and patient.connection.capabilities.can(Operation.LIST_CONTACTS):
        return PeopleFound(_by_listing(patient, contacts))
    return PeopleFound(_settled(patient.connection, _asked(patient, contacts)))


def _asked(patient: Patient, contacts: Iterable[Contact]) -> dict[Contact, list[RemoteContact]]:
    found: dict[Contact, list[RemoteContact]] = {}
    for contact in contacts:
        person = person_of(contact)
        if not person.emails and not person.phones:
            continue
        try:
            found[contact] = [patient.ask(lambda provider, one=person: provider.resolve_contact(one))]  # type: ignore[misc]
        except Ambiguous as error:
            found[contact] = list(error.candidates)  # type: ignore[arg-type]
        except Permanent:
            continue  # not there, or not to be asked for like this: a later push says why
    return found


def _by_listing(patient: Patient, contacts: Sequence[Contact]) -> list[Known]:
    by_address: dict[str, list[int]] = defaultdict(list)
    for number, contact in enumerate(contacts):
        for address in _addresses(person_of(contact)):
            by_address[address].append(number)
    fits: dict[int, dict[str, dict[str, RemoteContact]]] = defaultdict(lambda: defaultdict(dict))
    for page in patient.pages(lambda provider, cursor: provider.list_contacts(cursor)):
        for remote in page.items:
            for address in _addresses(remote.person):
                for number in by_address.get(address, ()):
                    fits[number][address][remote.ref.id] = remote
    found = {contacts[number]: _first_that_fits(contacts[number], there) for number, there in fits.items()}
    return _settled(patient.connection, found)


def _first_that_fits(
    contact: Contact, there: Mapping[str, Mapping[str, RemoteContact]]
) -> list[RemoteContact]:
    """Return those with the first of the contact's addresses that anybody there has: an e-mail goes before a phone."""
    for address in _addresses(person_of(contact)):
        if address in there:
            return list(there[address].values())
    return []


def _addresses(person: Person) -> list[str]:
    emails = [email.strip().lower() for email in person.emails if email.strip()]
    phones = [number for phone in person.phones if (number := e164(phone))]
    return [*emails, *phones]


def _settled(connection: Connection, found: Mapping[Contact, Sequence[RemoteContact]]) -> list[Known]:
    """Return what is certain of them. One there that fits two here is nobody's until a person says whose."""
    claims: dict[str, list[Contact]] = defaultdict(list)
    for contact, people in found.items():
        if len(people) == 1:
            claims[people[0].ref.id].append(contact)
    return [_known(connection, contact, people, claims) for contact, people in found.items() if people]


def _known(
    connection: Connection,
    contact: Contact,
    people: Sequence[RemoteContact],
    claims: Mapping[str, Sequence[Contact]],
) -> Known:
    label = connection.capabilities.label
    if len(people) > 1:
        candidates = [_candidate(one) for one in islice(people, 10)]
        why = f"Several contacts at {label} fit: choose which one it is."
        return Known(contact.pk, contact.version, candidates=candidates, why=why)
    [there] = people
    others = [one for one in claims[there.ref.id] if one is not contact]
    if others:
        why = f"The contact {there.ref.id} at {label} fits {others[0]} as well: merge the two, or change one."
        return Known(contact.pk, contact.version, why=why)
    return Known(contact.pk, contact.version, there.ref.id, there.url, person_values(there.person))


def _candidate(one: RemoteContact) -> dict[str, str]:
    person = one.person
    return {
        "id": one.ref.id,
        "name": person.name,
        "email": person.email,
        "phone": person.phone,
        "url": one.url,
    }
