"""Settling whom a name means that somebody typed into a task, where a CRM has several of that name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Exists, OuterRef

from crmhub.clock import database_now
from crmhub.models import (
    Connection,
    Contact,
    ContactLink,
    Record,
    RecordLink,
    Task,
    TaskContact,
    TaskLink,
    TaskRecord,
)
from crmhub.services.associations import Associated, Associations
from crmhub.services.links import choose_candidate, link_record
from crmhub.services.people import save_contact
from crmhub.services.records import save_record
from crmhub.services.tasks import save_task


def choose_for_task(
    *, link: TaskLink, external_id: str, by: AbstractBaseUser | None = None, now: datetime | None = None
) -> Contact | Record:
    """Add the contact or company that a person chose among the link's candidates to the task, linked with the one there; returns it.

    One that is linked with it already is taken, else one that nobody there is linked with and that has the same e-mail or, of companies, the same
    name; else it is made. The task is saved as a new version, and goes out. Raises `ValidationError` for one that is not among the candidates any more.
    """
    with transaction.atomic():
        now = now or database_now()
        # The task before its links, as every save locks them.
        task = Task.objects.select_for_update(no_key=True).get(pk=link.task_id)
        row = TaskLink.objects.select_related("connection").get(pk=link.pk)
        told = next((one for one in row.candidates if one["id"] == external_id), None)
        if told is None:
            raise ValidationError(
                {"external_id": ["That one is no longer among those to choose from. Look again."]}
            )
        find = _company if told.get("kind") == Record.Kind.COMPANY else _contact
        chosen = find(task, row.connection, told, by=by, now=now)
        TaskLink.objects.filter(pk=row.pk).update(candidates=[])
        save_task(task=task, changed=[], associations=_with(task, chosen), by=by, origin="staff", now=now)
    return chosen


def _contact(
    task: Task,
    connection: Connection,
    told: Mapping[str, str],
    *,
    by: AbstractBaseUser | None,
    now: datetime,
) -> Contact:
    linked = ContactLink.objects.filter(connection=connection, external_id=told["id"])
    if known := linked.select_related("contact").first():
        return known.contact
    contact = _of_the_same_email(connection, told.get("email", ""))
    if contact is None:
        values = {name: told.get(name, "") for name in ("first_name", "last_name", "email", "phone")}
        contact = Contact(**(values if any(values.values()) else {"last_name": task.contact_name}))
        save_contact(contact=contact, changed=[], by=by, origin="staff", now=now)
    link, _ = ContactLink.objects.get_or_create(
        contact=contact,
        connection=connection,
        defaults={"wanted_version": contact.version, "due_at": now, "status_since": now},
    )
    choose_candidate(link=link, external_id=told["id"], now=now)
    return contact


def _of_the_same_email(connection: Connection, email: str) -> Contact | None:
    """Return the contact with this e-mail that is nobody else there."""
    there = ContactLink.objects.filter(connection=connection, contact=OuterRef("pk")).exclude(external_id="")
    return Contact.objects.filter(~Exists(there), email=email.lower()).first() if email else None


def _company(
    task: Task,
    connection: Connection,
    told: Mapping[str, str],
    *,
    by: AbstractBaseUser | None,
    now: datetime,
) -> Record:
    company = Record.Kind.COMPANY
    linked = RecordLink.objects.filter(connection=connection, kind=company, external_id=told["id"])
    if known := linked.select_related("record").first():
        return known.record
    name = told.get("name") or task.company_name
    there = RecordLink.objects.filter(connection=connection, record=OuterRef("pk"))
    record = Record.objects.filter(~Exists(there), kind=company, name__iexact=name).first()
    record = record or save_record(record=Record(kind=company, name=name), changed=[], by=by, now=now)
    link_record(record=record, connection=connection, external_id=told["id"], now=now)
    return record


def _with(task: Task, chosen: Contact | Record) -> Associations:
    """Return the task's associations on that side with the chosen one behind them, so that nobody else's main contact changes."""
    if isinstance(chosen, Contact):
        kept = [
            Associated(row.contact_id, row.label, row.type, row.is_pinned)
            for row in TaskContact.objects.filter(task=task).order_by("position")
        ]
    else:
        kept = [
            Associated(row.record_id, row.label, row.type, row.is_pinned)
            for row in TaskRecord.objects.filter(task=task).order_by("position")
        ]
    wanted = kept if chosen.pk in {one.id for one in kept} else [*kept, Associated(chosen.pk)]
    return Associations(contacts=wanted) if isinstance(chosen, Contact) else Associations(records=wanted)
