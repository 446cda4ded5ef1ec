"""Applying a vendor's capabilities to a task: the task as this vendor can hold it, and in words what is lost on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from providers.capabilities import Capabilities, Level, Support
from providers.types import ASSOCIATIONS, FIELDS, Canonical, Field, TaskDraft, TaskStatus, canonical

STAND_IN_DUE_DAYS = 7  # a vendor that demands a due date gets the day of creation plus this


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
_EMPTY: tuple[Canonical, ...] = (None, "", (), False)
_SILENT = frozenset({(Field.TYPE, "todo"), (Field.PRIORITY, "none")})


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
    for name in FIELDS:
        support = capabilities.supports(name)
        value = wanted[name]
        if name in (Field.LABELS, Field.PINS):
            continue
        if support.level is Level.NONE:
            changes.update(_emptied(draft, name))
            if says_something(name, value) and name not in (Field.CREATED, Field.COMPLETED):
                losses.append(Loss(name, support.note or "cannot hold this"))
            continue
        kept, is_whole = _held(getattr(draft, _ATTRIBUTE.get(name, str(name))), support)
        if not is_whole:
            changes[_ATTRIBUTE.get(name, str(name))] = kept
            losses.append(Loss(name, support.note))
        elif (
            support.level is Level.LOSSY
            and not (support.words or support.alter or support.most)
            and says_something(name, value)
        ):
            losses.append(Loss(name, support.note))
    draft = replace(draft, **changes) if changes else draft
    for name in [name for name in capabilities.only_one_of if getattr(draft, name)][1:]:
        draft = replace(draft, **_emptied(draft, name))
        losses.append(Loss(name, capabilities.supports(name).note))
    if any(getattr(draft, name) for name in ASSOCIATIONS):
        draft = _said_of_associations(draft, capabilities, losses)
    return Projection(draft, tuple(losses))


def _said_of_associations(draft: TaskDraft, capabilities: Capabilities, losses: list[Loss]) -> TaskDraft:
    for name, nothing in _SAID_OF_ASSOCIATIONS.items():
        support = capabilities.supports(name)
        if support.level is not Level.FULL and canonical(draft)[name]:
            losses.append(Loss(name, support.note))
        if support.level is Level.NONE:
            draft = _without(draft, nothing)
    return draft


_ATTRIBUTE = {Field.DUE: "due"}
# What of each association goes when the vendor has no word for it.
_SAID_OF_ASSOCIATIONS: Mapping[Field, Mapping[str, Any]] = {
    Field.LABELS: {"label": "", "type": ""},
    Field.PINS: {"is_pinned": False},
}
_BLANK = TaskDraft(title="", created_at=datetime(2000, 1, 1, tzinfo=UTC))


def _without(draft: TaskDraft, nothing: Mapping[str, Any]) -> TaskDraft:
    bare: dict[str, Any] = {
        str(name): tuple(replace(one, **nothing) for one in getattr(draft, name)) for name in ASSOCIATIONS
    }
    return replace(draft, **bare)


def says_something(name: Field, value: Canonical) -> bool:
    """Return whether a task with this value says anything by it: nothing is lost with a value that does not."""
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


def _emptied(draft: TaskDraft, name: Field) -> dict[str, Any]:
    """Return the change that takes the field out of the draft; none where nothing is in it."""
    attribute = _ATTRIBUTE.get(name, str(name))
    nothing = getattr(_BLANK, attribute)
    return {} if name is Field.CREATED or getattr(draft, attribute) == nothing else {attribute: nothing}
