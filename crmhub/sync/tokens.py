"""Renewing an app's access token before it ends, by one worker at a time. Every call to a vendor comes through this door.

A refresh token may work only once, so of two workers that use it at the same time one would lose the account. Whoever renews claims it first, on
the connection's row, commits, asks the vendor with no transaction open, and stores both tokens at once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections
from django.db import connection as database
from django.db.models import Q

from crmhub import services
from crmhub.clock import database_now
from crmhub.models import Connection
from crmhub.services.accounts import NOT_LET_IN, is_to_be_let_in
from crmhub.sync.backoff import wait_after
from crmhub.sync.claim import window_of
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import PaceGate, SendWindow
from crmhub.sync.health import hold_back, note_unwell
from providers.errors import (
    NotSent,
    Permanent,
    ProviderError,
    RateLimited,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.http import Recorder
from providers.oauth import Tokens

log = logging.getLogger(__name__)

ASK_AGAIN = timedelta(seconds=1)  # after which whoever came second looks whether the first is done
LONGEST_WAIT = timedelta(minutes=1)  # between two tries to renew while the vendor is unwell
SHORTEST_LIFE = timedelta(minutes=1)  # whatever the vendor says, or each call would begin by renewing


def keep_access(
    connection: Connection, *, now: datetime | None = None, left: float = float("inf")
) -> ProviderError | None:
    """Renew the access token when it is time; returns what stands in the way of a call, None when nothing does. `connection` is brought up to date.

    `left` are the seconds in which a request may leave. A `NotSent` means that somebody else renews, or that the vendor is unwell: ask again
    in a moment. What concerns the account is written down already. Raises `SecretsUnreadable`, and `RuntimeError` inside a transaction.
    """
    if not connection.is_app:
        return None
    # Opened before the clock is read, so that it can only close too early.
    window = window_of(connection, at_most=left)
    moment = now or database_now()
    if is_to_be_let_in(connection.capabilities, connection.secrets):
        return Unauthorized(NOT_LET_IN)
    if not _is_time(connection, moment):
        return None
    trouble = _renew(connection, window, now=now, moment=moment)
    if isinstance(trouble, RateLimited) or not _is_open(connection, moment):
        return trouble
    return None  # if there is trouble, the old token does until its end


def is_to_be_kept_alive(connection: Connection, now: datetime) -> bool:
    """Return whether half of the time has gone in which the refresh token must be used; a push uses it, also where nothing is due."""
    oauth, since = connection.capabilities.oauth, connection.token_obtained_at
    if oauth is None or oauth.unused_for is None or since is None:
        return False
    return since + oauth.unused_for / 2 <= now


def _is_time(connection: Connection, now: datetime) -> bool:
    secrets = connection.secrets
    if not secrets.get("refresh_token"):
        return False
    if connection.renewal_refused_at is not None and _is_open(connection, now):
        return False  # asked once more at the token's end, if nobody has authorised the app again by then
    renewal_at = connection.token_renewal_at
    return not secrets.get("access_token") or renewal_at is None or renewal_at <= now


def _is_open(connection: Connection, now: datetime) -> bool:
    """Return whether the access token may still work; of one that somebody brought, nobody knows."""
    ends = connection.token_expires_at
    return bool(connection.secrets.get("access_token")) and (ends is None or ends > now)


def _renew(
    connection: Connection, window: SendWindow, *, now: datetime | None, moment: datetime
) -> ProviderError | None:
    if database.in_atomic_block:
        raise RuntimeError("A token must not be renewed inside a transaction.")
    claim = moment + timedelta(seconds=settings.LEASE_SECONDS)
    if not _claimed(connection, until=claim, now=moment):
        connection.refresh_from_db()
        return _being_renewed()
    asked = _ask(connection, window, now=now)
    return _patiently(lambda: _settle(connection, asked, claim, now=now or database_now()))


def _settle(
    connection: Connection, asked: Tokens | ProviderError, claim: datetime, *, now: datetime
) -> ProviderError | None:
    if isinstance(asked, ProviderError):
        return _not_renewed(connection, asked, claim, now=now)
    is_stored = _store(connection, asked, now=now)
    connection.refresh_from_db()
    return None if is_stored else _being_renewed()


def _patiently(write: Callable[[], ProviderError | None]) -> ProviderError | None:
    """Write down what came of a renewal, again and again while the database is away: a refresh token that works once is used up by now."""
    until = time.monotonic() + settings.LEASE_SECONDS / 2
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError):
            if time.monotonic() >= until:
                raise
            log.warning("tokens_not_stored_yet: the database does not answer")
            close_old_connections()
            time.sleep(0.5)


def _claimed(connection: Connection, *, until: datetime, now: datetime) -> bool:
    free = Q(refreshing_until__isnull=True) | Q(refreshing_until__lte=now)
    rows = Connection.objects.filter(free, pk=connection.pk, disconnected_at__isnull=True)
    return bool(
        rows.filter(credentials_version=connection.credentials_version).update(refreshing_until=until)
    )


def _being_renewed() -> NotSent:
    return NotSent(
        "The access token is being renewed at this moment; nothing was sent. Ask again in a moment."
    )


def _ask(connection: Connection, window: SendWindow, *, now: datetime | None) -> Tokens | ProviderError:
    recorder: Recorder | None = None
    gate = PaceGate(connection.pk, limits_of(connection), lane=0, window=window, now=now)
    try:
        provider, recorder = provider_for(connection, gate=gate)
        return provider.refresh_tokens()
    except ProviderError as error:
        return error
    except Exception:
        log.exception("provider_failed: refresh_tokens")
        detail = "An error in the hub itself while the access token was renewed; it is in the log."
        return Unconfirmed(detail) if recorder is not None and recorder.exchanges else Transient(detail)


def _store(connection: Connection, tokens: Tokens, *, now: datetime) -> bool:
    """Store the tokens wherever the refresh token that they replace is still the stored one; returns whether they were.

    Not bound to the claim: a worker whose claim has ended, but whom the vendor gave the only tokens that work, must not throw them away. Other
    secrets that somebody changed meanwhile stay as they are now.
    """
    used = connection.secrets.get("refresh_token")
    row: Connection | None = connection
    while row is not None and row.secrets.get("refresh_token") == used:
        renewed = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token or str(used),
        }
        if services.replace_secrets(
            connection=row,
            secrets={**row.secrets, **renewed},
            version=row.credentials_version,
            expires_at=now + life_of(tokens),
            now=now,
        ):
            return True
        row = Connection.objects.filter(pk=row.pk, disconnected_at__isnull=True).first()
    return False


def life_of(tokens: Tokens) -> timedelta:
    """Return how long the access token works from now on, so that no worker's clock decides when it ends."""
    return max(tokens.expires_at - datetime.now(UTC), SHORTEST_LIFE)


def _not_renewed(
    connection: Connection, error: ProviderError, claim: datetime, *, now: datetime
) -> ProviderError:
    """Write down what the failure means, as far as the claim is still ours and the credentials are still those.

    After a lost answer the same refresh token is sent again, also where it works once: if it is used up, the vendor says so then.
    """
    ours = Connection.objects.filter(
        pk=connection.pk, credentials_version=connection.credentials_version, refreshing_until=claim
    )
    if isinstance(error, Permanent):
        which = "renewal_refused_at" if _is_open(connection, now) else "reauthorise_since"
        is_ours = ours.update(refreshing_until=None, last_error=error.detail[:500], **{which: now})
        connection.refresh_from_db()
        return error if is_ours else _being_renewed()
    if isinstance(error, NotSent):
        ours.update(refreshing_until=None)
        return error
    # The claim is kept for as long as nobody is to ask again.
    wait = min(wait_after(connection.failures + 1), LONGEST_WAIT)
    if ours.update(refreshing_until=now + wait):
        if isinstance(error, RateLimited):
            hold_back(connection, until=now + timedelta(seconds=error.retry_after), why=error.detail)
        else:
            note_unwell(connection, f"The access token could not be renewed. {error.detail}", now=now)
    connection.refresh_from_db()
    return error
