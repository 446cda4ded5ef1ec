"""HighLevel, called with the hub's values: tasks under a contact of one sub-account. Its people stand in `people.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from providers.error_cases import Answer
from providers.errors import Forbidden, NotFound, Rejected, Transient, Unconfirmed, Unsupported
from providers.events import Delivery, Event
from providers.highlevel import payloads, webhooks
from providers.highlevel.account import READ, SEARCH_TASKS, WRITE, listed, path_of, silent
from providers.highlevel.error_cases import VENDOR
from providers.highlevel.people import HighLevelPeople
from providers.highlevel.walking import MOST_PAGES, Place, Row, step
from providers.types import Field, HubKey, Page, RemoteRef, RemoteTask, TaskDraft


class HighLevel(HighLevelPeople):
    """One sub-account. A task's `RemoteRef.parent_id` is the id of the contact it is filed under."""

    code = "highlevel"

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
        answer = self._call("POST", path_of("contacts", contact, "tasks"), scope=WRITE, json_body=body)
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
        """Return the task as it stands there. Raises `NotFound` when it or its contact is gone.

        The contact of a task that is known by its id alone (an event may leave it out) is looked up in the search first.
        """
        ref = ref if ref.parent_id else self._filed(ref)
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

    # Listings

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the sub-account's tasks by its search, which lags; each tells when it was changed.

        Source: https://marketplace.gohighlevel.com/docs/ghl/locations/task-search-filter (read 2026-11).
        """
        rows, place = self._search_page({}, Place.of(cursor))
        live = [row for row in rows if row.get("deleted") is not True and payloads.id_of(row)]
        return Page(tuple(self._task(row, "") for row in live), place.cursor if place else None)

    def list_tasks_of_contact(self, contact: RemoteRef, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the contact's tasks, all at once and without lag. Raises `NotFound` when the contact is gone.

        Source: https://marketplace.gohighlevel.com/docs/ghl/contacts/get-all-tasks (read 2026-11).
        """
        answer = self._call("GET", path_of("contacts", contact.id, "tasks"), scope=READ)
        rows = [row for row in listed(answer, "tasks") if payloads.id_of(row)]
        return Page(tuple(self._task(row, contact.id) for row in rows))

    # What HighLevel tells by itself

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the event of a delivery that HighLevel signed and that is about this sub-account; see `webhooks.py`."""
        return webhooks.events_in(delivery, self.account)

    # Requests

    def _filed(self, ref: RemoteRef) -> RemoteRef:
        for row in self._search_rows({}):
            if payloads.id_of(row) == ref.id and row.get("deleted") is not True:
                return _ref(row)
        raise NotFound(f"{VENDOR} has no such task.")

    def _call_task(self, method: str, ref: RemoteRef, suffix: str = "", json_body: object = None) -> Answer:
        path = path_of("contacts", ref.parent_id, "tasks", ref.id) + suffix
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
            answer = self._call("GET", path_of("contacts", contact, "tasks"), scope=READ)
        except NotFound:
            return []
        return listed(answer, "tasks")

    def _searched(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        for row in self._with_title(draft.title):
            if _carries(row, key):
                # The search may lag, also in showing what is deleted: the contact's own copy is the truth.
                try:
                    return self.fetch_task(_ref(row))
                except NotFound:
                    continue
        return None

    def _with_title(self, title: str) -> Iterator[Row]:
        try:
            yield from self._search_rows({"query": title})
        except (Forbidden, Rejected):
            # A second look only: without its scope, or with a title it cannot search for, the contact's list has answered.
            return

    def _search_rows(self, asked: Mapping[str, object]) -> Iterator[Row]:
        place: Place | None = Place()
        for _ in range(MOST_PAGES):
            if place is None:
                return
            rows, place = self._search_page(asked, place)
            yield from rows
        raise Transient(f"The task search of {VENDOR} does not come to an end.")

    def _search_page(self, asked: Mapping[str, object], place: Place) -> tuple[Sequence[Row], Place | None]:
        path = path_of("locations", self._location_id, "tasks", "search")
        body = {**asked, **place.asks}
        try:
            answer = self._call("POST", path, scope=SEARCH_TASKS, json_body=body, writes=False)
        except Rejected as error:
            if "searchAfter" in body and "searchAfter" in error.detail:  # a key that no document names
                return (), place.counted
            raise
        return step(place, listed(answer, "tasks"))

    # Answers

    def _told(
        self, answer: Answer, contact: str, *, sent: TaskDraft | None = None, writes: bool = True
    ) -> RemoteTask:
        row = payloads.record_in(answer.json, "task")
        if row is None:
            raise silent("task", answer, writes=writes)
        return self._task(row, contact, sent=sent)

    def _task(self, row: Mapping[str, Any], contact: str, *, sent: TaskDraft | None = None) -> RemoteTask:
        # Tasks have no page of their own; the contact's shows them.
        contact = payloads.text_of(row, "contactId") or contact
        return payloads.remote_task(
            row, parent=contact, zone=self._zone, url=self._page_of(contact), sent=sent
        )


def _as_asked(task: RemoteTask, contact: str) -> RemoteTask:
    """Return the task as filed under the contact that a write went to, whichever contact the answer names.

    For a contact that was merged the answer may name the survivor. Told by a write, that would read as "not where it was wanted",
    and the task would be created again, with the same answer. Reads tell what HighLevel says.
    """
    ref = replace(task.ref, parent_id=contact)
    return replace(task, ref=ref, holds={**task.holds, Field.CONTACTS: (contact,)})


def _ref(row: Row) -> RemoteRef:
    return RemoteRef(payloads.id_of(row), payloads.text_of(row, "contactId"))


def _carries(row: Row, key: HubKey) -> bool:
    # Not just anywhere in the text: somebody may have copied the text of another task.
    return row.get("deleted") is not True and payloads.split_key(payloads.text_of(row, "body"))[1] == str(key)
