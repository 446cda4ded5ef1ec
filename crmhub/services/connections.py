"""Writing connections: making them, changing them, stopping them, and the state of their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction

from crmhub import wake
from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable, seal
from crmhub.models import Connection, ContactLink, TaskLink
from crmhub.services.accounts import (
    NOT_LET_IN,
    TOKENS,
    Problems,
    check_address,
    check_secrets,
    is_to_be_let_in,
    is_whole,
    merged_secrets,
    names_another_account,
    opens_the_same,
    tidy_secrets,
    typed_settings,
)
from crmhub.services.owing import owe_what_was_impossible
from providers.registry import capabilities, codes


def connect_account(
    *,
    provider: str,
    name: str,
    secrets: Mapping[str, str],
    settings: Mapping[str, Any] | None = None,
    base_url: str = "",
    scope: str = Connection.Scope.ALL,
    contacts: str = Connection.Contacts.CREATE,
    by: AbstractBaseUser | None = None,
    now: datetime | None = None,
) -> Connection:
    """Make a connection; nothing is called. Raises `ValidationError` by field: unknown CRM, missing or unknown secret or setting, a host
    that is not the vendor's, a name that is taken. Nothing is sent before a test has passed; an app without a token needs re-authorisation.
    """
    if provider not in codes():
        raise ValidationError(
            {"provider": [f"{provider!r} is not a CRM here; there are {', '.join(codes())}."]}
        )
    can = capabilities(provider)
    problems: Problems = {}
    secrets = tidy_secrets(secrets)
    typed = typed_settings(can, settings or {}, problems)
    check_secrets(can, secrets, problems, is_new=True)
    check_address(can, base_url.strip(), problems)
    connection = Connection(
        provider=provider,
        name=name.strip(),
        base_url=base_url.strip().rstrip("/"),
        settings=typed,
        scope=scope,
        contacts=contacts,
        created_at=now or database_now(),
    )
    _validate(connection, problems)
    connection.sealed_secrets = seal(secrets)
    connection.untested_since = connection.created_at
    _wait_to_be_let_in(connection, secrets, now=connection.created_at)
    connection.__dict__["_history_user"] = by
    connection.save(force_insert=True)
    return connection


def change_connection(
    *,
    connection: Connection,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    secrets: Mapping[str, str] | None = None,
    base_url: str | None = None,
    scope: str | None = None,
    contacts: str | None = None,
    by: AbstractBaseUser | None = None,
) -> Connection:
    """Change what is given and leave the rest. Secrets that are not given stay, unless the address or the account changes: then all must be
    given anew, so that nobody can have them sent elsewhere. Another account is refused where links hold ids of the old one. Nothing is sent
    with other secrets before `note_check` said that a test with them passed. Raises `ValidationError` by field.
    """
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        can = capabilities(row.provider)
        problems: Problems = {}
        given = {key: value for key, value in tidy_secrets(secrets or {}).items() if value}
        old = (row.base_url, row.settings)
        if base_url is not None:
            row.base_url = base_url.strip().rstrip("/")
            check_address(can, row.base_url, problems)
        if settings is not None:
            row.settings = typed_settings(can, settings, problems)
        other_account = names_another_account(can, old[1], row.settings)
        if other_account:
            _refuse_other_account(row, other_account, problems)
        moved = bool(other_account) or row.base_url != old[0]
        why = "The address or the account changes: give every secret again." if moved else ""
        check_secrets(can, given, problems, is_new=moved, why=why)
        row.name = row.name if name is None else name.strip()
        row.scope = row.scope if scope is None else scope
        row.contacts = row.contacts if contacts is None else contacts
        kept = given if moved or not given else _kept_secrets(row, given)
        if given and "secrets" not in problems:
            check_secrets(can, kept, problems, is_new=True)
        _validate(row, problems)
        if moved:
            # What the old address told of itself says nothing about the new one.
            row.account_name, row.account_id, row.learned = "", "", {}
        if given:
            _take_secrets(row, kept, is_moved=moved)
        row.__dict__["_history_user"] = by
        row.save()
        if settings is not None or contacts is not None:
            owe_what_was_impossible(row, now=database_now())
        wake.after_commit([row.pk])
    return row


def _kept_secrets(row: Connection, given: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is to be stored. Whoever gives all secrets need not have the key that sealed the old ones."""
    try:
        stored = row.secrets
    except SecretsUnreadable:
        if is_whole(row.capabilities, given):
            return given
        raise
    return merged_secrets(row.capabilities, stored, given)


def _take_secrets(row: Connection, secrets: Mapping[str, str], *, is_moved: bool) -> None:
    now = database_now()
    before = _readable_secrets(row)
    row.sealed_secrets = seal(secrets)
    row.credentials_version += 1
    if any(before.get(name) != secrets.get(name) for name in TOKENS):
        # Of tokens that somebody brought, nobody knows since when they are. Others keep their times, and whoever renews them goes on alone.
        row.token_obtained_at = row.token_expires_at = row.refreshing_until = None
    if opens_the_same(row.capabilities, before, secrets) and not is_moved:
        return
    # They may be another account's: nothing is sent with them before that account has said which one it is.
    row.untested_since = now
    row.reauthorise_since = row.renewal_refused_at = None
    row.last_error = ""
    row.switched_off = {}
    _wait_to_be_let_in(row, secrets, now=now)


def _readable_secrets(row: Connection) -> Mapping[str, str]:
    try:
        return row.secrets
    except SecretsUnreadable:
        return {}


def _wait_to_be_let_in(row: Connection, secrets: Mapping[str, str], *, now: datetime) -> None:
    if is_to_be_let_in(row.capabilities, secrets):
        row.reauthorise_since, row.last_error = now, NOT_LET_IN


def _refuse_other_account(row: Connection, changed: list[str], problems: Problems) -> None:
    """Add a problem where links hold ids of the account that the connection was for: in another account they name other people's records."""
    holds_ids = (
        model.objects.filter(connection=row).exclude(external_id="").exists()
        for model in (TaskLink, ContactLink)
    )
    if any(holds_ids):
        problems.setdefault("settings", []).append(
            f"{', '.join(changed)}: tasks are linked with the old account. Disconnect this connection, which keeps its links as history, "
            "and connect the other account anew."
        )


def note_check(
    *,
    connection: Connection,
    account_name: str,
    account_id: str = "",
    learned: Mapping[str, Any] | None = None,
    version: int | None = None,
    now: datetime | None = None,
) -> None:
    """Remember that the connection was checked and is well: who we are there, and the facts it told.

    `version` is that of the credentials which were used: what they told says nothing of others that were stored meanwhile.
    """
    now = now or database_now()
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        if version is not None and row.credentials_version != version:
            return
        row.account_name = account_name[:300]
        row.account_id = account_id[:200] or row.account_id
        row.learned = {**row.learned, **(learned or {})}
        row.last_checked_at = now
        row.reauthorise_since = row.untested_since = None
        row.switched_off = {}
        row.failures = 0
        row.last_error = ""
        row.wait_until, row.wait_reason = None, ""
        row.save(
            update_fields=[
                "account_name",
                "account_id",
                "learned",
                "last_checked_at",
                "reauthorise_since",
                "untested_since",
                "switched_off",
                "failures",
                "last_error",
                "wait_until",
                "wait_reason",
            ]
        )
        wake.after_commit([row.pk])
    connection.refresh_from_db()


def switch_on(*, connection: Connection, operation: str) -> None:
    """Allow an operation again that was switched off for want of a scope."""
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        row.switched_off = {name: scope for name, scope in row.switched_off.items() if name != operation}
        row.save(update_fields=["switched_off"])


def note_backfill(*, connection: Connection, wish: Mapping[str, Any]) -> None:
    """Remember what a back-fill is to bring there, so that one which is stopped can go on with the same; empty when it has come to its end."""
    Connection.objects.filter(pk=connection.pk).update(backfill=dict(wish))
    connection.backfill = dict(wish)


def pause_connection(
    *, connection: Connection, by: AbstractBaseUser | None = None, now: datetime | None = None
) -> None:
    """Send nothing there until it is resumed; the queue is kept."""
    _set(connection, by, paused_at=now or database_now())


def resume_connection(*, connection: Connection, by: AbstractBaseUser | None = None) -> None:
    """Send there again, beginning with what waited; a quota or circuit that held it back is tried at once."""
    _set(connection, by, paused_at=None, wait_until=None, wait_reason="", failures=0)
    wake.after_commit([connection.pk])


def disconnect_account(
    *, connection: Connection, by: AbstractBaseUser | None = None, now: datetime | None = None
) -> None:
    """End the connection: its secrets are destroyed, its links stay as history, nothing is sent there any more."""
    tokens = ("token_obtained_at", "token_expires_at", "refreshing_until", "renewal_refused_at")
    _set(
        connection,
        by,
        disconnected_at=now or database_now(),
        sealed_secrets="",
        **dict.fromkeys(tokens),
    )


def _set(connection: Connection, by: AbstractBaseUser | None, **values: Any) -> None:
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        for name, value in values.items():
            setattr(row, name, value)
        row.__dict__["_history_user"] = by
        row.save(update_fields=list(values))
    connection.refresh_from_db()


def _validate(connection: Connection, problems: Problems) -> None:
    try:
        connection.full_clean(exclude=["sealed_secrets"])
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            problems.setdefault(name, []).extend(messages)
    if problems:
        raise ValidationError(problems)
