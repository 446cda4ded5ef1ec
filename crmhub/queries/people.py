"""Reading contacts, records and staff."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db.models import Prefetch, Q, QuerySet

from crmhub.models import Contact, Record, RecordLink, Task
from crmhub.queries.sync import live_contact_links


def staff() -> QuerySet[Any]:
    """Return the people that a task can be given to."""
    return (
        get_user_model()
        ._default_manager.filter(is_active=True, is_staff=True)
        .order_by("first_name", "last_name", "username")
    )


def contact_rows(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Return the contacts with all that a list shows of them: `live_links`."""
    return contacts.prefetch_related(Prefetch("links", queryset=live_contact_links(), to_attr="live_links"))


def contacts_matching(contacts: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Narrow the contacts to those with every word of the text in a name, the e-mail, the phone or the company."""
    for word in text.replace("\x00", " ").split():
        found = Q(last_name__icontains=word) | Q(first_name__icontains=word) | Q(email__icontains=word)
        found |= Q(company__icontains=word) | Q(phone__icontains=word) | Q(phone_e164__contains=word)
        contacts = contacts.filter(found)
    return contacts


def record_rows(records: QuerySet[Record]) -> QuerySet[Record]:
    """Return the records with all that a list shows of them: `live_links`."""
    links = RecordLink.objects.filter(connection__disconnected_at__isnull=True).select_related("connection")
    return records.prefetch_related(Prefetch("links", queryset=links, to_attr="live_links"))


def links_of_record(record_id: UUID) -> dict[UUID, RecordLink]:
    """Return the record's counterparts by connection."""
    return {link.connection_id: link for link in RecordLink.objects.filter(record_id=record_id)}


def tasks_about(*, contact: UUID | None = None, record: UUID | None = None, most: int = 20) -> QuerySet[Task]:
    """Return the tasks about this contact or record, the newest first."""
    tasks = Task.objects.filter(deleted_at__isnull=True)
    if contact is not None:
        tasks = tasks.filter(task_contacts__contact=contact)
    if record is not None:
        tasks = tasks.filter(task_records__record=record)
    return tasks.order_by("-created_at", "id")[:most]
