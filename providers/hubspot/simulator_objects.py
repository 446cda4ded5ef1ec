"""The simulated paths of records: one, a listing, a search, and the batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.hubspot.simulator_linked import Record
from providers.hubspot.simulator_portal import Portal, listed, named, on, page_of, type_of
from providers.hubspot.simulator_schema import PLURALS, Refusal, bad_json, iso, object_type, shaped, texts
from providers.hubspot.simulator_search import search
from providers.simulator import Call, Reply

MOST_IN_A_BATCH = 100
OBJECTS = "/crm/v3/objects/{type}"


class ObjectPaths(Portal):
    """`/crm/v3/objects/…`"""

    # One record

    @on("POST", OBJECTS)
    def create(self, call: Call) -> Reply:
        """Answer 201 with the new record."""
        # The schema calls associations required; recorded calls without them succeed.
        body = shaped(self.body(call), required=("properties",), optional=("associations",))
        record = self.records.create(type_of(call), body, id_=self.new_id(), now=self.now())
        return Reply(201, self.records.shown(record, list(record.properties)))

    @on("GET", OBJECTS + "/{id}")
    def read(self, call: Call) -> Reply:
        """Answer 200 with the record and the associations asked for."""
        record = self.record_of(call, archived=call.query.get("archived") == "true")
        return Reply(200, self._with_links(record, call))

    @on("PATCH", OBJECTS + "/{id}")
    def update(self, call: Call) -> Reply:
        """Answer 200 with the record as it is now."""
        body = shaped(self.body(call), required=("properties",))
        record = self.record_of(call)
        self.records.change(record, body["properties"], now=self.now())
        return Reply(200, self.records.shown(record, list(body["properties"])))

    @on("DELETE", OBJECTS + "/{id}")
    def delete(self, call: Call) -> Reply:
        """Answer 204, also for a record that is gone or never was."""
        record = self.records.held.get((type_of(call), named(call, "id")))
        if record is not None and record.archived_at is None:
            self.records.archive(record, now=self.now())
        return Reply(204)

    # Many

    @on("GET", OBJECTS)
    def list_records(self, call: Call) -> Reply:
        """Answer 200 with a page of records, oldest first."""
        limit, after = page_of(call, default=10, most=100)
        everything = list(self.records.of_type(type_of(call), archived=call.query.get("archived") == "true"))
        rest = [one for one in everything if not after or int(one.id) >= int(after)]
        answer: dict[str, Any] = {"results": [self._with_links(one, call) for one in rest[:limit]]}
        if len(rest) > limit:
            answer["paging"] = {
                "next": {"after": rest[limit].id, "link": f"https://api.hubapi.com{call.path}"}
            }
        return Reply(200, answer)

    @on("POST", OBJECTS + "/search", budget="search")
    def search(self, call: Call) -> Reply:
        """Answer 200 with what the index knows."""
        self._is_search = True
        found = search(
            self.records,
            type_of(call),
            self.body(call),
            length=len(call.body.decode()),
            is_indexed=lambda record: self.is_found(record.created_at),
            most=self.search_shows,
        )
        return Reply(200, found)

    def _with_links(self, record: Record, call: Call) -> dict[str, Any]:
        shown = self.records.shown(record, listed(call, "properties"))
        links: dict[str, Any] = {}
        for name in listed(call, "associations"):
            type_id = object_type(name)
            links |= self.records.shown_links(record, PLURALS[type_id], type_id)
        return {**shown, **({"associations": links} if links else {})}

    # Batches

    @on("POST", OBJECTS + "/batch/create")
    def create_batch(self, call: Call) -> Reply:
        """Answer 201, or 207 where every input has a trace id and some were refused."""

        def create(one: Mapping[str, Any]) -> dict[str, Any]:
            record = self.records.create(type_of(call), one, id_=self.new_id(), now=self.now())
            return self.records.shown(record, list(record.properties))

        inputs = self._inputs(call, required=("properties",), optional=("associations", "objectWriteTraceId"))
        return self._each(inputs, create, status=201)

    @on("POST", OBJECTS + "/batch/read")
    def read_batch(self, call: Call) -> Reply:
        """Answer 200, or 207 with the ids that are not there."""
        body = shaped(
            self.body(call),
            required=("inputs", "properties"),
            optional=("propertiesWithHistory", "idProperty"),
        )
        names, found, missing = texts(body["properties"], "properties"), [], []
        for one in self._inputs(call, required=("id",)):
            try:
                by = str(body.get("idProperty") or "")
                found.append(self.records.get(type_of(call), str(one["id"]), by=by))
            except Refusal as refusal:
                if refusal.status != 404:
                    raise
                missing.append(str(one["id"]))
        errors = []
        if missing:
            gone = Refusal(
                "Could not get some objects, they may be deleted or not exist.", category="OBJECT_NOT_FOUND"
            )
            errors = [gone.as_item({"ids": missing})]
        return self._complete([self.records.shown(one, names) for one in found], errors, status=200)

    @on("POST", OBJECTS + "/batch/update")
    def update_batch(self, call: Call) -> Reply:
        """Answer 200, or 207 where every input has a trace id and some were refused."""

        def update(one: Mapping[str, Any]) -> dict[str, Any]:
            record = self.records.get(type_of(call), str(one["id"]), by=str(one.get("idProperty") or ""))
            self.records.change(record, one["properties"], now=self.now())
            return self.records.shown(record, list(one["properties"]))

        optional = ("idProperty", "objectWriteTraceId")
        return self._each(
            self._inputs(call, required=("id", "properties"), optional=optional), update, status=200
        )

    @on("POST", OBJECTS + "/batch/upsert")
    def upsert_batch(self, call: Call) -> Reply:
        """Answer 200; each result says whether it is new. By e-mail it takes no part of a contact: what is not sent is cleared."""

        def upsert(one: Mapping[str, Any]) -> dict[str, Any]:
            by = str(one.get("idProperty") or "")
            if by in ("", "hs_object_id"):
                raise Refusal("idProperty must name a unique property")
            try:
                record = self.records.get(type_of(call), str(one["id"]), by=by)
            except Refusal as refusal:
                if refusal.status != 404:
                    raise
                body = {"properties": {by: one["id"], **one["properties"]}}
                record = self.records.create(type_of(call), body, id_=self.new_id(), now=self.now())
                return {**self.records.shown(record, list(record.properties)), "new": True}
            kept = dict.fromkeys(record.properties, "") if by == "email" else {}
            self.records.change(record, {**kept, by: one["id"], **one["properties"]}, now=self.now())
            return {**self.records.shown(record, list(one["properties"])), "new": False}

        optional = ("idProperty", "objectWriteTraceId")
        return self._each(
            self._inputs(call, required=("id", "properties"), optional=optional), upsert, status=200
        )

    @on("POST", OBJECTS + "/batch/archive")
    def archive_batch(self, call: Call) -> Reply:
        """Answer 204."""
        for one in self._inputs(call, required=("id",)):
            record = self.records.held.get((type_of(call), str(one["id"])))
            if record is not None and record.archived_at is None:
                self.records.archive(record, now=self.now())
        return Reply(204)

    def _inputs(
        self, call: Call, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> list[Mapping[str, Any]]:
        body = self.body(call)
        inputs = body.get("inputs") if isinstance(body, Mapping) else None
        if not isinstance(inputs, list):
            raise bad_json("Some required fields were not set: [inputs]")
        if not call.path.endswith("/read") and set(body) != {"inputs"}:
            raise bad_json(f'Unrecognized field "{min(set(body) - {"inputs"})}"')
        if len(inputs) > MOST_IN_A_BATCH:
            raise Refusal(f"The maximum number of inputs supported in a batch request is {MOST_IN_A_BATCH}.")
        found = [shaped(one, required=required, optional=optional) for one in inputs]
        ids = [str(one["id"]) for one in found if "id" in one]
        if len(ids) != len(set(ids)):
            raise Refusal("Duplicate IDs found in batch input. IDs must be unique")
        traces = [one["objectWriteTraceId"] for one in found if "objectWriteTraceId" in one]
        if len(traces) != len(set(traces)):
            raise Refusal("Duplicate objectWriteTraceIds found in batch input")
        return found

    def _each(
        self,
        inputs: list[Mapping[str, Any]],
        do: Callable[[Mapping[str, Any]], dict[str, Any]],
        *,
        status: int,
    ) -> Reply:
        results, errors = [], []
        can_tell = all("objectWriteTraceId" in one for one in inputs)
        if not can_tell:
            # Without a trace id on every input it is all or nothing: try on a copy that is thrown away first.
            self._rehearse(inputs, do)
        for number, one in enumerate(inputs):
            trace = one.get("objectWriteTraceId")
            try:
                if self.refuses_part and can_tell and number % 2:
                    raise Refusal("simulated: this item is refused")
                results.append({**do(one), **({"objectWriteTraceId": trace} if trace else {})})
            except Refusal as refusal:
                errors.append(refusal.as_item({"objectWriteTraceId": [str(trace)]}))
        # The order of results is promised nowhere.
        self._chance.shuffle(results)
        return self._complete(results, errors, status=status)

    def _rehearse(
        self, inputs: list[Mapping[str, Any]], do: Callable[[Mapping[str, Any]], dict[str, Any]]
    ) -> None:
        kept = self.records
        self.records = kept.copy()
        try:
            for one in inputs:
                do(one)
        finally:
            self.records = kept

    def _complete(self, results: list[Any], errors: list[Any], *, status: int) -> Reply:
        now = iso(self.now())
        body = {
            "status": "COMPLETE",
            "results": results,
            "requestedAt": now,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            return Reply(207, {**body, "numErrors": len(errors), "errors": errors})
        return Reply(status, body)

    # Contacts only

    @on("POST", "/crm/v3/objects/contacts/merge")
    def merge(self, call: Call) -> Reply:
        """Answer 200 with the survivor: a new record to which both old ids lead."""
        body = shaped(self.body(call), required=("primaryObjectId", "objectIdToMerge"))
        return Reply(
            200, self.records.shown(self._merged(str(body["primaryObjectId"]), str(body["objectIdToMerge"])))
        )

    def merge_contacts(self, primary: str, other: str) -> None:
        """Merge two contacts, as a person does in HubSpot: both ids lead to a new one."""
        self._merged(primary, other)
        self.tell()

    def remove_contact(self, id_: str) -> None:
        """Move a contact to the recycling bin, as a person does in HubSpot."""
        self.records.archive(self.records.held["0-1", id_], now=self.now())
        self.tell()

    def _merged(self, primary: str, other: str) -> Record:
        first, second = (self.records.get("0-1", one) for one in (primary, other))
        merged = Record("0-1", self.new_id(), self.now(), self.now())
        merged.properties = {
            **second.properties,
            **{name: one for name, one in first.properties.items() if one},
        }
        self.records.held["0-1", merged.id] = merged
        for old in (first, second):
            for task in self.records.linked(old, "0-27"):
                self.records.link(task, merged, [204])
            self.records.archive(old, now=self.now())
            self.records.merged["0-1", old.id] = merged.id
        self.records.events = [
            {
                "subscriptionType": "contact.merge",
                "objectId": int(merged.id),
                "primaryObjectId": int(first.id),
                "mergedObjectIds": [int(second.id)],
                "newObjectId": int(merged.id),
                "numberOfPropertiesMoved": len(second.properties),
            }
        ]
        return merged

    def restore(self, id_: str) -> None:
        """Take a task out of the recycling bin, as a person does in HubSpot; the API cannot."""
        self.records.held["0-27", id_].archived_at = None
        self.records.events.append(
            {"subscriptionType": "object.restore", "objectId": int(id_), "objectTypeId": "0-27"}
        )
        self.tell()
