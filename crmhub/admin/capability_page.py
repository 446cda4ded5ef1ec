"""What a CRM can and cannot hold, as staff read it, each claim with its source and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crmhub.sync import field_in_words
from providers import registry
from providers.capabilities import Capabilities, Claim, Level, Operation
from providers.types import Field


@dataclass(frozen=True)
class CapabilityRow:
    """One line of the page."""

    what: str
    says: str
    source: str
    read_on: date | None


@dataclass(frozen=True)
class Cell:
    """What one CRM makes of one field or operation."""

    level: str
    badge: str
    says: str
    source: str
    read_on: date | None


def comparison() -> tuple[list[str], list[tuple[str, list[tuple[str, list[Cell]]]]]]:
    """Return the CRMs, and for fields and for operations each with what every CRM makes of it."""
    cans = [registry.capabilities(code) for code in registry.codes()]
    fields = [(field_in_words(name), [_field_cell(can, name) for can in cans]) for name in Field]
    operations = [(one.replace("_", " "), [_operation_cell(can, one) for can in cans]) for one in Operation]
    return [can.label for can in cans], [("Fields", fields), ("Operations", operations)]


def _field_cell(can: Capabilities, name: Field) -> Cell:
    support = can.supports(name)
    level, badge = LEVELS[support.level]
    return Cell(level, badge, support.note, support.source, support.read_on)


def _operation_cell(can: Capabilities, operation: Operation) -> Cell:
    claim = can.operations.get(operation, Claim(False))
    level, badge = LEVELS[Level.FULL if claim.holds else Level.NONE]
    return Cell(level, badge, claim.note, claim.source, claim.read_on)


LEVELS = {Level.FULL: ("yes", "in_sync"), Level.LOSSY: ("partly", "waiting"), Level.NONE: ("no", "off")}


def capability_groups(can: Capabilities) -> list[tuple[str, list[CapabilityRow]]]:
    """Return the claims in five groups: not held, held in part, not done, held in full, and done."""
    by_level: dict[Level, list[CapabilityRow]] = {level: [] for level in Level}
    for name in Field:
        support = can.supports(name)
        words = field_in_words(name)
        by_level[support.level].append(CapabilityRow(words, support.note, support.source, support.read_on))
    by_holding: dict[bool, list[CapabilityRow]] = {True: [], False: []}
    for operation in Operation:
        claim = can.operations.get(operation, Claim(False))
        row = CapabilityRow(operation.replace("_", " "), claim.note, claim.source, claim.read_on)
        by_holding[claim.holds].append(row)
    groups = [
        ("This CRM cannot hold", by_level[Level.NONE]),
        ("It holds in part", by_level[Level.LOSSY]),
        ("It cannot", by_holding[False]),
        ("It holds in full", by_level[Level.FULL]),
        ("It can", by_holding[True]),
    ]
    return [(title, rows) for title, rows in groups if rows]
