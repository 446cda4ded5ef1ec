"""What a vendor can hold, change and announce, as data; each claim with its source and the day it was read.

A capability is a claim about someone else's system. `project` applies the claims to a draft: it returns the task as this vendor can
hold it, and in words what is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

from providers.types import Canonical, Field, TaskDraft, TaskStatus, canonical

STAND_IN_DUE_DAYS = 7  # a vendor that demands a due date gets the day of creation plus this


class Level(StrEnum):
    """How well a vendor holds a field."""

    FULL = "full"
    LOSSY = "lossy"
    NONE = "none"


class Operation(StrEnum):
    """What the hub may ask of a provider for one task or contact."""

    CREATE = "create"
    UPDATE = "update"
    COMPLETE = "complete"
    REOPEN = "reopen"
    DELETE = "delete"
    FETCH = "fetch"
    FIND = "find"
    RESOLVE_CONTACT = "resolve_contact"
    CREATE_CONTACT = "create_contact"
    UPDATE_CONTACT = "update_contact"
    LIST_OWNERS = "list_owners"


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about the vendor: whether it holds, in words for staff, its source and when that was read."""

    holds: bool
    note: str = ""
    source: str = ""
    read_on: date | None = None


@dataclass(frozen=True, slots=True)
class Support:
    """How the vendor holds one field.

    `words` maps hub values to the nearest the vendor has (`{"in_progress": "open"}`); values not in it stay. `alter` changes a text the
    way the vendor's rules force us to. `most` is how many contacts or records it takes. `note` completes "This CRM …" for staff.
    `is_fixed` says that the field can be given on create only.
    """

    level: Level = Level.FULL
    note: str = ""
    source: str = ""
    read_on: date | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    alter: Callable[[str], str] | None = None
    most: int | None = None
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """The vendor allows `calls` requests in any `seconds`. `budget` names the requests that count ("all": every one)."""

    calls: int
    seconds: float
    budget: str = "all"


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing to know about an account beside its secrets; the same name in `--setting`, in the form and in the database.

    `kind` is text, choice, number, zone or map (`call=Phone call,email=E-mail`). `default` is used where nothing was given.
    `names_account`: it says which account it is, so that with another value everything known of the old one is void.
    """

    name: str
    label: str
    help: str = ""
    kind: str = "text"
    choices: tuple[tuple[str, str], ...] = ()
    default: Any = ""
    is_required: bool = False
    names_account: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret that the vendor's accounts are opened with."""

    name: str
    label: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All that the engine and the screens need to know of a vendor without calling it.

    `hosts`: an exact name or `.example.com`. `find_lag`: how late its look-ups may be. `landing`: the longest a request that was sent may
    still take effect after we hung up. `is_upsert`: creating the same key again does not make a second task. `can_find`: a look by hub
    key is possible. `needs_one_of`: without one of these associations it takes no task. `filed_under`: the association that a task's id
    hangs on, so that changing it means a new task there. `only_one_of`: associations of which it holds just the first that a task has
    any of. `needs_due`: it takes no task without a due date. `closes_by_update`: status is
    written together with the other fields; else only by `complete_task` and `reopen_task`. `plans`: the
    limits of each choice of the setting `plan`; read them through `limits_for`.
    """

    label: str
    hosts: tuple[str, ...]
    default_base_url: str
    api_version: str
    secrets: tuple[Secret, ...]
    settings: tuple[Setting, ...]
    limits: tuple[Limit, ...]
    fields: Mapping[Field, Support]
    operations: Mapping[Operation, Claim]
    find_lag: timedelta
    landing: timedelta
    can_find: bool = True
    is_upsert: bool = False
    batch_size: int = 1
    parallel: int = 4
    needs_one_of: tuple[Field, ...] = ()
    filed_under: Field | None = None
    only_one_of: tuple[Field, ...] = ()
    needs_due: bool = False
    closes_by_update: bool = True
    plans: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict)

    def supports(self, name: Field) -> Support:
        """Return what is claimed about the field; a field without a claim is not held."""
        return self.fields.get(name, Support(Level.NONE, note="has no such field"))

    def limits_for(self, settings: Mapping[str, object]) -> tuple[Limit, ...]:
        """Return the vendor's limits for the plan in these settings; `limits` where no plan is named."""
        return self.plans.get(str(settings.get("plan") or ""), self.limits)

    def can(self, operation: Operation) -> bool:
        """Return whether the vendor's API has the operation."""
        claim = self.operations.get(operation)
        return claim is not None and claim.holds


COMMON_SETTINGS = (
    Setting(
        "cancelled",
        "A cancelled task",
        "What happens there when a task is cancelled here.",
        kind="choice",
        choices=(
            ("complete", "is completed there"),
            ("delete", "is deleted there"),
            ("leave", "is left as it is"),
        ),
        default="complete",
    ),
    Setting(
        "gone_there",
        "A task deleted in the CRM",
        "What happens when a task that we update was deleted there by somebody.",
        kind="choice",
        choices=(("detach", "stays deleted there; a person decides"), ("recreate", "is created again")),
        default="detach",
    ),
    Setting(
        "limits",
        "Rate limits",
        "Overrides what the vendor allows: calls/seconds, comma-separated, such as 190/10 or 200/60,10000/86400.",
    ),
    Setting(
        "share",
        "Our share of the rate",
        "Between 0.05 and 1: lower it when other software uses the same account.",
        kind="number",
        default=1.0,
    ),
)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something of a task that a vendor cannot hold, in words for staff."""

    field: Field
    note: str


@dataclass(frozen=True, slots=True)
class Projection:
    """A task as one vendor can hold it, and what is lost."""

    draft: TaskDraft
    losses: tuple[Loss, ...]


# Values with which a task says nothing: losing one of them is no loss.
_EMPTY: tuple[Canonical, ...] = (None, "", (), False, "none")
_SILENT = frozenset({(Field.TYPE, "todo")})


def project(draft: TaskDraft, capabilities: Capabilities, settings: Mapping[str, object]) -> Projection:
    """Return the draft as the vendor can hold it. Pure; a loss is reported only where the task has something to lose."""
    losses: list[Loss] = []
    changes: dict[str, Any] = {}
    if draft.status is TaskStatus.CANCELLED and settings.get("cancelled", "complete") == "complete":
        draft = replace(draft, status=TaskStatus.COMPLETED)
        losses.append(Loss(Field.STATUS, "has no cancelled tasks: it is completed there"))
    if capabilities.needs_due and draft.due is None:
        draft = replace(draft, due=draft.created_at.date() + timedelta(days=STAND_IN_DUE_DAYS))
        losses.append(Loss(Field.DUE, f"demands a due date: {draft.due} stands in"))
    wanted = canonical(draft)
    for name in Field:
        support = capabilities.supports(name)
        value = wanted[name]
        if support.level is Level.NONE:
            changes.update(_emptied(name))
            if _says_something(name, value) and name not in (Field.CREATED, Field.COMPLETED):
                losses.append(Loss(name, support.note or "cannot hold this"))
            continue
        kept, is_whole = _held(getattr(draft, _ATTRIBUTE.get(name, str(name))), support)
        if not is_whole:
            changes[_ATTRIBUTE.get(name, str(name))] = kept
            losses.append(Loss(name, support.note))
        elif (
            support.level is Level.LOSSY
            and not (support.words or support.alter or support.most)
            and _says_something(name, value)
        ):
            losses.append(Loss(name, support.note))
    draft = replace(draft, **changes)
    for name in [name for name in capabilities.only_one_of if getattr(draft, name)][1:]:
        draft = replace(draft, **_emptied(name))
        losses.append(Loss(name, capabilities.supports(name).note))
    return Projection(draft, tuple(losses))


_ATTRIBUTE = {Field.DUE: "due"}
_BLANK = TaskDraft(title="", created_at=datetime(2000, 1, 1, tzinfo=UTC))


def _says_something(name: Field, value: Canonical) -> bool:
    return value not in _EMPTY and (name, value) not in _SILENT


def _held(value: Any, support: Support) -> tuple[Any, bool]:
    """Return what the vendor holds of the value, and whether that is all of it."""
    kept = value
    if isinstance(value, str) and value in support.words:
        kept = type(value)(support.words[value])
    if isinstance(kept, str) and support.alter is not None:
        kept = support.alter(kept)
    if isinstance(value, tuple) and support.most is not None:
        kept = value[: support.most]
    return kept, kept == value


def _emptied(name: Field) -> dict[str, Any]:
    """Return the change that takes the field out of a draft."""
    if name is Field.CREATED:
        return {}
    attribute = _ATTRIBUTE.get(name, str(name))
    return {attribute: getattr(_BLANK, attribute)}
