"""The records of a simulated HubSpot portal: made, changed, archived, associated, and shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from typing import Any

import phonenumbers

from providers.hubspot.simulator_linked import Links, Record
from providers.hubspot.simulator_schema import (
    CREATED,
    MODIFIED,
    PLURALS,
    Property,
    Refusal,
    bad_json,
    bad_values,
    checked,
    iso,
    standard_properties,
)

SHOWN_LINKS = 100  # associations of one kind in a record's answer, before it pages


class Records(Links):
    """Everything a portal holds."""

    def __init__(self) -> None:
        """Begin empty, with the properties that every portal has."""
        super().__init__()
        self.properties = standard_properties()
        self.owners: dict[str, dict[str, Any]] = {}
        # A guide page says that properties which do not exist or are read-only are ignored; live portals refuse them.
        self.ignores_unknown = False

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
        self.happened("creation", record, changeFlag="CREATED")
        for other, types in links:
            self.link(record, other, types)
        return record

    def change(self, record: Record, properties: Any, *, now: datetime) -> None:
        """Set properties; "" clears one. Raises `Refusal`."""
        values = self._checked(record.type_id, properties, of=record)
        for name, value in values.items():
            if value != record.properties.get(name):
                self.happened("propertyChange", record, propertyName=name, propertyValue=value or "")
        self._set(record, values, now)

    def archive(self, record: Record, *, now: datetime) -> None:
        """Move a record to the recycling bin."""
        record.archived_at = now
        self.happened("deletion", record, changeFlag="DELETED")

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
