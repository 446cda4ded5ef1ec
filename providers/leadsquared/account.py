"""What one LeadSquared account decides about its tasks: time zone, task types, the user whose keys we use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from providers.leadsquared.task_types import beyond_us
from providers.types import Account, TaskDraft

APPOINTMENT, TODO = 0, 1  # a task type's `Category`
USUAL_TYPE = "Follow-Up"  # the to-do type that a new account begins with


@dataclass(frozen=True, slots=True)
class Rules:
    """An account's settings and what was learned of it, in the form that payloads need.

    `known` are the account's own task types with their category, `demanded` the columns that a type wants filled, by schema name and in
    words; both are empty until the account has been prepared.
    """

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    default_type: str = USUAL_TYPE
    appointment_type: str = ""
    mapped: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    key_user: str = ""
    demanded: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, account: Account) -> Rules:
        """Return the rules of the account; a time zone that is not known here counts as UTC."""
        known = account.learned.get("task_types")
        types = (
            {str(name): int(category) for name, category in known.items()}
            if isinstance(known, Mapping)
            else {}
        )
        demanded = _demanded(account.learned.get("demanded"))
        return cls(
            zone=_zone(str(account.learned.get("time_zone") or "UTC")),
            default_type=_text(account, "task_type_default") or _first_todo(types, demanded),
            appointment_type=_text(account, "appointment_type_default"),
            mapped=pairs(account.settings.get("task_type_map")),
            known=types,
            key_user=str(account.learned.get("user_id") or ""),
            demanded=demanded,
        )

    def type_of(self, draft: TaskDraft) -> str:
        """Return the name of the task type that the draft gets: mapped, its own, for an end time, the default."""
        wanted = draft.type.casefold()
        for name in (
            self.mapped.get(wanted),
            next((one for one in self.known if one.casefold() == wanted), None),
        ):
            if wanted and name:
                return name
        return self.appointment_type if draft.end_at and self.appointment_type else self.default_type

    def hub_type(self, name: str) -> str | None:
        """Return the hub's word for a task type, None where the answer leaves open which of several was meant."""
        if name in (self.default_type, self.appointment_type):
            return None
        words = [word for word, mapped in self.mapped.items() if mapped == name]
        return (words or [name])[0] if len(words) < 2 else None

    def category_of(self, draft: TaskDraft) -> int | None:
        """Return whether the draft becomes an appointment or a to-do, None when the account's types are not known."""
        name = self.type_of(draft)
        return self.known.get(name, APPOINTMENT if name == self.appointment_type else None)

    def missing_types(self) -> tuple[str, ...]:
        """Return the task types that the settings name and the account does not have."""
        return tuple(name for name in self._used() if name not in self.known)

    def impossible_types(self) -> dict[str, tuple[str, ...]]:
        """Return the task types that are used and demand something that the hub never has, with what that is."""
        demands = {name: beyond_us(self.demanded.get(name, {})) for name in self._used()}
        return {name: beyond for name, beyond in demands.items() if beyond}

    def _used(self) -> tuple[str, ...]:
        named = (self.default_type, self.appointment_type, *self.mapped.values())
        return tuple(dict.fromkeys(name for name in named if name))


def pairs(value: object) -> dict[str, str]:
    """Return a setting of kind map, given as `call=Phone Call,…` or as a mapping; the hub's words in lower case."""
    if isinstance(value, Mapping):
        items = [(str(word), str(name)) for word, name in value.items()]
    else:
        items = [
            (word, name) for word, _, name in (part.partition("=") for part in str(value or "").split(","))
        ]
    return {word.strip().casefold(): name.strip() for word, name in items if word.strip() and name.strip()}


def _text(account: Account, name: str) -> str:
    return str(account.settings.get(name) or "").strip()


def _first_todo(types: Mapping[str, int], demanded: Mapping[str, Mapping[str, str]]) -> str:
    todos = [name for name, category in types.items() if category == TODO]
    # The usual one before the others, and those that the hub can fill before it.
    todos.sort(key=lambda name: (bool(beyond_us(demanded.get(name, {}))), name != USUAL_TYPE))
    return todos[0] if todos else USUAL_TYPE


def _demanded(value: object) -> dict[str, dict[str, str]]:
    if not isinstance(value, Mapping):
        return {}
    return {
        str(name): {str(column): str(words) for column, words in columns.items()}
        for name, columns in value.items()
        if isinstance(columns, Mapping)
    }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
