"""The hub's values ↔ HubSpot's JSON; nothing here speaks to anyone."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from providers.errors import Rejected
from providers.hubspot.html import from_html, to_html
from providers.hubspot.json_shapes import mapping, mappings
from providers.types import (
    ASSOCIATIONS,
    Canonical,
    Field,
    Priority,
    RemoteRef,
    RemoteTask,
    TaskDraft,
    TaskStatus,
    canonical_moment,
    split_marker,
)

KEY_PROPERTY = "hub_task_key"
START_OF_DAY = time(9, 0)  # of a task that is due on a day, in the connection's zone
JUST_AFTER = 1000  # microseconds, the least that HubSpot keeps; sets a moment at nine apart from a whole day

STATUSES = {
    TaskStatus.OPEN: "NOT_STARTED",
    TaskStatus.IN_PROGRESS: "IN_PROGRESS",
    TaskStatus.WAITING: "WAITING",
    TaskStatus.DEFERRED: "DEFERRED",
    TaskStatus.COMPLETED: "COMPLETED",
    TaskStatus.CANCELLED: "COMPLETED",
}
STATUSES_READ = {theirs: ours for ours, theirs in STATUSES.items() if ours is not TaskStatus.CANCELLED}
PRIORITIES = {Priority.LOW: "LOW", Priority.MEDIUM: "MEDIUM", Priority.HIGH: "HIGH"}
PRIORITIES_READ = {theirs: ours for ours, theirs in PRIORITIES.items()}
TYPES = {"todo": "TODO", "call": "CALL", "email": "EMAIL", "linkedin": "LINKED_IN_MESSAGE"}
TYPES_READ = {**{theirs: ours for ours, theirs in TYPES.items()}, "LINKED_IN_CONNECT": "linkedin"}

PROPERTY_OF = {
    Field.TITLE: "hs_task_subject",
    Field.BODY: "hs_task_body",
    Field.STATUS: "hs_task_status",
    Field.PRIORITY: "hs_task_priority",
    Field.TYPE: "hs_task_type",
    Field.DUE: "hs_timestamp",
    Field.REMINDER: "hs_task_reminders",
    Field.ASSIGNEE: "hubspot_owner_id",
    Field.QUEUE: "hs_queue_membership_ids",
}
FIELD_OF = {name: field for field, name in PROPERTY_OF.items()}

# Per field: the object type's id, the plural that answers use, and the default association type from a task.
ASSOCIATED: Mapping[Field, tuple[str, str, int]] = {
    Field.CONTACTS: ("0-1", "contacts", 204),
    Field.COMPANIES: ("0-2", "companies", 192),
    Field.DEALS: ("0-3", "deals", 216),
    Field.TICKETS: ("0-5", "tickets", 230),
}


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a connection adds to the mapping: its zone for days, its queues, and where its pages live."""

    zone_name: str = "UTC"
    queues: Mapping[str, str] = field(default_factory=dict)
    portal_id: str = ""
    ui_domain: str = ""

    @classmethod
    def of(cls, settings: Mapping[str, object], learned: Mapping[str, object]) -> Spelling:
        """Return what the connection's settings and learned facts say."""
        return cls(
            str(settings.get("hub_time_zone") or "UTC"),
            read_map(settings.get("task_queues")),
            str(learned.get("portal_id") or ""),
            str(learned.get("ui_domain") or ""),
        )

    @property
    def zone(self) -> ZoneInfo:
        """Return the zone of days. Raises `Rejected` when no such zone is known."""
        try:
            return ZoneInfo(self.zone_name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            reason = f"the connection's time zone {self.zone_name!r} is not known"
            raise Rejected(f"Days cannot be sent: {reason}.", fields={Field.DUE: reason}) from error

    def page(self, path: str) -> str:
        """Return the address of a page in HubSpot's own screens; "" while the portal is not known."""
        return f"https://{self.ui_domain}/{path.format(portal=self.portal_id)}" if self.portal_id else ""


def read_map(value: object) -> dict[str, str]:
    """Return a map setting, given as a mapping or as `name=value,name=value`."""
    if isinstance(value, Mapping):
        return {str(name): str(held) for name, held in value.items()}
    pairs = (pair.partition("=") for pair in str(value or "").split(","))
    return {name.strip(): held.strip() for name, sign, held in pairs if sign and name.strip()}


# Tasks, outward


def task_properties(
    draft: TaskDraft, names: Collection[Field], *, body: str, spelling: Spelling
) -> dict[str, str]:
    """Return the properties that bring `names` to what the draft says; "" clears one. `body` stands for the draft's."""
    values = {
        Field.TITLE: draft.title,
        Field.BODY: to_html(body),
        Field.STATUS: STATUSES[draft.status],
        Field.PRIORITY: PRIORITIES.get(draft.priority, ""),
        Field.TYPE: TYPES.get(draft.type, "TODO" if draft.type else ""),
        Field.DUE: "" if draft.due is None else to_moment(draft.due, spelling.zone),
        Field.REMINDER: "" if draft.reminder_at is None else str(_milliseconds(draft.reminder_at)),
        Field.ASSIGNEE: draft.assignee,
        Field.QUEUE: spelling.queues.get(draft.queue, ""),
    }
    return {PROPERTY_OF[name]: values[name] for name in PROPERTY_OF if name in names}


def new_task(properties: Mapping[str, str], associations: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the body of a create. What is empty is left out: a new task has nothing to clear."""
    return {
        "properties": {name: value for name, value in properties.items() if value},
        "associations": associations,
    }


def to_moment(due: date | datetime, zone: ZoneInfo) -> str:
    """Return the moment for `hs_timestamp`: a day is nine o'clock of that calendar day in the zone.

    A real moment at exactly nine o'clock is sent one millisecond late, so that it is not read back as a day. No screen shows it.
    """
    try:
        if not isinstance(due, datetime):
            return _iso(datetime.combine(due, START_OF_DAY, tzinfo=zone))
        due = due.replace(microsecond=due.microsecond // 1000 * 1000)
        if due.astimezone(zone).time() == START_OF_DAY:
            due = due.replace(microsecond=JUST_AFTER)
        return _iso(due)
    except OverflowError as error:
        reason = f"{due} lies outside the calendar of the zone {zone.key}"
        raise Rejected(f"The due date cannot be sent: {reason}.", fields={Field.DUE: reason}) from error


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _milliseconds(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


# Tasks, inward


def remote_task(answer: Mapping[str, Any], *, spelling: Spelling) -> RemoteTask:
    """Return the task in an answer; without `associations` in it nothing is said of them."""
    properties = mapping(answer.get("properties"))
    id_ = str(answer["id"])
    text, marker = split_marker(from_html(str(properties.get("hs_task_body") or "")))
    holds = _held(properties, text, spelling)
    if "associations" in answer:
        associations = mapping(answer["associations"])
        holds.update(held_associations(associations))
        if not labelled(associations):
            holds[Field.LABELS] = ()
    return RemoteTask(
        ref=RemoteRef(id_),
        holds=holds,
        key=str(properties.get(KEY_PROPERTY) or marker),
        url=str(answer.get("url") or spelling.page(f"tasks/{{portal}}/view/all/task/{id_}")),
        modified_at=from_moment(properties.get("hs_lastmodifieddate") or answer.get("updatedAt")),
    )


def _held(properties: Mapping[str, Any], text: str, spelling: Spelling) -> dict[Field, Canonical]:
    told = {field: str(properties[name] or "") for name, field in FIELD_OF.items() if name in properties}
    names_of_queues = {number: name for name, number in spelling.queues.items()}
    read: Mapping[Field, Any] = {
        Field.TITLE: lambda value: value,
        Field.BODY: lambda _value: text,
        Field.STATUS: lambda value: str(STATUSES_READ.get(value, TaskStatus.OPEN)),
        Field.PRIORITY: lambda value: str(PRIORITIES_READ.get(value, Priority.NONE)),
        Field.TYPE: lambda value: TYPES_READ.get(value, "todo" if value else ""),
        Field.DUE: lambda value: canonical_moment(from_due(value, spelling.zone)),
        Field.REMINDER: lambda value: canonical_moment(from_moment(value.split(";")[0])),
        Field.ASSIGNEE: lambda value: value,
        Field.QUEUE: lambda value: names_of_queues.get(value, value),
    }
    return {field: read[field](value) for field, value in told.items()}


def held_associations(associations: Mapping[str, Any]) -> dict[Field, Canonical]:
    """Return which records the task points at; a kind that the answer leaves out has none."""
    return {
        name: tuple(sorted({str(one["id"]) for one in linked_in(associations, plural) if one.get("id")}))
        for name, (_, plural, _) in ASSOCIATED.items()
    }


def labelled(associations: Mapping[str, Any]) -> list[Field]:
    """Return the kinds of record of which one is associated with more than the default type; the answer names types, not labels."""
    return [
        name
        for name, (_, plural, _) in ASSOCIATED.items()
        for plain in [f"task_to_{ASSOCIATIONS[name]}"]
        if any(
            one.get("type", plain) not in (plain, f"{plain}_unlabeled")
            for one in linked_in(associations, plural)
        )
    ]


def linked_in(associations: Mapping[str, Any], plural: str) -> Iterator[Mapping[str, Any]]:
    """Yield the associated records of a kind as an answer tells them beside a record's properties."""
    return mappings(mapping(associations.get(plural)).get("results"))


def from_due(value: str, zone: ZoneInfo) -> date | datetime | None:
    """Return the due moment, or the day where it is the moment that a day is sent as."""
    moment = from_moment(value)
    try:
        here = None if moment is None else moment.astimezone(zone)
    except OverflowError:
        return moment
    return here.date() if here is not None and here.time() == START_OF_DAY else moment


def from_moment(value: object) -> datetime | None:
    """Return the moment that HubSpot wrote as ISO 8601 or as milliseconds since 1970, in UTC; None when there is none."""
    text = str(value or "")
    try:
        if re.fullmatch(r"-?[0-9]+", text):
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        # A time beyond the calendar is none that could be shown.
        return None


def limits_left(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return in words what is left of the limits that the answer's headers tell of."""
    told = [("x-hubspot-ratelimit-remaining", "x-hubspot-ratelimit-max", "in these ten seconds")]
    told += [("x-hubspot-ratelimit-daily-remaining", "x-hubspot-ratelimit-daily", "today")]
    return tuple(
        f"{headers[left]} of {headers[most]} requests left {when}"
        for left, most, when in told
        if left in headers and most in headers
    )
