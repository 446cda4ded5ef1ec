"""HubSpot's calls, in the order of the interface."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from providers.base import Provider
from providers.error_cases import Answer
from providers.errors import Ambiguous, Conflict, NotFound, Permanent, ProviderError, Rejected, Transient
from providers.http import Transport
from providers.hubspot import payloads, records
from providers.hubspot.batches import in_batches, verdicts
from providers.hubspot.capabilities import CAPABILITIES
from providers.hubspot.client import Client, record, results
from providers.hubspot.key_property import prepare_key_property
from providers.hubspot.payloads import ASSOCIATED, KEY_PROPERTY, PROPERTY_OF
from providers.hubspot.reading import TASK, TASKS, TaskReader
from providers.types import (
    Account,
    Field,
    HubKey,
    Identity,
    NewTask,
    Outcome,
    Owner,
    Person,
    RecordKind,
    RemoteContact,
    RemoteRecord,
    RemoteRef,
    RemoteTask,
    TaskChange,
    TaskDraft,
    with_marker,
)
from providers.waiting import server_time

CONTACTS = "/crm/v3/objects/contacts"


class HubSpot(Provider):
    """One HubSpot account, opened with one bearer token."""

    code = "hubspot"
    capabilities = CAPABILITIES

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing."""
        super().__init__(account, transport)
        base_url = account.base_url or CAPABILITIES.default_base_url
        self._token = account.secrets.get("access_token", "").strip()
        self._client = Client(transport, label=CAPABILITIES.label, base_url=base_url, token=self._token)
        self._spelling = payloads.Spelling.of(account.settings, account.learned)
        self._reader = TaskReader(self._client, self._spelling, account.learned)

    # The account

    def check(self) -> Identity:
        """Return the portal that the token opens, its zone, its limits and, where HubSpot tells, the token's scopes. Two calls.

        Raises `Permanent` where it is another portal than before: the ids that we know are those of the first.
        Source: https://developers.hubspot.com/docs/api-reference/legacy/account/account-information/get-account-details
        (read 2026-11).
        """
        answer = self._client.call("GET", "/account-info/v3/details")
        told = record(answer, "portalId", writes=False)
        portal = str(told["portalId"])
        self._refuse_other_portal(portal, answer)
        return Identity(
            id=portal,
            name=str(told.get("portalName") or f"HubSpot account {portal}"),
            time_zone=str(told.get("timeZone") or ""),
            scopes=self._scopes(),
            limits=payloads.limits_left(answer.headers),
            server_time=server_time(answer.headers),
            learned={"portal_id": portal, "ui_domain": str(told.get("uiDomain") or "app.hubspot.com")},
        )

    def _scopes(self) -> tuple[str, ...] | None:
        # What this path answers to other tokens than a private app's is not confirmed (2026-11): no answer is no error.
        path = "/oauth/v2/private-apps/get/access-token-info"
        try:
            answer = self._client.call("POST", path, json_body={"tokenKey": self._token}, writes=False)
            scopes = record(answer, "scopes", writes=False)["scopes"]
        except ProviderError:
            return None
        return tuple(map(str, scopes)) if isinstance(scopes, list) else None

    def _refuse_other_portal(self, portal: str, answer: Answer) -> None:
        if not (portal.isascii() and portal.isdigit()):
            raise Transient("HubSpot answered without the number of the account.", status=answer.status)
        known = str(self.account.learned.get("portal_id") or portal)
        if portal != known:
            raise Permanent(
                f"This token opens the HubSpot account {portal}; this connection belongs to {known}. "
                "Give a token of that account, or make another connection.",
                status=answer.status,
            )

    def prepare(self) -> Mapping[str, object]:
        """Make the task property that carries the hub key and return whether its values are unique, or that there is none."""
        return prepare_key_property(self._client)

    # Tasks

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task with its associations in one call; the answer is silent about associations.

        A key that is taken means that an earlier create landed: that task is brought to the draft, which costs more calls.
        """
        try:
            answer = self._client.call("POST", TASKS, json_body=self._new_task(draft, key))
        except Conflict as conflict:
            return self._adopt(draft, key, conflict)
        except NotFound as error:
            raise _lost_association(error, draft) from error
        return self._reader.task(record(answer, "id", writes=True))

    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Bring the changed fields to the draft: one call for all properties.

        Changed associations cost up to three calls for each kind before that and a fetch after it.
        """
        properties, links = self._properties(draft, changed, key), _links(changed)
        for name in links:
            self._relink(ref, draft, name)
        if not properties or links:
            told = self._patch(ref, properties) if properties else None
            return self.fetch_task(ref if told is None else told.ref)
        return self._patch(ref, properties)

    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed; HubSpot stamps the moment itself, so `done_at` is not used."""
        return self._patch(ref, {"hs_task_status": "COMPLETED"})

    def reopen_task(self, ref: RemoteRef) -> RemoteTask:
        """Mark the task as not started."""
        return self._patch(ref, {"hs_task_status": "NOT_STARTED"})

    def delete_task(self, ref: RemoteRef) -> None:
        """Move the task to the recycling bin. HubSpot answers alike for one that is gone or never was."""
        self._client.call("DELETE", _path(TASKS, ref))

    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task with its associations: one call, and more only for a kind that fills a page."""
        return self._reader.fetch(ref)

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task with this key: by the unique property, else among the tasks of its first record, else by search."""
        return self._reader.find(key, draft)

    def _new_task(self, draft: TaskDraft, key: HubKey) -> dict[str, Any]:
        properties = self._properties(draft, frozenset(PROPERTY_OF), key)
        if self._reader.has_property:
            properties[KEY_PROPERTY] = str(key)
        return payloads.new_task(properties, draft)

    def _properties(self, draft: TaskDraft, names: frozenset[Field], key: HubKey) -> dict[str, str]:
        body = draft.body if self._reader.has_property else with_marker(draft.body, key)
        return payloads.task_properties(draft, names, body=body, spelling=self._spelling)

    def _patch(self, ref: RemoteRef, properties: Mapping[str, str]) -> RemoteTask:
        answer = self._client.call("PATCH", _path(TASKS, ref), json_body={"properties": properties})
        return self._reader.task(record(answer, "id", writes=True))

    def _adopt(self, draft: TaskDraft, key: HubKey, conflict: Conflict) -> RemoteTask:
        found = self._reader.by_unique_key(key)
        if found is None:
            raise conflict
        return self.update_task(found.ref, draft, changed=frozenset(Field), key=key)

    def _relink(self, ref: RemoteRef, draft: TaskDraft, name: Field) -> None:
        type_id, wanted = ASSOCIATED[name][0], {linked.ref.id: linked for linked in getattr(draft, name)}
        held = set(self._client.associated(TASK, ref.id, type_id))
        added = [
            payloads.association(name, linked, of=ref) for id_, linked in wanted.items() if id_ not in held
        ]
        if added:
            try:
                self._client.associate(TASK, type_id, added)
            except NotFound as error:
                raise _lost_association(error, draft) from error
        if held - set(wanted):
            self._client.dissociate(TASK, ref.id, type_id, held - set(wanted))

    # People and records

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the active users; queues, which have no e-mail, are not among them. One call for each hundred."""
        told = self._client.pages("/crm/v3/owners", {"limit": 100, "archived": "false"})
        return tuple(records.owner(one) for one in told if one.get("type", "PERSON") == "PERSON")

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
        answer = self._client.call("PATCH", _path(CONTACTS, ref), json_body=body)
        return self._contact(record(answer, "id", writes=True))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact; one that was merged comes back with the survivor's id."""
        return self._fetch_contact(_path(CONTACTS, ref))

    def find_records(self, kind: RecordKind, text: str) -> tuple[RemoteRecord, ...]:
        """Return up to a hundred companies, deals or tickets: the one with this id, else what HubSpot's search finds. One search."""
        if kind not in records.RECORDS:
            return super().find_records(kind, text)
        path = f"/crm/v3/objects/{records.RECORDS[kind].plural}/search"
        body = {**records.record_search(kind, text), "after": "0"}
        answer = self._client.call("POST", path, json_body=body, writes=False, budget="search")
        return tuple(records.remote_record(kind, one, spelling=self._spelling) for one in results(answer))

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

    # Batches

    def create_tasks(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Create several tasks, a hundred to a call; each has its own verdict. A key that comes twice is created once."""
        once = {item.key: item for item in items}
        outcomes = dict(zip(once, in_batches(list(once.values()), self._create_batch), strict=True))
        return tuple(outcomes[item.key] for item in items)

    def update_tasks(self, items: Sequence[TaskChange]) -> tuple[Outcome, ...]:
        """Update several tasks, a hundred to a call. Those whose associations changed, and a task that comes twice, go singly after."""
        times = Counter(item.ref.id for item in items)
        single = [item for item in items if times[item.ref.id] > 1 or not self._fits_a_batch(item)]
        together = [item for item in items if item not in single]
        outcomes = iter(in_batches(together, self._update_batch))
        others = iter(super().update_tasks(single))
        return tuple(next(others) if item in single else next(outcomes) for item in items)

    def delete_tasks(self, refs: Sequence[RemoteRef]) -> tuple[Outcome, ...]:
        """Delete several tasks, a hundred to a call."""
        once = list(dict.fromkeys(refs))
        outcomes = dict(zip(once, in_batches(once, self._delete_batch), strict=True))
        return tuple(outcomes[ref] for ref in refs)

    def _create_batch(self, items: Sequence[NewTask]) -> Sequence[Outcome]:
        if len(items) == 1:
            return super().create_tasks(items)
        inputs = [
            {"objectWriteTraceId": str(item.key), **self._new_task(item.draft, item.key)} for item in items
        ]
        answer = self._client.call("POST", f"{TASKS}/batch/create", json_body={"inputs": inputs})
        told = verdicts(answer, [str(item.key) for item in items])
        return [self._created(item, told[str(item.key)]) for item in items]

    def _created(self, item: NewTask, verdict: Mapping[str, Any] | ProviderError) -> Outcome:
        if isinstance(verdict, NotFound):
            return Outcome(error=_lost_association(verdict, item.draft))
        if not isinstance(verdict, Conflict):
            return self._outcome(verdict)
        try:
            return Outcome(task=self._adopt(item.draft, item.key, verdict))
        except ProviderError as error:
            return Outcome(error=error)

    def _fits_a_batch(self, item: TaskChange) -> bool:
        return not _links(item.changed) and bool(self._properties(item.draft, item.changed, item.key))

    def _update_batch(self, items: Sequence[TaskChange]) -> Sequence[Outcome]:
        if len(items) == 1:
            return super().update_tasks(items)
        inputs = [
            {
                "id": item.ref.id,
                "objectWriteTraceId": item.ref.id,
                "properties": self._properties(item.draft, item.changed, item.key),
            }
            for item in items
        ]
        answer = self._client.call("POST", f"{TASKS}/batch/update", json_body={"inputs": inputs})
        told = verdicts(answer, [item.ref.id for item in items])
        return [self._outcome(told[item.ref.id]) for item in items]

    def _delete_batch(self, refs: Sequence[RemoteRef]) -> Sequence[Outcome]:
        if len(refs) == 1:
            return super().delete_tasks(refs)
        body = {"inputs": [{"id": ref.id} for ref in refs]}
        self._client.call("POST", f"{TASKS}/batch/archive", json_body=body)
        return [Outcome()] * len(refs)

    def _outcome(self, verdict: Mapping[str, Any] | ProviderError) -> Outcome:
        if isinstance(verdict, ProviderError):
            return Outcome(error=verdict)
        return Outcome(task=self._reader.task(verdict))


def _path(of: str, ref: RemoteRef) -> str:
    return f"{of}/{quote(ref.id, safe='')}"


def _links(changed: frozenset[Field]) -> list[Field]:
    return [name for name in ASSOCIATED if name in changed]


def _lost_association(error: NotFound, draft: TaskDraft) -> Rejected:
    """Return what a create means that HubSpot answers with "not found": a record that the task points at is gone there."""
    fields = {str(name): "not there any more" for name in ASSOCIATED if getattr(draft, name)}
    return Rejected(
        "HubSpot does not know a record that the task points at: it was deleted or merged there.",
        fields=fields,
        status=error.status,
        request_id=error.request_id,
    )
