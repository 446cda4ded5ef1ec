"""Asking a CRM whether it knows us: for `connect`, `doctor` and the *Test connection* button."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crmhub import services
from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection, ContactLink, TaskLink
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import PaceGate
from crmhub.sync.health import hold_back, is_tried_again, note_refused, note_unwell
from crmhub.sync.prepare import Prepared, prepare
from crmhub.sync.tokens import keep_access
from providers.errors import NotSent, Permanent, ProviderError, RateLimited, Unauthorized
from providers.types import Identity

log = logging.getLogger(__name__)

CLOCK_TOLERANCE = (
    120.0  # seconds that this machine's clock may differ from the vendor's before it is worth a word
)


@dataclass(frozen=True)
class Checkup:
    """How a connection is, in words: who we are there, what we may do, what is left of the limits; or what is wrong.

    `could_install` is what the account lacks and the hub could make there; `installed` and `not_installed` what came of making it, where that was asked for.
    """

    is_well: bool
    lines: tuple[str, ...] = ()
    error: str = ""
    could_install: tuple[str, ...] = ()
    installed: tuple[str, ...] = ()
    not_installed: tuple[str, ...] = ()


def check_connection(
    connection: Connection, *, install: bool | None = None, now: datetime | None = None
) -> Checkup:
    """Ask the CRM who we are there and whether the account is ready, and remember the answer on the connection. Never raises for the vendor's sake.

    Changes something in the account (a custom property) with `install`; None means only where nothing is known of the account yet. Refused credentials are noted; accepted ones end a wait for re-authorisation, and what was parked for want of a scope is owed again.
    """
    moment = now or database_now()
    try:
        identity, made = _asked(connection, install=install, now=now)
        learned = {**identity.learned, **made.learned}
    except SecretsUnreadable as error:
        return Checkup(is_well=False, error=str(error))
    except _Held as held:
        return Checkup(is_well=False, error=held.error.detail)
    except ProviderError as error:
        _note_trouble(connection, error, now=moment)
        return Checkup(is_well=False, error=error.detail)
    except Exception:
        # A fault of ours must not keep `doctor` from the other accounts, nor take a page down.
        log.exception("provider_failed: check")
        return Checkup(
            is_well=False, error="The hub failed to ask; its log says how. Nothing was changed there."
        )
    services.note_check(
        connection=connection,
        account_name=identity.name,
        account_id=identity.id,
        learned=learned,
        version=connection.credentials_version,
        now=moment,
    )
    _try_forbidden_again(connection, now=moment)
    known = {**connection.learned, **learned}
    return Checkup(
        is_well=True,
        lines=_in_words(connection, identity, known),
        could_install=made.held_back,
        installed=made.installed,
        not_installed=made.refused,
    )


class _Held(Exception):
    """The account was not asked, for its access token cannot be used now; that is written down already."""

    def __init__(self, error: ProviderError) -> None:
        super().__init__(error.detail)
        self.error = error


def _asked(
    connection: Connection, *, install: bool | None, now: datetime | None
) -> tuple[Identity, Prepared]:
    """Return what the account tells. A token that it refuses although its time is not over is renewed, once."""
    try:
        return _ask(connection, install=install, now=now)
    except Unauthorized as error:
        if not is_tried_again(connection):
            raise
        note_refused(connection, error.detail, now=now or database_now())
        connection.refresh_from_db()
        return _ask(connection, install=install, now=now)


def _ask(connection: Connection, *, install: bool | None, now: datetime | None) -> tuple[Identity, Prepared]:
    if (error := keep_access(connection, now=now)) is not None:
        raise _Held(error)
    provider, recorder = provider_for(
        connection, gate=PaceGate(connection.pk, limits_of(connection), lane=0, now=now)
    )
    identity = provider.check()
    return identity, prepare(
        provider, recorder, may_install=not connection.learned if install is None else install
    )


def _note_trouble(connection: Connection, error: ProviderError, *, now: datetime) -> None:
    row = Connection.objects.filter(pk=connection.pk, credentials_version=connection.credentials_version)
    # A plain `Permanent` says that these credentials open another account, or that the address is none: nothing may go there either. Where they
    # are new, nothing was sent with them yet, and whatever is not for time to mend is for a person.
    is_new = connection.untested_since is not None
    if (
        isinstance(error, Unauthorized)
        or type(error) is Permanent
        or (is_new and isinstance(error, Permanent))
    ):
        row.update(reauthorise_since=now, last_error=error.detail[:500])
    elif isinstance(error, RateLimited) and row.exists():
        hold_back(connection, until=now + timedelta(seconds=error.retry_after), why=error.detail)
    elif not isinstance(error, NotSent) and row.exists():
        note_unwell(connection, error.detail, now=now)


def _try_forbidden_again(connection: Connection, *, now: datetime) -> None:
    for model in (ContactLink, TaskLink):
        links = model._default_manager.filter(
            connection=connection, sync_status="failed", due_at__isnull=True
        )
        services.replay_links(links=links.filter(last_error_code="forbidden"), now=now)


def _in_words(connection: Connection, identity: Identity, learned: dict[str, object]) -> tuple[str, ...]:
    who = (
        f"{identity.name} ({identity.id})" if identity.name and identity.id else identity.name or identity.id
    )
    lines = [
        f"{connection.capabilities.label} knows us: {who}"
        + (f", as {identity.user}" if identity.user else "")
    ]
    if identity.scopes is not None:
        lines.append("May: " + (", ".join(identity.scopes) or "nothing that it names"))
    if identity.time_zone or learned.get("time_zone"):
        lines.append(f"Time zone there: {identity.time_zone or learned['time_zone']}")
    if connection.token_expires_at is not None:
        by = "by itself" if connection.renewal_refused_at is None else "when the app is authorised again"
        lines.append(
            f"Access token: until {connection.token_expires_at:%Y-%m-%d %H:%M} UTC; it is renewed {by}"
        )
    lines += [f"Left of the limits: {text}" for text in identity.limits]
    lines.append(
        "Our pace: " + ", ".join(f"{one.calls} in {one.seconds:g} s" for one in limits_of(connection))
    )
    if identity.server_time is not None:
        off = (datetime.now(UTC) - identity.server_time).total_seconds()
        lines.append(
            f"Clock: {abs(off):.0f} s {'ahead' if off > 0 else 'behind'}; set it right."
            if abs(off) > CLOCK_TOLERANCE
            else "Clock: agrees with theirs"
        )
    return tuple(lines)
