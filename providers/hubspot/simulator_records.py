"""The records of a simulated HubSpot portal: made, changed, archived, associated, and shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import phonenumbers

from providers.hubspot.simulator_schema import (
    ASSOCIATION_TYPES,
    CREATED,
    MODIFIED,
    PLURALS,
    SINGULARS,
    LinkKind,
    Property,
    Refusal,
    bad_json,
    bad_values,
    checked,
    iso,
    shaped,
    standard_properties,
)

Key = tuple[str, str]  # object type id, record id
SHOWN_LINKS = 100  # associations of one kind in a record's answer, before it pages


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


class Records:
    """Everything a portal holds."""

    def __init__(self) -> None:
        """Begin empty, with the properties that every portal has."""
        self.held: dict[Key, Record] = {}
        self.properties = standard_properties()
        self.owners: dict[str, dict[str, Any]] = {}
        self.merged: dict[Key, str] = {}
        self.kinds = {number: LinkKind("HUBSPOT_DEFINED", pair) for pair, number in ASSOCIATION_TYPES.items()}
        # A guide page says that properties which do not exist or are read-only are ignored; live portals refuse them.
        self.ignores_unknown = False
        # What was done since the portal last told of it.
        self.events: list[dict[str, Any]] = []

    def copy(self) -> Records:
        """Return a copy of everything, to try something on."""
        return deepcopy(self)

    # Looking

    def of_type(self, type_id: str, *, archived: bool = False) -> Iterator[Record]:
        """Yield the records of a type, oldest first."""
        return (
            one
            for one in list(self.held.values())
            if one.type_id == type_id and bool(one.archived_at) == archived
        )

    def get(self, type_id: str, id_: str, *, by: str = "", archived: bool = False) -> Record:
        """Return a record by its id or by a unique property. Raises `Refusal` (404) when there is none."""
        if by and by != "hs_object_id":
            found = self._by_property(type_id, by, id_)
        else:
            found = self.held.get((type_id, self.merged.get((type_id, id_), id_)))
        if found is None or bool(found.archived_at) != archived:
            raise Refusal("resource not found", status=404, category="OBJECT_NOT_FOUND")
        return found

    def _by_property(self, type_id: str, name: str, value: str) -> Record | None:
        known = self.properties[type_id].get(name)
        if known is None or not (known.is_unique or known.kind == "email"):
            raise Refusal(f"idProperty {name} is not a unique property of {PLURALS[type_id]}")
        return next((one for one in self.of_type(type_id) if value.lower() in self._values(one, name)), None)

    def _values(self, record: Record, name: str) -> list[str]:
        values = [record.properties.get(name) or ""]
        if name == "email":
            values += (record.properties.get("hs_additional_emails") or "").split(";")
        return [value.lower() for value in values if value]

    # Writing

    def create(self, type_id: str, body: Mapping[str, Any], *, id_: str, now: datetime) -> Record:
        """Make a record with its associations, or neither. Raises `Refusal`."""
        values = self._checked(type_id, body.get("properties"))
        if type_id == "0-27" and not values.get("hs_timestamp"):
            error = {"message": "hs_timestamp is required", "context": {"propertyName": ["hs_timestamp"]}}
            raise Refusal("Error creating TASK. Some required properties were not set.", errors=[error])
        links = self._wanted_links(type_id, body.get("associations", []))
        record = Record(type_id, id_, now, now)
        self._set(record, values, now)
        self.held[type_id, id_] = record
        self._happened("creation", record, changeFlag="CREATED")
        for other, types in links:
            self.link(record, other, types)
        return record

    def change(self, record: Record, properties: Any, *, now: datetime) -> None:
        """Set properties; "" clears one. Raises `Refusal`."""
        values = self._checked(record.type_id, properties, of=record)
        for name, value in values.items():
            if value != record.properties.get(name):
                self._happened("propertyChange", record, propertyName=name, propertyValue=value or "")
        self._set(record, values, now)

    def archive(self, record: Record, *, now: datetime) -> None:
        """Move a record to the recycling bin."""
        record.archived_at = now
        self._happened("deletion", record, changeFlag="DELETED")

    def _happened(self, what: str, record: Record, **more: Any) -> None:
        # Tasks have no event types of their own: they come under the general ones.
        of = "object" if record.type_id == "0-27" else SINGULARS[record.type_id]
        type_of = {"objectTypeId": record.type_id} if of == "object" else {}
        self.events.append(
            {"subscriptionType": f"{of}.{what}", "objectId": int(record.id), **type_of, **more}
        )

    def _set(self, record: Record, values: Mapping[str, str | None], now: datetime) -> None:
        was_done = record.properties.get("hs_task_status") == "COMPLETED"
        record.properties.update(values)
        record.updated_at = now
        is_done = record.properties.get("hs_task_status") == "COMPLETED"
        if is_done != was_done:
            record.completed_at = now if is_done else None

    def _checked(self, type_id: str, properties: Any, *, of: Record | None = None) -> dict[str, str | None]:
        if not isinstance(properties, Mapping):
            raise bad_json("Some required fields were not set: [properties]")
        values, problems = {}, []
        known = self.properties[type_id]
        for name, value in properties.items():
            if self.ignores_unknown and (name not in known or known[name].kind == "derived"):
                continue
            try:
                values[name] = self._value(type_id, name, value, of)
            except ValueError as error:
                problems.append((name, *error.args))
        if problems:
            raise bad_values(problems)
        self._refuse_doubles(type_id, values, of)
        return values

    def _value(self, type_id: str, name: str, value: Any, of: Record | None) -> str | None:
        prop = self.properties[type_id].get(name)
        if prop is None:
            raise ValueError("PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        text = checked(prop, value)
        if prop.kind == "owner" and text and text not in self.owners:
            raise ValueError("INVALID_OWNER_ID", f"{text} is not a valid owner id")
        if prop.kind == "pin" and text and (of is None or ("0-27", text) not in of.links):
            raise ValueError("INVALID_PINNED_ENGAGEMENT", f"{text} is not associated with this record")
        return text

    def _refuse_doubles(self, type_id: str, values: Mapping[str, str | None], of: Record | None) -> None:
        for name, value in values.items():
            prop = self.properties[type_id][name]
            if value and (prop.is_unique or prop.kind == "email"):
                other = next(
                    (one for one in self.of_type(type_id) if value.lower() in self._values(one, name)), None
                )
                if other is not None and other is not of:
                    raise _double(prop, value, other)

    # Associations

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
        self._happened(
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

    # Showing

    def shown(self, record: Record, names: list[str] | None = None) -> dict[str, Any]:
        """Return the record as an answer has it. Without names only the few that HubSpot shows unasked."""
        everything = self.everything(record)
        unasked: list[str] = [
            name
            for name in ("createdate", "hs_createdate", "lastmodifieddate", "hs_lastmodifieddate")
            if name in everything
        ]
        if record.type_id == "0-1":
            unasked += ["email", "firstname", "lastname"]
        wanted = [*unasked, "hs_object_id", *(names or ())]
        known = self.properties[record.type_id]
        answer = {
            "id": record.id,
            "properties": {name: everything.get(name) for name in dict.fromkeys(wanted) if name in known},
            "createdAt": iso(record.created_at),
            "updatedAt": iso(record.updated_at),
            "archived": record.archived_at is not None,
            "url": f"https://app-eu1.hubspot.com/contacts/4711/record/{record.type_id}/{record.id}",
        }
        return {**answer, **({"archivedAt": iso(record.archived_at)} if record.archived_at else {})}

    def everything(self, record: Record) -> dict[str, str | None]:
        """Return every property of the record, with those that HubSpot derives."""
        values = dict(record.properties)
        values[CREATED.get(record.type_id, "createdate")] = iso(record.created_at)
        values[MODIFIED.get(record.type_id, "hs_lastmodifieddate")] = iso(record.updated_at)
        values["hs_object_id"] = record.id
        if record.type_id == "0-27":
            done = record.completed_at
            values["hs_task_is_completed"] = "1" if done else "0"
            values["hs_task_completion_date"] = iso(done) if done else None
            values["hs_body_preview"] = re.sub(r"<[^>]*>", " ", values.get("hs_task_body") or "")[:150]
            values["hs_num_associated_contacts"] = str(len(self.linked(record, "0-1")))
        if record.type_id == "0-1":
            for name, source in (("phone", "phone"), ("mobile", "mobilephone")):
                values[f"hs_searchable_calculated_{name}_number"] = _national(values.get(source))
        return values

    def shown_links(self, record: Record, plural: str, type_id: str) -> dict[str, Any]:
        """Return a record's associations of a type as they stand beside its properties; {} when it has none."""
        others = self.linked(record, type_id)
        results = [
            {"id": one.id, "type": self.kinds[number].name}
            for one in others[:SHOWN_LINKS]
            for number in sorted(record.links[one.type_id, one.id])
        ]
        if not results:
            return {}
        more = {"paging": {"next": {"after": results[-1]["id"]}}} if len(others) > SHOWN_LINKS else {}
        return {plural: {"results": results, **more}}


def _double(prop: Property, value: str, other: Record) -> Refusal:
    if prop.kind == "email":
        message = f"Contact already exists. Existing ID: {other.id}"
        return Refusal(message, status=409, category="CONFLICT")
    return Refusal(
        f"Cannot set PropertyValueCoordinates{{propertyName={prop.name}, value={value}}}. {other.id} already has that value."
    )


def _national(phone: str | None) -> str | None:
    try:
        return phonenumbers.national_significant_number(phonenumbers.parse(phone or "", "US"))
    except phonenumbers.NumberParseException:
        return None
