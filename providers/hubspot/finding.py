"""Which task carries a hub key: asked for many keys at once, however the portal lets us keep them."""

from __future__ import annotations

from collections.abc import Sequence

from providers.errors import NotFound, ProviderError
from providers.hubspot.batches import in_batches, of_the_vendor
from providers.hubspot.client import Client
from providers.hubspot.payloads import ASSOCIATED, KEY_PROPERTY
from providers.hubspot.reading import TASK, TaskReader
from providers.hubspot.records import key_search, keys_in_one_search
from providers.types import HubKey, NewTask, Outcome, RemoteRef, RemoteTask


class TaskFinder:
    """The way back from a hub key to the task that carries it."""

    def __init__(self, client: Client, reader: TaskReader) -> None:
        """Keep whom to ask; asks nothing."""
        self._client = client
        self._reader = reader

    def find(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Return for each item the task with its key: by the unique property, else among the tasks of its first record, else by search.

        Search is behind the store by seconds, the other two are not. It is asked last even where the property is unique: the task
        may be older than the property and carry the key in its body. The property is one call for a hundred keys, records are two calls
        and more for each, a search is for four or five. What could not be asked has its error, and the rest keep what they were told.
        """
        first = (
            in_batches(items, self._by_property, stops=of_the_vendor)
            if self._reader.is_unique
            else in_batches(items, self._by_record, most=1, stops=of_the_vendor)
        )
        left = [item for item, one in zip(items, first, strict=True) if _is_open(one)]
        most = keys_in_one_search(self._reader.has_property)
        searched = iter(in_batches(left, self._by_search, most=most, stops=of_the_vendor))
        return tuple(next(searched) if _is_open(one) else one for one in first)

    def by_unique_key(self, key: HubKey) -> RemoteTask | None:
        """Return the task whose unique property has this key; None too where the property is not unique."""
        return self._with_unique_keys([str(key)]).get(str(key)) if self._reader.is_unique else None

    def _by_property(self, items: Sequence[NewTask]) -> list[Outcome]:
        found = self._with_unique_keys([str(item.key) for item in items])
        return [Outcome(task=found.get(str(item.key))) for item in items]

    def _with_unique_keys(self, keys: Sequence[str]) -> dict[str, RemoteTask]:
        told = self._client.read_by(KEY_PROPERTY, "tasks", keys, self._reader.wanted)
        return {task.key: task for task in map(self._reader.task, told)}

    def _by_record(self, items: Sequence[NewTask]) -> list[Outcome]:
        return [Outcome(task=self._of_first_record(item)) for item in items]

    def _of_first_record(self, item: NewTask) -> RemoteTask | None:
        linked = [
            (type_id, one.ref.id)
            for name, (type_id, _, _) in ASSOCIATED.items()
            for one in getattr(item.draft, name)
        ]
        if not linked:
            return None
        type_id, record_id = linked[0]
        ids = self._client.links(type_id, record_id, TASK)
        newest_first = sorted(ids, key=lambda id_: (len(id_), id_), reverse=True)
        told = self._client.read_batch("tasks", newest_first, self._reader.wanted)
        return next((task for task in map(self._reader.task, told) if task.key == str(item.key)), None)

    def _by_search(self, items: Sequence[NewTask]) -> list[Outcome]:
        keys = [item.key for item in items]
        body = key_search(keys, self._reader.wanted, has_property=self._reader.has_property)
        refs: dict[str, RemoteRef] = {}
        for task in map(self._reader.task, self._client.search("tasks", body)):
            refs.setdefault(task.key, task.ref)
        return [self._fetched(refs.get(str(key))) for key in keys]

    def _fetched(self, ref: RemoteRef | None) -> Outcome:
        try:
            return Outcome(task=self._reader.fetch(ref) if ref else None)
        except NotFound:  # the index may still show what was deleted a moment ago
            return Outcome()
        except ProviderError as error:
            return Outcome(error=error)


def _is_open(one: Outcome) -> bool:
    """Return whether the task is not there as far as one way can tell."""
    return one.task is None and (one.error is None or isinstance(one.error, NotFound))
