"""A small stateful LeadSquared account: the calls of `Task.svc`, read from the vendor's pages and not from our client.

Where those pages are silent the account is strict in what it takes and plain in what it answers; each such choice says so.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.leadsquared.simulator_judging import JudgingSimulator
from providers.leadsquared.simulator_leads import LEADS
from providers.leadsquared.simulator_records import (
    LONGEST_WINDOW,
    PAGING_SHAPE,
    TASK_SHAPE,
    UPDATE_SHAPE,
    Refusal,
    Task,
    bad_request,
    body_of,
    day_in,
    invalid,
    is_number,
    is_object,
    is_text,
    is_texts,
    local_day,
    moment_in,
    refusing,
    shaped,
)
from providers.simulator import Call, Reply, route
from providers.types import canonical_moment, split_marker

TASKS = "/v2/Task.svc/"
MOST_IN_BULK = 50
MOST_DELETED = 5000


class LeadSquaredSimulator(JudgingSimulator):
    """One account in the region of India, with four types of to-do and one of appointment.

    `update_takes_all` False makes it ignore, when a task is updated, what the vendor's page on updating does not show.
    """

    code = "leadsquared"

    def reset(self) -> None:
        """Empty the account."""
        super().reset()
        self.update_takes_all = True
        self._serial = 324

    # Task types

    @route("GET", TASKS + "RetrieveTaskType")
    @refusing
    def list_types(self, call: Call) -> Reply:
        """List the task types, all or those that fit one column."""
        column, value = call.query.get("ColumnName"), call.query.get("ColumnValue")
        read = {"TaskTypeId": "Id", "Category": "Category", "TaskTypeName": "Name", "TaskName": "Name"}
        if column is not None and column not in read:
            raise invalid("Invalid ColumnName")
        shown = [{**one.shown(), **_TYPE_DETAILS, "CreatedBy": self.me.name} for one in self.types]
        return Reply(200, [one for one in shown if column is None or str(one[read[column]]) == value])

    # Writing

    @route("POST", TASKS + "Create")
    @refusing
    def create_task(self, call: Call) -> Reply:
        """Create a to-do or an appointment, as its type says."""
        task = self._made(body_of(call, TASK_SHAPE))
        self.held[task.id] = task
        return Reply(200, {"Status": "Success", "Message": {"Id": task.id}})

    @route("POST", TASKS + "Bulk/Create")
    @refusing
    def create_tasks(self, call: Call) -> Reply:
        """Take up to 50 tasks; only the request gets an id in the answer, whose form is that of the sibling call."""
        given = body_of(
            call, {"TaskList": lambda value: isinstance(value, list), "StatusWebhookURL": is_text}
        )
        if not 1 <= len(given.get("TaskList", [])) <= MOST_IN_BULK:
            raise invalid(f"TaskList must have 1 to {MOST_IN_BULK} tasks")
        made = [self._made(shaped(one, TASK_SHAPE)) for one in given["TaskList"]]
        self.held |= {one.id: one for one in made}
        return Reply(200, {"Status": "Success", "Message": {"Id": str(uuid.uuid4()), "IsSuccessful": True}})

    @route("POST", TASKS + "Update")
    @refusing
    def update_task(self, call: Call) -> Reply:
        """Change what is given; neither the type nor the status can be."""
        body = body_of(call, UPDATE_SHAPE, ["UserTaskId"])
        task = self._task(body.pop("UserTaskId"))
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
        return Reply(200, {"Status": "Success", "Message": {"AffectedRows": 1, "AutoId": self._serial}})

    @route("GET", TASKS + "MarkComplete")
    @refusing
    def complete_task(self, call: Call) -> Reply:
        """Complete the task; the form of the answer is that of the sibling calls."""
        task = self._task(call.query.get("id", ""))
        task.completed_at = task.completed_at or self.now()
        task.modified_at = self.now()
        return Reply(200, {"Status": "Success", "Message": {"AffectedRows": 1}})

    @route("POST", TASKS + "DeleteTasks")
    @refusing
    def delete_tasks(self, call: Call) -> Reply:
        """Delete up to 5,000 tasks, here at once; ids that are not known are not counted."""
        body = body_of(call, {"TaskIds": is_texts, "StatusWebhookURL": is_text}, ["TaskIds"])
        if not 1 <= len(body["TaskIds"]) <= MOST_DELETED:
            raise invalid(f"TaskIds must have 1 to {MOST_DELETED} ids")
        found = [
            self.held[one] for one in body["TaskIds"] if one in self.held and not self.held[one].is_deleted
        ]
        for task in found:
            task.is_deleted = True
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

    # Reading

    @route("GET", TASKS + "Retrieve.GetById")
    def get_task(self, call: Call) -> Reply:
        """Return the task in a list, an empty one for an id that is unknown or deleted."""
        task = self.held.get(call.query.get("id", ""))
        return Reply(200, [self._as_shown(task)] if task and not task.is_deleted else [])

    @route("GET", LEADS + "RetrieveTaskByLeadId")
    @refusing
    def list_tasks_of_lead(self, call: Call) -> Reply:
        """List all tasks of a lead."""
        lead = call.query.get("leadId", "")
        if lead not in self.leads:
            raise Refusal("MXInvalidLeadException", "Lead does not exist")
        rows = [one.shown_by_lead() for one in self._findable_tasks() if one.related == (1, lead)]
        return Reply(200, {"RecordCount": len(rows), "TaskList": rows})

    @route("POST", TASKS + "Retrieve")
    @refusing
    def list_tasks_of_owner(self, call: Call) -> Reply:
        """List one owner's tasks that are due in a window."""
        body = body_of(
            call, dict.fromkeys(("Parameter", "Columns", "Sorting", "Paging"), is_object), ["Parameter"]
        )
        asked = shaped(body["Parameter"], _OWNER_SHAPE, ["LookupName", "LookupValue"])
        paging = shaped(body.get("Paging", {}), {"Offset": is_number, "RowCount": is_number})
        start, count = int(paging.get("Offset", 0)), int(paging.get("RowCount", 200))
        if asked["LookupName"] not in ("OwnerId", "OwnerEmailAddress") or not 1 <= count <= 500:
            raise invalid("Invalid LookupName or RowCount")
        found = [self._as_shown(one) for one in self._findable_tasks() if self._fits(one, asked)]
        return Reply(200, {"RecordCount": len(found), "List": found[start : start + count]})

    @route("POST", TASKS + "RetrieveToDos/ByUserEmailAddress")
    @refusing
    def list_todos_by_email(self, call: Call) -> Reply:
        """List the to-dos of several users."""
        return self._listed(call, category=1, users=lambda one: one.email.lower())

    @route("POST", TASKS + "RetrieveToDos/ByUserId")
    @refusing
    def list_todos_by_id(self, call: Call) -> Reply:
        """List the to-dos of several users."""
        return self._listed(call, category=1, users=lambda one: one.id)

    @route("POST", TASKS + "RetrieveAppointments/ByUserEmailAddress")
    @refusing
    def list_appointments_by_email(self, call: Call) -> Reply:
        """List the appointments of several users."""
        return self._listed(call, category=0, users=lambda one: one.email.lower())

    # In plain words

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks as a person would read them; one of a deal shows the deal's lead."""
        return [self._in_words(one) for one in self.held.values()]

    def _in_words(self, task: Task) -> dict[str, Any]:
        body, key = split_marker(task.description)
        first, last = local_day(task.due, self.zone)
        is_day = task.due == first and task.end >= last
        return {
            "id": task.id,
            "title": task.name,
            "body": body,
            "status": "completed" if task.completed_at else "open",
            "due_at": canonical_moment(task.due.astimezone(self.zone).date() if is_day else task.due),
            "contact": self._contact_of(task),
            "hub_key": key,
            "deleted": task.is_deleted,
        }

    def _contact_of(self, task: Task) -> str | None:
        code, id = task.related
        deal = self.opportunities.get(id)
        lead = self.leads.get(id if code == 1 else (deal.lead if deal else ""))
        if lead is None:
            return None
        name = f"{lead.values.get('FirstName', '')} {lead.values.get('LastName', '')}".strip()
        return lead.values.get("EmailAddress") or lead.values.get("Phone") or name or None

    # Listing

    def _findable_tasks(self) -> list[Task]:
        found = [one for one in self.held.values() if not one.is_deleted and self.is_found(one.created_at)]
        return sorted(found, key=lambda one: (one.due, one.id))

    def _fits(self, task: Task, asked: Mapping[str, Any]) -> bool:
        owner = task.owner.id if asked["LookupName"] == "OwnerId" else task.owner.email
        return (
            owner.lower() == asked["LookupValue"].lower()
            and ("FromDate" not in asked or task.due >= moment_in(asked["FromDate"], "FromDate"))
            and ("ToDate" not in asked or task.due <= moment_in(asked["ToDate"], "ToDate"))
            and ("StatusCode" not in asked or int(asked["StatusCode"]) == int(bool(task.completed_at)))
            and ("TypeName" not in asked or asked["TypeName"] == task.type.id)
        )

    def _listed(self, call: Call, *, category: int, users: Any) -> Reply:
        body = body_of(call, _USERS_SHAPE, ["FromDate", "ToDate", "Users"])
        first, last = day_in(body["FromDate"], "FromDate"), day_in(body["ToDate"], "ToDate")
        if not timedelta() <= last - first <= LONGEST_WINDOW:
            raise invalid("The difference between FromDate and ToDate cannot be more than 100 days")
        paging = shaped(body.get("Paging", {}), PAGING_SHAPE)
        index, size = int(paging.get("PageIndex", 1)), int(paging.get("PageSize", 200))
        if index < 1 or not 1 <= size <= 1000:
            raise invalid("Invalid Paging")
        if not body["Users"]:
            raise bad_request("Users is empty")
        wanted = {one.strip().lower() for one in body["Users"]}
        found = [
            self._as_shown(one)
            for one in self._findable_tasks()
            if one.type.category == category
            and users(one.owner) in wanted
            and first <= one.due.astimezone(self.zone).date() <= last
        ]
        return Reply(200, {"RecordCount": len(found), "List": found[(index - 1) * size : index * size]})

    def _as_shown(self, task: Task) -> dict[str, Any]:
        return task.shown(self._contact_of(task) or "")


_NOT_ON_THE_PAGE = ("EndDate", "ReminderBeforeDays", "ReminderTime")
_TYPE_DETAILS = {
    "Color": "",
    "CreatedOn": "/Date(1502992091000+0000)/",
    "FormLayout": '{"Sections":[]}',
    "ColumnConfiguration": [],
}
_OWNER_SHAPE = {
    "LookupName": is_text,
    "LookupValue": is_text,
    "FromDate": is_text,
    "ToDate": is_text,
    "StatusCode": is_number,
    "TypeName": is_text,
}
_USERS_SHAPE = {"FromDate": is_text, "ToDate": is_text, "Users": is_texts, "Paging": is_object}
