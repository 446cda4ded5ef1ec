"""What the simulated LeadSquared account keeps, and how it spells it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

NEVER = "0001-01-01 00:00:00.000"
ALWAYS_MANDATORY = ("OwnerId", "Name")
COLUMNS = (*ALWAYS_MANDATORY, "RelatedEntityId", "Description", "DueDate", "EndDate", "Reminder", "Location")


def spelled(moment: datetime, *, with_ms: bool = True) -> str:
    """Return the moment as the account shows it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (".000" if with_ms else "")


@dataclass
class User:
    """Someone who works in the account."""

    id: str
    email: str
    first_name: str
    last_name: str = ""
    is_active: bool = True

    @property
    def name(self) -> str:
        """Return first and last name."""
        return f"{self.first_name} {self.last_name}".strip()


@dataclass
class Lead:
    """A lead: its attributes by their schema names."""

    id: str
    created_at: datetime
    values: dict[str, str] = field(default_factory=dict)


@dataclass
class Opportunity:
    """A deal, which belongs to a lead."""

    id: str
    name: str
    lead: str


@dataclass
class TaskType:
    """A kind of task; `category` 0 is an appointment, 1 a to-do.

    `duration` is an appointment's where none is given. `mandatory` are the columns that a task of this kind must have a value in, by
    schema name, beside the three that every task needs; `custom` the columns of the account's own, with their display names.
    """

    id: str
    name: str
    category: int
    duration: timedelta = timedelta(minutes=30)
    mandatory: tuple[str, ...] = ()
    custom: dict[str, str] = field(default_factory=dict)

    def shown(self) -> dict[str, Any]:
        """Return the type as a task carries it."""
        return {"Id": self.id, "Name": self.name, "Category": self.category}

    def columns(self) -> list[dict[str, Any]]:
        """Return the type's `ColumnConfiguration`."""
        names = {name: name for name in COLUMNS if name != "Location" or self.category == 0} | self.custom
        return [
            {
                "SchemaName": name,
                "InternalSchemaName": name,
                "DisplayName": shown,
                "DataType": "String",
                "RenderType": "Textbox",
                "Options": None,
                "IsDefault": name in COLUMNS,
                "Mandatory": name in ALWAYS_MANDATORY or name in self.mandatory,
                "IsMandatoryConfigurable": name not in ALWAYS_MANDATORY,
            }
            for name, shown in names.items()
        ]


@dataclass
class Task:
    """A task as the account keeps it; moments in UTC."""

    id: str
    type: TaskType
    created_by: User
    owner: User
    created_at: datetime
    modified_at: datetime
    due: datetime
    end: datetime
    name: str = ""
    description: str = ""
    related: tuple[int, str] = (0, "")
    reminder: int = 15
    days_before: int = 0
    reminder_time: str = ""
    notify_by: str = "1000"
    location: str = ""
    custom: dict[str, Any] = field(default_factory=dict)
    completed_at: datetime | None = None
    deleted_at: datetime | None = None

    def shown(self, related_name: str) -> dict[str, Any]:
        """Return the task as most calls show it."""
        return {
            "UserTaskId": self.id,
            "Name": self.name,
            "Category": self.type.category,
            "Description": self.description,
            "RelatedEntity": self.related[0],
            "RelatedEntityId": self.related[1],
            "RelatedEntityIdName": related_name,
            "DueDate": spelled(self.due),
            "EndDate": spelled(self.end),
            "Reminder": self.reminder,
            "ReminderBeforeDays": self.days_before,
            "NotifyBy": self.notify_by,
            "StatusCode": 1 if self.completed_at else 0,
            "CompletedOn": spelled(self.completed_at) if self.completed_at else NEVER,
            "OwnerId": self.owner.id,
            "OwnerName": self.owner.name,
            "OwnerEmailAddress": self.owner.email,
            "CreatedBy": self.created_by.id,
            "CreatedByName": self.created_by.name,
            "CreatedOn": spelled(self.created_at),
            "ModifiedBy": self.created_by.id,
            "ModifiedByName": self.created_by.name,
            "ModifiedOn": spelled(self.modified_at),
            "TaskType": self.type.shown(),
            "CustomFields": self.custom,
            **({"Location": self.location} if self.type.category == 0 else {}),
        }

    def status(self, now: datetime) -> str:
        """Return the task's state in words: pending until its end, then overdue."""
        if self.completed_at:
            return "Completed"
        return "Pending" if now <= self.end else "Overdue"

    def shown_by_lead(self, now: datetime) -> dict[str, Any]:
        """Return the task as the listing of a lead's tasks shows it: fewer columns, other names."""
        return {
            "TaskID": self.id,
            "Name": self.name,
            "Description": self.description,
            "DueDate": spelled(self.due, with_ms=False),
            "CreatedOn": spelled(self.created_at, with_ms=False),
            "OwnerID": self.owner.id,
            "OwnerName": self.owner.name,
            "CreatedBy": self.created_by.id,
            "CreatedByName": self.created_by.name,
            "Status": self.status(now),
            "Reminder": str(self.reminder),
        }


def local_day(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and the last second of the moment's day in the account's zone, in UTC."""
    day = moment.astimezone(zone).date()
    first = datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
    last = datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(UTC)
    return first, last
