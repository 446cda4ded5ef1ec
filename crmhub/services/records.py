"""Writing companies, deals, tickets and events."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from crmhub.clock import database_now
from crmhub.models import Record
from crmhub.services.texts import refuse_nul


def save_record(
    *,
    record: Record,
    changed: Collection[str],
    by: AbstractBaseUser | None = None,
    now: datetime | None = None,
) -> Record:
    """Save the record. Raises `ValidationError` by field. Its kind cannot be changed once it is there."""
    with transaction.atomic():
        now = now or database_now()
        is_new = record._state.adding
        if not is_new:
            kept = Record.objects.select_for_update(no_key=True).get(pk=record.pk)
            record.kind, record.version, record.created_at = kept.kind, kept.version, kept.created_at
            record.name = record.name if "name" in changed else kept.name
        else:
            record.created_at = now
        record.name = record.name.strip()
        problems: dict[str, list[str]] = {}
        refuse_nul(record.name, "name", problems)
        if problems:
            raise ValidationError(problems)
        record.updated_at = now
        record.full_clean()
        record.version += 1
        record.__dict__["_history_user"] = by
        record.save(force_insert=is_new)
    return record
