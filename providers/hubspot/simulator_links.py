"""The simulated paths of associations: one pair, all of a record, and the batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.hubspot.simulator_linked import Record
from providers.hubspot.simulator_portal import Portal, named, on, page_of, type_of
from providers.hubspot.simulator_schema import (
    ASSOCIATION_TYPES,
    PLURALS,
    SINGULARS,
    Refusal,
    bad_json,
    iso,
    shaped,
)
from providers.simulator import Call, Reply

PAIR = "/{to}/{to_id}"
OF_ONE = "/crm/v4/objects/{type}/{id}/associations"
OF_MANY = "/crm/v4/associations/{type}/{to}"
BUDGET = "associations"


class LinkPaths(Portal):
    """`/crm/v4/…associations…` and the older form of v3."""

    # One pair

    @on("PUT", OF_ONE + "/default" + PAIR, budget=BUDGET)
    def link_by_default(self, call: Call) -> Reply:
        """Answer 200."""
        return Reply(200, self._batch([self._link_default(self.record_of(call), self._other(call))]))

    @on("PUT", OF_ONE + PAIR, budget=BUDGET)
    def link_typed(self, call: Call) -> Reply:
        """Answer 201 with the pair."""
        record, other = self.record_of(call), self._other(call)
        return Reply(201, self._link_with(record, other, self.body(call)))

    @on("DELETE", OF_ONE + PAIR, budget=BUDGET)
    def unlink_pair(self, call: Call) -> Reply:
        """Answer 204, also when there was none."""
        self.records.unlink(self.record_of(call), (type_of(call, "to"), named(call, "to_id")))
        return Reply(204)

    @on("PUT", "/crm/v3/objects/{type}/{id}/associations" + PAIR + "/{type_id}", budget=BUDGET)
    def link_v3(self, call: Call) -> Reply:
        """Answer 200 with the record."""
        record, other = self.record_of(call), self._other(call)
        self.records.link(record, other, [self._type_in_path(call)])
        links = self.records.shown_links(record, PLURALS[other.type_id], other.type_id)
        return Reply(200, {**self.records.shown(record), "associations": links})

    @on("DELETE", "/crm/v3/objects/{type}/{id}/associations" + PAIR + "/{type_id}", budget=BUDGET)
    def unlink_v3(self, call: Call) -> Reply:
        """Answer 204, also when there was none."""
        number = self._type_in_path(call)
        self.records.unlabel(self.record_of(call), (type_of(call, "to"), named(call, "to_id")), [number])
        return Reply(204)

    def _other(self, call: Call) -> Record:
        return self.records.linkable(type_of(call, "to"), named(call, "to_id"))

    def _type_in_path(self, call: Call) -> int:
        pair, given = (type_of(call), type_of(call, "to")), named(call, "type_id")
        for number, kind in self.records.kinds.items():
            if kind.pair == pair and given in (str(number), kind.name):
                return number
        raise Refusal(f"{given} is not a valid association type between {pair[0]} and {pair[1]}")

    # All of one record

    @on("GET", OF_ONE + "/{to}", budget=BUDGET)
    def linked_records(self, call: Call) -> Reply:
        """Answer 200 with a page of the records on the other side."""
        limit, after = page_of(call, default=500, most=500)
        record, to_type = self.record_of(call), type_of(call, "to")
        rest = [one for one in self.records.linked(record, to_type) if not after or int(one.id) > int(after)]
        answer: dict[str, Any] = {"results": [self._shown_link(record, one) for one in rest[:limit]]}
        if len(rest) > limit:
            answer["paging"] = {
                "next": {"after": rest[limit - 1].id, "link": f"https://api.hubapi.com{call.path}"}
            }
        return Reply(200, answer)

    def _shown_link(self, record: Record, other: Record) -> dict[str, Any]:
        types = sorted(record.links[other.type_id, other.id])
        return {"toObjectId": other.id, "associationTypes": [self._shown_type(one) for one in types]}

    def _shown_type(self, number: int) -> dict[str, Any]:
        kind = self.records.kinds[number]
        return {"category": kind.category, "typeId": number, "label": kind.label}

    # Batches

    @on("POST", OF_MANY + "/batch/create", budget=BUDGET)
    def link_batch(self, call: Call) -> Reply:
        """Answer 201, or 207 with what was refused."""
        return self._each_pair(call, ("from", "to", "types"), most=2000, status=201)

    @on("POST", OF_MANY + "/batch/associate/default", budget=BUDGET)
    def link_batch_by_default(self, call: Call) -> Reply:
        """Answer 200."""
        return self._each_pair(call, ("from", "to"), most=2000, status=200)

    @on("POST", OF_MANY + "/batch/read", budget=BUDGET)
    def read_link_batch(self, call: Call) -> Reply:
        """Answer 200, or 207 with the records that are not there, and those that have none of these associations."""
        from_type, to_type = type_of(call), type_of(call, "to")
        results, errors = [], []
        for one in self._pairs(call, ("id",), most=1000):
            try:
                record = self.records.get(from_type, str(one["id"]))
            except Refusal as refusal:
                errors.append(refusal.as_item({"ids": [str(one["id"])]}))
                continue
            links = [self._shown_link(record, other) for other in self.records.linked(record, to_type)]
            if links:
                results.append({"from": {"id": record.id}, "to": links})
            else:
                errors.append(_none_of(record, to_type))
        return Reply(207 if errors else 200, self._batch(results, errors))

    @on("POST", OF_MANY + "/batch/archive", budget=BUDGET)
    def unlink_batch(self, call: Call) -> Reply:
        """Answer 204."""
        from_type, to_type = type_of(call), type_of(call, "to")
        for one in self._pairs(call, ("from", "to"), most=2000):
            record = self.records.get(from_type, _id(one["from"]))
            if not isinstance(one["to"], list):
                raise bad_json('Cannot deserialize "to" as a list')
            for other in one["to"]:
                self.records.unlink(record, (to_type, _id(other)))
        return Reply(204)

    @on("POST", OF_MANY + "/batch/labels/archive", budget=BUDGET)
    def unlabel_batch(self, call: Call) -> Reply:
        """Answer 204; the plain type takes the whole association with it."""
        from_type, to_type = type_of(call), type_of(call, "to")
        for one in self._pairs(call, ("from", "to", "types"), most=2000):
            record = self.records.get(from_type, _id(one["from"]))
            _, numbers = self.records.association_types(from_type, one["types"], to_type=to_type)
            self.records.unlabel(record, (to_type, _id(one["to"])), numbers)
        return Reply(204)

    @on("GET", OF_MANY + "/labels", budget=BUDGET)
    def labels(self, call: Call) -> Reply:
        """Answer 200 with the association types between two object types."""
        pair = (type_of(call), type_of(call, "to"))
        known = [number for number, kind in self.records.kinds.items() if kind.pair == pair]
        return Reply(200, {"results": [self._shown_type(one) for one in known]})

    def _pairs(self, call: Call, keys: tuple[str, ...], *, most: int) -> list[Mapping[str, Any]]:
        inputs = shaped(self.body(call), required=("inputs",))["inputs"]
        if not isinstance(inputs, list):
            raise bad_json('Cannot deserialize "inputs" as a list')
        if len(inputs) > most:
            raise Refusal(f"The maximum number of inputs supported in a batch request is {most}.")
        return [shaped(one, required=keys, optional=("after",) if keys == ("id",) else ()) for one in inputs]

    def _each_pair(self, call: Call, keys: tuple[str, ...], *, most: int, status: int) -> Reply:
        from_type, to_type = type_of(call), type_of(call, "to")
        results, errors = [], []
        for one in self._pairs(call, keys, most=most):
            try:
                record = self.records.get(from_type, _id(one["from"]))
                other = self.records.linkable(to_type, _id(one["to"]))
                with_types = "types" in keys
                results.append(
                    self._link_with(record, other, one["types"])
                    if with_types
                    else self._link_default(record, other)
                )
            except Refusal as refusal:
                errors.append(
                    refusal.as_item({"fromObjectId": [str(one["from"])], "toObjectId": [str(one["to"])]})
                )
        return Reply(207 if errors else status, self._batch(results, errors))

    def _link_with(self, record: Record, other: Record, types: Any) -> dict[str, Any]:
        _, numbers = self.records.association_types(record.type_id, types, to_type=other.type_id)
        self.records.link(record, other, numbers)
        return {
            "fromObjectTypeId": record.type_id,
            "fromObjectId": record.id,
            "toObjectTypeId": other.type_id,
            "toObjectId": other.id,
            "labels": [label for one in numbers if (label := self.records.kinds[one].label)],
        }

    def _link_default(self, record: Record, other: Record) -> dict[str, Any]:
        known = ASSOCIATION_TYPES.get((record.type_id, other.type_id))
        if known is None:
            raise Refusal("There is no default association between these objects")
        self.records.link(record, other, [known])
        spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": known}
        return {"from": {"id": record.id}, "to": {"id": other.id}, "associationSpec": spec}

    def _batch(self, results: list[Any], errors: list[Any] | None = None) -> dict[str, Any]:
        now = iso(self.now())
        body = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
        return {**body, **({"numErrors": len(errors), "errors": errors} if errors else {})}


def _none_of(record: Record, to_type: str) -> dict[str, Any]:
    """Return the error that stands for a record without associations of a kind; recorded by integrators (read 2026-11-30)."""
    kind, other = SINGULARS[record.type_id], SINGULARS[to_type]
    refusal = Refusal(f"No {other} is associated with {kind} {record.id}.", category="OBJECT_NOT_FOUND")
    context = {"fromObjectId": [record.id], "fromObjectType": [kind], "toObjectType": [other]}
    return {**refusal.as_item(context), "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}


def _id(reference: Any) -> str:
    return str(shaped(reference, required=("id",))["id"])
