"""A small stateful HighLevel: one sub-account with its contacts, their tasks, and its users.

The account and its refusals stand in `simulator_account.py`, what apps are let in with and told in `simulator_apps.py`, contacts and users
in `simulator_people.py`, the documented request fields in `simulator_records.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.highlevel import simulator_records as records
from providers.highlevel.simulator_account import Refused, handles
from providers.highlevel.simulator_people import SimulatedPeople
from providers.highlevel.simulator_records import Record
from providers.simulator import Call, Reply, route
from providers.types import canonical_moment, split_marker


class HighLevelSimulator(SimulatedPeople):
    """One sub-account at HighLevel."""

    code = "highlevel"

    def reset(self) -> None:
        """Empty the account; it begins without users."""
        super().reset()
        self.shows_deleted = False

    # Tasks of a contact

    @route("GET", "/contacts/{contact}/tasks")
    @handles
    def list_tasks(self, call: Call) -> Reply:
        """All tasks of the contact: no paging, no filter."""
        contact = self._contact(call)
        rows = [
            task
            for task in self._tasks.values()
            if task["contactId"] == contact["id"] and not task["deleted"]
        ]
        return Reply(200, {"tasks": [records.shown_task(task) for task in rows]})

    @route("POST", "/contacts/{contact}/tasks")
    @handles
    def create_task(self, call: Call) -> Reply:
        """Create; `title`, `dueDate` and `completed` are required."""
        contact = self._contact(call)
        body = self._body(call, records.NEW_TASK)
        task: Record = {
            "id": self._new_id(),
            "contactId": contact["id"],
            "deleted": False,
            "added": self.now(),
        }
        self._change_task(task, body)
        self._tasks[task["id"]] = task
        self.tell_of_task("TaskCreate", task)
        return Reply(201, {"task": records.shown_task(task)})

    @route("GET", "/contacts/{contact}/tasks/{task}")
    @handles
    def get_task(self, call: Call) -> Reply:
        """One task."""
        return Reply(200, {"task": records.shown_task(self._task(call))})

    @route("PUT", "/contacts/{contact}/tasks/{task}")
    @handles
    def update_task(self, call: Call) -> Reply:
        """Change what is given, leave the rest."""
        task = self._task(call)
        self._change_and_tell(task, self._body(call, records.CHANGED_TASK))
        return Reply(200, {"task": records.shown_task(task)})

    @route("PUT", "/contacts/{contact}/tasks/{task}/completed")
    @handles
    def set_task_completed(self, call: Call) -> Reply:
        """Change `completed` alone."""
        task = self._task(call)
        self._change_and_tell(task, self._body(call, records.TASK_COMPLETED))
        return Reply(200, {"task": records.shown_task(task)})

    @route("DELETE", "/contacts/{contact}/tasks/{task}")
    @handles
    def delete_task(self, call: Call) -> Reply:
        """Delete; there is no way back."""
        task = self._task(call)
        task.update(deleted=True, updated=self.now())
        self._index(task)
        self.tell_of_task("TaskDelete", task)
        return Reply(200, {"succeded": True, "succeeded": True})

    # Tasks of the location

    @route("POST", "/locations/{location}/tasks/search")
    @handles
    def search_tasks(self, call: Call) -> Reply:
        """Search, newest first; answers 201 as the live API does. Whether deleted tasks are returned is unconfirmed: `shows_deleted`."""
        self._check_location(call.captured["location"])
        asked = self._body(call, records.TASK_SEARCH)
        found = [
            task
            for task in self._indexed()
            if (self.shows_deleted or not task["deleted"]) and _is_asked_for(task, asked)
        ]
        found.sort(key=lambda task: (records.milliseconds(task["added"]), task["id"]), reverse=True)
        after = asked.get("searchAfter")
        if after:
            found = [
                task for task in found if (records.milliseconds(task["added"]), task["id"]) < tuple(after)
            ]
        start = 0 if after else int(asked.get("skip", 0))
        page = found[start : start + int(asked.get("limit", 25))]
        location = self.setting["location_id"]
        return Reply(
            201,
            {"tasks": [records.task_row(task, self._contacts[task["contactId"]], location) for task in page]},
        )

    @route("POST", "/locations/{location}/recurring-tasks")
    @handles
    def create_recurring(self, call: Call) -> Reply:
        """Keep a recurring task; its rounds are not played."""
        self._check_location(call.captured["location"])
        body = self._body(call, records.NEW_RECURRING)
        task: Record = {
            "id": self._new_id(),
            "description": "",
            "totalOccurrence": 0,
            "deleted": False,
            "createdAt": self._now_text(),
        }
        self._recurring[task["id"]] = task
        return Reply(201, {"recurringTask": self._change_recurring(task, body)})

    @route("GET", "/locations/{location}/recurring-tasks/{task}")
    @handles
    def get_recurring(self, call: Call) -> Reply:
        """One recurring task."""
        return Reply(200, {"recurringTask": self._recurring_task(call)})

    @route("PUT", "/locations/{location}/recurring-tasks/{task}")
    @handles
    def update_recurring(self, call: Call) -> Reply:
        """Change a recurring task."""
        task = self._recurring_task(call)
        return Reply(
            200, {"recurringTask": self._change_recurring(task, self._body(call, records.CHANGED_RECURRING))}
        )

    @route("DELETE", "/locations/{location}/recurring-tasks/{task}")
    @handles
    def delete_recurring(self, call: Call) -> Reply:
        """Delete a recurring task."""
        task = self._recurring.pop(self._recurring_task(call)["id"])
        return Reply(200, {"id": task["id"], "success": True})

    # What the account holds

    def tasks(self) -> list[Record]:
        """Return the tasks in plain words."""
        return [self._plain_task(task) for task in self._tasks.values()]

    def contacts(self) -> list[Record]:
        """Return the contacts in plain words."""
        names = {
            "first_name": "firstName",
            "last_name": "lastName",
            "email": "email",
            "phone": "phone",
            "company": "companyName",
        }
        return [
            {
                "id": contact["id"],
                **{ours: contact.get(theirs) or "" for ours, theirs in names.items()},
                "deleted": contact["deleted"],
            }
            for contact in self._contacts.values()
        ]

    def seed(self, world: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put users and contacts there; HighLevel's tasks know no companies, deals, tickets or events."""
        users = [self._add_user(user) for user in world.get("users", [])]
        contacts = [self._add_person(person) for person in world.get("contacts", [])]
        return {
            "users": users,
            "contacts": contacts,
            "companies": [],
            "deals": [],
            "tickets": [],
            "events": [],
        }

    def _plain_task(self, task: Record) -> Record:
        contact = self._contacts[task["contactId"]]
        body, key = split_marker(task.get("body") or "")
        named = (contact.get("email"), contact.get("phone"), contact.get("firstName"))
        return {
            "id": task["id"],
            "title": task["title"],
            "body": body,
            "status": "completed" if task["completed"] else "open",
            "due_at": canonical_moment(records.moment_of(task["dueDate"])),
            "contact": next((name for name in named if name), None),
            "hub_key": key,
            "deleted": task["deleted"],
        }

    def _task(self, call: Call) -> Record:
        contact = self._contact(call)
        task = self._tasks.get(call.captured["task"])
        if task is None or task["deleted"] or task["contactId"] != contact["id"]:
            raise Refused(self.missing_task_status, f"Task not found for id: {call.captured['task']}")
        return task

    def _change_task(self, task: Record, given: Record) -> None:
        assignee = given.get("assignedTo")
        if assignee and not (self.takes_assignees and assignee in self._users):
            raise Refused(422, ["assignedTo must be a valid user of the location"])
        if given.get("title") == "":
            raise Refused(422, ["title should not be empty"])
        if "dueDate" in given:
            given = {**given, "dueDate": records.shown_due(given["dueDate"])}
        task.update(given, updated=self.now())
        self._index(task)

    def _change_and_tell(self, task: Record, given: Record) -> None:
        was_completed = task["completed"]
        self._change_task(task, given)
        if task["completed"] and not was_completed:
            self.tell_of_task("TaskComplete", task)

    def _recurring_task(self, call: Call) -> Record:
        self._check_location(call.captured["location"])
        task = self._recurring.get(call.captured["task"])
        if task is None:
            raise Refused(400, f"Recurring task not found for id: {call.captured['task']}")
        return task

    def _change_recurring(self, task: Record, given: Record) -> Record:
        if "rruleOptions" in given and (found := records.complaints(given["rruleOptions"], records.RRULE)):
            raise Refused(422, [f"rruleOptions.{complaint}" for complaint in found])
        kept: Record = {
            name: given[name] for name in ("title", "description", "rruleOptions") if name in given
        }
        for name, many in (("contactId", "contactIds"), ("assignedTo", "owners")):
            if given.get(many):
                kept[name] = given[many][0]
        task.update(kept, locationId=self.setting["location_id"], updatedAt=self._now_text())
        return task


def _is_asked_for(task: Record, asked: Record) -> bool:
    return (
        asked.get("query", "").casefold() in task["title"].casefold()
        and task["completed"] == asked.get("completed", task["completed"])
        and task["contactId"] in (asked.get("contactId") or [task["contactId"]])
        and task.get("assignedTo") in (asked.get("assignedTo") or [task.get("assignedTo")])
    )
