"""What a vendor can hold, change and announce, as data; each claim with its source and the day it was read.

A capability is a claim about someone else's system; `providers.projection` applies the claims to a task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from providers.oauth import OAuth
from providers.types import Field


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
    LIST_TASKS = "list_tasks"
    LIST_TASKS_OF_CONTACT = "list_tasks_of_contact"
    LIST_CHANGED = "list_changed"
    LIST_CONTACTS = "list_contacts"
    RECEIVE = "receive"


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


_UNCLAIMED = Support(Level.NONE, note="has no such field")


@dataclass(frozen=True, slots=True)
class Limit:
    """The vendor allows `calls` requests in any `seconds`. `budget` names the requests that count ("all": every one).

    `is_fixed`: the vendor counts from the stroke of each `seconds` (a minute, a day) instead of in a sliding window. Strokes are those of UTC; where
    they are `is_local`, of the account's own time zone, which is `offset` seconds ahead. `left_in` names the header (in lower case) in which answers
    tell how many calls are left, `anew_in` the one that tells in how many milliseconds they are counted anew; "" where the vendor tells neither.
    """

    calls: int
    seconds: float
    budget: str = "all"
    is_fixed: bool = False
    is_local: bool = False
    offset: float = 0.0
    left_in: str = field(default="", compare=False)
    anew_in: str = field(default="", compare=False)


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
    """One secret that the vendor's accounts are opened with; one that is not required serves something beside (webhooks)."""

    name: str
    label: str
    help: str = ""
    is_required: bool = True


# What an app is let in with; the plain secrets of the vendor do without it.
APP_SECRETS = (
    Secret("client_id", "Client id", "Of the app that is let into the account."),
    Secret("client_secret", "Client secret", "Of the app that is let into the account."),
    Secret(
        "refresh_token",
        "Refresh token",
        "Of an account that the app was let into already.",
        is_required=False,
    ),
    Secret(
        "access_token", "Access token", "Made from the refresh token where it is missing.", is_required=False
    ),
)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """All that the engine and the screens need to know of a vendor without calling it.

    `hosts`: an exact name or `.example.com`. `find_lag`: how late its look-ups may be. `landing`: the longest a request that was sent may
    still take effect after we hung up. `is_upsert`: creating the same key again does not make a second task. `can_find`: a look by hub
    key is possible. `needs_one_of`: without one of these associations it takes no task. `filed_under`: the association that a task's id
    hangs on, so that changing it means a new task there. `only_one_of`: associations of which it holds just the first that a task has
    any of. `needs_due`: it takes no task without a due date. `closes_by_update`: status is
    written together with the other fields; else only by `complete_task` and `reopen_task`. `oauth`: how an app is let into an account, beside
    the plain secrets, where the vendor has that. `never_told`: fields that not even reading the task tells, so that it is not read for their
    sake. `plans`: the limits of each choice of the setting `plan`; read them through `limits_for`. `parent_by_name`: the setting under which
    a contact's name as somebody typed it will do for `needs_one_of`, unless it is `never`; "" where names will not do.
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
    never_told: tuple[Field, ...] = ()
    oauth: OAuth | None = None
    plans: Mapping[str, tuple[Limit, ...]] = field(default_factory=dict)
    parent_by_name: str = ""

    def supports(self, name: Field) -> Support:
        """Return what is claimed about the field; a field without a claim is not held."""
        return self.fields.get(name, _UNCLAIMED)

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
