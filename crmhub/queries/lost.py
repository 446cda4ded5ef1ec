"""Whether the links of a connection were lost: it had some that came through, and there is none left."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from crmhub.models import Connection, TaskLink

LINKS_LOST = "The hub has lost which task there belongs to which task here. Nothing is sent until its links are rebuilt."


def links_are_lost(connection: Connection) -> bool:
    """Return whether tasks were linked there once and no link is left of those times. One look into an index while all is well.

    Links of contacts do not count: a contact is looked for before it is made, whatever is known of it.
    """
    if connection.linked_at is None:
        return False
    links = TaskLink.objects.filter(connection=connection)
    if links.exclude(external_id="").exists():
        return False
    # Asked only where nothing is there just now: one task that was sent and deleted again, or is being made anew, is no loss.
    return not links.filter(Q(last_success_at__isnull=False) | Q(generation__gt=1)).exists()


def connections_to_watch() -> QuerySet[Connection]:
    """Return the accounts whose links could be lost without anybody knowing it."""
    return Connection.objects.filter(
        disconnected_at__isnull=True, linked_at__isnull=False, links_lost_at__isnull=True
    )
