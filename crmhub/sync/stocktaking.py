"""Reading all that a CRM holds and telling which task here each of it is: by the hub's key, else by likeness where just one fits.

Only reads there. What is certain becomes a link, page by page; what is not waits for a person. The links that are made are the progress:
whoever begins again, after a stop or a crash, finds them and does the rest.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import QuerySet

from crmhub import services
from crmhub.models import Connection, Task, TaskLink
from crmhub.models.ids import link_id
from crmhub.queries.stock import (
    contacts_without_counterpart,
    left_alone,
    owners_of_keys,
    retired_ids,
)
from crmhub.services.counterparts import UNMATCHED
from crmhub.services.unmatched import Stranger
from crmhub.sync.counterparts import counterpart, stranger
from crmhub.sync.likeness import fingerprint
from crmhub.sync.mapping import read_tasks
from crmhub.sync.matching import Leftover, Matching
from crmhub.sync.patience import Clock, Patient
from crmhub.sync.people import owners_there, people_there
from crmhub.sync.stock import Stock, batches
from crmhub.sync.values import WantedTask
from providers.types import Canonical, Field, HubKey, RemoteTask, canonical

EVERY = 5.0  # seconds between two lines of progress
TWICE = "It carries the hub's key of a task that has another one there already."
OTHER_GENERATION = (
    "It carries another generation of the key than its task: it was made anew, or the hub knows of less."
)
MAY_BE_THERE = "It may be there already, as one of several: say which under *Unmatched*, or send it again if it is none of them."


class Stocktaking:
    """One walk through an account. With `is_dry` nothing is written; with `is_sent` what differs is owed."""

    def __init__(
        self,
        connection: Connection,
        *,
        clock: Clock,
        tell: Callable[[str], None],
        is_dry: bool = False,
        is_sent: bool = False,
    ) -> None:
        """Keep how to walk; asks nothing yet."""
        self.connection = connection
        self.stock = Stock()
        # Those that are linked now: in a dry run nothing else remembers them.
        self.linked: dict[UUID, str] = {}
        self.uncertain: set[UUID] = set()
        self.people: dict[UUID, str] = {}
        self.owners: dict[object, str] | None = {}
        self._patient = Patient(connection, clock=clock, tell=tell)
        self._clock, self._tell = clock, tell
        self._is_dry, self._is_sent = is_dry, is_sent
        self._seen: set[str] = set()
        self._leftovers: list[Leftover] = []
        self._strangers: list[Stranger] = []
        self._told_at = time.monotonic()

    def take(self, tasks: QuerySet[Task]) -> Stock:
        """Walk through the account and link what is certain. By likeness only these tasks are known again, by key all.

        Raises any `ProviderError` that waiting does not cure; what was linked until then stays.
        """
        self.owners = owners_there(self._patient)
        self._know_people()
        skipped = retired_ids(self.connection) | left_alone(self.connection)
        titles = {fingerprint(values, (Field.TITLE,)) for _, values in self._values(tasks)}
        for page in self._patient.pages(lambda provider, cursor: provider.list_tasks(cursor)):
            self._by_key([one for one in page.items if one.ref.id not in skipped], titles)
            self._say_where_it_is()
        self._by_likeness(tasks)
        self._put_aside()
        return self.stock

    # People

    def _know_people(self) -> None:
        contacts = list(contacts_without_counterpart(self.connection))
        if not contacts:
            return
        self._tell(f"looks for {len(contacts):,} contacts")
        found = people_there(self._patient, contacts)
        self.people = found.ids
        self.stock.contacts = len(self.people)
        self.stock.contacts_unclear = len(found.known) - len(self.people)
        for some in batches(found.known):
            if not self._is_dry:
                services.link_people(connection=self.connection, found=some, now=self._clock.now())

    # By key

    def _by_key(self, told: Sequence[RemoteTask], titles: set[bytes]) -> None:
        new = {one.ref.id: one for one in told if one.ref.id and one.ref.id not in self._seen}
        self._seen |= new.keys()
        self.stock.read += len(new)
        links = TaskLink.objects.filter(connection=self.connection, external_id__in=new)
        for external_id in links.values_list("external_id", flat=True):
            del new[external_id]
            self.stock.linked_before += 1
        keys = {external_id: HubKey.read(one.key) for external_id, one in new.items()}
        owners = owners_of_keys([key.link for key in keys.values() if key is not None])
        elsewhere = self._elsewhere()
        known: dict[UUID, list[tuple[RemoteTask, HubKey]]] = {}
        for external_id, one in new.items():
            key = keys[external_id]
            task_id, owner = owners.get(key.link, (None, None)) if key is not None else (None, None)
            if key is not None and task_id is not None and owner not in elsewhere:
                own = key if owner == self.connection.pk else self._new_key(task_id)
                known.setdefault(task_id, []).append((one, own))
            elif task_id is None and (key is not None or fingerprint(one.holds, (Field.TITLE,)) in titles):
                self._leftovers.append(Leftover(one, key))
            else:
                self.stock.others += 1
        self.stock.by_key += self._link_known(known)

    def _elsewhere(self) -> set[UUID]:
        """Return the other connections that are live: what carries a key of theirs is theirs. Those of an ended one are there to be taken over."""
        live = Connection.objects.filter(disconnected_at=None).exclude(pk=self.connection.pk)
        return set(live.values_list("pk", flat=True))

    def _new_key(self, task_id: UUID) -> HubKey:
        return HubKey(link_id(task_id, self.connection.pk))

    def _link_known(self, known: Mapping[UUID, Sequence[tuple[RemoteTask, HubKey]]]) -> int:
        links = TaskLink.objects.filter(connection=self.connection, task_id__in=known)
        present = {link.task_id: link for link in links.defer("ancestor", "losses", "effects")}
        certain: dict[UUID, tuple[RemoteTask, HubKey]] = {}
        for task_id, ones in known.items():
            link = present.get(task_id)
            if len(ones) > 1 or self._is_taken(task_id, link):
                self._unclear(task_id, ones, link, TWICE)
            elif self._is_of_another_generation(ones[0][1], link):
                self._unclear(task_id, ones, link, OTHER_GENERATION)
            else:
                certain[task_id] = ones[0]
        return len(self._link(certain))

    def _is_taken(self, task_id: UUID, link: TaskLink | None) -> bool:
        is_linked = task_id in self.linked or (link is not None and bool(link.external_id))
        return is_linked or task_id in self.uncertain

    def _is_of_another_generation(self, key: HubKey, link: TaskLink | None) -> bool:
        """Return whether a link knows of more, or fewer, re-creations than the key; one made since a loss knows of none."""
        is_known = link is not None and self.connection.links_lost_at is None and link.pk == key.link
        return link is not None and is_known and link.generation != key.generation

    def _unclear(
        self, task_id: UUID, ones: Sequence[tuple[RemoteTask, HubKey]], link: TaskLink | None, why: str
    ) -> None:
        self._strangers += [stranger(one, why, (task_id,)) for one, _ in ones]
        if link is None or not link.external_id:
            self.uncertain.add(task_id)
        elif task_id in self.linked and not self._is_dry:
            # Of two with the same key one was taken a moment ago, for it came first. That is no reason.
            services.question_links(
                connection=self.connection, task_ids=[task_id], why=MAY_BE_THERE, now=self._clock.now()
            )

    # By likeness

    def _by_likeness(self, tasks: QuerySet[Task]) -> None:
        matching = Matching(self._leftovers, self.connection.capabilities)
        if self._leftovers:
            for task_id, values in self._values(tasks):
                if task_id not in self.linked:
                    matching.look_at(task_id, values)
        certain = {
            task_id: (one.remote, one.key or self._new_key(task_id)) for one, task_id in matching.certain()
        }
        for some in batches(list(certain)):
            self.stock.by_likeness += len(self._link({task_id: certain[task_id] for task_id in some}))
        unclear = list(matching.unclear())
        self._strangers += [stranger(one.leftover.remote, one.why, one.task_ids) for one in unclear]
        self.uncertain |= {task_id for one in unclear for task_id in one.task_ids}
        self.stock.others += len(self._leftovers) - len(certain) - len(unclear)

    def _values(self, tasks: QuerySet[Task]) -> Iterator[tuple[UUID, Mapping[Field, Canonical]]]:
        """Yield these tasks as they should stand there."""
        for some in batches(list(tasks.values_list("pk", flat=True))):
            wanted = self.wanted(some)
            yield from ((task_id, canonical(one.draft)) for task_id, one in wanted.items())

    def wanted(self, task_ids: Sequence[UUID]) -> dict[UUID, WantedTask]:
        """Return these tasks as they should stand there."""
        return self._wanted({task_id: link_id(task_id, self.connection.pk) for task_id in task_ids})

    def _wanted(self, link_ids: Mapping[UUID, UUID]) -> dict[UUID, WantedTask]:
        links = [
            TaskLink(id=pk, task_id=task_id, connection=self.connection) for task_id, pk in link_ids.items()
        ]
        read = read_tasks(self.connection, links, owners_found=self.owners or {}, people_found=self.people)
        return {link.task_id: read[link.pk] for link in links}

    # Linking

    def _link(self, certain: Mapping[UUID, tuple[RemoteTask, HubKey]]) -> set[UUID]:
        wanted = self._wanted({task_id: key.link for task_id, (_, key) in certain.items()})
        found = [
            counterpart(
                self.connection,
                self._as_told(remote),
                key,
                wanted[task_id],
                task_id=task_id,
                now=self._clock.now(),
            )
            for task_id, (remote, key) in certain.items()
        ]
        linked = {one.task_id for one in found}
        if not self._is_dry:
            linked = services.link_counterparts(
                connection=self.connection, found=found, is_sent=self._is_sent, now=self._clock.now()
            )
        self.linked |= {one.task_id: one.external_id for one in found if one.task_id in linked}
        self.stock.differing += sum(bool(one.differing) for one in found if one.task_id in linked)
        return linked

    def _as_told(self, remote: RemoteTask) -> RemoteTask:
        if self.owners is not None:
            return remote
        return replace(
            remote, holds={name: value for name, value in remote.holds.items() if name is not Field.ASSIGNEE}
        )

    # The end

    def _put_aside(self) -> None:
        self.stock.unmatched = len(self._strangers)
        if self._is_dry:
            return
        now = self._clock.now()
        for some in batches(self._strangers):
            services.keep_unmatched(connection=self.connection, strangers=some, now=now)
        services.forget_unmatched(
            connection=self.connection, but={one.external_id for one in self._strangers}
        )
        self.set_aside(self.uncertain - self.linked.keys(), UNMATCHED, MAY_BE_THERE)

    def set_aside(self, task_ids: Collection[UUID], code: str, why: str) -> None:
        """Let these tasks wait for a person."""
        for versions in self._versions(task_ids):
            services.set_aside(
                connection=self.connection, versions=versions, code=code, why=why, now=self._clock.now()
            )

    def send(self, task_ids: Collection[UUID], *, looks_first: bool) -> None:
        """Owe these tasks to the CRM, behind everything else."""
        for versions in self._versions(task_ids):
            services.send_missing(
                connection=self.connection, versions=versions, looks_first=looks_first, now=self._clock.now()
            )

    def _versions(self, task_ids: Collection[UUID]) -> Iterator[dict[UUID, int]]:
        for some in batches(sorted(task_ids)):
            yield dict(Task.objects.filter(pk__in=some, deleted_at=None).values_list("pk", "version"))

    def _say_where_it_is(self) -> None:
        if time.monotonic() - self._told_at >= EVERY:
            self._told_at = time.monotonic()
            self._tell(f"{self.stock.read:,} tasks read there, {self.stock.linked:,} linked")
