"""What the simulated LeadSquared account keeps, how it spells it, and how it judges what it is sent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from providers.simulator import Call, Reply

NEVER = "0001-01-01 00:00:00.000"
LONGEST_WINDOW = timedelta(days=100)

Check = Callable[[Any], bool]


class Refusal(Exception):
    """The account refuses a request: 400 for a body of the wrong shape, 500 and an `MX…Exception` for wrong values."""

    def __init__(self, kind: str, message: str, *, status: int = 500) -> None:
        """Keep the vendor's type, its words and the status they come with."""
        super().__init__(message)
        self.kind = kind
        self.status = status

    def reply(self) -> Reply:
        """Return the answer that says so."""
        return Reply(
            self.status, {"Status": "Error", "ExceptionType": self.kind, "ExceptionMessage": str(self)}
        )


Handler = Callable[[Any, Call], Reply]


def refusing(handler: Handler) -> Handler:
    """Let a handler raise `Refusal`."""

    @wraps(handler)
    def answer(simulator: Any, call: Call) -> Reply:
        try:
            return handler(simulator, call)
        except Refusal as refusal:
            return refusal.reply()

    return answer


def bad_request(message: str) -> Refusal:
    """Return the refusal of a body that is not as the documentation of the call has it."""
    return Refusal("MXInvalidInputException", message, status=400)


def invalid(message: str) -> Refusal:
    """Return the refusal of a value."""
    return Refusal("MXInvalidInputException", message)


# Shapes


def is_text(value: Any) -> bool:
    """Return whether the value is a string."""
    return isinstance(value, str)


def is_number(value: Any) -> bool:
    """Return whether the value is a whole number, also as text: the documentation's examples write both."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (is_text(value) and value.isdigit())


def is_texts(value: Any) -> bool:
    """Return whether the value is a list of strings."""
    return isinstance(value, list) and all(map(is_text, value))


def is_object(value: Any) -> bool:
    """Return whether the value is an object."""
    return isinstance(value, dict)


TASK_SHAPE: Mapping[str, Check] = {
    "Name": is_text,
    "Description": is_text,
    "RelatedEntity": is_number,
    "RelatedEntityId": is_text,
    "DueDate": is_text,
    "EndDate": is_text,
    "ReminderBeforeDays": is_number,
    "ReminderTime": is_text,
    "Reminder": is_number,
    "NotifyBy": is_text,
    "OwnerId": is_text,
    "OwnerEmailAddress": is_text,
    "TaskType": is_object,
    "Location": is_text,
    "CustomFields": is_object,
}
UPDATE_SHAPE: Mapping[str, Check] = {
    "UserTaskId": is_text,
    **{
        name: check
        for name, check in TASK_SHAPE.items()
        if name not in ("TaskType", "Location", "CustomFields")
    },
}
PAGING_SHAPE: Mapping[str, Check] = {"PageIndex": is_number, "PageSize": is_number}


def body_of(call: Call, shape: Mapping[str, Check], required: Iterable[str] = ()) -> dict[str, Any]:
    """Return the JSON object in the body. Raises `Refusal` (400) where it is not of this shape."""
    if "application/json" not in call.headers.get("content-type", ""):
        raise bad_request("Content-Type must be application/json")
    return shaped(call.json, shape, required)


def shaped(value: Any, shape: Mapping[str, Check], required: Iterable[str] = ()) -> dict[str, Any]:
    """Return the value if it is an object with these names, each of its kind. Raises `Refusal` (400)."""
    if not isinstance(value, dict):
        raise bad_request("Invalid request body")
    for name, given in value.items():
        if name not in shape:
            raise bad_request(f"Unknown attribute {name}")
        if not shape[name](given):
            raise bad_request(f"Invalid type of attribute {name}")
    for name in required:
        if name not in value:
            raise bad_request(f"Attribute {name} is missing")
    return value


# Moments


def spelled(moment: datetime, *, with_ms: bool = True) -> str:
    """Return the moment as the account shows it."""
    return moment.strftime("%Y-%m-%d %H:%M:%S") + (".000" if with_ms else "")


def moment_in(text: str, name: str) -> datetime:
    """Return the moment in a request. Raises `Refusal` for any spelling but `YYYY-MM-DD HH:MM:SS`."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", text):
        raise invalid(f"Invalid date format of {name}")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise invalid(f"Invalid date in {name}") from error


def day_in(text: str, name: str) -> date:
    """Return the day in a request. Raises `Refusal` for any spelling but `YYYY-MM-DD`."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError as error:
        raise invalid(f"Invalid date format of {name}") from error


def refuse_markup(text: str, name: str) -> None:
    """Raise `Refusal` for text that looks like markup."""
    if re.search(r"<[a-zA-Z/!?]", text):
        raise Refusal("MXXSSException", f"Potentially dangerous value in {name}")


# Records


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
    """A kind of task; `category` 0 is an appointment, 1 a to-do. `duration` is an appointment's where none is given."""

    id: str
    name: str
    category: int
    duration: timedelta = timedelta(minutes=30)

    def shown(self) -> dict[str, Any]:
        """Return the type as a task carries it."""
        return {"Id": self.id, "Name": self.name, "Category": self.category}


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
    is_deleted: bool = False

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

    def shown_by_lead(self) -> dict[str, Any]:
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
            "Status": "Completed" if self.completed_at else "Pending",
            "Reminder": str(self.reminder),
        }


def local_day(moment: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and the last second of the moment's day in the account's zone, in UTC."""
    day = moment.astimezone(zone).date()
    first = datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)
    last = datetime.combine(day, time(23, 59, 59), tzinfo=zone).astimezone(UTC)
    return first, last
