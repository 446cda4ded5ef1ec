"""Contacts that may be elsewhere at a CRM, or nowhere: having them asked after, and having looked for what was filed under them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction

from crmhub.clock import database_now
from crmhub.models import Connection, ContactLink, Lane, SyncStatus, TaskLink
from crmhub.models.links import NOT_KNOWN, OFF
from crmhub.services.links import owe


def doubt_contacts(
    *, connection: Connection, external_ids: Iterable[str], now: datetime | None = None
) -> int:
    """Have these contacts asked after: a task was refused for them there, or came out with others. Returns how many.

    One that waits for a person, or is on its way already, is left to that.
    """
    now = now or database_now()
    links = ContactLink.objects.filter(
        connection=connection,
        external_id__in=set(external_ids) - {""},
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
