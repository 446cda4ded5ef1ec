"""Writing authorisations: somebody goes to a CRM's page to let our app in, and comes back."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crmhub.clock import database_now
from crmhub.crypto import seal, unseal
from crmhub.models import Authorisation, Connection

LASTS = timedelta(minutes=10)


@dataclass(frozen=True)
class Begun:
    """What goes along to the CRM's page, once: the state itself, and a challenge made of the verifier."""

    state: str = field(repr=False)
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Returned:
    """Somebody is back: from which connection's trip, and with what the code is exchanged."""

    connection: Connection
    verifier: str = field(repr=False)


def begin_authorisation(
    *, connection: Connection, by: Any, session_key: str, now: datetime | None = None
) -> Begun:
    """Remember who goes where, for ten minutes. Trips that are over are forgotten."""
    now = now or database_now()
    begun = Begun(state=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48))
    Authorisation.objects.filter(expires_at__lte=now).delete()
    Authorisation.objects.create(
        state_digest=_digest(begun.state),
        connection=connection,
        user=by,
        session_digest=_digest(session_key),
        sealed_verifier=seal({"verifier": begun.verifier}),
        expires_at=now + LASTS,
    )
    return begun


def finish_authorisation(
    *, state: str, by: Any, session_key: str, now: datetime | None = None
) -> Returned | None:
    """Return what was begun with this state, by this person in this session, at most ten minutes ago; else None. The state is used up."""
    now = now or database_now()
    found = (
        Authorisation.objects.select_related("connection").filter(state_digest=_digest(state or "")).first()
    )
    # Of two who bring the same state, one deletes the row.
    if found is None or not Authorisation.objects.filter(pk=found.pk).delete()[0]:
        return None
    is_theirs = found.user_id == by.pk and found.session_digest == _digest(session_key)
    if not is_theirs or found.expires_at <= now or not found.connection.is_live:
        return None
    return Returned(found.connection, unseal(found.sealed_verifier)["verifier"])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
