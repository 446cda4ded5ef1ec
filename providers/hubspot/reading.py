"""Reading tasks: what is asked for, and what an answer says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from providers.errors import Forbidden
from providers.hubspot.client import Client, record
from providers.hubspot.json_shapes import mapping
from providers.hubspot.labels import LinkType, Words, told_labels
from providers.hubspot.payloads import (
    ASSOCIATED,
    KEY_PROPERTY,
    PROPERTY_OF,
    Spelling,
    labelled,
    linked_in,
    remote_task,
)
from providers.types import ASSOCIATIONS, Canonical, Field, RemoteRef, RemoteTask

TASKS = "/crm/v3/objects/tasks"
TASK = "0-27"  # HubSpot's id of the object type
PIN = (
    "hs_pinned_engagement_id"  # of a contact, company, deal or ticket: the one activity that is pinned on it
)
PLURALS = ",".join(plural for _, plural, _ in ASSOCIATED.values())


class TaskReader:
    """The tasks of one account. `has_property` says that the key is kept in a property of ours, else in the body."""

    def __init__(self, client: Client, spelling: Spelling, learned: Mapping[str, object]) -> None:
        """Keep how to read; opens nothing. `learned` is what `prepare` returned."""
        self.has_property = learned.get("key") != "none" and "key_is_unique" in learned
        self.is_unique = self.has_property and learned["key_is_unique"] is True
        self._client = client
        self._spelling = spelling
        # HubSpot is never asked for a property that the portal may not have.
        ours = [KEY_PROPERTY] if self.has_property else []
        self.wanted = [*PROPERTY_OF.values(), "hs_lastmodifieddate", *ours]

    def task(self, told: Mapping[str, Any]) -> RemoteTask:
        """Return the task in an answer."""
        return remote_task(told, spelling=self._spelling)

    def fetch(self, ref: RemoteRef, words: Words | None = None) -> RemoteTask:
        """Return the task with its associations, their labels and its pins.

        One call, one for the pins of each kind of record that it points at, and more only for a kind that is labelled or fills a page. Labels
        are named in `words`, else as HubSpot names them, in snake case.
        """
        query = {"properties": ",".join(self.wanted), "associations": PLURALS}
        answer = self._client.call("GET", f"{TASKS}/{quote(ref.id, safe='')}", query=query)
        told = record(answer, "id", writes=False)
        associations = dict(mapping(told.get("associations")))
        links: dict[Field, Mapping[str, tuple[LinkType, ...]]] = {}
        with_labels = labelled(associations)
        for name, (type_id, plural, _) in ASSOCIATED.items():
            if mapping(associations.get(plural)).get("paging") or name in with_labels:
                links[name] = self._client.links(TASK, str(told["id"]), type_id)
                associations[plural] = {"results": [{"id": one} for one in links[name]]}
        task = self.task({**told, "associations": associations})
        holds: dict[Field, Canonical] = {**task.holds, Field.LABELS: told_labels(links, words or {})}
        return replace(task, holds=holds | self._pins(task.ref, associations))

    def _pins(self, ref: RemoteRef, associations: Mapping[str, Any]) -> dict[Field, Canonical]:
        pinned = []
        for name, (_, plural, _) in ASSOCIATED.items():
            ids = [str(one["id"]) for one in linked_in(associations, plural) if one.get("id")]
            try:
                held = self._client.pins(plural, ids, PIN)
            except Forbidden:
                # A token that may read tasks and not this kind of record: of pins nothing can be said.
                return {}
            pinned += [f"{ASSOCIATIONS[name]}:{id_}" for id_, task in held.items() if task == ref.id]
        return {Field.PINS: tuple(sorted(pinned))}
