"""A small stateful LeadLex: one workspace with its users, contacts, companies, deals and tasks, behind its gateway.

Where the vendor's pages are silent or disagree, what is decided here stands beside it and, where it matters, is a switch.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.leadlex import simulator_records as records
from providers.leadlex.simulator_gateway import answering, body_of, known_query, listing
from providers.leadlex.simulator_people import People
from providers.leadlex.simulator_records import Record, Refused, invalid
from providers.simulator import Call, Reply, route
from providers.types import split_marker

_TASK_ROW = (
    *("id", "title", "description", "status", "priority", "task_type", "due_date", "assigned_to_user_id"),
    *("contact_id", "deal_id", "event_id", "created_date", "updated_date"),
)
_TASK_MADE = tuple(name for name in _TASK_ROW if name not in ("description", "task_type", "updated_date"))
_ORPHAN = "At least one parent link (contact_id, company_id, deal_id, or event_id) is required"
_STATUSES = ("open", "pending", "in_progress", "completed", "dismissed")


class LeadLexSimulator(People):
    """One workspace. Switches for what the pages leave open, set back by `reset`:

    `permissions` of the key · `missing_calls` ("PATCH", "DELETE" on tasks) and the `missing_call_status` they answer ·
    `says_no_more_than_not_found` (a path and a record that are not there are answered alike) ·
    `open_reads_as_pending` · `days_become_moments` (a due day is shown as midnight UTC) · `replays_keys` (an Idempotency-Key on a
    create) · `duplicate_contacts` ("existing": answered with the first one, "conflict": 409, "second": made) · `search_covers_phones` · `lists` (tasks: "newest first",
    "oldest first", "last changed first") · `envelope` (of webhooks: "catalogue", as its page shows it now, or "event", as it did before).
    Decided without a switch (2026-11): a create answers 201, PATCH the whole task, DELETE 204; a company alone is no parent; a name
    that nobody has leaves the task unlinked; unknown keys and query names are refused; 5xx bodies are plain text.
    """

    code = "leadlex"

    # Tasks

    @route("POST", "/v1/tasks")
    @answering
    def create_task(self, call: Call) -> Reply:
        """Make a task. https://docs.leadlex.com/api-reference/tasks/create (read 2026-11)."""
        if (replay := self._replay(call)) is not None:
            return replay
        body = records.check_body(body_of(call), records.TASK_CREATE, required=("title",))
        links = self._links(body)
        task: Record = dict.fromkeys(_TASK_ROW) | {
            **{name: value for name, value in body.items() if name in _TASK_ROW},
            **links,
            "id": str(uuid.uuid4()),
            "status": body.get("status", "open"),
            "assigned_to_user_id": body.get("assignee_id"),
            "created_date": records.created_date(body.get("created_date"), self.now()),
        }
        now = self.now()
        self._tasks[task["id"]] = task | {"made_at": now, "changed_at": now, "is_deleted": False}
        self._tell("task.created", {"task": self._task_shown(task)})
        reply = Reply(201, {"data": {name: self._task_shown(task)[name] for name in _TASK_MADE}})
        return self._remember(call, reply)

    @route("GET", "/v1/tasks")
    @answering
    def list_tasks(self, call: Call) -> Reply:
        """List tasks; the order is not documented. …/api-reference/tasks/list (read 2026-11)."""
        known_query(call, "status", "assignee_id", "deal_id", "contact_id")
        if call.query.get("status", "open") not in _STATUSES:
            raise invalid("status: Unknown status", {"status": f"Must be one of: {', '.join(_STATUSES)}"})
        rows = [task for task in self._tasks.values() if self._is_listed(task, call.query)]
        rows.sort(key=self._place_in_list, reverse=self.lists != "oldest first")
        return listing(call, "tasks", [self._task_shown(task) | self._blocks(task) for task in rows])

    @route("GET", "/v1/tasks/{id}")
    @answering
    def get_task(self, call: Call) -> Reply:
        """Show one task under `data.task`. …/api-reference/tasks/get (read 2026-11)."""
        task = self._live_task(call)
        return Reply(200, {"data": {"task": self._task_shown(task) | self._blocks(task)}})

    @route("PATCH", "/v1/tasks/{id}")
    @answering
    def update_task(self, call: Call) -> Reply:
        """Change what is sent and nothing else, as the page on contacts says of them; not documented for tasks."""
        self._must_have(call)
        task = self._live_task(call)
        body = records.check_body(body_of(call), records.TASK_UPDATE, nullable=records.TASK_NULLABLE)
        links = self._links({**{name: task[name] for name in ("contact_id", "deal_id", "event_id")}, **body})
        task |= {name: value for name, value in body.items() if name in _TASK_ROW} | links
        if "assignee_id" in body:
            task["assigned_to_user_id"] = body["assignee_id"]
        task["changed_at"] = self.now()
        task["updated_date"] = records.created_date(None, task["changed_at"])
        self._tell("task.updated", {"task": self._task_shown(task)})
        return Reply(200, {"data": self._task_shown(task)})

    @route("DELETE", "/v1/tasks/{id}")
    @answering
    def delete_task(self, call: Call) -> Reply:
        """Delete a task; not documented. No webhook tells of it."""
        self._must_have(call)
        self._live_task(call)["is_deleted"] = True
        return Reply(204)

    def _links(self, body: Mapping[str, Any]) -> Record:
        """Return the ids that a task hangs on; names count where the id is missing. Raises `Refused` for an orphan."""
        links = {name: body.get(name) for name in ("contact_id", "deal_id", "event_id")}
        if not links["contact_id"] and body.get("contact_name"):
            contacts = self._held["contacts"].values()
            links["contact_id"] = records.matched(body["contact_name"], contacts, "contact_name")
        if body.get("company_name"):
            records.matched(body["company_name"], self._held["companies"].values(), "company_name")
        if not any(links.values()):
            raise invalid(_ORPHAN)
        for name, part in (("contact_id", "contacts"), ("deal_id", "deals"), ("event_id", "events")):
            self._must_be_ours(name, links[name], part)
        self._must_be_ours("assignee_id", body.get("assignee_id"), "users")
        return links

    def _must_have(self, call: Call) -> None:
        if call.method in self.missing_calls:
            status = self.missing_call_status
            code = "not_found" if status == 404 else "method_not_allowed"
            raise Refused(status, code, self._not_found(f"No endpoint {call.method} {call.path}"))

    def _live_task(self, call: Call) -> Record:
        task = self._tasks.get(call.captured["id"])
        if task is None or task["is_deleted"]:
            raise Refused(404, "not_found", self._not_found("Task not found"))
        return task

    def _place_in_list(self, task: Record) -> datetime:
        moment: datetime = task["changed_at" if self.lists == "last changed first" else "made_at"]
        return moment

    def _is_listed(self, task: Record, query: Mapping[str, str]) -> bool:
        wanted = {name: query[name] for name in ("deal_id", "contact_id") if name in query}
        if "assignee_id" in query:
            wanted["assigned_to_user_id"] = query["assignee_id"]
        if "status" in query:
            wanted["status"] = query["status"].replace("pending", "open")
        is_here = not task["is_deleted"] and self.is_found(task["made_at"])
        return is_here and all(task[name] == value for name, value in wanted.items())

    def _task_shown(self, task: Record) -> Record:
        row = {name: task[name] for name in _TASK_ROW}
        if self.open_reads_as_pending and row["status"] == "open":
            row["status"] = "pending"
        if self.days_become_moments:
            row["due_date"] = records.as_moment(row["due_date"])
        return row

    def _blocks(self, task: Record) -> Record:
        """Return the compact blocks of what the task hangs on; the page on agents names them, their shape is not told."""
        contact = self._held["contacts"].get(task["contact_id"] or "")
        deal = self._held["deals"].get(task["deal_id"] or "")
        return {
            "contact": contact and {"id": contact["id"], "full_name": contact["full_name"]},
            "deal": deal and {"id": deal["id"], "name": deal["name"]},
        }

    # What the tests and the demo look at

    def tasks(self) -> list[dict[str, Any]]:
        """Return what the workspace holds, in plain words."""
        return [self._in_plain_words(task) for task in self._tasks.values()]

    def _in_plain_words(self, task: Record) -> dict[str, Any]:
        body, key = split_marker(task["description"] or "")
        contact = self._held["contacts"].get(task["contact_id"] or "", {})
        return {
            "id": task["id"],
            "title": task["title"],
            "body": records.shown(body),
            "status": task["status"],
            "due_at": task["due_date"],
            "contact": contact.get("email") or contact.get("phone") or contact.get("full_name"),
            "hub_key": key,
            "deleted": task["is_deleted"],
        }

    def seed(self, world: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put users, contacts and records there; a contact may bring its `id`. There are no tickets."""
        users = [{"full_name": one.get("name", ""), "email": one["email"]} for one in world.get("users", ())]
        return {
            "users": [self._put("users", one) for one in users],
            "contacts": [self._new_contact(one)["id"] for one in world.get("contacts", ())],
            **{
                part: [self._put(part, {"name": one["name"]}) for one in world.get(part, ())]
                for part in ("companies", "deals", "events")
            },
            "tickets": [],
        }
