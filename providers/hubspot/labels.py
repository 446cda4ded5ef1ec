"""The types of an association: HubSpot's own default, and the labels that an account gives them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from providers.errors import Rejected
from providers.hubspot.payloads import ASSOCIATED
from providers.types import ASSOCIATIONS, Field, Linked

HUBSPOTS = "HUBSPOT_DEFINED"
ACCOUNTS = "USER_DEFINED"
Words = Mapping[tuple[Field, str, "LinkType"], str]  # field, record, type → the draft's own spelling
_NUMBER = re.compile(r"(?:([A-Z_]+):)?([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class LinkType:
    """One association type; its label is "" for a plain association."""

    category: str
    number: int
    label: str = field(default="", compare=False)

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> LinkType:
        """Return the type in an answer of the v4 paths."""
        number = str(told.get("typeId") or 0)
        return cls(
            str(told.get("category") or ""),
            int(number) if number.isascii() and number.isdecimal() else 0,
            str(told.get("label") or ""),
        )

    @property
    def is_label(self) -> bool:
        """Return whether it says more than that the two belong together."""
        return self.category != HUBSPOTS or bool(self.label)

    @property
    def name(self) -> str:
        """Return the label in snake case, `CATEGORY:number` for a type without one."""
        return in_snake_case(self.label) or f"{self.category}:{self.number}"

    def as_json(self) -> dict[str, Any]:
        """Return the type as a request names it."""
        return {"associationCategory": self.category, "associationTypeId": self.number}


def in_snake_case(text: str) -> str:
    """Return a label as HubSpot's pages spell it in paths: `Decision maker` is `decision_maker`; one of symbols alone stays as it is."""
    return re.sub(r"[\W_]+", "_", text.strip().lower()).strip("_") or text.strip()


def default_type(name: Field) -> LinkType:
    """Return the type of a plain association from a task."""
    return LinkType(HUBSPOTS, ASSOCIATED[name][2])


class Labels:
    """The types that an account has, asked for at most once for each kind of record, and only where a task has a label."""

    def __init__(self, ask: Callable[[Field], Sequence[LinkType]]) -> None:
        """`ask` returns the types between tasks and a kind of record."""
        self._ask = ask
        self._known: dict[Field, Sequence[LinkType]] = {}

    def types(self, name: Field, linked: Linked) -> list[LinkType]:
        """Return the types to associate with: the default one and, where there is a label or a type, its own.

        A type is `CATEGORY:number`, a number, or like a label a name in snake case. Raises `Rejected` for a name that the account does not
        have, and for one that two labels share.
        """
        default, wanted = default_type(name), linked.type.strip() or linked.label.strip()
        if not wanted or in_snake_case(wanted) in default_names(name):
            return [default]
        # A label may consist of digits; only a type is ever a number.
        found = self._numbered(name, linked.type.strip()) or self._named(name, wanted)
        return [default] if found == default else [default, found]

    def _numbered(self, name: Field, wanted: str) -> LinkType | None:
        matched = _NUMBER.fullmatch(wanted)
        if matched is None:
            return None
        category, number = matched.group(1), int(matched.group(2))
        if number == ASSOCIATED[name][2] and category in (None, HUBSPOTS):
            return default_type(name)
        if category:
            return LinkType(category, number)
        known = next((one for one in self._of(name) if one.number == number), None)
        # A number that the account does not name is for HubSpot to refuse.
        return known or LinkType(ACCOUNTS, number)

    def _named(self, name: Field, wanted: str) -> LinkType:
        known = self._of(name)
        # `A+` and `A-` are the same in snake case; whoever spells one of them out means that one.
        fitting = [one for one in known if one.label.strip() == wanted]
        fitting = fitting or [one for one in known if in_snake_case(one.label) == in_snake_case(wanted)]
        if len(fitting) == 1:
            return fitting[0]
        kind, has = ASSOCIATIONS[name], ", ".join(one.name for one in known if one.label) or "none"
        reason = (
            f"HubSpot has the label “{wanted}” twice between tasks and {name}; name it by its number"
            if fitting
            else f"HubSpot has no label “{wanted}” between tasks and {name}; it has: {has}"
        )
        raise Rejected(f"The {kind}'s label is not clear: {reason}.", fields={Field.LABELS: reason})

    def _of(self, name: Field) -> Sequence[LinkType]:
        if name not in self._known:
            self._known[name] = self._ask(name)
        return self._known[name]


def default_names(name: Field) -> tuple[str, str]:
    """Return what answers and paths call the default type: with labels beside it, it is the unlabeled one."""
    plain = f"task_to_{ASSOCIATIONS[name]}"
    return plain, f"{plain}_unlabeled"


def told_labels(held: Mapping[Field, Mapping[str, Sequence[LinkType]]], words: Words) -> tuple[str, ...]:
    """Return what the hub calls the labels that are held: as `words` spells one, else by its name."""
    return tuple(
        sorted(
            f"{ASSOCIATIONS[name]}:{id_}={words.get((name, id_, one), one.name)}"
            for name, links in held.items()
            for id_, types in links.items()
            for one in dict.fromkeys(types)
            if one.is_label
        )
    )
