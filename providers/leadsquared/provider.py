"""LeadSquared, called with the hub's values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, ClassVar
from urllib.parse import urlsplit

from providers.base import Provider
from providers.error_cases import Answer
from providers.errors import Conflict, NotFound, Permanent, Rejected, Transient, Unauthorized, Unconfirmed
from providers.http import JsonApi, Transport
from providers.leadsquared import answers, leads, payloads
from providers.leadsquared.account import APPOINTMENT, TODO, Rules
from providers.leadsquared.capabilities import CAPABILITIES
from providers.leadsquared.error_cases import CASES
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
    TaskStatus,
)
from providers.waiting import server_time

WINDOW = (timedelta(days=50), timedelta(days=49))  # around the due date; a listing takes at most 100 days
LISTINGS = {TODO: "RetrieveToDos", APPOINTMENT: "RetrieveAppointments"}
_REGION = re.compile(r"api(-[a-z0-9]+)?\.leadsquared\.com")


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
        answer = self._api.call("GET", "/v2/Authentication.svc/UserByAccessKey.Get")
        user = answers.object_in(answer)
        account, name = _organisation(user, answer)
        self._refuse_other_region(user)
        self._refuse_other_account(account)
        zone = str(user.get("TimeZone") or "UTC")
        return Identity(
            id=account,
            name=name,
            user=str(user.get("Name") or user.get("Id") or ""),
            time_zone=zone,
            server_time=server_time(answer.headers),
            learned={
                **self.account.learned,
                "time_zone": zone,
                "user_id": str(user["Id"]),
                "account_id": account,
            },
        )

    def prepare(self) -> Mapping[str, object]:
        """Return the account's time zone, the user of the keys and the task types, after three reads; writes nothing.

        Raises `Rejected` when the settings name a task type that the account does not have.
        """
        learned = dict(self.check().learned)
        learned["user_email"] = self._email_of(str(learned["user_id"]))
        types = self._task_types()
        learned["task_types"] = types
        account = Account(self.account.secrets, self.account.settings, learned, self.account.base_url)
        if missing := Rules.of(account).missing_types():
            raise Rejected(
                f"LeadSquared has no task type {', '.join(missing)}; this account has {', '.join(types)}.",
                fields={str(Field.TYPE): "not a task type of this account"},
            )
        return learned

    # Tasks

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task with the key as the last line of its description; the answer tells its id and nothing else.

        Source: https://apidocs.leadsquared.com/create-a-to-do/ (read 2026-11).
        """
        body = payloads.create_body(draft, key, self._rules)
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
        for record in chain(self._tasks_of_lead(draft), self._tasks_of_owners(draft)):
            if payloads.split_description(str(record.get("Description") or ""))[1] == str(key):
                return payloads.read_task(record, self._rules)
        return None

    # People

    def list_owners(self) -> tuple[Owner, ...]:
        """Return all users, inactive ones too; for a user, a `StatusCode` of 0 means active.

        Source: https://apidocs.leadsquared.com/get-users/ (read 2026-11).
        """
        users = answers.list_in(self._api.call("GET", "/v2/UserManagement.svc/Users.Get"))
        return tuple(
            Owner(
                id=str(user.get("ID") or user.get("UserId") or ""),
                email=str(user.get("EmailAddress") or "").lower(),
                name=f"{user.get('FirstName') or ''} {user.get('LastName') or ''}".strip(),
                is_active=str(user.get("StatusCode")) == "0",
            )
            for user in users
        )

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the lead with one of the person's e-mails, else with one of the phones, each asked for in turn.

        One call per e-mail, two for a phone that is known: the look-up by phone shows only the latest active of several leads.
        Sources: https://apidocs.leadsquared.com/get-a-lead-by-email-id/, …/get-lead-by-phone/ (read 2026-11).
        """
        for email in person.emails:
            if found := self._leads("Leads.GetByEmailaddress", {"emailaddress": email}):
                return answers.only_one(found, f"the e-mail {email}")
        for phone in person.phones:
            if found := self._leads_by_phone(phone):
                return answers.only_one(found, f"the phone {phone}")
        raise NotFound("LeadSquared knows nobody with this e-mail or phone.")

    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the lead; where LeadSquared reports that e-mail or phone is taken, return the lead that has it.

        The answer tells the id only; the person is returned as it was sent.
        Source: https://apidocs.leadsquared.com/create-a-lead/ (read 2026-11).
        """
        body = leads.attributes(person, with_empty=False)
        try:
            answer = self._api.call("POST", "/v2/LeadManagement.svc/Lead.Create", json_body=body)
        except Conflict:
            return self.resolve_contact(person)
        return RemoteContact(RemoteRef(answers.id_made(answer, "contact")), person)

    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Write the lead's names, primary e-mail, two phones, company and job title; fires no automation there.

        Source: https://apidocs.leadsquared.com/update-a-lead/ (read 2026-11).
        """
        try:
            answer = self._api.call(
                "POST",
                "/v2/LeadManagement.svc/Lead.Update",
                query={"leadId": ref.id},
                json_body=leads.attributes(person, with_empty=True),
            )
        except Rejected:
            # The refusal of a lead that is gone has no name of its own; a look tells it from a refused value.
            self.fetch_contact(ref)
            raise
        if not isinstance(answer.json, Mapping):
            raise Unconfirmed("LeadSquared did not say whether it changed the contact.", status=answer.status)
        return RemoteContact(ref, person)

    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the lead as it stands there."""
        found = self._leads("Leads.GetById", {"id": ref.id})
        if not found:
            raise NotFound("LeadSquared has no such contact.")
        return leads.read_lead(found[0])

    # Helpers

    def _refuse_other_region(self, user: Mapping[str, Any]) -> None:
        urls = user.get("LSQCommonServiceURLs")
        home = str(urls.get("api") or "") if isinstance(urls, Mapping) else ""
        host = home.partition("//")[2] or home
        host = re.split("[/:?#]", host.lower(), maxsplit=1)[0]
        if _REGION.fullmatch(host) and host != urlsplit(self._base_url).hostname:
            raise Unauthorized(
                f"This LeadSquared account lives at https://{host}: give that as the base URL."
            )

    def _refuse_other_account(self, account: str) -> None:
        known = str(self.account.learned.get("account_id") or account)
        if account != known:
            raise Permanent(
                f"These keys open the LeadSquared account {account}; this connection belongs to {known}. "
                "Give the keys of that account, or make another connection."
            )

    def _email_of(self, user_id: str) -> str:
        query = {"userId": user_id}
        users = answers.list_in(
            self._api.call("GET", "/v2/UserManagement.svc/User/Retrieve/ByUserId", query=query)
        )
        return str(users[0].get("EmailAddress") or "") if users else ""

    def _task_types(self) -> dict[str, int]:
        types = answers.list_in(self._api.call("GET", "/v2/Task.svc/RetrieveTaskType"))
        named = (
            (one.get("Name") or one.get("TaskName") or one.get("TaskTypeName"), one.get("Category"))
            for one in types
        )
        return {str(name): int(str(category)) for name, category in named if name and str(category).isdigit()}

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

    def _tasks_of_lead(self, draft: TaskDraft) -> Iterator[Mapping[str, Any]]:
        if draft.deals or not draft.contacts:
            return
        lead = draft.contacts[0].ref.id
        try:
            answer = self._api.call(
                "GET", "/v2/LeadManagement.svc/RetrieveTaskByLeadId", query={"leadId": lead}
            )
        except Rejected:
            return  # a lead that was merged or deleted; its tasks still show among their owner's
        for record in answers.rows_in(answer, "TaskList"):
            yield {"RelatedEntity": payloads.LEAD, "RelatedEntityId": lead, **record}

    def _tasks_of_owners(self, draft: TaskDraft) -> Iterator[Mapping[str, Any]]:
        category = self._rules.category_of(draft)
        middle = payloads.span_of(draft, self._rules.zone)[0].date()
        asked = {
            "FromDate": (middle - WINDOW[0]).isoformat(),
            "ToDate": (middle + WINDOW[1]).isoformat(),
            "Users": self._possible_owners(draft),
        }
        for kind in (TODO, APPOINTMENT):
            if category in (None, kind):
                yield from self._listed(f"/v2/Task.svc/{LISTINGS[kind]}/ByUserEmailAddress", asked)

    def _listed(self, path: str, asked: Mapping[str, object]) -> Iterator[Mapping[str, Any]]:
        """Return the tasks of all pages; `RecordCount` is how many there are in all."""
        page, seen = 1, set[str]()
        while True:
            body = {**asked, "Paging": {"PageIndex": page, "PageSize": self.page_size}}
            answer = self._api.call("POST", path, json_body=body, writes=False)
            rows = [row for row in answers.rows_in(answer, "List") if str(row.get("UserTaskId")) not in seen]
            yield from rows
            page, seen = page + 1, seen | {str(row.get("UserTaskId")) for row in rows}
            count = answers.object_in(answer).get("RecordCount")
            if not rows or (isinstance(count, int) and len(seen) >= count):
                return

    def _possible_owners(self, draft: TaskDraft) -> list[str]:
        """Return the e-mails of the assignee and of the user of the keys, who owns what is assigned to nobody."""
        learned = self.account.learned
        assignee = (draft.assignee_email or self._email_of(draft.assignee)) if draft.assignee else ""
        key_user = str(learned.get("user_email") or "") or self._email_of(
            str(self.check().learned["user_id"])
        )
        return [email for email in dict.fromkeys((assignee, key_user)) if email]

    def _leads(self, call: str, query: Mapping[str, object]) -> list[Mapping[str, Any]]:
        return answers.list_in(self._api.call("GET", f"/v2/LeadManagement.svc/{call}", query=query))

    def _leads_by_phone(self, phone: str) -> list[Mapping[str, Any]]:
        first = self._leads("RetrieveLeadByPhoneNumber", {"phone": leads.digits(phone)})
        if not first:
            return []
        # What came may be somebody whose number only ends alike; then ours may stand there as we spell it.
        column = leads.phone_column(first[0], phone)
        name, text = column or ("Phone", phone)
        body = {
            "Parameter": {"LookupName": name, "LookupValue": text, "SqlOperator": "="},
            "Columns": {"Include_CSV": leads.COLUMNS},
            "Paging": {"PageIndex": 1, "PageSize": 20},
        }
        answer = self._api.call("POST", "/v2/LeadManagement.svc/Leads.Get", json_body=body, writes=False)
        # Some accounts answer with a list, others with one inside an object (seen by integrators, 2026-11).
        found = (
            answers.rows_in(answer, "List") if isinstance(answer.json, Mapping) else answers.list_in(answer)
        )
        return found or (first if column else [])


def _organisation(user: Mapping[str, Any], answer: Answer) -> tuple[str, str]:
    """Return the id and the name of the account that the user is of."""
    told = [str(user[name]) for name in ("OrgId", "OrgShortCode") if user.get(name)]
    if not told or not user.get("Id"):
        raise Transient("LeadSquared answered without the user of these keys.", status=answer.status)
    return told[0], told[-1]
