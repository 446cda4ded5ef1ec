"""Which task carries a hub key: asked for many keys at once, however the portal lets us keep them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from providers.errors import NotFound, ProviderError
from providers.hubspot.batches import MOST
from providers.hubspot.client import Client
from providers.hubspot.payloads import ASSOCIATED, KEY_PROPERTY
from providers.hubspot.reading import TASK, TaskReader
from providers.hubspot.records import key_search, keys_in_one_search
from providers.types import HubKey, NewTask, Outcome, RemoteRef, RemoteTask

Found = dict[str, Outcome]


class TaskFinder:
    """The way back from a hub key to the task that carries it."""

    def __init__(self, client: Client, reader: TaskReader) -> None:
        """Keep whom to ask; asks nothing."""
        self._client = client
        self._reader = reader

    def find(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Return for each item the task with its key: by the unique property, else among the tasks of its first record, else by search.

        Search is behind the store by seconds, the other two are not. It is asked last even where the property is unique: the task
        may be older than the property and carry the key in its body. The property is one call for a hundred keys, a search is for four or
        five. What could not be asked has its error, and the rest keep what they were told.
        """
        asked = {str(item.key): item for item in items}
        found: Found = {}
        first = self._by_property if self._reader.is_unique else self._by_record
        for ask, most in ((first, MOST), (self._by_search, keys_in_one_search(self._reader.has_property))):
            found |= _in_parts([item for key, item in asked.items() if key not in found], ask, most=most)
        return tuple(found.get(str(item.key), Outcome()) for item in items)

    def by_unique_key(self, key: HubKey) -> RemoteTask | None:
        """Return the task whose unique property has this key; None too where the property is not unique."""
        return self._with_unique_keys([str(key)]).get(str(key)) if self._reader.is_unique else None

    def _by_property(self, items: Sequence[NewTask]) -> Found:
        found = self._with_unique_keys([str(item.key) for item in items])
        return {key: Outcome(task=task) for key, task in found.items()}

    def _with_unique_keys(self, keys: Sequence[str]) -> dict[str, RemoteTask]:
        told = self._client.read_by(KEY_PROPERTY, "tasks", keys, self._reader.wanted)
        tasks = {key: self._reader.task(record) for key, record in told.items()}
        return {key: task for key, task in tasks.items() if task.key == key}

    def _by_record(self, items: Sequence[NewTask]) -> Found:
        places: dict[str, list[str]] = defaultdict(list)
        for item in items:
            if first := _first_record(item):
                places[first[0]].append(first[1])
        ids = {id_ for type_id, records in places.items() for id_ in self._tasks_of(type_id, records)}
        newest_first = sorted(ids, key=lambda id_: (len(id_), id_), reverse=True)
        return self._those_with_keys(items, newest_first)

    def _tasks_of(self, type_id: str, records: Sequence[str]) -> set[str]:
        linked = self._client.links_of_many(type_id, records, TASK)
        ids = {id_ for links in linked.values() for id_ in links}
        for one in set(records) - set(linked):  # gone, or with more than a page
            try:
                ids |= set(self._client.links(type_id, one, TASK))
            except NotFound:
                continue
        return ids

    def _those_with_keys(self, items: Sequence[NewTask], ids: Sequence[str]) -> Found:
        wanted, found = {str(item.key) for item in items}, Found()
        for task in map(self._reader.task, self._client.read_batch("tasks", ids, self._reader.wanted)):
            if task.key in wanted:
                found[task.key] = Outcome(task=task)
            if len(found) == len(wanted):
                break
        return found

    def _by_search(self, items: Sequence[NewTask]) -> Found:
        keys = [item.key for item in items]
        body = key_search(keys, self._reader.wanted, has_property=self._reader.has_property)
        refs: dict[str, RemoteRef] = {}
        for task in map(self._reader.task, self._client.search("tasks", body)):
            refs.setdefault(task.key, task.ref)
        there = {str(key): self._unless_gone(refs[str(key)]) for key in keys if str(key) in refs}
        return {key: Outcome(task=task) for key, task in there.items()}

    def _unless_gone(self, ref: RemoteRef) -> RemoteTask | None:
        # The index may still show what was deleted a moment ago.
        try:
            return self._reader.fetch(ref)
        except NotFound:
            return None


def _first_record(item: NewTask) -> tuple[str, str] | None:
    linked = [
        (type_id, one.ref.id)
        for name, (type_id, _, _) in ASSOCIATED.items()
        for one in getattr(item.draft, name)
    ]
    return linked[0] if linked else None


def _in_parts(items: Sequence[NewTask], ask: Callable[[Sequence[NewTask]], Found], *, most: int) -> Found:
    """Ask for so many items at a time. After an error nothing more is asked, and it is the outcome of all that were left."""
    found = Found()
    for start in range(0, len(items), most):
        try:
            found |= ask(items[start : start + most])
        except ProviderError as error:
            return found | {str(item.key): Outcome(error=error) for item in items[start:]}
    return found
