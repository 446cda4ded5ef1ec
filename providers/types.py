"""The values that pass between the hub and a provider; all frozen, all free of vendor words."""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from providers.errors import ProviderError

# A field's value in the one spelling that hub and vendor are compared in (see `canonical_moment`).
Canonical = str | bool | tuple[str, ...] | None


class Field(StrEnum):
    """What a task consists of; the values are the hub's own field names.

    `labels` and `pins` are what is said of its associations: with which label or vendor's type, and which are pinned.
    """

    TITLE = "title"
    BODY = "body"
    STATUS = "status"
    PRIORITY = "priority"
    TYPE = "type"
    DUE = "due_at"
    END = "end_at"
    REMINDER = "reminder_at"
    NOTIFY = "notify_by_email"
    ASSIGNEE = "assignee"
    QUEUE = "queue"
    LOCATION = "location"
    CONTACTS = "contacts"
    COMPANIES = "companies"
    DEALS = "deals"
    TICKETS = "tickets"
    EVENTS = "events"
    LABELS = "labels"
    PINS = "pins"
    CREATED = "created_at"
    COMPLETED = "completed_at"


class TaskStatus(StrEnum):
    """Where the work on a task stands; never used for sync."""

    OPEN = "open"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    DEFERRED = "deferred"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class Priority(StrEnum):
    """How urgent a task is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RecordKind(StrEnum):
    """What a record is; the plural is the field of a task that holds it."""

    COMPANY = "company"
    DEAL = "deal"
    TICKET = "ticket"
    EVENT = "event"


RECORD_FIELDS: Mapping[Field, RecordKind] = MappingProxyType(
    {
        Field.COMPANIES: RecordKind.COMPANY,
        Field.DEALS: RecordKind.DEAL,
        Field.TICKETS: RecordKind.TICKET,
        Field.EVENTS: RecordKind.EVENT,
    }
)


# All of them, in order: for what runs over each task of a batch, a tuple is quicker than the class.
FIELDS: tuple[Field, ...] = tuple(Field)
ASSOCIATIONS: Mapping[Field, str] = MappingProxyType({Field.CONTACTS: "contact", **RECORD_FIELDS})


@dataclass(frozen=True, slots=True)
class RemoteRef:
    """Where a record lives at the vendor: its id and, where the vendor files it under another record, that one's id."""

    id: str
    parent_id: str = ""


@dataclass(frozen=True, slots=True)
class HubKey:
    """The hub's own name for one creation of one link, given to the vendor so that a lost answer can be resolved."""

    link: uuid.UUID
    generation: int = 1

    def __str__(self) -> str:
        """Return the key as text: 26 letters and digits in lower case, a dot, the generation."""
        text = base64.b32encode(self.link.bytes).decode().rstrip("=").lower()
        return f"{text}.{self.generation}"

    @classmethod
    def read(cls, text: str) -> HubKey | None:
        """Return the key that a text is, None for one that is no key of any hub."""
        found = _KEY.fullmatch(text)
        if found is None:
            return None
        link = uuid.UUID(bytes=base64.b32decode(f"{found.group(1).upper()}======"))
        key = cls(link, int(found.group(2)))
        # The last letter has two bits more than an id: with others in them it is not how a key is written.
        return key if str(key) == text else None

    @property
    def marker(self) -> str:
        """Return the line that carries this key inside a free text: `[hub:…]`."""
        return f"[hub:{self}]"


_KEY = re.compile(r"([a-z2-7]{26})\.([1-9][0-9]{0,8})")
_MARKER = re.compile(r"\[hub:([a-z2-7]{26}\.\d+)\]")


def with_marker(body: str, key: HubKey | str) -> str:
    """Return the body with the key's marker as its last line."""
    return f"{body}\n\n[hub:{key}]" if body else f"[hub:{key}]"


def split_marker(text: str) -> tuple[str, str]:
    """Return the body without its marker line, and the key in it ("" when there is none)."""
    # From the end and without an expression for the blanks: one that begins with blanks takes time squared on a long run of them.
    whole = text.rstrip()
    found = _MARKER.fullmatch(whole, max(whole.rfind("[hub:"), 0))
    return (whole[: found.start()].rstrip(), found.group(1)) if found else (text, "")


@dataclass(frozen=True, slots=True)
class Person:
    """A contact as the hub knows it. `emails` and `phones` hold the primary one first; phones are in E.164 where known."""

    first_name: str = ""
    last_name: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    company: str = ""
    job_title: str = ""

    @property
    def name(self) -> str:
        """Return first and last name as one text."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def email(self) -> str:
        """Return the primary e-mail in lower case, or ""."""
        return self.emails[0].lower() if self.emails else ""

    @property
    def phone(self) -> str:
        """Return the primary phone, or ""."""
        return self.phones[0] if self.phones else ""


@dataclass(frozen=True, slots=True)
class Linked:
    """One association of a task, already resolved to the vendor's id.

    `label` is the name of an association label in snake case, `type` the vendor's own association type; a type wins over a label.
    """

    ref: RemoteRef
    label: str = ""
    type: str = ""
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task as it should stand at one vendor: associations and assignee are that vendor's ids.

    `due` is a date for a date-only task, else an aware moment in UTC. `created_at` is the moment the task was made. `contact_name` and
    `company_name` are what somebody typed; they are no fields of their own, but a vendor that can match names may be given them.
    """

    title: str
    created_at: datetime
    body: str = ""
    status: TaskStatus = TaskStatus.OPEN
    priority: Priority = Priority.NONE
    type: str = ""
    due: date | datetime | None = None
    end_at: datetime | None = None
    reminder_at: datetime | None = None
    notify_by_email: bool = False
    assignee: str = ""
    assignee_email: str = ""
    queue: str = ""
    location: str = ""
    contacts: tuple[Linked, ...] = ()
    companies: tuple[Linked, ...] = ()
    deals: tuple[Linked, ...] = ()
    tickets: tuple[Linked, ...] = ()
    events: tuple[Linked, ...] = ()
    completed_at: datetime | None = None
    contact_name: str = ""
    company_name: str = ""


def canonical(draft: TaskDraft) -> dict[Field, Canonical]:
    """Return the draft field by field in the spelling that an answer is compared in and the ancestor is kept in."""
    return {
        Field.TITLE: draft.title,
        Field.BODY: draft.body,
        Field.STATUS: str(draft.status),
        Field.PRIORITY: str(draft.priority),
        Field.TYPE: draft.type,
        Field.DUE: canonical_moment(draft.due),
        Field.END: canonical_moment(draft.end_at),
        Field.REMINDER: canonical_moment(draft.reminder_at),
        Field.NOTIFY: draft.notify_by_email,
        Field.ASSIGNEE: draft.assignee,
        Field.QUEUE: draft.queue,
        Field.LOCATION: draft.location,
        Field.CREATED: canonical_moment(draft.created_at),
        Field.COMPLETED: canonical_moment(draft.completed_at),
        **{name: tuple(sorted(linked.ref.id for linked in getattr(draft, name))) for name in ASSOCIATIONS},
        Field.LABELS: tuple(
            sorted(
                f"{kind}:{one.ref.id}={one.type or one.label}"
                for kind, one in _linked(draft)
                if one.type or one.label
            )
        ),
        Field.PINS: tuple(sorted(f"{kind}:{one.ref.id}" for kind, one in _linked(draft) if one.is_pinned)),
    }


def _linked(draft: TaskDraft) -> Iterator[tuple[str, Linked]]:
    for name, kind in ASSOCIATIONS.items():
        for one in getattr(draft, name):
            yield kind, one


def canonical_moment(moment: date | datetime | None) -> str | None:
    """Return `YYYY-MM-DD` for a day, `YYYY-MM-DDTHH:MM:SSZ` in UTC for an aware moment, None for none."""
    if moment is None:
        return None
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    return moment.isoformat()


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """A task as the vendor holds it.

    `holds` has the hub's value of every field that the answer told; a field that the answer is silent about is absent.
    `key` is the hub key found on it, "" when none. `url` opens it in the vendor's own screens, "" when there is no such page.
    """

    ref: RemoteRef
    holds: Mapping[Field, Canonical] = field(default_factory=dict)
    key: str = ""
    url: str = ""
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RemoteContact:
    """A contact as the vendor holds it."""

    ref: RemoteRef
    person: Person
    url: str = ""


@dataclass(frozen=True, slots=True)
class RemoteRecord:
    """A company, deal, ticket or event as the vendor holds it."""

    ref: RemoteRef
    kind: RecordKind
    name: str = ""
    url: str = ""


# One of several that fit; a person picks.
Candidate = RemoteContact | RemoteRecord


@dataclass(frozen=True, slots=True)
class Owner:
    """A user at the vendor whom a task can be assigned to. `email` is in lower case."""

    id: str
    email: str
    name: str = ""
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Account:
    """One account at one vendor, as the hub is configured for it: what a provider is made with."""

    secrets: Mapping[str, str] = field(repr=False)
    settings: Mapping[str, object] = field(default_factory=dict)
    learned: Mapping[str, object] = field(default_factory=dict)
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are at the vendor, as it answered: for `connect`, `doctor` and the *Test connection* button.

    `scopes` is None where the vendor does not tell them; `limits` says in words what is left of the vendor's quotas.
    `server_time` is the `Date` of the answer, to judge our clock by. `learned` are facts the hub keeps with the connection
    and hands back in `Account.learned` (a time zone, whether a custom property could be made).
    """

    id: str
    name: str
    user: str = ""
    time_zone: str = ""
    scopes: tuple[str, ...] | None = None
    limits: tuple[str, ...] = ()
    server_time: datetime | None = None
    learned: Mapping[str, object] = field(default_factory=dict)


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Some items of a listing, oldest first, and the cursor to ask for the next ones with; None at the end."""

    items: tuple[Item, ...]
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class NewTask:
    """One create of a batch."""

    draft: TaskDraft
    key: HubKey


@dataclass(frozen=True, slots=True)
class TaskChange:
    """One update of a batch: the whole draft, and which of its fields differ from what was last agreed."""

    ref: RemoteRef
    draft: TaskDraft
    changed: frozenset[Field]
    key: HubKey


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one item of a batch ended: with a task, with nothing (a delete), or with an error. Same order as the items asked."""

    task: RemoteTask | None = None
    error: ProviderError | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer as they may be shown: secrets replaced, bodies cut. `status` is None when none came.

    The rest is there to play the answer again: `rest` is what was cut off its body, `headers` are those that say how long to wait; without an
    answer, `error` and `detail` are the code and the words of what went wrong. `request_digest` stands for a request body that was cut.
    `is_whole` is False where the answer cannot be played again: it was too long to be kept, or a secret stood in it or in what was asked.
    """

    method: str
    url: str
    request_body: str = ""
    status: int | None = None
    response_body: str = ""
    milliseconds: int = 0
    rest: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    detail: str = ""
    request_digest: str = ""
    is_whole: bool = True
