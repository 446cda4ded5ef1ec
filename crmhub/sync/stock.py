"""What comes of a stocktaking, in figures; and what both of its commands share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

BATCH = 200  # tasks that are read, and links that are written, at once


class CannotBegin(Exception):
    """This cannot be done at the connection as it is; says why, in words for staff."""


@dataclass
class Stock:
    """What came of a stocktaking: how many tasks were read there, and what became of them; and of the contacts.

    `differing` are among the linked ones; `others` are none of the hub's.
    """

    read: int = 0
    linked_before: int = 0
    by_key: int = 0
    by_likeness: int = 0
    differing: int = 0
    unmatched: int = 0
    others: int = 0
    contacts: int = 0
    contacts_unclear: int = 0

    @property
    def linked(self) -> int:
        """Return how many tasks were linked."""
        return self.by_key + self.by_likeness


def batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items a couple of hundred at a time."""
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
