"""One LeadLex workspace: its tasks. The account is in `workspace.py`, people and records in `directory.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from providers.error_cases import Answer
from providers.errors import Ambiguous, NotFound, ProviderError, Unconfirmed, Unsupported
from providers.leadlex import payloads
from providers.leadlex.answers import record_in
from providers.leadlex.directory import Directory
from providers.leadlex.listings import page_of, pages
from providers.leadlex.probing import LEARNED_BY
from providers.types import Field, HubKey, Page, RemoteRef, RemoteTask, TaskDraft


class LeadLex(Directory):
    """One workspace, opened by its key. Every call is one request, but for listings and for a 404 on a change."""

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task, with the key as the last line of its description.

        The `Idempotency-Key` is sent though documented for other calls only: where it is honoured it helps, and
        `find_task` does not rely on it. Raises `Rejected` before sending when there is no parent, no default one and no name that is
        sent, and `Ambiguous` with the candidates when a name fits several; nothing was made then, and each candidate costs a call more.
        Source: https://docs.leadlex.com/api-reference/tasks/create (read 2026-11).
        """
        body = payloads.task_to_create(draft, key=key, settings=self.account.settings)
        try:
            answer = self._api.call(
                "POST",
                "/v1/tasks",
                json_body=body,
                headers={"Idempotency-Key": payloads.idempotency_key(key)},
            )
        except Ambiguous as error:
            raise self._with_names(error, company_name=draft.company_name) from error
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

        Lists the tasks of every contact and deal in the draft (or of the stand-in), else of the assignee, else all (so
        for one that was filed by a name); a hundred to a call. A task that was created under another contact or deal than these is not seen.
        Source: https://docs.leadlex.com/api-reference/tasks/list (read 2026-11).
        """
        for query in self._places(draft):
            for row in pages(self._api, "/v1/tasks", "tasks", query):
                task = payloads.read_task(row, settings=self.account.settings, asked=draft)
                if task.key == str(key):
                    return task
        return None

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the workspace's tasks, a hundred to a page, in an order that is not documented; some may come twice.

        Tasks of the type `lexi_action` are left out: they are questions of the vendor's own agent, and what is done to them makes it act.
        Source: https://docs.leadlex.com/api-reference/tasks/list and …/lexi/tasks (read 2026-11).
        """
        return self._listed({}, cursor)

    def list_tasks_of_contact(self, contact: RemoteRef, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the contact's tasks, as `list_tasks` does; none for a contact that is not there."""
        return self._listed({"contact_id": contact.id}, cursor)

    def _listed(self, query: Mapping[str, str], cursor: str | None) -> Page[RemoteTask]:
        rows, following = page_of(self._api, "/v1/tasks", "tasks", query, cursor)
        tasks = (
            payloads.read_task(row, settings=self.account.settings) for row in rows if _is_for_people(row)
        )
        return Page(tuple(tasks), following)

    def _places(self, draft: TaskDraft) -> list[dict[str, str]]:
        """Return the filters to list tasks by; `event_id` is none of those documented."""
        places = [{"contact_id": linked.ref.id} for linked in draft.contacts]
        places += [{"deal_id": linked.ref.id} for linked in draft.deals]
        stand_in = payloads.stand_in_parent(self.account.settings)
        is_named = "contact_name" in payloads.names_sent(draft, self.account.settings)
        if stand_in and not places and not draft.events and not is_named:
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

        Raises `NotFound` when the task is gone, `Unsupported` when it is there and the call is not; without asking, where that was
        learned when the account was checked.
        """
        if self.account.learned.get(LEARNED_BY[method]) is False:
            raise _no_call_to(method)
        try:
            return self._api.call(method, f"/v1/tasks/{quote(ref.id, safe='')}", json_body=body)
        except (NotFound, Unsupported) as error:
            if isinstance(error, NotFound):
                self._fetched(ref)
            raise _no_call_to(method, error) from error

    def _fetched(self, ref: RemoteRef, *, asked: TaskDraft | None = None) -> RemoteTask:
        answer = self._api.call("GET", f"/v1/tasks/{quote(ref.id, safe='')}")
        return self._task_in(answer, asked=asked, writes=False)

    def _task_in(self, answer: Answer, *, asked: TaskDraft | None, writes: bool) -> RemoteTask:
        task = record_in(answer, "task", writes=writes)
        return payloads.read_task(task, settings=self.account.settings, asked=asked)


def _no_call_to(method: str, error: ProviderError | None = None) -> Unsupported:
    doing = "delete" if method == "DELETE" else "change"
    return Unsupported(
        f"This LeadLex workspace has no call to {doing} a task; {doing} it there by hand. "
        "Should it have one by now, test the connection.",
        status=error.status if error else None,
        request_id=error.request_id if error else "",
    )


def _is_for_people(row: Mapping[str, Any]) -> bool:
    return row.get("task_type") != "lexi_action"
