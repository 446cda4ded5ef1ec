"""One LeadLex workspace: the calls, in the order of the interface."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from providers.base import Provider
from providers.capabilities import Capabilities
from providers.error_cases import Answer
from providers.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    Unauthorized,
    Unconfirmed,
    Unsupported,
)
from providers.http import JsonApi, Transport
from providers.leadlex import payloads, people
from providers.leadlex.answers import pages, record_in, rows_in
from providers.leadlex.capabilities import CAPABILITIES
from providers.leadlex.error_cases import CASES
from providers.types import (
    Account,
    Field,
    HubKey,
    Identity,
    Owner,
    Person,
    RecordKind,
    RemoteContact,
    RemoteRecord,
    RemoteRef,
    RemoteTask,
    TaskDraft,
)
from providers.waiting import server_time


class LeadLex(Provider):
    """One workspace, opened by its key. Every call is one request, but for listings and for a 404 on a change."""

    code: ClassVar[str] = "leadlex"
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing and checks nothing."""
        super().__init__(account, transport)
        self._key = account.secrets.get("api_key", "").strip()
        self._api = JsonApi(
            transport,
            vendor=CAPABILITIES.label,
            base_url=account.base_url or CAPABILITIES.default_base_url,
            headers={"Authorization": f"Bearer {self._key}".strip()},
            cases=CASES,
        )

    # The account

    def check(self) -> Identity:
        """Return what the workspace tells of itself by one listing of its users: whose it is, and what is left of the day.

        No call tells the workspace's id or the key's permissions, so the id is a fingerprint of the key and changes with it. A
        key that may not list users is checked by listing a task. Source: https://docs.leadlex.com/authentication and
        …/api-reference/users/list (read 2026-11).
        """
        if not self._key:
            raise Unauthorized("The API key is missing.")
        name = "a workspace whose users this key may not list"
        try:
            answer = self._api.call("GET", "/v1/users")
            owners = [people.read_owner(row) for row in rows_in(answer, "users")[0]]
            name = _named_after(owners)
        except Forbidden:
            answer = self._api.call("GET", "/v1/tasks", query={"page": 1, "per_page": 1})
            rows_in(answer, "tasks")
        return Identity(
            id=f"key-{hashlib.sha256(self._key.encode()).hexdigest()[:12]}",
            name=name,
            limits=_limits_left(answer.headers),
            server_time=server_time(answer.headers),
        )

    def prepare(self) -> Mapping[str, object]:
        """Look whether the default parent is there, where one is set; nothing is learned.

        Raises `Rejected` when the setting is misspelled or names a record that this workspace does not have.
        """
        payloads.check_default_parent(self.account.settings)
        stand_in = payloads.stand_in_parent(self.account.settings)
        if stand_in is not None:
            path = "/v1/contacts" if stand_in[0] is Field.CONTACTS else "/v1/deals"
            try:
                self._api.call("GET", f"{path}/{stand_in[1]}")
            except NotFound as error:
                raise Rejected(
                    "The default parent is not in this LeadLex workspace; correct the setting.",
                    status=error.status,
                ) from error
        return {}

    # Tasks

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task, with the key as the last line of its description.

        The `Idempotency-Key` is sent though documented for other calls only: where it is honoured it helps, and
        `find_task` does not rely on it. Raises `Rejected` before sending when there is no parent and no default one.
        Source: https://docs.leadlex.com/api-reference/tasks/create (read 2026-11).
        """
        body = payloads.task_to_create(draft, key=key, settings=self.account.settings)
        answer = self._api.call(
            "POST", "/v1/tasks", json_body=body, headers={"Idempotency-Key": payloads.idempotency_key(key)}
        )
        return self._task_in(answer, asked=draft, writes=True)

    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Bring the fields in `changed` to what the draft says; one that cannot be sent is only read back.

        Raises `NotFound` when the task is gone, `Unsupported` when the workspace has no such call.
        """
        body = payloads.task_changes(draft, changed=changed, key=key, settings=self.account.settings)
        if not body:
            return self._fetched(ref, asked=draft)
        return self._patched(ref, body, asked=draft)

    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed; the vendor keeps no moment of completion."""
        return self._patched(ref, {"status": "completed"})

    def reopen_task(self, ref: RemoteRef) -> RemoteTask:
        """Mark the task open again."""
        return self._patched(ref, {"status": "open"})

    def delete_task(self, ref: RemoteRef) -> None:
        """Delete the task. Raises `NotFound` when it is gone already."""
        answer = self._changed(ref, "DELETE")
        if answer.json is None and answer.status != 204:
            # A delete that did land answers 404 the next time, so asking again is the proof.
            raise Unconfirmed("LeadLex did not say whether the task is deleted.", status=answer.status)

    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task as it stands there. Raises `NotFound` when it is gone.

        Source: https://docs.leadlex.com/api-reference/tasks/get (read 2026-11).
        """
        return self._fetched(ref)

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task that carries exactly this key, or None. Deleted tasks are not listed there.

        Lists the tasks of every contact and deal in the draft (or of the stand-in), else of the assignee, else all; a
        hundred to a call. A task that was created under another contact or deal than these is not seen.
        Source: https://docs.leadlex.com/api-reference/tasks/list (read 2026-11).
        """
        for query in self._places(draft):
            for row in pages(self._api, "/v1/tasks", "tasks", query):
                task = payloads.read_task(row, settings=self.account.settings, asked=draft)
                if task.key == str(key):
                    return task
        return None

    def _places(self, draft: TaskDraft) -> list[dict[str, str]]:
        """Return the filters to list tasks by; `event_id` is none of those documented."""
        places = [{"contact_id": linked.ref.id} for linked in draft.contacts]
        places += [{"deal_id": linked.ref.id} for linked in draft.deals]
        stand_in = payloads.stand_in_parent(self.account.settings)
        if stand_in and not places and not draft.events:
            places = [{payloads.PARENTS[stand_in[0]]: stand_in[1]}]
        return places or [{"assignee_id": draft.assignee} if draft.assignee else {}]

    def _patched(
        self, ref: RemoteRef, body: Mapping[str, Any], *, asked: TaskDraft | None = None
    ) -> RemoteTask:
        answer = self._changed(ref, "PATCH", body)
        if answer.status == 204:
            return self._fetched(ref, asked=asked)
        return self._task_in(answer, asked=asked, writes=True)

    def _changed(self, ref: RemoteRef, method: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send a PATCH or DELETE. The pages do not show these calls, so a 404 may mean the path: the task itself is asked.

        Raises `NotFound` when the task is gone, `Unsupported` when it is there and the call is not.
        """
        try:
            return self._api.call(method, f"/v1/tasks/{ref.id}", json_body=body)
        except (NotFound, Rejected) as error:
            if error.status == 404:
                self._fetched(ref)
            elif error.status != 405:
                raise
            doing = "delete" if method == "DELETE" else "change"
            raise Unsupported(
                f"This LeadLex workspace has no call to {doing} a task ({error.status}); {doing} it there by hand.",
                status=error.status,
            ) from error

    def _fetched(self, ref: RemoteRef, *, asked: TaskDraft | None = None) -> RemoteTask:
        answer = self._api.call("GET", f"/v1/tasks/{ref.id}")
        return self._task_in(answer, asked=asked, writes=False)

    def _task_in(self, answer: Answer, *, asked: TaskDraft | None, writes: bool) -> RemoteTask:
        task = record_in(answer, "task", writes=writes)
        return payloads.read_task(task, settings=self.account.settings, asked=asked)

    # People and records

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the workspace's users; the call has no pages. Source: …/api-reference/users/list (read 2026-11)."""
        rows, _total = rows_in(self._api.call("GET", "/v1/users"), "users")
        return tuple(people.read_owner(row) for row in rows)

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
        answer = self._api.call("PATCH", f"/v1/contacts/{ref.id}", json_body=people.contact_changes(person))
        if answer.status == 204:
            return self.fetch_contact(ref)
        return people.read_contact(record_in(answer, "contact", writes=True))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact as it stands there. Raises `NotFound` when it is gone or merged into another one."""
        answer = self._api.call("GET", f"/v1/contacts/{ref.id}")
        return people.read_contact(record_in(answer, "contact", writes=False))

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

    def _contacts(self, text: str, *, email: str = "", phone: str = "") -> list[RemoteContact]:
        rows = pages(self._api, "/v1/contacts", "contacts", {"search": text})
        contacts = (people.read_contact(row) for row in rows)
        if email:
            return [one for one in contacts if one.person.email == email.lower()]
        return [one for one in contacts if people.same_phone(one.person.phone, phone)]


def _only(found: list[RemoteContact], sought: str) -> RemoteContact:
    if len(found) > 1:
        raise Ambiguous(
            f"{len(found)} contacts in LeadLex have {sought}; a person must pick one.", candidates=found
        )
    return found[0]


def _named_after(owners: Sequence[Owner]) -> str:
    if not owners:
        return "a workspace without users"
    first = owners[0].email or owners[0].name
    return f"the workspace of {first}" + (f" and {len(owners) - 1} more" if len(owners) > 1 else "")


def _limits_left(headers: Mapping[str, str]) -> tuple[str, ...]:
    left, most = headers.get("x-ratelimit-remaining"), headers.get("x-ratelimit-limit")
    reset = headers.get("x-ratelimit-reset", "")
    if left is None or most is None:
        return ()
    return (f"{left} of {most} calls left{_until(reset)}",)


def _until(reset: str) -> str:
    try:
        return (
            f" until {datetime.fromtimestamp(int(reset), UTC):%Y-%m-%d %H:%M} UTC" if reset.isdigit() else ""
        )
    except (ValueError, OverflowError, OSError):  # digits that are no moment
        return ""
