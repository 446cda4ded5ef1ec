"""Comparing what was asked with what the vendor says it holds now: a 2xx is not proof."""

from __future__ import annotations

import re
from collections.abc import Collection

from providers.capabilities import Capabilities, Level
from providers.projection import Loss
from providers.types import Canonical, Field, RemoteTask, TaskDraft, canonical

LONGEST_QUOTE = 60  # characters of a value that a sentence for staff repeats


def effects(
    draft: TaskDraft, remote: RemoteTask, *, asked: Collection[Field], capabilities: Capabilities
) -> tuple[Loss, ...]:
    """Return, in words, each field that was asked for and that the answer shows as dropped or altered.

    Fields that the answer is silent about are taken as applied. Status is left out at vendors that change it by a call of its own.
    """
    wanted = canonical(draft)
    found = []
    for name in Field:
        if name not in asked or name not in remote.holds or capabilities.supports(name).level is Level.NONE:
            continue
        if name is Field.STATUS and not capabilities.closes_by_update:
            continue
        if (note := _difference(wanted[name], remote.holds[name])) is not None:
            found.append(Loss(name, note))
    return tuple(found)


def _difference(wanted: Canonical, held: Canonical) -> str | None:
    if _plain(wanted) == _plain(held):
        return None
    if held in (None, "", ()):
        return "did not take it: it is empty there"
    return f"changed it to {_quoted(held)}"


def _plain(value: Canonical) -> Canonical:
    """Return the value without differences that no reader sees: line ends, blanks around a text, empty against absent."""
    if isinstance(value, str):
        value = re.sub(r"[ \t]+\n", "\n", value.replace("\r\n", "\n")).strip()
    return None if value in ("", (), None) else value


def _quoted(value: Canonical) -> str:
    text = ", ".join(value) if isinstance(value, tuple) else str(value)
    return f"“{text[:LONGEST_QUOTE]}…”" if len(text) > LONGEST_QUOTE else f"“{text}”"
