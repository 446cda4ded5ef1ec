"""The simulated LeadSquared account: reading its task types and tasks, read from the vendor's pages and not from our client."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.leadsquared.simulator_judging import TASKS, JudgingSimulator
from providers.leadsquared.simulator_leads import LEADS
from providers.leadsquared.simulator_records import Task, local_day
from providers.leadsquared.simulator_shapes import (
    LONGEST_WINDOW,
    PAGING_SHAPE,
    Refusal,
    bad_request,
    body_of,
    day_in,
    direction_in,
    invalid,
    is_number,
    is_object,
    is_text,
    is_texts,
    moment_in,
    refusing,
    shaped,
)
from providers.simulator import Call, Reply, route
from providers.types import canonical_moment, split_marker

SORTED_BY = ("CreatedOn", "ModifiedOn", "DueDate")
LARGEST_PAGE = 500


class ReadingSimulator(JudgingSimulator):
    """The part of the account that tells what it holds.

    `window_is_on` says which date the window of an owner's listing is about, "due" or "created": the vendor's page does not. Without
    `counts_rows` that listing does not say how many rows there are.
    """

    def reset(self) -> None:
        """Empty the account."""
        super().reset()
        self.window_is_on = "due"
        self.counts_rows = True

    # Task types

    @route("GET", TASKS + "RetrieveTaskType")
    @refusing
    def list_types(self, call: Call) -> Reply:
        """List the task types, all or those that fit one column."""
        column, value = call.query.get("ColumnName"), call.query.get("ColumnValue")
        read = {"TaskTypeId": "Id", "Category": "Category", "TaskTypeName": "Name", "TaskName": "Name"}
        if column is not None and column not in read:
            raise invalid("Invalid ColumnName")
        shown = [
            {
                **one.shown(),
                **_TYPE_DETAILS,
                "ColumnConfiguration": one.columns(),
                "CreatedBy": self.me.name,
            }
            for one in self.types
        ]
        return Reply(200, [one for one in shown if column is None or str(one[read[column]]) == value])

    # Reading

    @route("GET", TASKS + "Retrieve.GetById")
    def get_task(self, call: Call) -> Reply:
        """Return the task in a list, an empty one for an id that is unknown or deleted."""
        task = self.held.get(call.query.get("id", ""))
        return Reply(200, [self._as_shown(task)] if task and self.is_there(task) else [])

    @route("GET", LEADS + "RetrieveTaskByLeadId")
    @refusing
    def list_tasks_of_lead(self, call: Call) -> Reply:
        """List all tasks of a lead."""
        lead = call.query.get("leadId", "")
        if lead not in self.leads:
            raise Refusal("MXInvalidLeadException", "Lead does not exist")
        rows = [one.shown_by_lead(self.now()) for one in self._findable_tasks() if one.related == (1, lead)]
        return Reply(200, {"RecordCount": len(rows), "TaskList": rows})

    @route("POST", TASKS + "Retrieve")
    @refusing
    def list_tasks_of_owner(self, call: Call) -> Reply:
        """List one owner's tasks, sorted by one column; equal ones in any order, another one each time."""
        body = body_of(
            call, dict.fromkeys(("Parameter", "Columns", "Sorting", "Paging"), is_object), ["Parameter"]
        )
        asked = shaped(body["Parameter"], _OWNER_SHAPE, ["LookupName", "LookupValue"])
        column, is_reversed = direction_in(body.get("Sorting", {}), SORTED_BY, "CreatedOn")
        paging = shaped(body.get("Paging", {}), {"Offset": is_number, "RowCount": is_number})
        start, count = int(paging.get("Offset", 0)), int(paging.get("RowCount", 200))
        if asked["LookupName"] not in ("OwnerId", "OwnerEmailAddress") or not 1 <= count <= LARGEST_PAGE:
            raise invalid("Invalid LookupName or RowCount")
        found = [self._as_shown(one) for one in self._findable_tasks() if self._fits(one, asked)]
        self._mix(found)
        found.sort(key=lambda one: str(one[column]), reverse=is_reversed)
        left_out = str(body.get("Columns", {}).get("Exclude_CSV") or "").split(",")
        rows = [
            {name: value for name, value in one.items() if name not in left_out}
            for one in found[start : start + count]
        ]
        return Reply(200, {**({"RecordCount": len(found)} if self.counts_rows else {}), "List": rows})

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
        return [self._in_words(one) for one in self.held.values() if one.created_at <= self.now()]

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
            "deleted": not self.is_there(task),
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
        found = [one for one in self.held.values() if self.is_there(one) and self.is_found(one.created_at)]
        return sorted(found, key=lambda one: (one.due, one.id))

    def _fits(self, task: Task, asked: Mapping[str, Any]) -> bool:
        owner = task.owner.id if asked["LookupName"] == "OwnerId" else task.owner.email
        at = task.due if self.window_is_on == "due" else task.created_at
        return (
            owner.lower() == asked["LookupValue"].lower()
            and ("FromDate" not in asked or at >= moment_in(asked["FromDate"], "FromDate"))
            and ("ToDate" not in asked or at <= moment_in(asked["ToDate"], "ToDate"))
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


_TYPE_DETAILS = {
    "Color": "",
    "CreatedOn": "/Date(1502992091000+0000)/",
    "FormLayout": '{"Sections":[]}',
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
