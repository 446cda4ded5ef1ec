"""Letting an app into an account: where a member of staff is sent, and what is done with the code that they bring back."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection as database
from django.urls import reverse

from crmhub import services
from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import PaceGate
from crmhub.sync.tokens import life_of
from providers.errors import ProviderError
from providers.http import is_known_host
from providers.oauth import OAuth, Tokens, address_to_agree_at

log = logging.getLogger(__name__)


class NotLetIn(Exception):
    """The app was not let into the account; the text says why, fit for staff."""


def redirect_uri() -> str:
    """Return the address that the app must name at the vendor; "" while nobody can come back, for `PUBLIC_URL` is not set."""
    return f"{settings.PUBLIC_URL}{reverse('oauth_callback')}" if settings.PUBLIC_URL else ""


def page_to_agree_at(connection: Connection, *, state: str, verifier: str) -> str:
    """Return where to send a member of staff. An account at a simulator has the page there, at the vendor's path."""
    oauth = _oauth_of(connection)
    return address_to_agree_at(
        oauth,
        client_id=connection.secrets["client_id"],
        redirect_uri=redirect_uri(),
        state=state,
        verifier=verifier,
        at=_other_page(connection, oauth),
    )


def let_in(connection: Connection, *, code: str, verifier: str, now: datetime | None = None) -> None:
    """Exchange the code and store the tokens. Raises `NotLetIn` with nothing changed, also where they open another account than this one."""
    if database.in_atomic_block:
        raise RuntimeError("A vendor must not be called inside a transaction.")
    label = connection.capabilities.label
    try:
        tokens = _exchanged(connection, code, verifier, now=now)
        _refuse_other_account(connection, tokens, now=now)
        is_stored = _store(connection, tokens, now=now or database_now())
    except SecretsUnreadable as error:
        raise NotLetIn(str(error)) from error
    except ProviderError as error:
        raise NotLetIn(f"{label} did not let the app in: {error.detail}") from error
    except NotLetIn:
        raise
    except Exception as error:
        log.exception("provider_failed: exchange_code")
        raise NotLetIn("The hub failed to ask; its log says how. Nothing was changed.") from error
    if not is_stored:
        raise NotLetIn(
            "The connection was disconnected, or given another app, meanwhile. Nothing was stored."
        )


def _oauth_of(connection: Connection) -> OAuth:
    oauth = connection.capabilities.oauth
    if oauth is None or not connection.is_app:
        raise NotLetIn(f"{connection.name} is not opened by an app: give it a client id and a client secret.")
    return oauth


def _other_page(connection: Connection, oauth: OAuth) -> str:
    """Return the page at the connection's own address, "" where that address is the vendor's."""
    host = urlsplit(connection.base_url).hostname or ""
    if not connection.base_url or is_known_host(host, connection.capabilities.hosts):
        return ""
    own = urlsplit(connection.base_url)
    return f"{own.scheme}://{own.netloc}{urlsplit(oauth.authorize_url).path}"


def _exchanged(connection: Connection, code: str, verifier: str, *, now: datetime | None) -> Tokens:
    oauth = _oauth_of(connection)
    provider, _ = provider_for(connection, gate=_gate(connection, now), hidden=(code, verifier))
    return provider.exchange_code(
        code, redirect_uri=redirect_uri(), verifier=verifier if oauth.has_pkce else ""
    )


def _refuse_other_account(connection: Connection, tokens: Tokens, *, now: datetime | None) -> None:
    """Raise `NotLetIn` for tokens of another account than the connection's, as far as that is known.

    A vendor that does not say whose they are is asked with them.
    """
    known = connection.account_id or _named_account(connection)
    if not known:
        return
    account = tokens.account_id
    if not account:
        provider, _ = provider_for(connection, gate=_gate(connection, now), secrets=_with(connection, tokens))
        account = provider.check().id
    if account and account != known:
        raise NotLetIn(
            f"The app was let into another account: {account}. This connection is for {connection.account_name or known} ({known}); sign in there, "
            "or connect the other account by itself. Nothing was changed."
        )


def _named_account(connection: Connection) -> str:
    """Return the account that a setting names, "" where none does."""
    names = [one.name for one in connection.capabilities.settings if one.names_account]
    return next((str(connection.settings[name]) for name in names if connection.settings.get(name)), "")


def _store(connection: Connection, tokens: Tokens, *, now: datetime) -> bool:
    """Store the tokens, also where those that they replace were renewed meanwhile; returns whether they were."""
    client_id = connection.secrets["client_id"]
    row: Connection | None = connection
    while row is not None and row.secrets.get("client_id") == client_id:
        if services.replace_secrets(
            connection=row,
            secrets=_with(row, tokens),
            version=row.credentials_version,
            expires_at=now + life_of(tokens),
            now=now,
        ):
            connection.refresh_from_db()
            return True
        row = Connection.objects.filter(pk=row.pk, disconnected_at__isnull=True).first()
    return False


def _with(connection: Connection, tokens: Tokens) -> Mapping[str, str]:
    fresh = {"access_token": tokens.access_token, "refresh_token": tokens.refresh_token}
    return {**connection.secrets, **fresh}


def _gate(connection: Connection, now: datetime | None) -> PaceGate:
    return PaceGate(connection.pk, limits_of(connection), lane=0, now=now)
