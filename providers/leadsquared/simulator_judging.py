"""The simulated LeadSquared account: how it judges a task that it is sent."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from providers.leadsquared.simulator_records import Task, TaskType, User, local_day
from providers.leadsquared.simulator_search import SearchSimulator
from providers.leadsquared.simulator_shapes import Refusal, invalid, is_text, moment_in, refuse_markup, shaped

TYPES = (
    ("Follow-Up", 1),
    ("Phone Call", 1),
    ("Revive Old Lead", 1),
    ("Document Collection", 1),
    ("Meeting", 0),
)

TASKS = "/v2/Task.svc/"


class JudgingSimulator(SearchSimulator):
    """The part of the account that takes or refuses what a task is to hold."""

    def reset(self) -> None:
        """Empty the account but for its task types."""
        super().reset()
        self.types = [TaskType(str(uuid.uuid4()), name, category) for name, category in TYPES]
        self.held: dict[str, Task] = {}

    def _made(self, body: dict[str, Any]) -> Task:
        if not body.get("Name"):
            raise Refusal("MXMandatoryAttributeMissingException", "Name is mandatory")
        type = self._type(body.get("TaskType"))
        due, end = self._span(body, type)
        now = self.now().replace(microsecond=0)
        task = Task(
            id=str(uuid.uuid4()),
            type=type,
            created_by=self.me,
            owner=self.me,
            created_at=now,
            modified_at=now,
            due=due,
            end=end,
        )
        task.custom = body.get("CustomFields", {})
        self._demand(type, {**task.custom, **body})
        if type.category == 0:
            task.location = body.get("Location", "")
        self._apply(task, body)
        return task

    def _demand(self, type: TaskType, values: Mapping[str, Any]) -> None:
        for name in type.mandatory:
            if not values.get(name):
                raise Refusal(
                    "MXMandatoryAttributeMissingException", f"{type.custom.get(name, name)} is mandatory"
                )

    def _apply(self, task: Task, body: Mapping[str, Any]) -> None:
        """Judge everything but the dates, then write it; a refusal leaves the task as it was."""
        for name in ("Name", "Description", "Location"):
            refuse_markup(body.get(name, ""), name)
        if body.get("NotifyBy", "1000") not in ("1000", "1100"):
            raise invalid("Invalid value for NotifyBy")
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d", body.get("ReminderTime", "00:00:00")):
            raise invalid("Invalid format of ReminderTime")
        owner, related = self._owner(body, task.owner), self._related(body, task.related)
        if "DueDate" in body and "EndDate" in body:
            self._in_order(moment_in(body["DueDate"], "DueDate"), moment_in(body["EndDate"], "EndDate"))
        task.owner, task.related = owner, related
        task.name = body.get("Name", task.name)
        task.description = body.get("Description", task.description)
        task.notify_by = body.get("NotifyBy", task.notify_by)
        task.reminder = int(body.get("Reminder", task.reminder))
        task.days_before = int(body.get("ReminderBeforeDays", task.days_before))
        task.reminder_time = body.get("ReminderTime", task.reminder_time)

    def _type(self, given: Any) -> TaskType:
        asked = shaped(given if given is not None else {}, {"Name": is_text}, ["Name"])
        found = next((one for one in self.types if one.name == asked["Name"]), None)
        if found is None:
            raise invalid(f"TaskType {asked['Name']} does not exist")
        return found

    def _span(self, body: Mapping[str, Any], type: TaskType) -> tuple[datetime, datetime]:
        now = self.now().replace(microsecond=0)
        today, _ = local_day(now, self.zone)
        due = (
            moment_in(body["DueDate"], "DueDate")
            if body.get("DueDate")
            else (today if type.category else now)
        )
        if body.get("EndDate"):
            return self._in_order(due, moment_in(body["EndDate"], "EndDate"))
        return due, local_day(due, self.zone)[1] if type.category else due + type.duration

    def _in_order(self, due: datetime, end: datetime) -> tuple[datetime, datetime]:
        if end < due:
            raise invalid("EndDate cannot be before DueDate")
        return due, end

    def _owner(self, body: Mapping[str, Any], known: User) -> User:
        id, email = body.get("OwnerId", "").strip(), body.get("OwnerEmailAddress", "").strip()
        if id and email:
            raise invalid("Pass either OwnerId or OwnerEmailAddress")
        if not id and not email:
            return known
        found = self.user(id=id, email=email)
        if found is None:
            raise invalid(f"Invalid value for {'OwnerId' if id else 'OwnerEmailAddress'}: no active user")
        return found

    def _related(self, body: Mapping[str, Any], known: tuple[int, str]) -> tuple[int, str]:
        if "RelatedEntity" not in body:
            return known
        code, id = int(body["RelatedEntity"]), body.get("RelatedEntityId", "")
        if code == 0:
            return 0, ""
        if code not in (1, 5):
            raise invalid("Invalid value for RelatedEntity")
        if code == 1 and id not in self.leads:
            raise Refusal("MXInvalidLeadException", "Lead of RelatedEntityId does not exist")
        if code == 5 and id not in self.opportunities:
            raise invalid("Opportunity of RelatedEntityId does not exist")
        return code, id

    def _task(self, id: str) -> Task:
        task = self.held.get(id)
        if task is None or not self.is_there(task):
            raise invalid("The record could not be processed")
        return task

    def is_there(self, task: Task) -> bool:
        """Return whether the task was made already and not deleted yet: both may be asked for and take a while."""
        now = self.now()
        return task.created_at <= now and (task.deleted_at is None or task.deleted_at > now)
