"""Writing what a stocktaking found: links with what is at a CRM already, and links that wait for a person because nobody is sure.

Nothing here is sent to a CRM. Where theirs differs from ours the link waits for a person, unless somebody asked for it to be sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from crmhub import wake
from crmhub.clock import database_now
from crmhub.models import Connection, Contact, ContactLink, Lane, SyncStatus, TaskLink
from crmhub.models.ids import link_id
from crmhub.services.filling import fill_links, links_present, write_over

UNMATCHED = "unmatched"  # code of a link whose task may be there already, and nobody is sure which one it is
MISSING = "missing"  # code of a link whose task should be there and was not found
DIFFERS = "differs"  # code of a link that was found and whose task is another one there than here


@dataclass(frozen=True)
class Counterpart:
    """A task at a CRM and the one here, at this version, that it is. `differing` says in words in what they differ; "" when they do not."""

    task_id: UUID
    version: int
    link_id: UUID
    generation: int
    external_id: str
    external_parent_id: str = ""
    external_url: str = ""
    ancestor: Mapping[str, Any] = field(default_factory=dict)
    losses: Sequence[Mapping[str, str]] = ()
    differing: str = ""


@dataclass(frozen=True)
class Known:
    """The person at a CRM who is this contact; or, with `candidates`, several of whom one is. `why` says what is not certain."""

    contact_id: UUID
    version: int
    external_id: str = ""
    external_url: str = ""
    ancestor: Mapping[str, Any] = field(default_factory=dict)
    candidates: Sequence[Mapping[str, str]] = ()
    why: str = ""


def link_counterparts(
    *,
    connection: Connection,
    found: Sequence[Counterpart],
    is_sent: bool = False,
    now: datetime | None = None,
) -> set[UUID]:
    """Link these tasks with what is there; returns the ids of those that are linked so now.

    A link that has an external id, or that a worker holds, stays as it is. What differs waits for a person; with `is_sent`, or where a save
    that came after the loss wants it, it is owed.
    """
    now = now or database_now()
    with transaction.atomic():
        rows = [_task_link(connection, one, is_sent=is_sent, now=now) for one in found]
        linked = fill_links(connection, rows)
        if linked:
            Connection.objects.filter(pk=connection.pk, linked_at__isnull=True).update(linked_at=now)
        wake.after_commit([connection.pk] if is_sent and linked else [])
    return linked


def link_people(*, connection: Connection, found: Sequence[Known], now: datetime | None = None) -> set[UUID]:
    """Link these contacts with the people there, and set those aside of whom several fit; returns the ids of the contacts that are linked."""
    now = now or database_now()
    with transaction.atomic():
        stored = fill_links(connection, [_contact_link(connection, one, now=now) for one in found])
    return stored & {one.contact_id for one in found if one.external_id}


def counterpart_link(*, connection: Connection, counterpart: Counterpart, now: datetime) -> TaskLink:
    """Link one task with what is there, whatever its link says so far, and return the link. Call it inside a transaction.

    Raises `ValidationError` while a worker holds the link.
    """
    row = _task_link(connection, counterpart, is_sent=False, now=now)
    present = links_present(TaskLink, connection, "task_id", [counterpart.task_id])
    there = present.get(counterpart.task_id)
    if there is None:
        row.save(force_insert=True)
        return row
    if there.claim_token is not None:
        raise ValidationError({"task": [f"“{there.task}” is being sent at this moment. Try again."]})
    write_over(there, row)
    there.refresh_from_db()
    return there


def question_links(
    *, connection: Connection, task_ids: Iterable[UUID], why: str, now: datetime | None = None
) -> None:
    """Let the links of these tasks wait for a person: what they were linked with is not certain after all."""
    links = TaskLink.objects.filter(connection=connection, task_id__in=list(task_ids), claim_token=None)
    links.update(
        sync_status=SyncStatus.CONFLICT,
        status_since=now or database_now(),
        due_at=None,
        last_error=why[:1000],
        last_error_code=UNMATCHED,
    )


def set_aside(
    *, connection: Connection, versions: Mapping[UUID, int], code: str, why: str, now: datetime | None = None
) -> None:
    """Let these tasks (their ids, and the versions they have) wait for a person: each may be there already. `code` is `UNMATCHED` or `MISSING`.

    A save does not send them. Whoever sends one again has looked; it is then looked for once more by its key before it is made there.
    """
    now = now or database_now()
    rows = [
        TaskLink(
            id=link_id(task_id, connection.pk),
            task_id=task_id,
            connection=connection,
            wanted_version=version,
            sync_status=SyncStatus.UNKNOWN,
            status_since=now,
            may_land_until=now,
            last_error=why[:1000],
            last_error_code=code,
        )
        for task_id, version in versions.items()
    ]
    with transaction.atomic():
        fill_links(connection, rows)


def send_missing(
    *,
    connection: Connection,
    versions: Mapping[UUID, int],
    looks_first: bool = False,
    now: datetime | None = None,
) -> None:
    """Owe these tasks (their ids, and the versions they have) and their contacts to the CRM, behind everything else.

    Those that have a link there are left alone. With `looks_first` those too of which nothing is known are owed, and each is looked for by its
    key before it is made.
    """
    now = now or database_now()
    rows = [
        TaskLink(
            id=link_id(task_id, connection.pk),
            task_id=task_id,
            connection=connection,
            wanted_version=version,
            status_since=now,
            due_at=now,
            lane=Lane.BACKFILL,
            may_land_until=now if looks_first else None,
        )
        for task_id, version in versions.items()
    ]
    with transaction.atomic():
        if looks_first:
            fill_links(connection, rows)
        else:
            TaskLink.objects.bulk_create(rows, ignore_conflicts=True)
        ContactLink.objects.bulk_create(
            [
                ContactLink(
                    id=link_id(contact.pk, connection.pk),
                    contact=contact,
                    connection=connection,
                    wanted_version=contact.version,
                    status_since=now,
                    due_at=now,
                    lane=Lane.BACKFILL,
                )
                for contact in Contact.objects.filter(task_contacts__task__in=versions).distinct()
            ],
            ignore_conflicts=True,
        )
        wake.after_commit([connection.pk] if rows else [])


def _task_link(connection: Connection, one: Counterpart, *, is_sent: bool, now: datetime) -> TaskLink:
    is_owed = bool(one.differing) and is_sent
    return TaskLink(
        id=one.link_id,
        task_id=one.task_id,
        connection=connection,
        generation=one.generation,
        external_id=one.external_id,
        external_parent_id=one.external_parent_id,
        external_url=one.external_url,
        ancestor=dict(one.ancestor),
        losses=list(one.losses),
        last_success_at=now,
        wanted_version=one.version,
        pushed_version=-1 if one.differing else one.version,
        lane=Lane.BACKFILL,
        due_at=now if is_owed else None,
        status_since=now,
        **_standing(one.differing, is_owed=is_owed),
    )


def _standing(differing: str, *, is_owed: bool) -> dict[str, Any]:
    if not differing:
        return {"sync_status": SyncStatus.IN_SYNC}
    if is_owed:
        return {"sync_status": SyncStatus.PENDING}
    return {
        "sync_status": SyncStatus.CONFLICT,
        "last_error": differing[:1000],
        "last_error_code": DIFFERS,
    }


def _contact_link(connection: Connection, one: Known, *, now: datetime) -> ContactLink:
    link = ContactLink(
        id=link_id(one.contact_id, connection.pk),
        contact_id=one.contact_id,
        connection=connection,
        external_id=one.external_id,
        external_url=one.external_url,
        ancestor=dict(one.ancestor),
        candidates=list(one.candidates),
        wanted_version=one.version,
        status_since=now,
        last_error=one.why[:1000],
    )
    if one.external_id:
        link.sync_status = SyncStatus.IN_SYNC
        link.pushed_version, link.last_success_at = one.version, now
    else:
        link.sync_status = SyncStatus.FAILED if one.candidates else SyncStatus.CONFLICT
        link.last_error_code = "ambiguous" if one.candidates else "taken"
    return link


def end_loss(*, connection: Connection, now: datetime | None = None) -> None:
    """Let the connection send again: its links are rebuilt, or somebody has decided to go on without them."""
    links = TaskLink.objects.filter(connection=connection).exclude(external_id="")
    with transaction.atomic():
        Connection.objects.filter(pk=connection.pk).update(
            links_lost_at=None, linked_at=(now or database_now()) if links.exists() else None
        )
        wake.after_commit([connection.pk])
    connection.refresh_from_db()
