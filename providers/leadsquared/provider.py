"""LeadSquared, called with the hub's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, ClassVar

from providers.base import Provider
from providers.error_cases import Answer
from providers.errors import NotFound, Rejected, Unconfirmed
from providers.events import Delivery, Event
from providers.http import Transport
from providers.json_api import JsonApi
from providers.leadsquared import answers, bulk, finding, listings, payloads, people, task_types, webhooks
from providers.leadsquared.account import Rules
from providers.leadsquared.capabilities import CAPABILITIES
from providers.leadsquared.error_cases import CASES
from providers.leadsquared.identity import identity
from providers.types import (
    Account,
    Field,
    HubKey,
    Identity,
    NewTask,
    Outcome,
    Owner,
    Page,
    Person,
    RemoteContact,
    RemoteRef,
    RemoteTask,
    TaskDraft,
    TaskStatus,
)


class LeadSquared(Provider):
    """One account at LeadSquared. A contact is a lead there, a deal an opportunity."""

    code = "leadsquared"
    capabilities = CAPABILITIES
    page_size: ClassVar[int] = 200  # rows; the size that the vendor's own examples ask for

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account; its address may be given with or without the `/v2` that every path begins with."""
        super().__init__(account, transport)
        self._base_url = (account.base_url or CAPABILITIES.default_base_url).rstrip("/").removesuffix("/v2")
        self._rules = Rules.of(account)
        self._api = JsonApi(
            transport,
            vendor=CAPABILITIES.label,
            base_url=self._base_url,
            headers={
                "x-LSQ-AccessKey": account.secrets.get("access_key", "").strip(),
                "x-LSQ-SecretKey": account.secrets.get("secret_key", "").strip(),
            },
            cases=CASES,
        )

    # The account

    def check(self) -> Identity:
        """Return who we are there. Raises `Unauthorized` also where the keys are good but belong to another region.

        Raises `Permanent` where they open another account than before: the ids that we know are those of the first.

        One call. It works on every host, so the right one is read from its answer.
        Source: https://apidocs.leadsquared.com/user-authentication/ (read 2026-11).
        """
        return identity(self._api, self.account, base_url=self._base_url)

    def prepare(self) -> Mapping[str, object]:
        """Return the account's time zone, the user of the keys and the task types, after three reads; writes nothing.

        Raises `Rejected` when the settings name a task type that the account does not have, or one that demands what the hub has not.
        """
        learned = dict(self.check().learned)
        learned["user_email"] = people.email_of(self._api, str(learned["user_id"]))
        learned |= task_types.learn(self._api)
        account = Account(self.account.secrets, self.account.settings, learned, self.account.base_url)
        rules = Rules.of(account)
        task_types.refuse_missing(rules.missing_types(), rules.known)
        task_types.refuse_impossible(rules.impossible_types())
        return learned

    # Tasks

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task with the key as the last line of its description; the answer tells its id and nothing else.

        Raises `Rejected` before the call where the task's type demands something that the task has not.
        Source: https://apidocs.leadsquared.com/create-a-to-do/ (read 2026-11).
        """
        body = self._body(draft, key)
        answer = self._api.call("POST", "/v2/Task.svc/Create", json_body=body)
        return RemoteTask(RemoteRef(answers.id_made(answer, "task")), key=str(key))

    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Write the changed fields; a second call reads the task back where LeadSquared does not document that it takes them.

        Status, type and location are not written. Source: https://apidocs.leadsquared.com/update-task/ (read 2026-11).
        """
        body = payloads.update_body(draft, changed, key, self._rules)
        if not body:
            return RemoteTask(ref)
        answer = self._write(ref, "POST", "/v2/Task.svc/Update", json_body={"UserTaskId": ref.id, **body})
        message = answer.json.get("Message") if isinstance(answer.json, Mapping) else None
        if not isinstance(message, Mapping):
            raise Unconfirmed("LeadSquared did not say whether it changed the task.", status=answer.status)
        # Nought may mean "gone" and may mean "nothing was different" (not documented, 2026-11).
        if changed & payloads.UNDOCUMENTED_ON_UPDATE or str(message.get("AffectedRows")) == "0":
            return self._fetch(ref, draft=draft)
        return RemoteTask(ref)

    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed; LeadSquared notes its own time. A second call looks where the answer says nothing.

        The call is a GET that writes. Source: public integrators' code, no page of the vendor's (looked for 2026-11).
        """
        answer = self._write(ref, "GET", "/v2/Task.svc/MarkComplete", query={"id": ref.id})
        if isinstance(answer.json, Mapping) and answer.json.get("Status") == "Success":
            return RemoteTask(ref, {Field.STATUS: str(TaskStatus.COMPLETED)})
        task = self._fetch(ref)
        if task.holds.get(Field.STATUS) != TaskStatus.COMPLETED:
            raise Unconfirmed("LeadSquared did not say whether it completed the task.", status=answer.status)
        return task

    def delete_task(self, ref: RemoteRef) -> None:
        """Ask for the task to be deleted, which happens some moments later. Refused or not counted, a look tells whether it is gone.

        Until then it is still shown; to ask again is no error, and once it is gone the answer is `NotFound`. How long it takes is not
        documented, `landing` stands for it. LeadSquared can post the end of it to an address; nothing is lost by not being told.
        Source: https://apidocs.leadsquared.com/delete-tasks-in-bulk/ (read 2026-11).
        """
        answer = self._write(ref, "POST", "/v2/Task.svc/DeleteTasks", json_body={"TaskIds": [ref.id]})
        said = answer.json if isinstance(answer.json, Mapping) else {}
        if said.get("Status") != "Success":
            raise Unconfirmed(
                "LeadSquared did not say whether it will delete the task.", status=answer.status
            )
        if str(said.get("DeletedTasksCount")) == "0":
            # An id that is not known is not counted; whether one that still waits for its turn is, is not documented (2026-11).
            self._fetch(ref)
        if said.get("FailureReason"):
            self._fetch(ref)
            words = answer.as_error(said["FailureReason"]).json
            raise Rejected(f"LeadSquared did not delete the task: {words}.", status=answer.status)

    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task as it stands there.

        Source: public integrators' code, no page of the vendor's (looked for 2026-11).
        """
        return self._fetch(ref)

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task with this key among those of the draft's contact, then among its owner's around the due date.

        The owner's are looked through as well when the contact has none: the draft may have changed since the create. One call
        for the contact, one for every 200 tasks of an owner. Sources: https://apidocs.leadsquared.com/retrieve-tasks-by-leadid/
        and …/get-to-dos-by-email-address/ (read 2026-11).
        """
        by_owner = self._tasks_of_owners(draft)
        for record in chain(finding.tasks_of_draft(self._api, draft), by_owner):
            if payloads.split_description(str(record.get("Description") or ""))[1] == str(key):
                return payloads.read_task(record, self._rules)
        return None

    # Beside the interface

    def create_tasks_in_bulk(self, items: Sequence[NewTask]) -> str:
        """Ask for up to fifty tasks that are made in the background, and return LeadSquared's name for the request.

        For a first back-fill only: no id comes back, a refused task is reported to people and not to us, and asked twice it makes every
        task twice. Look for what was made with `bulk_outcomes`, not before `find_lag` has passed.
        """
        bodies = [self._body(item.draft, item.key, in_bulk=True) for item in items]
        return bulk.create(self._api, bodies) if bodies else ""

    def bulk_outcomes(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Return for each item, in order, the task that was made of it; `NotFound` for one that was not, or not yet."""
        return bulk.outcomes(items, self.find_task)

    def create_or_update_contact(self, person: Person) -> RemoteContact:
        """Write the person over the lead with the same e-mail (else phone), or create one; safe to repeat. No part of the normal road.

        Source: https://apidocs.leadsquared.com/create-or-update/ (read 2026-11).
        """
        return people.create_or_update(self._api, person, by="EmailAddress" if person.emails else "Phone")

    # Listings

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the tasks of every user, active or not: owner by owner, open ones first, each part oldest first.

        There is no listing of all tasks, so this one has gaps. It misses tasks of users who were removed, tasks in a state that is
        neither open nor completed, those due or made before 2000 or after 2100, and one that changes its owner, or is opened again, while
        it is read. Source: https://apidocs.leadsquared.com/retrieve-tasks/ (read 2026-11).
        """
        return listings.task_page(self._api, self._rules, cursor, size=self.page_size)

    def list_tasks_of_contact(self, contact: RemoteRef, cursor: str | None = None) -> Page[RemoteTask]:
        """Return all tasks of the lead in one page, without those of its opportunities. Raises `NotFound` for a lead that is gone.

        Neither end, type nor moment of change is told. Source: https://apidocs.leadsquared.com/retrieve-tasks-by-leadid/ (read 2026-11).
        """
        try:
            rows = finding.tasks_of_lead(self._api, contact.id)
        except Rejected:
            self.fetch_contact(contact)
            raise
        return Page(tuple(payloads.read_task(row, self._rules) for row in rows))

    # People

    def list_owners(self) -> tuple[Owner, ...]:
        """Return all users, inactive ones too. Source: https://apidocs.leadsquared.com/get-users/ (read 2026-11)."""
        return people.list_owners(self._api)

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the lead with one of the person's e-mails, else with one of the phones, each asked for in turn.

        One call per e-mail, two for a phone that is known: the look-up by phone shows only the latest active of several leads.
        Sources: https://apidocs.leadsquared.com/get-a-lead-by-email-id/, …/get-lead-by-phone/ (read 2026-11).
        """
        return people.resolve(self._api, person)

    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the lead; where LeadSquared reports that e-mail or phone is taken, return the lead that has it.

        The answer tells the id only; the person is returned as it was sent.
        Source: https://apidocs.leadsquared.com/create-a-lead/ (read 2026-11).
        """
        return people.create(self._api, person)

    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Write the lead's names, primary e-mail, two phones, company and job title; fires no automation there.

        Source: https://apidocs.leadsquared.com/update-a-lead/ (read 2026-11).
        """
        return people.update(self._api, ref, person)

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the lead as it stands there."""
        return people.fetch(self._api, ref)

    def list_contacts(self, cursor: str | None = None) -> Page[RemoteContact]:
        """Return the leads, oldest first. Source: https://apidocs.leadsquared.com/search-by-lead-criteria/ (read 2026-11)."""
        return listings.lead_page(self._api, cursor, size=self.page_size)

    # What LeadSquared tells by itself

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the events in a delivery with our secret in its header `x-hub-secret`; the time at which it was sent is not told.

        Source: https://apidocs.leadsquared.com/webhooks/ (read 2026-11).
        """
        return webhooks.events_in(delivery, secret=self.account.secrets.get("webhook_secret", "").strip())

    # Helpers

    def _body(self, draft: TaskDraft, key: HubKey, *, in_bulk: bool = False) -> dict[str, Any]:
        body = payloads.create_body(draft, key, self._rules, in_bulk=in_bulk)
        kind = self._rules.type_of(draft)
        task_types.refuse_unfilled(kind, self._rules.demanded.get(kind, {}), body)
        return body

    def _write(self, ref: RemoteRef, method: str, path: str, **what: Any) -> Answer:
        """Write to a task; a refusal may mean that the task is gone, whatever it names, so a look decides."""
        try:
            return self._api.call(method, path, writes=True, **what)
        except Rejected:
            self._fetch(ref)
            raise

    def _fetch(self, ref: RemoteRef, *, draft: TaskDraft | None = None) -> RemoteTask:
        found = answers.list_in(self._api.call("GET", "/v2/Task.svc/Retrieve.GetById", query={"id": ref.id}))
        if not found:
            raise NotFound("LeadSquared has no such task.")
        return payloads.read_task(found[0], self._rules, draft=draft)

    def _tasks_of_owners(self, draft: TaskDraft) -> Iterator[Mapping[str, Any]]:
        owners = self._possible_owners(draft)
        yield from finding.tasks_around(
            self._api, draft, self._rules, owners=owners, page_size=self.page_size
        )

    def _possible_owners(self, draft: TaskDraft) -> list[str]:
        """Return the e-mails of the assignee and of the user of the keys, who owns what is assigned to nobody."""
        learned = self.account.learned
        assignee = (
            (draft.assignee_email or people.email_of(self._api, draft.assignee)) if draft.assignee else ""
        )
        key_user = str(learned.get("user_email") or "") or people.email_of(
            self._api, str(self.check().learned["user_id"])
        )
        return [email for email in dict.fromkeys((assignee, key_user)) if email]
