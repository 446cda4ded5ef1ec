"""Bringing a task's associations, their labels and its pins to what the draft says."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from providers.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    ProviderError,
    Rejected,
    Unconfirmed,
)
from providers.hubspot.client import Client
from providers.hubspot.labels import Labels, Words
from providers.hubspot.payloads import ASSOCIATED
from providers.hubspot.reading import PIN, TASK
from providers.hubspot.standing import Asked, standing, words_of
from providers.types import ASSOCIATIONS, Canonical, Field, Linked, RemoteRef, RemoteTask, TaskDraft

SAID_OF_LINKS = frozenset({*ASSOCIATED, Field.LABELS, Field.PINS})
Gone = dict[Field, set[str]]


class Linker:
    """The associations of one operation; it remembers the account's labels for that long."""

    def __init__(self, client: Client) -> None:
        """Keep the way to HubSpot; opens nothing."""
        self._client = client
        self._labels = Labels(lambda name: client.labels(TASK, ASSOCIATED[name][0]))

    def of_new(self, draft: TaskDraft) -> list[dict[str, Any]]:
        """Return the associations of a create. Asks for labels where the draft has some; raises `Rejected` for one that is not there."""
        return [
            {"to": {"id": linked.ref.id}, "types": self._types(name, linked)}
            for name in ASSOCIATED
            for linked in getattr(draft, name)
        ]

    def _types(self, name: Field, linked: Linked) -> list[dict[str, Any]]:
        return [one.as_json() for one in self._labels.types(name, linked)]

    # Updates

    def bring(self, ref: RemoteRef, draft: TaskDraft, changed: Collection[Field]) -> None:
        """Bring what changed of associations, labels and pins to the draft; may be repeated after any error.

        What is no longer wanted goes last, so that a pin on it is still known when this is repeated.
        """
        gone: Gone = {}
        for name in ASSOCIATED:
            if name in changed or (Field.LABELS in changed and getattr(draft, name)):
                gone[name] = self._add(ref, draft, name, changed)
        if Field.PINS in changed:
            self._pin(ref, draft, gone)
        for name, ids in gone.items():
            if ids:
                self._client.dissociate(TASK, ref.id, ASSOCIATED[name][0], ids)

    def _add(self, ref: RemoteRef, draft: TaskDraft, name: Field, changed: Collection[Field]) -> set[str]:
        """Associate what is missing and label what is there; return what is there and not wanted."""
        type_id = ASSOCIATED[name][0]
        held = self._client.links(TASK, ref.id, type_id)
        wanted = {linked.ref.id: linked for linked in getattr(draft, name)}
        if name in changed:
            wanted = self._survivors(name, wanted, held)
        added, surplus = [], []
        for id_, linked in wanted.items():
            if id_ not in held and name not in changed:
                continue
            if id_ in held and Field.LABELS not in changed:
                continue
            types, there = self._labels.types(name, linked), held.get(id_, ())
            pair = {"from": {"id": ref.id}, "to": {"id": id_}}
            if set(types) - set(there):
                added.append({**pair, "types": [one.as_json() for one in types]})
            if extra := [one.as_json() for one in there if one.is_label and one not in types]:
                surplus.append({**pair, "types": extra})
        self._write(name, draft, added, surplus)
        return set(held) - set(wanted) if name in changed else set()

    def _write(
        self, name: Field, draft: TaskDraft, added: list[dict[str, Any]], surplus: list[dict[str, Any]]
    ) -> None:
        type_id = ASSOCIATED[name][0]
        try:
            if added:
                self._client.associate(TASK, type_id, added)
            if surplus:
                self._client.remove_labels(TASK, type_id, surplus)
        except NotFound as error:
            raise lost_association(error, draft) from error

    def _survivors(
        self, name: Field, wanted: Mapping[str, Linked], held: Mapping[str, Any]
    ) -> dict[str, Linked]:
        """Return what is wanted, by the ids of today.

        A record that was merged has another id, and only a read tells: without asking, the survivor would be taken for one that is no longer
        wanted. So it is asked where something seems to come and something to go.
        """
        if not set(wanted) - set(held) or not set(held) - set(wanted):
            return dict(wanted)
        plural = ASSOCIATED[name][1]
        return {id_ if id_ in held else self._id_today(plural, id_): one for id_, one in wanted.items()}

    def _id_today(self, plural: str, id_: str) -> str:
        try:
            answer = self._client.call("GET", f"/crm/v3/objects/{plural}/{quote(id_, safe='')}")
        except NotFound:
            return id_
        return str(answer.json.get("id") or id_) if isinstance(answer.json, Mapping) else id_

    # Pins

    def _pin(self, ref: RemoteRef, draft: TaskDraft, gone: Gone) -> None:
        for name, (_, plural, _) in ASSOCIATED.items():
            wanted = {linked.ref.id: linked.is_pinned for linked in getattr(draft, name)}
            wanted |= dict.fromkeys(gone.get(name, ()), False)
            pinned = self._client.pins(plural, list(wanted), PIN)
            for id_, is_pinned in wanted.items():
                # A pin of something else is taken over by ours, and never taken away.
                if is_pinned != (pinned.get(id_) == ref.id):
                    self._write_pin(name, id_, ref.id if is_pinned else "")

    def pin_new(self, task: RemoteTask, draft: TaskDraft) -> RemoteTask:
        """Pin a task that was made just now, and return it.

        The task is there whatever comes of this: a pin that is refused is told as missing, and trouble on the way is `Unconfirmed`.
        """
        pinned, is_refused = [], False
        for name in ASSOCIATED:
            for linked in getattr(draft, name):
                if not linked.is_pinned:
                    continue
                try:
                    self._write_pin(name, linked.ref.id, task.ref.id)
                    pinned.append(f"{ASSOCIATIONS[name]}:{linked.ref.id}")
                except (Rejected, NotFound, Forbidden, Conflict):
                    is_refused = True
                except ProviderError as error:
                    raise _made_but_not_pinned(error) from error
        return replace(task, holds={**task.holds, Field.PINS: tuple(sorted(pinned))}) if is_refused else task

    def _write_pin(self, name: Field, record_id: str, task_id: str) -> None:
        path = f"/crm/v3/objects/{ASSOCIATED[name][1]}/{quote(record_id, safe='')}"
        try:
            self._client.call("PATCH", path, json_body={"properties": {PIN: task_id}})
        except (Rejected, NotFound) as error:
            reason = f"HubSpot does not pin it on {ASSOCIATIONS[name]} {record_id}"
            raise Rejected(
                f"{reason}: {error.detail}", fields={Field.PINS: reason}, status=error.status
            ) from error

    # Reading back

    def words(self, draft: TaskDraft) -> Words:
        """Return how the draft itself spells its labels: by name, by number, or by category and number."""
        return words_of(self._labels, draft)

    def standing(self, asked: Sequence[Asked]) -> dict[str, dict[Field, Canonical]]:
        """Return, by id, what those of these tasks hold whose associations, labels and pins need nothing more. Never raises.

        Where HubSpot does not say, none is known to: each by itself will be told why.
        """
        try:
            return standing(self._client, self._labels, asked)
        except ProviderError:
            return {}


def _made_but_not_pinned(error: ProviderError) -> ProviderError:
    # Whatever it was, the task landed: an error that says otherwise would have it made twice.
    return Unconfirmed(
        f"The task was made in HubSpot, but not pinned: {error.detail}",
        status=error.status,
        request_id=error.request_id,
    )


def lost_association(error: NotFound, draft: TaskDraft) -> Permanent:
    """Return what a write means that HubSpot answers with "not found": a record that the task points at is gone there."""
    fields = {str(name): "not there any more" for name in ASSOCIATED if getattr(draft, name)}
    return Rejected(
        "HubSpot does not know a record that the task points at: it was deleted or merged there. Look for it again, or take it off the task.",
        fields=fields,
        status=error.status,
        request_id=error.request_id,
    )
