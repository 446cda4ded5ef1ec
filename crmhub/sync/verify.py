"""Comparing what was asked with what the vendor says it holds now: a 2xx is not proof.

Field by field and association by association, each comes out *applied*, *altered*, *dropped*, *not supported* (as the vendor's capabilities say
beforehand), *not told* (the answer is silent) or *not sent* (the hub does not know the other side's id).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from crmhub.sync.values import Complete, Create, Remote, Reopen, Update, WantedTask
from providers.capabilities import Capabilities, Level, Operation, Support
from providers.projection import Loss, says_something
from providers.types import ASSOCIATIONS, FIELDS, Canonical, Field, RemoteRef, RemoteTask

LONGEST_QUOTE = 60  # characters of a value that a sentence for staff repeats
LONGEST_VALUE = 80  # characters of a value that a row keeps
IN_LISTS = frozenset({*ASSOCIATIONS, Field.LABELS, Field.PINS})  # told one by one
STAMPED = frozenset({Field.CREATED, Field.COMPLETED})  # most vendors note these themselves: nobody asks


class Outcome(StrEnum):
    """What became of one thing that was asked of a CRM."""

    APPLIED = "applied"
    ALTERED = "altered"
    DROPPED = "dropped"
    NOT_SUPPORTED = "not_supported"
    NOT_TOLD = "not_told"
    NOT_SENT = "not_sent"


UNDECLARED = frozenset({Outcome.ALTERED, Outcome.DROPPED})
KNOWN_BEFOREHAND = frozenset({Outcome.NOT_SUPPORTED, Outcome.NOT_SENT})


@dataclass(frozen=True)
class Effect:
    """One line of "what was asked / what is there". Values as they are read; `there` is "" where nothing is, or nothing was told."""

    field: str
    outcome: Outcome
    asked: str = ""
    there: str = ""
    note: str = ""

    def as_row(self) -> dict[str, Any]:
        """Return the line as it is stored."""
        return {
            "field": self.field,
            "outcome": str(self.outcome),
            "asked": self.asked,
            "there": self.there,
            "note": self.note,
        }

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Effect:
        """Return the line that was stored."""
        return cls(**{**row, "outcome": Outcome(row["outcome"])})


def asked_by(action: Remote, can: Capabilities) -> frozenset[Field]:
    """Return the fields that this write asks of the vendor; of a create, all, and the status only where a create can carry it."""
    if isinstance(action, Create):
        return frozenset(Field) if can.closes_by_update else frozenset(Field) - {Field.STATUS}
    if isinstance(action, Update):
        return action.changed if can.closes_by_update else action.changed - {Field.STATUS}
    return frozenset({Field.STATUS}) if isinstance(action, Complete | Reopen) else frozenset()


def untold(
    wanted: WantedTask,
    told: RemoteTask,
    *,
    asked: Collection[Field],
    can: Capabilities,
    before: Mapping[str, Any],
) -> set[Field]:
    """Return the fields that were asked for, that the answer is silent about, and that a second look could tell."""
    if not can.can(Operation.FETCH):
        return set()
    values = wanted.values
    return {
        name
        for name in asked
        if name not in told.holds
        and name not in can.never_told
        and name not in STAMPED
        and can.supports(name).level is not Level.NONE
        and (says_something(name, values[name]) or says_something(name, _agreed(before.get(name))))
    }


def effects(
    wanted: WantedTask,
    told: RemoteTask,
    *,
    asked: Collection[Field],
    can: Capabilities,
    before: Mapping[str, Any],
    read_back: RemoteTask | None = None,
) -> tuple[Effect, ...]:
    """Return what became of each field that was asked for and says something, or said something before (`before`: the ancestor).

    What the answer itself tells counts; `read_back`, a look directly after it, only fills in what the answer is silent about, for it was
    made without the draft and may be behind.
    """
    found: list[Effect] = []
    heard = told.holds if read_back is None else {**read_back.holds, **told.holds}
    for name in FIELDS:
        # Nearly all fields of nearly all tasks are empty on every side.
        if name not in asked or not (name in wanted.says or before.get(name) or heard.get(name)):
            continue
        if not (name in STAMPED and can.supports(name).level is Level.NONE):
            found += _of_field(name, wanted, _held(name, wanted, told, read_back), can, before.get(name))
    found += [
        Effect(str(loss.field), Outcome.NOT_SENT, note=loss.note)
        for loss in wanted.unsent
        if loss.field in asked
    ]
    return tuple(found)


class _Silence:
    """Stands for a field that nothing was told of."""


_SILENCE = _Silence()


def _held(
    name: Field, wanted: WantedTask, told: RemoteTask, read_back: RemoteTask | None
) -> Canonical | _Silence:
    if name in told.holds:
        return told.holds[name]
    if read_back is None or name not in read_back.holds or _is_ambiguous(name, wanted, read_back):
        return _SILENCE
    return read_back.holds[name]


def _is_ambiguous(name: Field, wanted: WantedTask, read_back: RemoteTask) -> bool:
    """Return whether a look made without the draft cannot tell a day from its moment there."""
    if name not in (Field.DUE, Field.END):
        return False
    asked, held = wanted.values[Field.DUE], read_back.holds.get(Field.DUE)
    return isinstance(asked, str) and isinstance(held, str) and ("T" in asked) != ("T" in held)


def _of_field(
    name: Field, wanted: WantedTask, held: Canonical | _Silence, can: Capabilities, before: Any
) -> Iterator[Effect]:
    whole, sent = wanted.whole_values[name], wanted.values[name]
    support = can.supports(name)
    if name in IN_LISTS:
        # Where nothing was asked of this kind: what a CRM ties to a task by itself is its own affair.
        if whole or before:
            note = _note_of(name, wanted, support)
            yield from _of_list(name, _texts(whole), _texts(sent), held, before=_texts(before), note=note)
        return
    there = None if isinstance(held, _Silence) or support.level is Level.NONE else held
    if any(says_something(name, value) for value in (whole, sent, before, there)):
        note = _note_of(name, wanted, support)
        yield _of_value(name, whole, sent, held, before=before, support=support, note=note)


def _note_of(name: Field, wanted: WantedTask, support: Support) -> str:
    return next((loss.note for loss in wanted.losses if loss.field == name), support.note)


def _of_value(
    name: Field,
    whole: Canonical,
    sent: Canonical,
    held: Canonical | _Silence,
    *,
    before: Any,
    support: Support,
    note: str,
) -> Effect:
    is_declared = support.level is Level.NONE or whole != sent
    asked = _shown(whole)
    if isinstance(held, _Silence) or support.level is Level.NONE:
        outcome = Outcome.NOT_SUPPORTED if is_declared else Outcome.NOT_TOLD
        return Effect(str(name), outcome, asked, note=note if is_declared else "")
    if sent == held or plain(sent) == plain(held):
        outcome = Outcome.NOT_SUPPORTED if is_declared else Outcome.APPLIED
        return Effect(str(name), outcome, asked, _shown(held), note if is_declared else "")
    if support.level is Level.LOSSY and not (support.words or support.alter or support.most is not None):
        # Declared in words only: how it comes out cannot be said beforehand, that it may come out otherwise was.
        return Effect(str(name), Outcome.NOT_SUPPORTED, asked, _shown(held), note)
    if not says_something(name, held) or plain(held) == plain(before):
        return Effect(str(name), Outcome.DROPPED, asked, _shown(held), _dropped(held))
    return Effect(str(name), Outcome.ALTERED, asked, _shown(held), f"changed it to {_quoted(held)}")


def _dropped(held: Canonical) -> str:
    return (
        f"did not take it: it is still {_quoted(held)} there"
        if held
        else "did not take it: it is empty there"
    )


def _of_list(
    name: Field,
    whole: tuple[str, ...],
    sent: tuple[str, ...],
    held: Canonical | _Silence,
    *,
    before: tuple[str, ...],
    note: str,
) -> Iterator[Effect]:
    """Yield one line for each association asked for, and for each that is there beside those or should have gone."""
    told = None if isinstance(held, _Silence) else _texts(held)
    for one in whole:
        there = one if told is not None and one in told else ""
        if one not in sent:
            yield Effect(str(name), Outcome.NOT_SUPPORTED, one, there, note)
        elif told is None:
            yield Effect(str(name), Outcome.NOT_TOLD, one)
        elif there:
            yield Effect(str(name), Outcome.APPLIED, one, there)
        else:
            yield Effect(str(name), Outcome.DROPPED, one, "", f"did not take {_quoted(one)}")
    if told is None:
        return
    others = [one for one in told if one not in whole]
    for one in others:
        if one in before:
            yield Effect(str(name), Outcome.DROPPED, "", one, f"still has {_quoted(one)}")
        else:
            yield Effect(str(name), Outcome.ALTERED, "", one, f"has {_quoted(one)} beside what was asked")
    if not whole and not others:
        yield Effect(str(name), Outcome.APPLIED)


def standing(
    old: Iterable[Effect], new: Iterable[Effect], wanted: WantedTask, can: Capabilities
) -> tuple[Effect, ...]:
    """Return the lines of a whole task: those of this write over those of earlier ones, and what the CRM cannot hold as it is now."""
    new, old = list(new), list(old)
    fresh = {effect.field for effect in new}
    seen = {(effect.field, effect.asked): effect.there for effect in old}
    nothing = RemoteTask(ref=RemoteRef(""))
    others = [name for name in FIELDS if name not in fresh]
    declared = [
        replace(effect, there=seen.get((effect.field, effect.asked), ""))
        for effect in effects(wanted, nothing, asked=others, can=can, before={})
        if effect.outcome in KNOWN_BEFOREHAND
    ]
    lost = {effect.field for effect in declared} - {str(name) for name in IN_LISTS}
    kept = [one for one in old if one.field not in fresh | lost and one.outcome not in KNOWN_BEFOREHAND]
    return tuple(sorted([*new, *declared, *kept], key=lambda effect: _ORDER[effect.field]))


_ORDER = {str(name): number for number, name in enumerate(FIELDS)}


def losses_in(found: Iterable[Effect]) -> tuple[Loss, ...]:
    """Return, as losses in words, what came out otherwise than asked without having been declared."""
    return tuple(Loss(Field(one.field), one.note) for one in found if one.outcome in UNDECLARED)


def _agreed(value: Any) -> Canonical:
    """Return a value of an ancestor, which has been through JSON, as it was."""
    return tuple(value) if isinstance(value, list) else value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list | tuple) else ()


def plain(value: Any) -> Canonical:
    """Return the value without differences that no reader sees: line ends, blanks around a text, empty against absent."""
    if isinstance(value, str):
        value = re.sub(r"[ \t]+\n", "\n", value.replace("\r\n", "\n")).strip()
    return None if value in ("", (), None) else value


def _shown(value: Canonical) -> str:
    text = {True: "yes", False: "no", None: ""}[value] if isinstance(value, bool | None) else str(value)
    return f"{text[:LONGEST_VALUE]}…" if len(text) > LONGEST_VALUE else text


def _quoted(value: Canonical) -> str:
    text = _shown(value)
    return f"“{text[:LONGEST_QUOTE]}…”" if len(text) > LONGEST_QUOTE else f"“{text}”"
