"""How alike a task there and a task here are. Pure.

Two questions: whether what the CRM tells of one that is known to be ours is what we want there, and which task here one is that tells no key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crmhub.sync.plan import NEVER_UPDATED, plan_task
from crmhub.sync.values import LinkState, Nothing, Update, WantedTask
from crmhub.sync.verify import plain
from providers.capabilities import Capabilities, Level, Support
from providers.projection import says_something
from providers.types import ASSOCIATIONS, Canonical, Field, RemoteTask, canonical

# What makes a task this one and no other. Status, priority and the like change while it stays the same.
IDENTITY = (
    Field.TITLE,
    Field.BODY,
    Field.DUE,
    Field.END,
    Field.ASSIGNEE,
    Field.CREATED,
    *ASSOCIATIONS,
)
# One of these must say something beside the title, or a "Call back" there is any "Call back" here.
TELLING = (Field.BODY, Field.DUE, *ASSOCIATIONS)
# By which of its sides a task may be known again though others were changed.
SIDES: tuple[tuple[Field, ...], ...] = ((Field.TITLE,), (Field.BODY,), (Field.DUE, Field.CONTACTS))


@dataclass(frozen=True)
class Compared:
    """What the CRM holds of a task, as its link is to remember it, and in which fields that is not what is wanted."""

    ancestor: Mapping[str, Canonical]
    differing: tuple[Field, ...]
    is_in_step: bool


def compare(
    remote: RemoteTask,
    wanted: WantedTask,
    *,
    can: Capabilities,
    settings: Mapping[str, object],
    now: datetime,
) -> Compared:
    """Return how what is there and what is wanted there stand to each other.

    Fields that the CRM does not tell count as agreed where the task says nothing by them; else the next save sends them.
    """
    ancestor: dict[str, Canonical] = {}
    differing: list[Field] = []
    ours = canonical(wanted.draft)
    for name in Field:
        support = can.supports(name)
        if support.level is Level.NONE or name in NEVER_UPDATED:
            continue
        if name not in remote.holds:
            if not says_something(name, ours[name]):
                ancestor[str(name)] = ours[name]
        elif plain(remote.holds[name]) == plain(ours[name]) or _is_held_loosely(support):
            ancestor[str(name)] = ours[name]
        else:
            ancestor[str(name)] = remote.holds[name]
            differing += [] if support.is_fixed else [name]
    action = plan_task(_state(remote, ancestor), wanted, capabilities=can, settings=settings, now=now)
    is_told_alike = not differing and isinstance(action, Update)
    return Compared(ancestor, tuple(differing), isinstance(action, Nothing) or is_told_alike)


def _is_held_loosely(support: Support) -> bool:
    """Return whether how the value comes out there cannot be said beforehand; then another one says nothing."""
    return support.level is Level.LOSSY and not (support.words or support.alter or support.most is not None)


def _state(remote: RemoteTask, ancestor: Mapping[str, Canonical]) -> LinkState:
    return LinkState(
        id=UUID(int=0),
        external_id=remote.ref.id,
        external_parent_id=remote.ref.parent_id,
        generation=1,
        may_land_until=None,
        last_write_at=None,
        ancestor=ancestor,
        retired=(),
    )


# Which one is it


def told_identity(remote: RemoteTask, can: Capabilities) -> tuple[Field, ...]:
    """Return what the CRM tells of it that makes a task this one and no other."""
    return tuple(name for name in IDENTITY if name in remote.holds and _is_comparable(can.supports(name)))


def _is_comparable(support: Support) -> bool:
    return support.level is not Level.NONE and not _is_held_loosely(support)


def is_telling(values: Mapping[Field, Canonical], names: Collection[Field]) -> bool:
    """Return whether these fields say more than the title does."""
    return any(name in names and says_something(name, values.get(name)) for name in TELLING)


def fingerprint(values: Mapping[Field, Canonical], names: Iterable[Field]) -> bytes:
    """Return sixteen bytes that two tasks have in common when they agree in these fields, but for blanks that no reader sees."""
    told: list[Any] = [[str(name), _sorted(plain(values.get(name)))] for name in names]
    return hashlib.blake2b(json.dumps(told).encode(), digest_size=16).digest()


def sides(values: Mapping[Field, Canonical]) -> set[bytes]:
    """Return the fingerprints of those sides of a task that say something."""
    return {
        fingerprint(values, names)
        for names in SIDES
        if all(says_something(name, plain(values.get(name))) for name in names)
    }


def _sorted(value: Any) -> Any:
    return sorted(value) if isinstance(value, tuple | list) else value
