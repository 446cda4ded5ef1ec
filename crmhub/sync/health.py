"""Writing down how an account is: unwell, over its quota, or refusing our credentials."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db.models import F

from crmhub.models import Connection
from crmhub.queries.lost import connections_to_watch, links_are_lost
from crmhub.sync import circuit

log = logging.getLogger(__name__)


def hold_back(connection: Connection, *, until: datetime, why: str) -> None:
    """Leave the whole account alone until then; an earlier, longer wait stays.

    Nothing is claimed meanwhile, and its page says why. What is under way already is held back by the pace (`pace.hold`).
    """
    row = Connection.objects.filter(pk=connection.pk)
    row.filter(wait_until__isnull=True).update(wait_until=until, wait_reason=why[:500])
    row.filter(wait_until__lt=until).update(wait_until=until, wait_reason=why[:500])


def note_unwell(connection: Connection, detail: str, *, calls: int = 1, now: datetime) -> None:
    """Count calls of the account that failed; several in a row let it rest. Those that were under way when it began to rest make it no longer."""
    row = Connection.objects.filter(pk=connection.pk)
    row.update(failures=F("failures") + calls, last_error=detail[:500])
    failures, resting_until = row.values_list("failures", "wait_until").get()
    if resting_until is not None and resting_until > now:
        return
    if (rest := circuit.rest_after(failures, before=failures - calls)) is not None:
        why = f"{failures} failures in a row: it is tried again with one task. {detail}"
        hold_back(connection, until=now + rest, why=why)


def note_well(connection: Connection) -> None:
    """Write down that the account answers again."""
    Connection.objects.filter(pk=connection.pk).update(failures=0, last_error="")


def note_refused(connection: Connection, detail: str, *, now: datetime) -> None:
    """Write down that the credentials of `connection`, as it was read, are refused.

    Nothing if they were renewed meanwhile. An access token that has worked and can be renewed is at its end; with any other, a person is needed.
    """
    row = Connection.objects.filter(pk=connection.pk)
    still_used = row.filter(credentials_version=connection.credentials_version)
    if _can_be_renewed(row.get()):
        still_used.update(token_expires_at=now)
    else:
        still_used.filter(reauthorise_since__isnull=True).update(
            reauthorise_since=now, last_error=detail[:500]
        )


def is_tried_again(connection: Connection) -> bool:
    """Return whether a refusal of these credentials ends without a person: they are others by now, or are renewed."""
    fresh = Connection.objects.get(pk=connection.pk)
    return fresh.credentials_version != connection.credentials_version or _can_be_renewed(fresh)


def _can_be_renewed(connection: Connection) -> bool:
    if not connection.is_app or not connection.secrets.get("refresh_token"):
        return False
    if connection.renewal_refused_at is not None:
        return False
    # A token that is refused although it never worked would be followed by another such, for ever.
    worked = [one for one in (connection.last_success_at, connection.last_checked_at) if one is not None]
    since = connection.token_obtained_at
    return since is None or any(moment >= since for moment in worked)


def has_lost_links(connection: Connection, *, now: datetime) -> bool:
    """Return whether the links of this connection are lost, and write it down: until they are rebuilt nothing may be sent there.

    Without them every task would be made there a second time.
    """
    if connection.links_lost_at is None and links_are_lost(connection):
        row = Connection.objects.filter(pk=connection.pk, links_lost_at__isnull=True)
        if row.update(links_lost_at=now):
            log.error("links_lost: %s is held until `manage.py relink` has rebuilt its links", connection)
        connection.links_lost_at = now
    return connection.links_lost_at is not None


def watch_links(*, now: datetime) -> None:
    """Look at every connection whether its links are there."""
    for connection in connections_to_watch():
        has_lost_links(connection, now=now)
