"""Telling which task here each of those is that carry no key we know: the one that fits, if just one does and fits just one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from crmhub.sync.likeness import fingerprint, is_telling, sides, told_identity
from providers.capabilities import Capabilities
from providers.types import Canonical, Field, HubKey, RemoteTask

MOST_SHOWN = 10  # candidates that a person is offered
SEVERAL = "Several tasks here and there are alike; only somebody who knows them can tell which is which."
ALIKE = "It carries a key of the hub that no task here has, and is like these but not the same."
STRANGE_KEY = "It carries a key of the hub that no task here has, and is like none of them."
ONLY_THE_TITLE = "It has the title of a task here, and nothing else to know it by."


@dataclass(frozen=True)
class Leftover:
    """A task there that carries no key that we know; `key` is one that nobody here has, None for none."""

    remote: RemoteTask
    key: HubKey | None


@dataclass(frozen=True)
class Unclear:
    """One that a person must decide, and the tasks here that it may be."""

    leftover: Leftover
    task_ids: tuple[UUID, ...]
    why: str


class Matching:
    """Some tasks there, and what was found here that is like them. Show it each task here by `look_at`, then read what came of it."""

    def __init__(self, leftovers: Sequence[Leftover], can: Capabilities) -> None:
        """Keep those to be told apart, by all that is told of them; with a key also by their sides, for they were ours once."""
        self._leftovers = leftovers
        self._whole: dict[bytes, list[int]] = defaultdict(list)
        self._sides: dict[bytes, list[int]] = defaultdict(list)
        self._fits: dict[int, list[UUID]] = defaultdict(list)
        self._fitted: dict[UUID, list[int]] = defaultdict(list)
        self._alike: dict[int, list[UUID]] = defaultdict(list)
        self._told: set[tuple[Field, ...]] = set()
        for number, one in enumerate(leftovers):
            names = told_identity(one.remote, can)
            self._told.add(names)
            self._whole[fingerprint(one.remote.holds, names)].append(number)
            for side in sides(one.remote.holds) if one.key else ():
                self._sides[side].append(number)

    def look_at(self, task_id: UUID, values: Mapping[Field, Canonical]) -> None:
        """Note which of them this task here, as it should stand there, is like."""
        for names in self._told:
            for number in self._whole.get(fingerprint(values, names), ()):
                self._fits[number].append(task_id)
                self._fitted[task_id].append(number)
        for side in sides(values) if self._sides else ():
            for number in self._sides.get(side, ()):
                if len(self._alike[number]) < MOST_SHOWN and task_id not in self._alike[number]:
                    self._alike[number].append(task_id)

    def certain(self) -> list[tuple[Leftover, UUID]]:
        """Return those that fit just one task here, which fits no other of them."""
        return [
            (one, self._fits[number][0])
            for number, one in enumerate(self._leftovers)
            if self._is_certain(number)
        ]

    def unclear(self) -> Iterable[Unclear]:
        """Yield those that a person must decide."""
        for number, one in enumerate(self._leftovers):
            if self._is_certain(number):
                continue
            fits = tuple(self._fits.get(number, ()))[:MOST_SHOWN]
            if fits:
                yield Unclear(one, fits, SEVERAL if self._are_several(number) else ONLY_THE_TITLE)
            elif one.key is not None:
                alike = tuple(
                    task_id for task_id in self._alike.get(number, ()) if not self._is_taken(task_id)
                )
                yield Unclear(one, alike, ALIKE if alike else STRANGE_KEY)

    def _is_certain(self, number: int) -> bool:
        if number not in self._fits or self._are_several(number):
            return False
        one = self._leftovers[number]
        return one.key is not None or is_telling(one.remote.holds, tuple(one.remote.holds))

    def _are_several(self, number: int) -> bool:
        fits = self._fits[number]
        return len(fits) != 1 or len(self._fitted[fits[0]]) != 1

    def _is_taken(self, task_id: UUID) -> bool:
        return any(self._is_certain(number) for number in self._fitted.get(task_id, ()))
