"""HighLevel, called with the hub's values: tasks under a contact, contacts and users of one sub-account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from providers.base import Provider
from providers.error_cases import Answer
from providers.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    Rejected,
    Transient,
    Unconfirmed,
    Unsupported,
)
from providers.highlevel import payloads
from providers.highlevel.capabilities import CAPABILITIES, DEFAULT_API_VERSION, DEFAULT_APP_URL
from providers.highlevel.error_cases import CASES, VENDOR, WrongLocation
from providers.http import JsonApi, Transport
from providers.types import (
    Account,
    Field,
    HubKey,
    Identity,
    Owner,
    Person,
    RemoteContact,
    RemoteRef,
    RemoteTask,
    TaskDraft,
)
from providers.waiting import server_time

READ = "contacts.readonly"
WRITE = "contacts.write"
SEARCH_TASKS = "locations/tasks.readonly"
PAGE = 100  # rows; 500 was once accepted by the searches, 100 is what most integrators ask for


class HighLevel(Provider):
    """One sub-account. A task's `RemoteRef.parent_id` is the id of the contact it is filed under."""

    code = "highlevel"
    capabilities = CAPABILITIES

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing and checks nothing."""
        super().__init__(account, transport)
        self._zone = payloads.zone_of(account.learned.get("time_zone"))
        self._api = JsonApi(
            transport,
            vendor=VENDOR,
            base_url=account.base_url or CAPABILITIES.default_base_url,
            headers={
                "Authorization": f"Bearer {account.secrets.get('token', '').strip()}".strip(),
                "Version": str(account.settings.get("api_version") or DEFAULT_API_VERSION),
            },
            cases=CASES,
        )

    # The account

    def check(self) -> Identity:
        """Return the sub-account we are in. Raises `Forbidden` also where the settings name one that the token does not open.

        A token without `locations.readonly` can still work: then a contact search of one row stands in, and the name stays empty.
        Source: https://marketplace.gohighlevel.com/docs/ghl/locations/get-location (read 2026-11).
        """
        try:
            answer, location = self._seen()
        except (Forbidden, NotFound, Rejected) as error:
            if error.status == 401:  # how a missing scope is answered; any other refusal may mean the id
                raise
            # The one value in these requests is the id. How one that does not exist is answered is unconfirmed (2026-11).
            raise Forbidden(
                f"The location id {self._location_id} is not one this token can read: give the id of the sub-account that the token "
                f"was made in. {error.detail}",
                scope=getattr(error, "scope", ""),
                status=error.status,
            ) from error
        return Identity(
            id=self._location_id,
            name=payloads.text_of(location, "name"),
            time_zone=payloads.text_of(location, "timezone"),
            limits=payloads.quota_words(answer.headers),
            server_time=server_time(answer.headers),
            learned=_learned(location),
        )

    def prepare(self) -> Mapping[str, object]:
        """Return the sub-account's time zone, by which a day without a time is sent; nothing when the scope is missing."""
        try:
            return _learned(self._told_location(self._location()))
        except WrongLocation:
            raise
        except Forbidden:
            return {}

    # Tasks

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task under the draft's first contact, with the key as the last line of its body."""
        if not draft.contacts:
            raise Rejected(
                f"{VENDOR} files every task under a contact, and this one has none there.",
                fields={str(Field.CONTACTS): "a contact is needed"},
            )
        contact = draft.contacts[0].ref.id
        body = payloads.new_task(draft, key, zone=self._zone)
        answer = self._call("POST", _path("contacts", contact, "tasks"), scope=WRITE, json_body=body)
        return _as_asked(self._told(answer, contact, sent=draft), contact)

    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Bring the fields in `changed` to the draft in one request, the status too; nothing held there costs a fetch.

        Raises `Unsupported` when the draft's contact is another one: a task cannot be moved.
        """
        if Field.CONTACTS in changed and draft.contacts and draft.contacts[0].ref.id != ref.parent_id:
            raise Unsupported(f"{VENDOR} cannot move a task to another contact.")
        body = payloads.changed_task(draft, key, changed=changed, zone=self._zone)
        if not body:
            return _as_asked(self.fetch_task(ref), ref.parent_id)
        answer = self._call_task("PUT", ref, json_body=body)
        return _as_asked(self._told(answer, ref.parent_id, sent=draft), ref.parent_id)

    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed; HighLevel does not keep when."""
        return self._set_completed(ref, True)

    def reopen_task(self, ref: RemoteRef) -> RemoteTask:
        """Mark the task open again."""
        return self._set_completed(ref, False)

    def delete_task(self, ref: RemoteRef) -> None:
        """Delete the task. Raises `NotFound` when it or its contact is gone already."""
        answer = self._call_task("DELETE", ref)
        # Both spellings were seen, alone and together (2026-07). An empty 200 proves nothing; deleting again is harmless.
        told = answer.json if isinstance(answer.json, Mapping) else {}
        if not (told.get("succeded") or told.get("succeeded")):
            raise Unconfirmed(f"{VENDOR} did not say that the task was deleted.", status=answer.status)

    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task as it stands there. Raises `NotFound` when it or its contact is gone."""
        return self._told(self._call_task("GET", ref), ref.parent_id, writes=False)

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task that carries exactly this key, or None.

        Looks through the draft's contacts, one request each and no paging there. Only when that finds nothing, all pages of the
        sub-account's tasks with the draft's title follow, for the contact may have been changed since; that part is left out where
        our token lacks its scope.
        """
        for contact in dict.fromkeys(linked.ref.id for linked in draft.contacts):
            for row in self._tasks_of(contact):
                if _carries(row, key):
                    return self._task(row, contact)
        return self._searched(key, draft)

    # People

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the sub-account's users; an empty list is an answer too.

        Source: https://marketplace.gohighlevel.com/docs/ghl/users/get-user-by-location (read 2026-11).
        """
        answer = self._call("GET", "/users/", scope="users.readonly", query={"locationId": self._location_id})
        rows = _listed(answer, "users")
        return tuple(payloads.owner(row) for row in rows if payloads.serves(row, self._location_id))

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
        return self._told_contact(self._call("PUT", _path("contacts", ref.id), scope=WRITE, json_body=body))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact as it stands there. Raises `NotFound` when it is gone."""
        answer = self._call("GET", _path("contacts", ref.id), scope=READ)
        record = payloads.record_in(answer.json, "contact")
        if record is not None and record.get("deleted") is True:
            raise NotFound(f"{VENDOR} has deleted this contact.", status=answer.status)
        return self._told_contact(answer, writes=False)

    # Requests

    def _call(self, method: str, path: str, *, scope: str, **options: Any) -> Answer:
        """Call; a refusal for want of a scope names the one that the call needs."""
        try:
            return self._api.call(method, path, **options)
        except WrongLocation:
            raise
        except Forbidden as error:
            raise Forbidden(
                f"{error.detail} It needs the scope {scope}.", scope=scope, status=error.status
            ) from error

    def _call_task(self, method: str, ref: RemoteRef, suffix: str = "", json_body: object = None) -> Answer:
        path = _path("contacts", ref.parent_id, "tasks", ref.id) + suffix
        try:
            return self._call(method, path, scope=READ if method == "GET" else WRITE, json_body=json_body)
        except Rejected as error:
            # How a missing task is answered is unconfirmed (2026-11) and 400 serves for much: the contact's own list decides.
            if error.status == 400 and not error.fields and not self._is_listed(ref):
                raise NotFound(f"{VENDOR} has no such task.", status=400) from error
            raise

    def _set_completed(self, ref: RemoteRef, value: bool) -> RemoteTask:
        answer = self._call_task("PUT", ref, "/completed", {"completed": value})
        return _as_asked(self._told(answer, ref.parent_id), ref.parent_id)

    def _is_listed(self, ref: RemoteRef) -> bool:
        return any(payloads.id_of(row) == ref.id for row in self._tasks_of(ref.parent_id))

    def _tasks_of(self, contact: str) -> list[Mapping[str, Any]]:
        try:
            answer = self._call("GET", _path("contacts", contact, "tasks"), scope=READ)
        except NotFound:
            return []
        return _listed(answer, "tasks")

    def _searched(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        for row in self._search_rows(draft.title):
            if _carries(row, key):
                # The search may lag, also in showing what is deleted: the contact's own copy is the truth.
                try:
                    return self.fetch_task(RemoteRef(payloads.id_of(row), payloads.text_of(row, "contactId")))
                except NotFound:
                    continue
        return None

    def _search_rows(self, title: str) -> Iterator[Mapping[str, Any]]:
        path = _path("locations", self._location_id, "tasks", "search")
        seen: set[str] = set()
        while True:
            body = {"query": title, "limit": PAGE, "skip": len(seen)}
            try:
                answer = self._call("POST", path, scope=SEARCH_TASKS, json_body=body, writes=False)
            except (Forbidden, Rejected):
                # A second look only: without its scope, or with a title it cannot search for, the contact's list has answered.
                return
            # Not a short page ends the walk but one without news: how long pages may be is not documented.
            rows = [row for row in _listed(answer, "tasks") if payloads.id_of(row) not in seen]
            if not rows:
                return
            yield from rows
            seen.update(map(payloads.id_of, rows))

    def _seen(self) -> tuple[Answer, Mapping[str, Any]]:
        """Return an answer from inside our sub-account, and what it tells of it: nothing where a scope is missing."""
        try:
            answer = self._location()
        except WrongLocation:
            raise
        except Forbidden:
            answer = self._search_contacts({"pageLimit": 1})
            rows = _listed(answer, "contacts")
            if any(row.get("locationId", self._location_id) != self._location_id for row in rows):
                raise self._elsewhere(answer) from None
            return answer, {}
        return answer, self._told_location(answer)

    def _told_location(self, answer: Answer) -> Mapping[str, Any]:
        location = payloads.record_in(answer.json, "location")
        if location is None or payloads.id_of(location) != self._location_id:
            raise self._elsewhere(answer)
        return location

    def _elsewhere(self, answer: Answer) -> Transient:
        return Transient(
            f"{VENDOR} answered without the sub-account {self._location_id}.", status=answer.status
        )

    def _location(self) -> Answer:
        return self._call("GET", _path("locations", self._location_id), scope="locations.readonly")

    def _search_contacts(self, wanted: Mapping[str, object]) -> Answer:
        body = {"locationId": self._location_id, **wanted}
        return self._call("POST", "/contacts/search", scope=READ, json_body=body, writes=False)

    def _contacts_with(self, name: str, value: str) -> list[RemoteContact]:
        filters = [{"field": name, "operator": "eq", "value": value}]
        rows = _listed(self._search_contacts({"pageLimit": PAGE, "filters": filters}), "contacts")
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

    # Answers

    def _told(
        self, answer: Answer, contact: str, *, sent: TaskDraft | None = None, writes: bool = True
    ) -> RemoteTask:
        row = payloads.record_in(answer.json, "task")
        if row is None:
            raise _silent("task", answer, writes=writes)
        return self._task(row, contact, sent=sent)

    def _told_contact(self, answer: Answer, *, writes: bool = True) -> RemoteContact:
        row = payloads.record_in(answer.json, "contact")
        if row is None:
            raise _silent("contact", answer, writes=writes)
        return self._contact(row)

    def _task(self, row: Mapping[str, Any], contact: str, *, sent: TaskDraft | None = None) -> RemoteTask:
        # Tasks have no page of their own; the contact's shows them.
        contact = payloads.text_of(row, "contactId") or contact
        return payloads.remote_task(
            row, parent=contact, zone=self._zone, url=self._page_of(contact), sent=sent
        )

    def _contact(self, row: Mapping[str, Any]) -> RemoteContact:
        return payloads.remote_contact(row, url=self._page_of(payloads.id_of(row)))

    def _page_of(self, contact: str) -> str:
        base = str(self.account.settings.get("app_url") or DEFAULT_APP_URL).rstrip("/")
        return base + _path("v2", "location", self._location_id, "contacts", "detail", contact)

    @property
    def _location_id(self) -> str:
        value = str(self.account.settings.get("location_id") or "").strip()
        if not value:
            raise Permanent(f"The sub-account id (location_id) of this {VENDOR} connection is missing.")
        return value


def _as_asked(task: RemoteTask, contact: str) -> RemoteTask:
    """Return the task as filed under the contact that a write went to, whichever contact the answer names.

    For a contact that was merged the answer may name the survivor. Told by a write, that would read as "not where it was wanted",
    and the task would be created again, with the same answer. Reads tell what HighLevel says.
    """
    ref = replace(task.ref, parent_id=contact)
    return replace(task, ref=ref, holds={**task.holds, Field.CONTACTS: (contact,)})


def _path(*parts: str) -> str:
    return "".join(f"/{quote(part, safe='')}" for part in parts)


def _listed(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    rows = payloads.rows_in(answer.json, name)
    if rows is None:
        raise Transient(f"{VENDOR} answered without the list of {name}.", status=answer.status)
    return rows


def _carries(row: Mapping[str, Any], key: HubKey) -> bool:
    return row.get("deleted") is not True and key.marker in payloads.text_of(row, "body")


def _silent(what: str, answer: Answer, *, writes: bool) -> Transient | Unconfirmed:
    if writes:
        return Unconfirmed(
            f"{VENDOR} answered without the {what}; the request may have landed.", status=answer.status
        )
    return Transient(f"{VENDOR} answered without the {what}.", status=answer.status)


def _learned(location: Mapping[str, Any]) -> dict[str, object]:
    names = {"time_zone": "timezone", "company_id": "companyId"}
    return {
        ours: payloads.text_of(location, theirs) for ours, theirs in names.items() if location.get(theirs)
    }
