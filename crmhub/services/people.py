"""Writing contacts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import phonenumbers
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from crmhub.clock import database_now
from crmhub.models import Contact, Task
from crmhub.services.owing import owe_contact
from crmhub.services.texts import refuse_nul, search_text

SEARCH_BATCH = 500  # tasks whose search text is rewritten in one statement


def save_contact(
    *,
    contact: Contact,
    changed: Collection[str],
    by: AbstractBaseUser | None = None,
    origin: str = "system",
    now: datetime | None = None,
) -> Contact:
    """Save the contact and owe it to the CRMs that follow contacts.

    `changed` names the fields that `contact` carries new values for; the others are taken from the database, so that two people who edit
    different fields do not undo each other. Raises `ValidationError` by field. A contact that is new is saved whole.
    """
    with transaction.atomic():
        now = now or database_now()
        is_new = contact._state.adding
        row = contact if is_new else _with_changes(contact, changed)
        _tidy(row)
        row.updated_at = now
        row.origin = origin
        if is_new:
            row.created_at = now
        row.full_clean()
        row.version += 1
        row.__dict__["_history_user"] = by
        row.save(force_insert=is_new)
        _refresh_tasks(row)
        owe_contact(row, now=now)
    _copy(row, to=contact)
    return contact


def _with_changes(contact: Contact, changed: Collection[str]) -> Contact:
    # No key: a task's save that adds this contact need not wait for us, while we wait for that task below.
    row = Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    for name in changed:
        setattr(row, name, getattr(contact, name))
    return row


def _copy(row: Contact, *, to: Contact) -> None:
    for field in Contact._meta.concrete_fields:
        setattr(to, field.attname, getattr(row, field.attname))
    to._state.adding = False


def _tidy(contact: Contact) -> None:
    problems: dict[str, list[str]] = {}
    for name in ("first_name", "last_name", "email", "phone", "company", "job_title"):
        setattr(contact, name, str(getattr(contact, name)).strip())
        refuse_nul(getattr(contact, name), name, problems)
    contact.email = contact.email.lower()
    contact.more_emails = _emails(contact.more_emails, problems)
    contact.more_phones = _texts(contact.more_phones, "more_phones", problems)
    contact.phone_e164 = e164(contact.phone)
    if not any((contact.first_name, contact.last_name, contact.email, contact.phone)):
        problems["last_name"] = [
            "Give a name, an e-mail or a phone: there is nothing to know this contact by."
        ]
    if problems:
        raise ValidationError(problems)


def _emails(given: Any, problems: dict[str, list[str]]) -> list[str]:
    emails = [email.lower() for email in _texts(given, "more_emails", problems)]
    for email in emails:
        try:
            validate_email(email)
        except ValidationError:
            problems.setdefault("more_emails", []).append(f"{email} is not an e-mail address.")
    return emails


def _texts(given: Any, name: str, problems: dict[str, list[str]]) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        problems.setdefault(name, []).append("This must be a list of texts.")
        return []
    for text in given:
        refuse_nul(text, name, problems)
    return [text.strip() for text in given if text.strip()]


def e164(phone: str) -> str:
    """Return the phone in E.164, or "" when it cannot be understood; numbers without a country are the hub's region's."""
    try:
        number = phonenumbers.parse(phone, getattr(settings, "PHONE_REGION", "") or None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _refresh_tasks(contact: Contact) -> None:
    """Rewrite the search text of the contact's tasks where it differs now, in batches."""
    ids = sorted(Task.objects.filter(task_contacts__contact=contact).values_list("pk", flat=True))
    for start in range(0, len(ids), SEARCH_BATCH):
        batch = Task.objects.filter(pk__in=ids[start : start + SEARCH_BATCH])
        # Locked, so that a title which is saved at this moment is not put back; in order, so that two of us cannot wait for each other.
        tasks = list(batch.order_by("pk").select_for_update(no_key=True).prefetch_related("contacts"))
        stale = []
        for task in tasks:
            text = search_text(task, task.contacts.all())
            if text != task.search_text:
                task.search_text = text
                stale.append(task)
        Task.objects.bulk_update(stale, ["search_text"])
