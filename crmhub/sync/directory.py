"""Who at the CRM a member of staff is: read from the vendor by e-mail, kept on the owner links, and read again each hour."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model

from crmhub.models import Connection, OwnerLink
from crmhub.sync.credentials import provider_for
from crmhub.sync.gate import PaceGate
from providers.errors import ProviderError, Unsupported

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)


def know_owners(connection: Connection, user_ids: Collection[int], *, gate: PaceGate, now: datetime) -> None:
    """Make sure that it is known who these members of staff are there, calling the vendor when it is not.

    A vendor that cannot tell, or does not answer, leaves what was known as it is: a task is not held up for want of its owner.
    """
    wanted = set(user_ids)
    known = set(
        OwnerLink.objects.filter(
            connection=connection, user_id__in=wanted, checked_at__gt=now - FRESH
        ).values_list("user_id", flat=True)
    )
    if not wanted - known:
        return
    provider, _ = provider_for(connection, gate=gate)
    try:
        owners = provider.list_owners()
    except Unsupported:
        owners = ()
    except ProviderError as error:
        log.warning("owners_not_read: %s", error.detail)
        return
    ids = {owner.email.lower(): owner.id for owner in owners if owner.is_active and owner.email}
    for user in get_user_model().objects.filter(pk__in=wanted):
        OwnerLink.objects.update_or_create(
            connection=connection,
            user=user,
            defaults={
                "external_id": ids.get(user.email.lower(), "") if user.email else "",
                "checked_at": now,
            },
        )
    Connection.objects.filter(pk=connection.pk).update(owners_read_at=now)
