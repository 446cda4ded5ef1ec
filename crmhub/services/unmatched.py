"""Writing down the tasks at a CRM that nobody is sure of, and what a person says of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction

from crmhub.clock import database_now
from crmhub.models import Connection, TaskLink, Unmatched
from crmhub.services.counterparts import Counterpart, counterpart_link


@dataclass(frozen=True)
class Stranger:
    """A task at a CRM of which it is not certain which one here it is: one of `task_ids`, or none. `why` says in words what is not certain."""

    external_id: str
    external_parent_id: str
    external_url: str
    key: str
    holds: Mapping[str, Any]
    why: str
    task_ids: Collection[UUID] = field(default_factory=tuple)


def keep_unmatched(
    *, connection: Connection, strangers: Sequence[Stranger], now: datetime | None = None
) -> None:
    """Keep these for a person to look at. What a person has said to leave alone stays so."""
    now = now or database_now()
    with transaction.atomic():
        for one in strangers:
            told = {
                "external_parent_id": one.external_parent_id,
                "external_url": one.external_url,
                "key": one.key[:40],
                "holds": dict(one.holds),
                "why": one.why[:300],
            }
            row, _ = Unmatched.objects.update_or_create(
                connection=connection,
                external_id=one.external_id,
                defaults=told,
                create_defaults={**told, "found_at": now},
            )
            row.tasks.set(one.task_ids)


def forget_unmatched(*, connection: Connection, but: Collection[str]) -> None:
    """Drop what waited at this connection and is certain by now, or gone there; `but` are the external ids that still wait."""
    open_ones = Unmatched.objects.filter(connection=connection, left_at=None)
    gone = [row.pk for row in open_ones.only("external_id") if row.external_id not in set(but)]
    Unmatched.objects.filter(pk__in=gone).delete()


def leave_unmatched(*, unmatched: Unmatched, now: datetime | None = None) -> None:
    """Leave it as it is there: it is none of ours, or is to be none. The tasks that it may have been wait for a person still."""
    Unmatched.objects.filter(pk=unmatched.pk).update(left_at=now or database_now())


def match_unmatched(
    *, unmatched: Unmatched, counterpart: Counterpart, now: datetime | None = None
) -> TaskLink:
    """Link the task with the one there, as a person said; returns its link. Where they differ, it waits for a person to send it.

    Raises `ValidationError` when the one there is another task's, or the task is being sent at this moment.
    """
    now = now or database_now()
    connection = unmatched.connection
    with transaction.atomic():
        others = TaskLink.objects.filter(connection=connection, external_id=counterpart.external_id)
        if other := others.exclude(task_id=counterpart.task_id).select_related("task").first():
            raise ValidationError({"task": [f"“{other.task}” is that one there already."]})
        link = counterpart_link(connection=connection, counterpart=counterpart, now=now)
        Unmatched.objects.filter(pk=unmatched.pk).delete()
        Unmatched.tasks.through.objects.filter(
            task_id=counterpart.task_id, unmatched__connection=connection
        ).delete()
    return link
