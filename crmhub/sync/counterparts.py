"""What a task there is to a task here, as it is to be written down."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from crmhub import services
from crmhub.clock import database_now
from crmhub.models import Connection, Task, TaskLink, Unmatched
from crmhub.models.ids import link_id
from crmhub.queries.stock import owners_of_keys
from crmhub.services.counterparts import Counterpart
from crmhub.services.unmatched import Stranger
from crmhub.sync.credentials import settings_of
from crmhub.sync.likeness import Compared, compare
from crmhub.sync.losses import field_in_words
from crmhub.sync.mapping import read_tasks
from crmhub.sync.values import WantedTask
from providers.types import Canonical, Field, HubKey, RemoteRef, RemoteTask


def counterpart(
    connection: Connection,
    remote: RemoteTask,
    key: HubKey,
    wanted: WantedTask,
    *,
    task_id: UUID,
    now: datetime,
) -> Counterpart:
    """Return the one there as the counterpart of this task: under which key, what it holds, and in what it differs."""
    can = connection.capabilities
    compared = compare(remote, wanted, can=can, settings=settings_of(connection), now=now)
    return Counterpart(
        task_id=task_id,
        version=wanted.version,
        link_id=key.link,
        generation=key.generation,
        external_id=remote.ref.id,
        external_parent_id=remote.ref.parent_id,
        external_url=remote.url,
        ancestor=compared.ancestor,
        losses=[{"field": str(loss.field), "note": loss.note} for loss in wanted.losses],
        differing="" if compared.is_in_step else _in_words(can.label, compared, wanted),
    )


def _in_words(label: str, compared: Compared, wanted: WantedTask) -> str:
    if wanted.is_deleted:
        return f"It is still at {label}, and in the recycle bin here. Send it again to delete it there."
    names = ", ".join(field_in_words(name) for name in compared.differing)
    what = f"differs here and at {label}: {names}" if names else f"is to be another one at {label}"
    return f"The task {what}. Send it again to bring ours there."


def stranger(remote: RemoteTask, why: str, task_ids: Sequence[UUID]) -> Stranger:
    """Return one there that a person must look at."""
    return Stranger(
        external_id=remote.ref.id,
        external_parent_id=remote.ref.parent_id,
        external_url=remote.url,
        key=remote.key,
        holds={str(name): value for name, value in remote.holds.items()},
        why=why,
        task_ids=task_ids,
    )


def match_by_hand(unmatched: Unmatched, task: Task, *, now: datetime | None = None) -> TaskLink:
    """Link the task with the one at the CRM, as a person said, and return its link. Calls nobody.

    What is remembered of the one there is what the stocktaking read. Raises `ValidationError` when it is another task's already.
    """
    now = now or database_now()
    connection = unmatched.connection
    remote = _remembered(unmatched)
    draft = TaskLink(id=link_id(task.pk, connection.pk), task=task, connection=connection)
    wanted = read_tasks(connection, [draft])[draft.pk]
    key = _key_for(draft, HubKey.read(unmatched.key))
    found = counterpart(connection, remote, key, wanted, task_id=task.pk, now=now)
    return services.match_unmatched(unmatched=unmatched, counterpart=found, now=now)


def _remembered(unmatched: Unmatched) -> RemoteTask:
    def told(value: object) -> Canonical:
        return tuple(value) if isinstance(value, list) else value  # type: ignore[return-value]

    return RemoteTask(
        ref=RemoteRef(unmatched.external_id, unmatched.external_parent_id),
        holds={Field(name): told(value) for name, value in unmatched.holds.items()},
        key=unmatched.key,
        url=unmatched.external_url,
    )


def _key_for(draft: TaskLink, key: HubKey | None) -> HubKey:
    """Return the key that the link is to have: the one that lies there, unless it is none or another task's."""
    if key is None:
        return HubKey(draft.pk)
    owner = owners_of_keys([key.link]).get(key.link)
    is_free = owner is None or owner == (draft.task_id, draft.connection_id)
    return key if is_free else HubKey(draft.pk)
