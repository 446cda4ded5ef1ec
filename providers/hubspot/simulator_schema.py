"""What a simulated HubSpot portal knows of object types, properties and association types, and how it refuses values."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from providers.simulator import Reply

PLURALS = {"0-1": "contacts", "0-2": "companies", "0-3": "deals", "0-5": "tickets", "0-27": "tasks"}
SINGULARS = {"0-1": "contact", "0-2": "company", "0-3": "deal", "0-5": "ticket", "0-27": "task"}
TYPE_IDS = {name: id_ for names in (PLURALS, SINGULARS) for id_, name in names.items()} | {
    id_: id_ for id_ in PLURALS
}
MODIFIED = {"0-1": "lastmodifieddate", "0-27": "hs_lastmodifieddate"}
CREATED = {"0-27": "hs_createdate"}


@dataclass(frozen=True)
class LinkKind:
    """One association type: its category, the pair of object types that it leads between, and its label, None for a plain one."""

    category: str
    pair: tuple[str, str]
    label: str | None = None

    @property
    def name(self) -> str:
        """Return what the older paths and answers call it."""
        plain = f"{SINGULARS[self.pair[0]]}_to_{SINGULARS[self.pair[1]]}"
        return re.sub(r"[^a-z0-9]+", "_", self.label.lower()) if self.label else plain


# From type, to type → the default association type of HubSpot's own.
ASSOCIATION_TYPES = {
    ("0-27", "0-1"): 204,
    ("0-1", "0-27"): 203,
    ("0-27", "0-2"): 192,
    ("0-2", "0-27"): 191,
    ("0-27", "0-3"): 216,
    ("0-3", "0-27"): 215,
    ("0-27", "0-5"): 230,
    ("0-5", "0-27"): 229,
}


@dataclass(frozen=True)
class Property:
    """One property of an object type. `kind` is text, moment, milliseconds, owner, choice, email, pin or derived (read-only)."""

    name: str
    kind: str = "text"
    options: tuple[str, ...] = ()
    is_unique: bool = False
    definition: Mapping[str, Any] | None = None


def _texts(*names: str) -> list[Property]:
    return [Property(name) for name in names]


def _derived(*names: str) -> list[Property]:
    return [Property(name, "derived") for name in names]


_OF_EVERY_RECORD = [Property("hubspot_owner_id", "owner"), Property("hs_pinned_engagement_id", "pin")]

_TASK = [
    Property("hs_timestamp", "moment"),
    *_texts("hs_task_subject", "hs_task_body", "hs_queue_membership_ids"),
    Property("hubspot_owner_id", "owner"),
    Property("hs_task_status", "choice", ("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED")),
    Property("hs_task_priority", "choice", ("NONE", "LOW", "MEDIUM", "HIGH")),
    Property("hs_task_type", "choice", ("TODO", "CALL", "EMAIL", "LINKED_IN_CONNECT", "LINKED_IN_MESSAGE")),
    Property("hs_task_reminders", "milliseconds"),
    *_derived(
        "hs_task_completion_date",
        "hs_task_is_completed",
        "hs_task_is_overdue",
        "hs_task_is_all_day",
        "hs_createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_body_preview",
        "hs_num_associated_contacts",
    ),
]
_CONTACT = [
    Property("email", "email"),
    *_texts("hs_additional_emails", "firstname", "lastname", "phone", "mobilephone", "company", "jobtitle"),
    *_derived("createdate", "lastmodifieddate", "hs_object_id"),
    *_derived("hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number"),
]
_RECORD = _derived("createdate", "hs_lastmodifieddate", "hs_object_id")


def standard_properties() -> dict[str, dict[str, Property]]:
    """Return type id → name → property, as a new portal has them."""
    known = {
        "0-27": _TASK,
        "0-1": [*_CONTACT, *_OF_EVERY_RECORD],
        "0-2": [*_texts("name", "domain", "phone"), *_RECORD, *_OF_EVERY_RECORD],
        "0-3": [*_texts("dealname", "dealstage", "pipeline", "amount"), *_RECORD, *_OF_EVERY_RECORD],
        "0-5": [
            *_texts("subject", "content", "hs_pipeline", "hs_pipeline_stage"),
            *_RECORD,
            *_OF_EVERY_RECORD,
        ],
    }
    return {type_id: {one.name: one for one in properties} for type_id, properties in known.items()}


class Refusal(Exception):
    """What HubSpot would answer instead of doing it."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        category: str = "VALIDATION_ERROR",
        errors: Sequence[Mapping[str, Any]] = (),
        context: Mapping[str, Any] | None = None,
    ) -> None:
        """Keep the status and the parts of the error body."""
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid.uuid4()),
        }
        self.body |= {"errors": list(errors)} if errors else {}
        self.body |= {"context": dict(context)} if context else {}
        self.body["category"] = category

    def reply(self) -> Reply:
        """Return the refusal as an answer."""
        return Reply(self.status, self.body)

    def as_item(self, context: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return the refusal as one error of a batch."""
        whole = {
            "errors": [],
            "links": {},
            **self.body,
            "context": {**self.body.get("context", {}), **context},
        }
        return {name: value for name, value in whole.items() if name != "correlationId"}


def bad_values(problems: Iterable[tuple[str, str, str]]) -> Refusal:
    """Return the refusal of property values: (property, code, message) each, told twice over as HubSpot does."""
    listed = list(problems)
    inside = [
        {"isValid": False, "message": message, "error": code, "name": name, "localizedErrorMessage": message}
        for name, code, message in listed
    ]
    return Refusal(
        f"Property values were not valid: {json.dumps(inside)}",
        errors=[
            {"message": message, "code": code, "context": {"propertyName": [name]}}
            for name, code, message in listed
        ],
    )


def bad_json(what: str) -> Refusal:
    """Return the refusal of a body that is not of the documented shape."""
    return Refusal(f"Invalid input JSON on line 1, column 1: {what}")


def object_type(name: str) -> str:
    """Return the id of the object type that a path names. Raises `Refusal` for a name that is none."""
    if name not in TYPE_IDS:
        raise Refusal(f"Unable to infer object type from: {name}")
    return TYPE_IDS[name]


def shaped(body: Any, *, required: Iterable[str] = (), optional: Iterable[str] = ()) -> Mapping[str, Any]:
    """Return the body when it is an object with just these keys. Raises `Refusal` otherwise."""
    required = tuple(required)
    if not isinstance(body, Mapping):
        raise bad_json("Cannot deserialize value of type object")
    if unknown := set(body) - {*required, *optional}:
        raise bad_json(f'Unrecognized field "{min(unknown)}"')
    if missing := [name for name in required if name not in body]:
        raise Refusal(f"Invalid input JSON on line 1, column 1: Some required fields were not set: {missing}")
    return body


def texts(value: Any, name: str) -> list[str]:
    """Return a list of texts. Raises `Refusal` when it is something else."""
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise bad_json(f'Cannot deserialize "{name}" as a list of text')
    return value


def checked(prop: Property, value: Any) -> str | None:
    """Return a property's value as the portal keeps it. Raises `ValueError` with code and message when it is not valid."""
    if isinstance(value, bool):
        value = str(value).lower()
    text = "" if value is None else str(value)
    if isinstance(value, (list, Mapping)):
        raise ValueError("INVALID_FORMAT", f"{prop.name} must be text")
    if prop.kind == "derived":
        raise ValueError(
            "READ_ONLY_VALUE", f'"{prop.name}" is a read only property; its value cannot be set.'
        )
    if not text:
        return None
    if prop.kind == "choice" and text not in prop.options:
        raise ValueError("INVALID_OPTION", f"{text} was not one of the allowed options: {list(prop.options)}")
    if prop.kind == "milliseconds" and not text.isdecimal():
        raise ValueError("INVALID_LONG", f"{text} was not a valid long.")
    if prop.kind == "moment":
        return moment(text)
    if prop.kind == "email":
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text.strip()):
            raise ValueError("INVALID_EMAIL", f"Email address {text} is invalid")
        return text.strip().lower()
    return text


def moment(text: str) -> str:
    """Return the moment as the portal keeps it. Raises `ValueError` for what is neither milliseconds nor ISO 8601 in UTC."""
    if text.isdecimal():
        return iso(datetime.fromtimestamp(int(text) / 1000, UTC))
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?Z", text):
        raise ValueError("INVALID_DATE", f"{text} was not a valid date.")
    return iso(datetime.fromisoformat(text))


def iso(at: datetime) -> str:
    """Return a moment the way HubSpot writes one."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
