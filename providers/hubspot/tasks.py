"""HubSpot's calls about tasks, one by one and by the hundred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from providers.error_cases import Answer
from providers.errors import Conflict, NotFound, ProviderError, Unconfirmed
from providers.hubspot import payloads
from providers.hubspot.account import AccountCalls
from providers.hubspot.batches import in_batches, verdicts
from providers.hubspot.client import record
from providers.hubspot.linking import SAID_OF_LINKS, Linker, lost_association
from providers.hubspot.payloads import KEY_PROPERTY, PROPERTY_OF
from providers.hubspot.reading import TASKS
from providers.hubspot.standing import Asked
from providers.types import (
    Canonical,
    Field,
    HubKey,
    NewTask,
    Outcome,
    RemoteRef,
    RemoteTask,
    TaskChange,
    TaskDraft,
    with_marker,
)

Verdict = Mapping[str, Any] | ProviderError
NO_CONTENT = 204  # what HubSpot answers to a delete


class TaskCalls(AccountCalls):
    """Tasks: made, changed, closed, deleted, read, found."""

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task with its associations in one call, after one for the labels of each kind that has some; pins follow, one call each.

        The answer is silent about associations. A key that is taken means that an earlier create landed: that task is brought to the draft,
        which costs more calls.
        """
        linker = Linker(self._client)
        try:
            answer = self._client.call("POST", TASKS, json_body=self._new_task(draft, key, linker))
        except Conflict as conflict:
            return self._adopt(draft, key, conflict)
        except NotFound as error:
            raise lost_association(error, draft) from error
        return linker.pin_new(self._reader.task(record(answer, "id", writes=True)), draft)

    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Bring the changed fields to the draft: one call for all properties.

        Changed associations, labels and pins cost up to four calls for each kind before that and a fetch after it.
        """
        properties = self._properties(draft, changed, key)
        if not changed & SAID_OF_LINKS:
            return self._patch(ref, properties) if properties else self.fetch_task(ref)
        linker = Linker(self._client)
        linker.bring(ref, draft, changed)
        told = self._patch(ref, properties) if properties else None
        return self._reader.fetch(ref if told is None else told.ref, linker.words(draft))

    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed; HubSpot stamps the moment itself, so `done_at` is not used."""
        return self._patch(ref, {"hs_task_status": "COMPLETED"})

    def reopen_task(self, ref: RemoteRef) -> RemoteTask:
        """Mark the task as not started."""
        return self._patch(ref, {"hs_task_status": "NOT_STARTED"})

    def delete_task(self, ref: RemoteRef) -> None:
        """Move the task to the recycling bin. HubSpot answers alike for one that is gone or never was."""
        _refuse_unsaid(self._client.call("DELETE", _path(ref)))

    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task with its associations, labels and pins: one call, and one for each kind of record that it points at."""
        return self._reader.fetch(ref)

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task with this key: by the unique property, else among the tasks of its first record, else by search."""
        [outcome] = self._finder.find([NewTask(draft, key)])
        if outcome.error is not None:
            raise outcome.error
        return outcome.task

    def _new_task(self, draft: TaskDraft, key: HubKey, linker: Linker) -> dict[str, Any]:
        return payloads.new_task(self._all_properties(draft, key), linker.of_new(draft))

    def _all_properties(self, draft: TaskDraft, key: HubKey) -> dict[str, str]:
        properties = self._properties(draft, frozenset(PROPERTY_OF), key)
        return {**properties, KEY_PROPERTY: str(key)} if self._reader.has_property else properties

    def _properties(self, draft: TaskDraft, names: frozenset[Field], key: HubKey) -> dict[str, str]:
        body = draft.body if self._reader.has_property else with_marker(draft.body, key)
        return payloads.task_properties(draft, names, body=body, spelling=self._spelling)

    def _patch(self, ref: RemoteRef, properties: Mapping[str, str]) -> RemoteTask:
        answer = self._client.call("PATCH", _path(ref), json_body={"properties": properties})
        return self._reader.task(record(answer, "id", writes=True))

    def _adopt(self, draft: TaskDraft, key: HubKey, conflict: Conflict) -> RemoteTask:
        found = self._finder.by_unique_key(key)
        if found is None:
            raise conflict
        return self.update_task(found.ref, draft, changed=frozenset(Field), key=key)

    # Batches

    def create_tasks(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Create several tasks, a hundred to a call; each has its own verdict. A key that comes twice is created once."""
        once = {item.key: item for item in items}
        outcomes = dict(zip(once, in_batches(list(once.values()), self._create_batch), strict=True))
        return tuple(outcomes[item.key] for item in items)

    def update_tasks(self, items: Sequence[TaskChange]) -> tuple[Outcome, ...]:
        """Update several tasks, a hundred to a call. Those whose associations are to be changed, and a task that comes twice, go singly after."""
        times = Counter(item.ref.id for item in items)
        writable = [item for item in items if times[item.ref.id] == 1 and self._writes_properties(item)]
        holds = self._standing(writable)
        is_together = [
            item in writable and (not item.changed & SAID_OF_LINKS or item.ref.id in holds) for item in items
        ]
        together = [item for item, fits in zip(items, is_together, strict=True) if fits]
        single = [item for item, fits in zip(items, is_together, strict=True) if not fits]
        outcomes = iter(in_batches(together, self._update_batch))
        others = iter(super().update_tasks(single))
        return tuple(
            _holding(next(outcomes), holds.get(item.ref.id, {})) if fits else next(others)
            for item, fits in zip(items, is_together, strict=True)
        )

    def _standing(self, items: Sequence[TaskChange]) -> dict[str, dict[Field, Canonical]]:
        asked = [Asked(one.ref, one.draft, one.changed) for one in items if one.changed & SAID_OF_LINKS]
        return Linker(self._client).standing(asked)

    def find_tasks(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Return which of these tasks are there: a hundred keys to a call by the unique property, four or five to a search."""
        return self._finder.find(items)

    def delete_tasks(self, refs: Sequence[RemoteRef]) -> tuple[Outcome, ...]:
        """Delete several tasks, a hundred to a call."""
        once = list(dict.fromkeys(refs))
        outcomes = dict(zip(once, in_batches(once, self._delete_batch), strict=True))
        return tuple(outcomes[ref] for ref in refs)

    def _create_batch(self, items: Sequence[NewTask]) -> Sequence[Outcome]:
        if len(items) == 1:
            return super().create_tasks(items)
        linker, inputs, told = Linker(self._client), {}, dict[str, Verdict]()
        for item in items:
            try:
                body = self._new_task(item.draft, item.key, linker)
                inputs[str(item.key)] = {"objectWriteTraceId": str(item.key), **body}
            except ProviderError as error:  # a label that is not there is this item's trouble and no other's
                told[str(item.key)] = error
        if inputs:
            body = {"inputs": list(inputs.values())}
            told |= verdicts(self._client.call("POST", f"{TASKS}/batch/create", json_body=body), inputs)
        taken = [item for item in items if isinstance(told[str(item.key)], Conflict)]
        adopted = self._adopt_batch(taken, told) if taken and self._reader.is_unique else {}
        return [
            adopted.get(str(item.key)) or self._created(item, told[str(item.key)], linker) for item in items
        ]

    def _created(self, item: NewTask, verdict: Verdict, linker: Linker) -> Outcome:
        if isinstance(verdict, NotFound):
            return Outcome(error=lost_association(verdict, item.draft))
        if isinstance(verdict, ProviderError):
            return Outcome(error=verdict)
        try:
            return Outcome(task=linker.pin_new(self._reader.task(verdict), item.draft))
        except ProviderError as error:
            return Outcome(error=error)

    def _adopt_batch(self, items: Sequence[NewTask], told: Mapping[str, Verdict]) -> dict[str, Outcome]:
        """Bring the tasks whose keys are taken to their drafts: properties in one upsert by the key, associations after it."""
        inputs = [
            {
                "id": str(item.key),
                "idProperty": KEY_PROPERTY,
                "objectWriteTraceId": str(item.key),
                "properties": self._all_properties(item.draft, item.key),
            }
            for item in items
        ]
        try:
            answer = self._client.call("POST", f"{TASKS}/batch/upsert", json_body={"inputs": inputs})
            told = verdicts(answer, [str(item.key) for item in items])
        except ProviderError as error:
            told = {str(item.key): error for item in items}
        outcomes = {str(item.key): self._outcome(told[str(item.key)]) for item in items}
        landed = {item.key: outcomes[str(item.key)].task for item in items}
        asked = [
            Asked(task.ref, item.draft, SAID_OF_LINKS)
            for item in items
            if (task := landed[item.key]) is not None
        ]
        holds = Linker(self._client).standing(asked)
        return {str(item.key): self._adopted(item, outcomes[str(item.key)], holds) for item in items}

    def _adopted(
        self, item: NewTask, outcome: Outcome, holds: Mapping[str, Mapping[Field, Canonical]]
    ) -> Outcome:
        if outcome.task is None:
            return outcome
        ref = outcome.task.ref
        if ref.id in holds:
            return _holding(outcome, holds[ref.id])
        try:
            return Outcome(task=self.update_task(ref, item.draft, changed=SAID_OF_LINKS, key=item.key))
        except ProviderError as error:
            return Outcome(error=error)

    def _writes_properties(self, item: TaskChange) -> bool:
        return bool(self._properties(item.draft, item.changed, item.key))

    def _update_batch(self, items: Sequence[TaskChange]) -> Sequence[Outcome]:
        if len(items) == 1:
            return super().update_tasks(items)
        inputs = [
            {
                "id": item.ref.id,
                "objectWriteTraceId": item.ref.id,
                "properties": self._properties(item.draft, item.changed, item.key),
            }
            for item in items
        ]
        answer = self._client.call("POST", f"{TASKS}/batch/update", json_body={"inputs": inputs})
        told = verdicts(answer, [item.ref.id for item in items])
        return [self._outcome(told[item.ref.id]) for item in items]

    def _delete_batch(self, refs: Sequence[RemoteRef]) -> Sequence[Outcome]:
        if len(refs) == 1:
            return super().delete_tasks(refs)
        body = {"inputs": [{"id": ref.id} for ref in refs]}
        _refuse_unsaid(self._client.call("POST", f"{TASKS}/batch/archive", json_body=body))
        return [Outcome()] * len(refs)

    def _outcome(self, verdict: Verdict) -> Outcome:
        if isinstance(verdict, ProviderError):
            return Outcome(error=verdict)
        return Outcome(task=self._reader.task(verdict))


def _refuse_unsaid(answer: Answer) -> None:
    # An empty 200 is nobody's word for it: it may come from something in between. To delete again is harmless.
    if answer.status != NO_CONTENT:
        raise Unconfirmed("HubSpot did not say whether it is deleted.", status=answer.status)


def _holding(outcome: Outcome, holds: Mapping[Field, Canonical]) -> Outcome:
    """Return the outcome of a task that holds this too."""
    if outcome.task is None:
        return outcome
    return Outcome(task=replace(outcome.task, holds={**outcome.task.holds, **holds}))


def _path(ref: RemoteRef) -> str:
    return f"{TASKS}/{quote(ref.id, safe='')}"
