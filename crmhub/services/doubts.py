"""Contacts and users that may be elsewhere at a CRM, or nowhere: having them asked after, and what hangs on them sent or sought again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction

from crmhub.models import Connection, ContactLink, Lane, SyncStatus, TaskLink
from crmhub.models.links import NOT_KNOWN, OFF
from crmhub.services.owing import owe


def doubt_contacts(*, connection: Connection, external_ids: Iterable[str], now: datetime) -> int:
    """Have these contacts asked after: a task was refused for them there, or came out with others. Returns how many.

    One that waits for a person, or is on its way already, is left to that.
    """
    links = ContactLink.objects.filter(
        connection=connection,
        external_id__in=set(external_ids),
        sync_status=SyncStatus.IN_SYNC,
        due_at__isnull=True,
    )
    with transaction.atomic():
        return owe(links, now=now, pushed_version=NOT_KNOWN, sync_status=SyncStatus.PENDING, status_since=now)


def seek_tasks_filed_under(link: ContactLink, external_id: str, *, now: datetime) -> int:
    """Have the tasks that a CRM files under this id looked for: the contact has another one there by now. Returns how many.

    A merge may have moved them, and then to make them anew would double them.
    """
    links = TaskLink.objects.filter(
        connection_id=link.connection_id, external_parent_id=external_id, claim_token__isnull=True
    ).exclude(sync_status__in=[*OFF, SyncStatus.UNKNOWN])
    return owe(
        links,
        now=now,
        lane=Lane.RETRY,
        external_id="",
        external_parent_id="",
        may_land_until=now,
        sync_status=SyncStatus.UNKNOWN,
        status_since=now,
    )


def send_refused_again(*, connection: Connection, link_ids: Iterable[UUID], now: datetime) -> int:
    """Owe these tasks once more, where they are parked: what they were refused for is read anew before. Returns how many."""
    links = TaskLink.objects.filter(
        connection=connection, pk__in=list(link_ids), sync_status=SyncStatus.FAILED, due_at__isnull=True
    )
    with transaction.atomic():
        return owe(links, now=now, sync_status=SyncStatus.PENDING, status_since=now)
