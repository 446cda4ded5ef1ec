"""The records of a simulated HubSpot portal as they are associated: with which types, in both directions; and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from providers.hubspot.simulator_schema import (
    ASSOCIATION_TYPES,
    SINGULARS,
    LinkKind,
    Refusal,
    bad_json,
    shaped,
)

Key = tuple[str, str]  # object type id, record id


@dataclass
class Record:
    """One record. `properties` holds what was set; what HubSpot derives is worked out when it is shown."""

    type_id: str
    id: str
    created_at: datetime
    updated_at: datetime
    properties: dict[str, str | None] = field(default_factory=dict)
    archived_at: datetime | None = None
    completed_at: datetime | None = None
    links: dict[Key, set[int]] = field(default_factory=dict)


class Links:
    """What ties the records of a portal together."""

    def __init__(self) -> None:
        """Begin with no record, and with HubSpot's own types."""
        self.held: dict[Key, Record] = {}
        self.merged: dict[Key, str] = {}
        self.kinds = {number: LinkKind("HUBSPOT_DEFINED", pair) for pair, number in ASSOCIATION_TYPES.items()}
        # What was done since the portal last told of it.
        self.events: list[dict[str, Any]] = []

    def happened(self, what: str, record: Record, **more: Any) -> None:
        """Remember something to tell of."""
        # Tasks have no event types of their own: they come under the general ones.
        of = "object" if record.type_id == "0-27" else SINGULARS[record.type_id]
        type_of = {"objectTypeId": record.type_id} if of == "object" else {}
        self.events.append(
            {"subscriptionType": f"{of}.{what}", "objectId": int(record.id), **type_of, **more}
        )

    def _wanted_links(self, type_id: str, wanted: Any) -> list[tuple[Record, list[int]]]:
        if not isinstance(wanted, list):
            raise bad_json('Cannot deserialize "associations" as a list')
        links = []
        for one in wanted:
            shaped(one, required=("to", "types"))
            other_id = str(shaped(one["to"], required=("id",))["id"])
            to_type, types = self.association_types(type_id, one["types"])
            links.append((self.linkable(to_type, other_id), types))
        return links

    def association_types(self, type_id: str, types: Any, *, to_type: str = "") -> tuple[str, list[int]]:
        """Return the other type and the type ids of an association. Raises `Refusal` for what is not between these types."""
        if not isinstance(types, list) or not types:
            raise bad_json('Cannot deserialize "types" as a list of association types')
        found = set()
        for one in types:
            shaped(one, required=("associationCategory", "associationTypeId"))
            kind = self.kinds.get(one["associationTypeId"])
            is_known = kind is not None and kind.category == one["associationCategory"]
            pair = kind.pair if kind is not None and is_known else None
            if pair is None or pair[0] != type_id or (to_type and pair[1] != to_type):
                raise Refusal(
                    f"The association type {one['associationCategory']} {one['associationTypeId']} is not valid between these objects."
                )
            found.add(pair[1])
        if len(found) != 1:
            raise Refusal("The association types are of different objects.")
        return found.pop(), [int(one["associationTypeId"]) for one in types]

    def linkable(self, type_id: str, id_: str) -> Record:
        """Return a record to associate with. Raises `Refusal` when it is not there; the exact text is not documented."""
        found = self.held.get((type_id, self.merged.get((type_id, id_), id_)))
        if found is None or found.archived_at:
            message = f"The association is not valid: no {SINGULARS[type_id]} with ID {id_} exists"
            raise Refusal(
                message, errors=[{"message": message, "code": "INVALID_OBJECT_ID", "in": "associations"}]
            )
        return found

    def link(self, record: Record, other: Record, types: list[int]) -> None:
        """Associate two records, in both directions; a label comes beside the plain association."""
        there, back = (record.type_id, other.type_id), (other.type_id, record.type_id)
        mirrored = [number for one in types for number in self._mirrors(one)]
        record.links.setdefault((other.type_id, other.id), set()).update(types, [ASSOCIATION_TYPES[there]])
        other.links.setdefault((record.type_id, record.id), set()).update(mirrored, [ASSOCIATION_TYPES[back]])
        for number in types:
            self._ends_changed(record, other, number, was_removed=False)

    def _mirrors(self, number: int) -> list[int]:
        """Return the type that says the same from the other side."""
        kind = self.kinds[number]
        wanted = LinkKind(kind.category, (kind.pair[1], kind.pair[0]), kind.label)
        return [one for one, known in self.kinds.items() if known == wanted]

    def _ends_changed(self, record: Record, other: Record, number: int, *, was_removed: bool) -> None:
        self.happened(
            "associationChange",
            record,
            associationTypeId=number,
            associationCategory=self.kinds[number].category,
            fromObjectId=int(record.id),
            fromObjectTypeId=record.type_id,
            toObjectId=int(other.id),
            toObjectTypeId=other.type_id,
            associationRemoved=was_removed,
            isPrimaryAssociation=False,
        )

    def unlink(self, record: Record, key: Key) -> None:
        """Remove every association of two records; none is no error. A pin of the one on the other goes with it."""
        removed = record.links.pop(key, set())
        other = self.held.get(key)
        if other is None:
            return
        other.links.pop((record.type_id, record.id), None)
        for number in sorted(removed):
            self._ends_changed(record, other, number, was_removed=True)

    def unlabel(self, record: Record, key: Key, numbers: list[int]) -> None:
        """Remove single types; the plain one takes all with it."""
        if ASSOCIATION_TYPES.get((record.type_id, key[0])) in numbers:
            self.unlink(record, key)
            return
        other = self.held.get(key)
        for number in set(numbers) & record.links.get(key, set()):
            record.links[key].discard(number)
            if other is not None:
                other.links[record.type_id, record.id] -= set(self._mirrors(number))
                self._ends_changed(record, other, number, was_removed=True)

    def label(self, pair: tuple[str, str], name: str, first: int) -> tuple[int, int]:
        """Make a label between two types of object, as an administrator does; return its numbers there and back."""
        self.kinds[first] = LinkKind("USER_DEFINED", pair, name)
        self.kinds[first + 1] = LinkKind("USER_DEFINED", (pair[1], pair[0]), name)
        return first, first + 1

    def linked(self, record: Record, type_id: str) -> list[Record]:
        """Return the records of a type that are associated and not archived, oldest first."""
        there = (self.held[key] for key in record.links if key[0] == type_id)
        return sorted((one for one in there if not one.archived_at), key=lambda one: int(one.id))
