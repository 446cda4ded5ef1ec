"""How the simulated LeadSquared account judges what it is sent: shapes, values, moments, and the refusals of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import wraps
from typing import Any

from providers.simulator import Call, Reply

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


def direction_in(given: Any, columns: Iterable[str], usual: str) -> tuple[str, bool]:
    """Return the column to sort by, whatever its case, and whether the greatest comes first. Raises `Refusal` for one that is not there."""
    asked = shaped(given, {"ColumnName": is_text, "Direction": is_number})
    name = asked.get("ColumnName", usual)
    found = next((one for one in columns if one.lower() == name.lower()), None)
    if found is None or str(asked.get("Direction", "1")) not in ("0", "1"):
        raise invalid(f"Invalid Sorting by {name}")
    return found, str(asked.get("Direction", "1")) == "1"
