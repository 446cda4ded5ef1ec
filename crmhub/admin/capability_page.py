"""What a CRM can and cannot hold, as staff read it, each claim with its source and day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crmhub.sync import field_in_words
from providers.capabilities import Capabilities, Level, Operation
from providers.types import Field


@dataclass(frozen=True)
class CapabilityRow:
    """One line of the page."""

    what: str
    says: str
    source: str
    read_on: date | None


def capability_groups(can: Capabilities) -> list[tuple[str, list[CapabilityRow]]]:
    """Return the claims in four groups: not held, held in part, not done, and held in full."""
    by_level: dict[Level, list[CapabilityRow]] = {level: [] for level in Level}
    for name in Field:
        support = can.supports(name)
        by_level[support.level].append(
            CapabilityRow(field_in_words(name), support.note, support.source, support.read_on)
        )
    undone = []
    for operation in Operation:
        claim = can.operations.get(operation)
        if claim is None or not claim.holds:
            note, source, day = (claim.note, claim.source, claim.read_on) if claim else ("", "", None)
            undone.append(CapabilityRow(operation.replace("_", " "), note, source, day))
    groups = [
        ("This CRM cannot hold", by_level[Level.NONE]),
        ("It holds in part", by_level[Level.LOSSY]),
        ("It cannot", undone),
        ("It holds in full", by_level[Level.FULL]),
    ]
    return [(title, rows) for title, rows in groups if rows]
