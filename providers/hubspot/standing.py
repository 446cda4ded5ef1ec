"""Which of many tasks have their associations, labels and pins already as they should: a few calls for a hundred tasks.

After a batch whose answer was lost nothing is known of its tasks, and nearly always all of it has landed. Task by task it would cost up to nine
calls each to find that out, at the limit that HubSpot sets for associations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from providers.errors import Forbidden, Rejected
from providers.hubspot.client import Client
from providers.hubspot.labels import Labels, LinkType, Words, told_labels
from providers.hubspot.payloads import ASSOCIATED
from providers.hubspot.reading import PIN, TASK
from providers.types import ASSOCIATIONS, Canonical, Field, Linked, RemoteRef, TaskDraft

# By the record there, the types by which a task is associated with it.
Links = Mapping[str, tuple[LinkType, ...]]
FEWEST = 2  # tasks for which asking together is worth it


@dataclass(frozen=True)
class Asked:
    """A task, how it should stand, and which of its fields are in question."""

    ref: RemoteRef
    draft: TaskDraft
    changed: Collection[Field]


def standing(client: Client, labels: Labels, asked: Sequence[Asked]) -> dict[str, dict[Field, Canonical]]:
    """Return, by id, what those tasks hold that stand as they should; the others, and all of too few, are left out.

    One call for each kind of record that is in question for up to a hundred tasks, and one for the pins of each hundred of their records.
    """
    if len(asked) < FEWEST:
        return {}
    kinds = [name for name in ASSOCIATED if any(_concerns(one, name) for one in asked)]
    ids = [one.ref.id for one in asked]
    held = {name: client.links_of_many(TASK, ids, ASSOCIATED[name][0]) for name in kinds}
    found: dict[str, dict[Field, Links]] = {}
    for one in asked:
        links = {name: held[name].get(one.ref.id) for name in kinds}
        known: dict[Field, Links] = {name: some for name, some in links.items() if some is not None}
        if len(known) == len(kinds) and all(_is_as_wanted(labels, one, name, known[name]) for name in kinds):
            found[one.ref.id] = known
    pinned = _pinned(client, kinds, [one for one in asked if one.ref.id in found], found)
    return {
        one.ref.id: _told(labels, one, found[one.ref.id], pinned[one.ref.id])
        for one in asked
        if one.ref.id in found and pinned.get(one.ref.id) == _wanted_pins(one.draft, kinds)
    }


def _concerns(one: Asked, name: Field) -> bool:
    return name in one.changed or not {Field.LABELS, Field.PINS}.isdisjoint(one.changed)


def _is_as_wanted(labels: Labels, one: Asked, name: Field, held: Links) -> bool:
    wanted: dict[str, Linked] = {linked.ref.id: linked for linked in getattr(one.draft, name)}
    try:
        return set(wanted) == set(held) and all(
            {*labels.types(name, linked)} == _said(held[id_]) | {*labels.types(name, linked)[:1]}
            for id_, linked in wanted.items()
        )
    except Rejected:  # a label that is not there: by itself, the task is told so
        return False


def _said(types: Sequence[LinkType]) -> set[LinkType]:
    return {one for one in types if one.is_label}


# Pins


def _pinned(
    client: Client,
    kinds: Sequence[Field],
    asked: Sequence[Asked],
    found: Mapping[str, Mapping[Field, Links]],
) -> dict[str, frozenset[str]]:
    """Return, by id, on which of its records each task is pinned; none at all where that may not be read."""
    pinned: dict[str, set[str]] = {one.ref.id: set() for one in asked}
    for name in kinds:
        records = sorted({id_ for one in asked for id_ in found[one.ref.id][name]})
        try:
            told = client.pins(ASSOCIATED[name][1], records, PIN)
        except Forbidden:
            return {}
        for record, task in told.items():
            if task in pinned:
                pinned[task].add(f"{ASSOCIATIONS[name]}:{record}")
    return {id_: frozenset(records) for id_, records in pinned.items()}


def _wanted_pins(draft: TaskDraft, kinds: Sequence[Field]) -> frozenset[str]:
    return frozenset(
        f"{ASSOCIATIONS[name]}:{linked.ref.id}"
        for name in kinds
        for linked in getattr(draft, name)
        if linked.is_pinned
    )


# Telling


def _told(
    labels: Labels, one: Asked, links: Mapping[Field, Links], pinned: frozenset[str]
) -> dict[Field, Canonical]:
    holds: dict[Field, Canonical] = {name: tuple(sorted(some)) for name, some in links.items()}
    if len(links) == len(ASSOCIATED):
        holds |= {
            Field.LABELS: told_labels(links, words_of(labels, one.draft)),
            Field.PINS: tuple(sorted(pinned)),
        }
    return holds


def words_of(labels: Labels, draft: TaskDraft) -> Words:
    """Return how the draft itself spells its labels: by name, by number, or by category and number."""
    return {
        (name, linked.ref.id, one): linked.type or linked.label
        for name in ASSOCIATED
        for linked in getattr(draft, name)
        for one in labels.types(name, linked)[1:]
    }
