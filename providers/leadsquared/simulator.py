"""A small stateful LeadSquared account: the calls of `Task.svc`, read from the vendor's pages and not from our client.

Where those pages are silent the account is strict in what it takes and plain in what it answers; each such choice says so.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from providers.leadsquared.simulator_judging import TASKS
from providers.leadsquared.simulator_reading import ReadingSimulator
from providers.leadsquared.simulator_records import Task
from providers.leadsquared.simulator_shapes import (
    TASK_SHAPE,
    UPDATE_SHAPE,
    Refusal,
    body_of,
    invalid,
    is_text,
    is_texts,
    moment_in,
    refusing,
    shaped,
)
from providers.simulator import Call, Reply, route

MOST_IN_BULK = 50
MOST_DELETED = 5000


class LeadSquaredSimulator(ReadingSimulator):
    """One account in the region of India, with four types of to-do and one of appointment.

    `update_takes_all` False makes it ignore, when a task is updated, what the vendor's page on updating does not show. What it does in
    the background takes `bulk_takes` and `delete_takes` seconds; `bulk_reports` are the reports that it mails of tasks it did not make.
    """

    code = "leadsquared"

    def reset(self) -> None:
        """Empty the account."""
        super().reset()
        self.update_takes_all = True
        self.bulk_takes = 0.0
        self.delete_takes = 0.0
        self.bulk_reports: list[str] = []
        self._serial = 324

    # Writing

    @route("POST", TASKS + "Create")
    @refusing
    def create_task(self, call: Call) -> Reply:
        """Create a to-do or an appointment, as its type says."""
        task = self._made(body_of(call, TASK_SHAPE))
        self.held[task.id] = task
        self._tell(7, task)
        return Reply(200, {"Status": "Success", "Message": {"Id": task.id}})

    @route("POST", TASKS + "Bulk/Create")
    @refusing
    def create_tasks(self, call: Call) -> Reply:
        """Take up to 50 tasks and make them later; only the request gets an id in the answer, whose form is that of the sibling call.

        A task with a wrong value is left out and reported by mail; a body of the wrong shape is refused as a whole.
        """
        shape = {"TaskList": lambda value: isinstance(value, list), "StatusWebhookURL": is_text}
        given = body_of(call, shape, ["TaskList"])["TaskList"]
        if not 1 <= len(given) <= MOST_IN_BULK:
            raise invalid(f"TaskList must have 1 to {MOST_IN_BULK} tasks")
        for one in [shaped(one, TASK_SHAPE) for one in given]:
            try:
                task = self._made(one)
            except Refusal as refusal:
                self.bulk_reports.append(f"{one.get('Name', '')}: {refusal}")
                continue
            task.created_at += timedelta(seconds=self.bulk_takes)
            self.held[task.id] = task
            self._tell(7, task)
        return Reply(200, {"Status": "Success", "Message": {"Id": str(uuid.uuid4()), "IsSuccessful": True}})

    @route("POST", TASKS + "Update")
    @refusing
    def update_task(self, call: Call) -> Reply:
        """Change what is given; neither the type nor the status can be."""
        body = body_of(call, UPDATE_SHAPE, ["UserTaskId"])
        task = self._task(body.pop("UserTaskId"))
        before = self._as_shown(task)
        if not self.update_takes_all:
            body = {name: value for name, value in body.items() if name not in _NOT_ON_THE_PAGE}
        if body.get("Name") == "":
            raise Refusal("MXMandatoryAttributeMissingException", "Name is mandatory")
        self._apply(task, body)
        if "DueDate" in body:
            task.due = moment_in(body["DueDate"], "DueDate")
        task.end = max(moment_in(body["EndDate"], "EndDate") if "EndDate" in body else task.end, task.due)
        task.modified_at = self.now()
        self._serial += 1
        self._tell(17, task, before=before)
        return Reply(200, {"Status": "Success", "Message": {"AffectedRows": 1, "AutoId": self._serial}})

    @route("GET", TASKS + "MarkComplete")
    @refusing
    def complete_task(self, call: Call) -> Reply:
        """Complete the task; the form of the answer is that of the sibling calls."""
        task = self._task(call.query.get("id", ""))
        task.completed_at = task.completed_at or self.now()
        task.modified_at = self.now()
        self._tell(16, task)
        return Reply(200, {"Status": "Success", "Message": {"AffectedRows": 1}})

    @route("POST", TASKS + "DeleteTasks")
    @refusing
    def delete_tasks(self, call: Call) -> Reply:
        """Delete up to 5,000 tasks some time later; ids that are not known are not counted, and nothing tells of it afterwards."""
        body = body_of(call, {"TaskIds": is_texts, "StatusWebhookURL": is_text}, ["TaskIds"])
        if not 1 <= len(body["TaskIds"]) <= MOST_DELETED:
            raise invalid(f"TaskIds must have 1 to {MOST_DELETED} ids")
        found = [
            self.held[one] for one in body["TaskIds"] if one in self.held and self.is_there(self.held[one])
        ]
        for task in found:
            task.deleted_at = task.deleted_at or self.now() + timedelta(seconds=self.delete_takes)
        return Reply(
            200,
            {
                "Status": "Success",
                "Operation": "Bulk Delete Tasks",
                "TasksCount": len(body["TaskIds"]),
                "DeletedTasksCount": len(found),
                "FailureReason": None,
            },
        )

    # What it tells by itself

    def _tell(self, code: int, task: Task, *, before: dict[str, Any] | None = None) -> None:
        """Announce an event of a task. There is none for a task that was deleted."""
        shown = self._as_shown(task)
        body = shown if before is None else {"Before": before, "After": shown}
        self.announce({"code": code, "entity": "Task", "id": task.id, "body": body})


_NOT_ON_THE_PAGE = ("EndDate", "ReminderBeforeDays", "ReminderTime")
