"""What staff do with a link by hand: send it again, keep a task out of a CRM, say which record there is the one here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Greatest

from crmhub import wake
from crmhub.clock import database_now
from crmhub.models import (
    Connection,
    Contact,
    ContactLink,
    Lane,
    PushedLink,
    Record,
    RecordLink,
    SyncStatus,
    Task,
    TaskLink,
    TaskRecord,
)
from crmhub.models.ids import link_id
from crmhub.models.links import NOT_KNOWN
from crmhub.services.owing import HELD, make_missing_contact_links, only_where, owe, owe_tasks_of_contact


def replay_links(
    *, links: Iterable[PushedLink], now: datetime | None = None, lane: Lane = Lane.INTERACTIVE
) -> int:
    """Send these links again, whatever they were; returns how many are owed now.

    What was agreed is forgotten, so every field is sent. A task that is gone there is created anew. A create whose outcome is not known is looked
    for first, unless the CRM cannot be asked: then whoever replays it has looked, and it is sent again. Links that are excluded, deleted connections' links and links being sent at this moment stay as they are,
    but the last are owed again.
    """
    now = now or database_now()
    ids: dict[type[PushedLink], list[Any]] = {}
    for link in links:
        ids.setdefault(type(link), []).append(link.pk)
    count = 0
    with transaction.atomic():
        for model, wanted in ids.items():
            chosen: QuerySet[Any] = model._default_manager.filter(
                pk__in=wanted, connection__disconnected_at__isnull=True
            )
            chosen = chosen.exclude(sync_status__in=[SyncStatus.EXCLUDED, SyncStatus.PAUSED])
            gone = chosen.filter(sync_status=SyncStatus.GONE, claim_token__isnull=True)
            gone.update(external_id="", external_url="", generation=F("generation") + 1, last_write_at=None)
            idle = chosen.filter(claim_token__isnull=True)
            blind = [one.pk for one in Connection.objects.all() if not one.can_find]
            idle.filter(sync_status=SyncStatus.UNKNOWN, connection__in=blind).update(may_land_until=None)
            # Whoever replays a link that stopped its worker has changed something.
            idle.filter(lapses__gt=0).update(lapses=0)
            count += owe(
                chosen,
                now=now,
                lane=lane,
                # Without an id it holds what was sent, for a look to search by.
                ancestor=only_where(~Q(external_id=""), {}, "ancestor"),
                candidates=[],
                failures=0,
                first_failed_at=None,
                sync_status=SyncStatus.PENDING,
                status_since=now,
                # Whoever sends a contact again wants to know whether it is still there.
                **({"pushed_version": NOT_KNOWN} if model is ContactLink else {}),
            )
            wake.after_commit(chosen.values_list("connection_id", flat=True))
    return count


def exclude_link(*, link: TaskLink, now: datetime | None = None) -> bool:
    """Keep the task out of this CRM from now on; what is there already stays there.

    Returns False, with nothing changed, while a worker is sending it.
    """
    return bool(
        TaskLink.objects.filter(pk=link.pk, claim_token__isnull=True).update(
            sync_status=SyncStatus.EXCLUDED, status_since=now or database_now(), due_at=None
        )
    )


def add_to_crm(*, task: Task, connection: Connection, now: datetime | None = None) -> TaskLink:
    """Send the task to this CRM too, also where it was excluded before; returns its link.

    Raises `ValidationError` for an account that is disconnected.
    """
    now = now or database_now()
    _refuse_disconnected(connection)
    with transaction.atomic():
        link, is_new = TaskLink.objects.get_or_create(
            task=task,
            connection=connection,
            defaults={
                "id": link_id(task.pk, connection.pk),
                "wanted_version": task.version,
                "due_at": now,
                "status_since": now,
            },
        )
        if not is_new:
            owe(
                TaskLink.objects.filter(pk=link.pk),
                now=now,
                wanted_version=Greatest(F("wanted_version"), Value(task.version)),
                sync_status=SyncStatus.PENDING,
                status_since=now,
            )
        contacts = list(Contact.objects.filter(task_contacts__task=task))
        make_missing_contact_links(contacts, [connection.pk], now=now, lane=Lane.INTERACTIVE)
        wake.after_commit([connection.pk])
    return link


def choose_candidate(*, link: ContactLink, external_id: str, now: datetime | None = None) -> None:
    """Store a person's choice among several contacts there that fit, and go on with it.

    Raises `ValidationError` when another contact here is that one already.
    """
    external_id = _checked_id(external_id)
    with transaction.atomic():
        others = ContactLink.objects.filter(connection_id=link.connection_id, external_id=external_id)
        if other := others.exclude(pk=link.pk).select_related("contact").first():
            raise ValidationError({"external_id": [f"{other.contact} is that one there already."]})
        ContactLink.objects.filter(pk=link.pk).update(external_id=external_id, candidates=[])
        now = now or database_now()
        owe(ContactLink.objects.filter(pk=link.pk), now=now, sync_status=SyncStatus.PENDING, status_since=now)
        owe_tasks_of_contact(link, now=now)
        wake.after_commit([link.connection_id])


def link_record(
    *, record: Record, connection: Connection, external_id: str, now: datetime | None = None
) -> RecordLink:
    """Say which company, deal, ticket or event there this record is; tasks that point at it are owed again.

    Raises `ValidationError` for an id that is empty, too long or another record's, and for an account that is disconnected.
    """
    now = now or database_now()
    _refuse_disconnected(connection)
    external_id = _checked_id(external_id)
    with transaction.atomic():
        # One save at a time, so that of two that name the same id the second is told so.
        Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        others = RecordLink.objects.filter(connection=connection, kind=record.kind, external_id=external_id)
        if other := others.exclude(record=record).select_related("record").first():
            raise ValidationError({"external_id": [f"{other.record} is that one there already."]})
        link, _ = RecordLink.objects.update_or_create(
            record=record,
            connection=connection,
            defaults={"external_id": external_id, "kind": record.kind},
        )
        _owe_tasks_of_record(record, connection.pk, now=now)
    return link


def unlink_record(*, link: RecordLink, now: datetime | None = None) -> None:
    """Forget which record there this one is; tasks that point at it are owed again."""
    now = now or database_now()
    with transaction.atomic():
        RecordLink.objects.filter(pk=link.pk).delete()
        _owe_tasks_of_record(link.record, link.connection_id, now=now)


def _refuse_disconnected(connection: Connection) -> None:
    if not Connection.objects.filter(pk=connection.pk, disconnected_at__isnull=True).exists():
        raise ValidationError(
            {"connection": [f"{connection} is disconnected: nothing is sent there any more."]}
        )


def _checked_id(given: str) -> str:
    longest = RecordLink._meta.get_field("external_id").max_length or 0
    text = given.strip()
    if not text or len(text) > longest or "\x00" in text:
        raise ValidationError({"external_id": [f"Give the id there: 1 to {longest} characters."]})
    return text


def _owe_tasks_of_record(record: Record, connection_id: Any, *, now: datetime) -> None:
    tasks = TaskRecord.objects.filter(record=record).values("task_id")
    links = TaskLink.objects.filter(
        task_id__in=tasks, connection_id=connection_id, connection__disconnected_at__isnull=True
    ).exclude(sync_status__in=HELD)
    owe(links, now=now, status_since=now, sync_status=SyncStatus.PENDING)
    wake.after_commit([connection_id])
