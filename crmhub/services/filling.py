"""Storing links where there are none, and over those of which nothing is known: made by a save, and not sent yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from crmhub.models import Connection, ContactLink, PushedLink, SyncStatus
from crmhub.models.links import OFF

_KEPT = ("id", "connection", "task", "contact", "generation", "retired", "awaits_contact")


def fill_links(connection: Connection, rows: Sequence[Any]) -> set[UUID]:
    """Insert these links, or write them over those that have no external id and that no worker holds; returns whose are stored.

    Of two that are to have one external id the second is left out.
    """
    if not rows:
        return set()
    subject = "contact_id" if isinstance(rows[0], ContactLink) else "task_id"
    model = type(rows[0])
    wanted = {getattr(row, subject): row for row in rows}
    present = links_present(model, connection, subject, wanted)
    new = {pk: row for pk, row in wanted.items() if pk not in present}
    model.objects.bulk_create(new.values(), ignore_conflicts=True)
    # A save may have made its own link in between: then that one is there.
    present |= links_present(model, connection, subject, new)
    return {
        pk
        for pk, row in wanted.items()
        if (there := present.get(pk)) is not None
        and ((pk in new and _is_same(there, row)) or _is_written(there, row))
    }


def links_present(
    model: Any, connection: Connection, subject: str, wanted: Iterable[UUID]
) -> dict[UUID, Any]:
    """Return, locked, the links of these tasks or contacts (`subject` is the column) that there are."""
    links = model.objects.filter(connection=connection, **{f"{subject}__in": list(wanted)})
    locked = links.order_by("pk").select_for_update(of=("self",), no_key=True)
    return {getattr(link, subject): link for link in locked}


def _is_same(there: PushedLink, row: PushedLink) -> bool:
    return (there.pk, there.external_id, there.due_at) == (row.pk, row.external_id, row.due_at)


def _is_written(there: PushedLink, row: PushedLink) -> bool:
    """Write the row over a link that nothing is known of; returns whether it was."""
    if there.external_id or there.claim_token is not None or there.sync_status in OFF:
        return False
    try:
        with transaction.atomic():
            write_over(there, row)
    except IntegrityError:
        return False
    return True


def write_over(there: PushedLink, row: PushedLink) -> None:
    """Write all that the row says over the link that is there, but for what only that one can know."""
    names = [one.attname for one in type(row)._meta.concrete_fields if one.name not in _KEPT]
    changes = {name: getattr(row, name) for name in names}
    changes["wanted_version"] = max(there.wanted_version, row.wanted_version)
    if there.pk == row.pk:
        changes["generation"] = row.generation
    if row.external_id and there.due_at is not None and not _is_enough(there, row):
        # A save made this link, and what it wants may not be there yet.
        changes |= {"sync_status": SyncStatus.PENDING, "due_at": there.due_at, "lane": there.lane}
        changes |= {"last_error": "", "last_error_code": ""}
    type(row)._default_manager.filter(pk=there.pk).update(**changes)


def _is_enough(there: PushedLink, row: PushedLink) -> bool:
    # How a contact stands there has not been compared.
    if isinstance(row, ContactLink):
        return False
    return row.sync_status == SyncStatus.IN_SYNC and there.wanted_version <= row.wanted_version
