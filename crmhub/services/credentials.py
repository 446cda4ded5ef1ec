"""Writing credentials that nobody typed: tokens that were renewed, and seals with a newer key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable, reseal, seal
from crmhub.models import Connection


def replace_secrets(
    *,
    connection: Connection,
    secrets: Mapping[str, str],
    version: int,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> bool:
    """Store refreshed secrets if those that were used (`version`) are still the ones there; returns whether they were stored.

    `expires_at` is when their access token ends, `now` since when it is; whoever was renewing it is done. The secrets of an account that was
    disconnected meanwhile stay destroyed.
    """
    return bool(
        Connection.objects.filter(
            pk=connection.pk, credentials_version=version, disconnected_at__isnull=True
        ).update(
            sealed_secrets=seal(secrets),
            credentials_version=F("credentials_version") + 1,
            reauthorise_since=None,
            token_expires_at=expires_at,
            token_obtained_at=(now or database_now()) if expires_at is not None else None,
            refreshing_until=None,
            renewal_refused_at=None,
        )
    )


def reseal_secrets() -> int:
    """Encrypt every connection's secrets with the newest key; returns how many. All or none: raises `SecretsUnreadable`, which names the
    connections whose secrets cannot be read, with nothing changed.
    """
    with transaction.atomic():
        rows = list(Connection.objects.select_for_update(no_key=True).exclude(sealed_secrets=""))
        unreadable = []
        for row in rows:
            try:
                row.sealed_secrets = reseal(row.sealed_secrets)
            except SecretsUnreadable:
                unreadable.append(row.name)
        if unreadable:
            raise SecretsUnreadable(
                f"Nothing was changed: the credentials of {', '.join(unreadable)} cannot be read with the keys in CREDENTIALS_KEYS; the "
                "key that sealed them is missing or wrong. Add it behind the newest, or connect these accounts anew."
            )
        Connection.objects.bulk_update(rows, ["sealed_secrets"])
    return len(rows)
