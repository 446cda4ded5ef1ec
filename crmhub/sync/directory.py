"""Who at the CRM a member of staff is: read from the vendor by e-mail, kept on the owner links, and read again each hour."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.contrib.auth import get_user_model

from crmhub.models import Connection, OwnerLink
from crmhub.sync.credentials import provider_for
from crmhub.sync.gate import PaceGate
from providers.errors import Permanent, ProviderError, RateLimited, Unauthorized
from providers.types import Owner

log = logging.getLogger(__name__)

FRESH = timedelta(hours=1)
JUST_READ = timedelta(minutes=1)  # what was read less than this ago is not read again for a refusal


def know_owners(
    connection: Connection, user_ids: Collection[int], *, gate: PaceGate, now: datetime
) -> ProviderError | None:
    """Make sure that it is known who these members of staff are there, calling the vendor when it is not.

    Returns an error that concerns the whole account (its quota, its credentials). Any other leaves what was known as it is: a task is not held up
    for want of its owner. A refusal is not asked for again for an hour.
    """
    wanted = set(user_ids)
    fresh = OwnerLink.objects.filter(
        connection=connection, user_id__in=wanted, checked_at__gt=now - FRESH
    ).values_list("user_id", flat=True)
    if wanted <= set(fresh):
        return None
    try:
        provider, _ = provider_for(connection, gate=gate)
        _keep(connection, wanted, provider.list_owners(), now=now)
    except (RateLimited, Unauthorized) as error:
        return error
    except Permanent as error:
        log.warning("owners_not_told: %s", error.detail)
        _keep(connection, wanted, None, now=now)
    except ProviderError as error:
        log.warning("owners_not_read: %s", error.detail)
    except Exception:
        log.exception("provider_failed: list_owners")
        _keep(connection, wanted, None, now=now)
    return None


def forget_owners(connection: Connection, external_ids: Iterable[str], *, now: datetime) -> bool:
    """Have it read again who these users there are: a task was refused for one of them. Returns whether that is worth it.

    It is not where they were read a moment ago: then the CRM lists whom it does not take, and its refusal stands.
    """
    known = OwnerLink.objects.filter(
        connection=connection, external_id__in=list(external_ids), checked_at__lte=now - JUST_READ
    )
    return bool(known.update(checked_at=now - FRESH))


def _keep(
    connection: Connection, user_ids: Collection[int], owners: Collection[Owner] | None, *, now: datetime
) -> None:
    """Store who these people are there; without a list, only that it was asked for."""
    ids = {owner.email.lower(): owner.id for owner in owners or () if owner.is_active and owner.email}
    for user in get_user_model().objects.filter(pk__in=user_ids):
        told = (
            {} if owners is None else {"external_id": ids.get(user.email.lower(), "") if user.email else ""}
        )
        OwnerLink.objects.update_or_create(
            connection=connection, user=user, defaults={**told, "checked_at": now}
        )
    Connection.objects.filter(pk=connection.pk).update(owners_read_at=now)
