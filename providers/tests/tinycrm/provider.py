"""One TinyCRM account: what it can hold, and the calls in the order of the interface."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from providers.base import Provider
from providers.capabilities import (
    COMMON_SETTINGS,
    Capabilities,
    Claim,
    Level,
    Limit,
    Operation,
    Secret,
    Support,
)
from providers.error_cases import Answer, Case
from providers.errors import Ambiguous, Conflict, NotFound, Rejected, Transient, Unconfirmed
from providers.events import Change, Delivery, Event, Subject
from providers.http import Transport
from providers.json_api import JsonApi
from providers.signatures import check_hmac, check_recent
from providers.types import (
    Account,
    Field,
    HubKey,
    Identity,
    Owner,
    Page,
    Person,
    RemoteContact,
    RemoteRef,
    RemoteTask,
    TaskDraft,
    canonical,
)

SOURCE, READ_ON = "https://docs.tinycrm.example/tasks", date(2026, 11, 22)
HELD = (Field.TITLE, Field.BODY, Field.STATUS, Field.DUE, Field.ASSIGNEE)

FIELDS = {
    **{name: Support(Level.NONE, "has no such field", SOURCE, READ_ON) for name in Field},
    **{name: Support(Level.FULL, "", SOURCE, READ_ON) for name in HELD},
    Field.CONTACTS: Support(Level.LOSSY, "takes one contact: the first", SOURCE, READ_ON, most=1),
}
OPERATIONS = {
    **{name: Claim(True, "", SOURCE, READ_ON) for name in Operation},
    Operation.LIST_CHANGED: Claim(False, "does not say when a task was changed", SOURCE, READ_ON),
    Operation.RECEIVE: Claim(True, "signs what it tells, and when", SOURCE, READ_ON),
}


class TinyCrm(Provider):
    """One account at TinyCRM."""

    code: ClassVar[str] = "tinycrm"
    capabilities: ClassVar[Capabilities] = Capabilities(
        label="TinyCRM",
        hosts=("api.tinycrm.example",),
        default_base_url="https://api.tinycrm.example",
        api_version="1",
        secrets=(
            Secret("key", "Key"),
            Secret("webhook_secret", "Webhook secret", "Signs what TinyCRM tells.", is_required=False),
        ),
        settings=COMMON_SETTINGS,
        limits=(Limit(100, 1.0),),
        fields=FIELDS,
        operations=OPERATIONS,
        find_lag=timedelta(seconds=1),
        landing=timedelta(seconds=10),
    )

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport."""
        super().__init__(account, transport)
        self._api = JsonApi(
            transport,
            vendor="TinyCRM",
            base_url=account.base_url or self.capabilities.default_base_url,
            headers={"X-Key": account.secrets.get("key", "")},
            cases=(Case(_refused, SOURCE, READ_ON, status=422),),
        )

    def check(self) -> Identity:
        """Return who we are there."""
        me = _record(self._api.call("GET", "/me"), writes=False)
        if not str(me["id"]).startswith("account-"):
            raise Transient("TinyCRM answered without the account.")
        return Identity(id=me["id"], name=me["name"])

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task."""
        body = {**_values(draft, frozenset(FIELDS)), "hub_key": str(key)}
        return _task(_record(self._api.call("POST", "/tasks", json_body=body), writes=True))

    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Change the fields in `changed`."""
        return self._patched(ref, _values(draft, changed))

    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed."""
        return self._patched(ref, {"status": "completed"})

    def reopen_task(self, ref: RemoteRef) -> RemoteTask:
        """Mark the task open again."""
        return self._patched(ref, {"status": "open"})

    def delete_task(self, ref: RemoteRef) -> None:
        """Delete the task."""
        answer = self._api.call("DELETE", f"/tasks/{ref.id}")
        if answer.status != 204:  # what is between us and them may say something too
            raise Unconfirmed("Tiny CRM did not say that the task is deleted.", status=answer.status)

    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task."""
        return _task(_record(self._api.call("GET", f"/tasks/{ref.id}"), writes=False))

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task that carries this key."""
        rows = self._rows("/tasks", hub_key=str(key))
        return _task(rows[0]) if rows else None

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return fifty tasks."""
        return self._page({"after": cursor or ""})

    def list_tasks_of_contact(self, contact: RemoteRef, cursor: str | None = None) -> Page[RemoteTask]:
        """Return fifty tasks of the contact."""
        return self._page({"contact": contact.id, "after": cursor or ""})

    def list_contacts(self, cursor: str | None = None) -> Page[RemoteContact]:
        """Return all contacts."""
        return Page(tuple(_contact(row) for row in self._rows("/contacts")))

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the one event, signed over the moment and the body."""
        sent_at = delivery.headers.get("x-tiny-time", "")
        secret, signature = (
            self.account.secrets.get("webhook_secret", ""),
            delivery.headers.get("x-tiny-signature", ""),
        )
        check_hmac(signature, secret=secret, signed=sent_at.encode() + delivery.body)
        check_recent(datetime.fromisoformat(sent_at), received_at=delivery.received_at)
        told = json.loads(delivery.body)
        return (Event(told["id"], Subject.TASK, Change(told["change"]), RemoteRef(told["task"])),)

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the users."""
        return tuple(Owner(row["id"], row["email"].lower(), row["name"]) for row in self._rows("/users"))

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the contact with this e-mail, or else with this phone."""
        for name in ("email", "phone"):
            if value := getattr(person, name):
                rows = self._rows("/contacts", **{name: value})
                if len(rows) > 1:
                    raise Ambiguous(
                        "TinyCRM has several such contacts.", candidates=[_contact(row) for row in rows]
                    )
                if rows:
                    return _contact(rows[0])
        raise NotFound("TinyCRM has no such contact.")

    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the contact, or return the one with this e-mail."""
        try:
            answer = self._api.call("POST", "/contacts", json_body=_person(person))
        except Conflict:
            return self.resolve_contact(person)
        return _contact(_record(answer, writes=True))

    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Change the contact."""
        answer = self._api.call("PATCH", f"/contacts/{ref.id}", json_body=_person(person))
        return _contact(_record(answer, writes=True))

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact."""
        return _contact(_record(self._api.call("GET", f"/contacts/{ref.id}"), writes=False))

    def _patched(self, ref: RemoteRef, body: Mapping[str, Any]) -> RemoteTask:
        return _task(_record(self._api.call("PATCH", f"/tasks/{ref.id}", json_body=body), writes=True))

    def _page(self, query: Mapping[str, str]) -> Page[RemoteTask]:
        told = self._api.call("GET", "/tasks/list", query=query).json
        if not isinstance(told, Mapping):
            raise Transient("TinyCRM answered without its list.")
        return Page(tuple(_task(row) for row in told["tasks"]), told["next"])

    def _rows(self, path: str, **query: str) -> list[Any]:
        rows = self._api.call("GET", path, query=query).json
        if not isinstance(rows, list):
            raise Transient("TinyCRM answered without its list.")
        return rows


def _refused(answer: Answer, words: str) -> Rejected:
    told = answer.json if isinstance(answer.json, Mapping) else {}
    ours = {"contact": Field.CONTACTS, "assignee": Field.ASSIGNEE}.get(str(told.get("field")))
    return Rejected(f"{words}.", fields={str(ours): words} if ours else {}, status=answer.status)


def _record(answer: Answer, *, writes: bool) -> Mapping[str, Any]:
    if isinstance(answer.json, Mapping) and answer.json.get("id"):
        return answer.json
    if writes:
        raise Unconfirmed("TinyCRM answered without the record; the request may have landed.")
    raise Transient("TinyCRM answered without the record.")


def _values(draft: TaskDraft, names: frozenset[Field]) -> dict[str, Any]:
    values = canonical(draft)
    kept: dict[str, Any] = {str(name): values[name] for name in HELD if name in names}
    if Field.CONTACTS in names:
        kept["contact"] = draft.contacts[0].ref.id if draft.contacts else None
    return kept


def _task(row: Mapping[str, Any]) -> RemoteTask:
    holds = {name: row[str(name)] for name in HELD}
    contacts = (row["contact"],) if row["contact"] else ()
    return RemoteTask(RemoteRef(row["id"]), {**holds, Field.CONTACTS: contacts}, key=row["hub_key"])


def _person(person: Person) -> dict[str, Any]:
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "company": person.company,
    }


def _contact(row: Mapping[str, Any]) -> RemoteContact:
    person = Person(
        first_name=row["first_name"],
        last_name=row["last_name"],
        emails=(row["email"],) if row["email"] else (),
        phones=(row["phone"],) if row["phone"] else (),
        company=row["company"],
    )
    return RemoteContact(RemoteRef(row["id"]), person)
