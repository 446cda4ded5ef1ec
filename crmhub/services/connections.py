"""Writing connections: making them, changing them, stopping them, and the state of their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite, nan
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as hub_settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F

from crmhub import wake
from crmhub.clock import database_now
from crmhub.crypto import reseal, seal
from crmhub.models import Connection
from crmhub.services.links import owe_what_was_impossible
from providers.capabilities import Capabilities, Limit
from providers.registry import capabilities, codes

CALLS_PER_SECONDS = "calls/seconds, comma-separated, such as 190/10 or 200/60,10000/86400"
# One contact may take four calls (by e-mail, by phone, by name, create), and what is not for people has four fifths of the rate. With fewer calls
# in a window it would be begun again for ever.
FEWEST_CALLS = 5
SMALLEST_SHARE = 0.05


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
    that is not the vendor's, a name that is taken.
    """
    if provider not in codes():
        raise ValidationError(
            {"provider": [f"{provider!r} is not a CRM here; there are {', '.join(codes())}."]}
        )
    can = capabilities(provider)
    problems: dict[str, list[str]] = {}
    typed = _typed_settings(can, settings or {}, problems)
    _check_secrets(can, secrets, problems, is_new=True)
    _check_host(can, base_url.strip(), problems)
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
    """Change what is given and leave the rest. Secrets that are not given stay, unless the address changes: then all must be given anew, so
    that nobody can have them sent elsewhere. Raises `ValidationError` by field.
    """
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        can = capabilities(row.provider)
        problems: dict[str, list[str]] = {}
        given = {key: value for key, value in (secrets or {}).items() if value}
        moved = base_url is not None and base_url.strip().rstrip("/") != row.base_url
        if moved:
            row.base_url = (base_url or "").strip().rstrip("/")
            _check_host(can, row.base_url, problems)
            _check_secrets(
                can, given, problems, is_new=True, why="The address changes: give every secret again."
            )
        if given:
            _check_secrets(can, given, problems, is_new=False)
        if settings is not None:
            row.settings = _typed_settings(can, settings, problems)
        row.name = row.name if name is None else name.strip()
        row.scope = row.scope if scope is None else scope
        row.contacts = row.contacts if contacts is None else contacts
        _validate(row, problems)
        if moved:
            # What the old address told of itself says nothing about the new one.
            row.account_name, row.learned = "", {}
        if given or moved:
            # Whoever gives all of them need not have the key that sealed the old ones.
            is_whole = moved or {one.name for one in can.secrets} <= set(given)
            row.sealed_secrets = seal(given if is_whole else {**row.secrets, **given})
            row.credentials_version += 1
            row.reauthorise_since = None
            row.switched_off = {}
        row.__dict__["_history_user"] = by
        row.save()
        if settings is not None or contacts is not None:
            owe_what_was_impossible(row, now=database_now())
        wake.after_commit([row.pk])
    return row


def replace_secrets(*, connection: Connection, secrets: Mapping[str, str], version: int) -> bool:
    """Store refreshed secrets if those that were used (`version`) are still the ones there; returns whether they were stored.

    The secrets of an account that was disconnected meanwhile stay destroyed.
    """
    return bool(
        Connection.objects.filter(
            pk=connection.pk, credentials_version=version, disconnected_at__isnull=True
        ).update(
            sealed_secrets=seal(secrets),
            credentials_version=F("credentials_version") + 1,
            reauthorise_since=None,
        )
    )


def reseal_secrets() -> int:
    """Encrypt every connection's secrets with the newest key; returns how many. All or none: raises `SecretsUnreadable` with nothing
    changed when one of them cannot be read.
    """
    with transaction.atomic():
        rows = list(Connection.objects.select_for_update(no_key=True).exclude(sealed_secrets=""))
        for row in rows:
            row.sealed_secrets = reseal(row.sealed_secrets)
        Connection.objects.bulk_update(rows, ["sealed_secrets"])
    return len(rows)


def note_check(
    *,
    connection: Connection,
    account_name: str,
    learned: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> None:
    """Remember that the connection was checked and is well: who we are there, and the facts it told."""
    now = now or database_now()
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        row.account_name = account_name[:300]
        row.learned = {**row.learned, **(learned or {})}
        row.last_checked_at = now
        row.reauthorise_since = None
        row.switched_off = {}
        row.failures = 0
        row.last_error = ""
        row.wait_until, row.wait_reason = None, ""
        row.save(
            update_fields=[
                "account_name",
                "learned",
                "last_checked_at",
                "reauthorise_since",
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
    _set(connection, by, disconnected_at=now or database_now(), sealed_secrets="")


def _set(connection: Connection, by: AbstractBaseUser | None, **values: Any) -> None:
    with transaction.atomic():
        row = Connection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        for name, value in values.items():
            setattr(row, name, value)
        row.__dict__["_history_user"] = by
        row.save(update_fields=list(values))
    connection.refresh_from_db()


def _validate(connection: Connection, problems: dict[str, list[str]]) -> None:
    try:
        connection.full_clean(exclude=["sealed_secrets"])
    except ValidationError as error:
        for name, messages in error.message_dict.items():
            problems.setdefault(name, []).extend(messages)
    if problems:
        raise ValidationError(problems)


def _check_secrets(
    can: Capabilities,
    secrets: Mapping[str, str],
    problems: dict[str, list[str]],
    *,
    is_new: bool,
    why: str = "",
) -> None:
    known = {secret.name: secret.label for secret in can.secrets}
    for name in secrets:
        if name not in known:
            problems.setdefault("secrets", []).append(
                f"{can.label} has no secret {name}; it has {', '.join(known)}."
            )
    for name, value in secrets.items():
        # Never repeated in the message: it may be the secret but for one character.
        if not (value.isascii() and value.strip().isprintable()):
            problems.setdefault("secrets", []).append(
                f"{name} holds a character that cannot be sent; use plain text without a byte-order mark."
            )
    if is_new:
        for name, label in known.items():
            if not secrets.get(name, "").strip():
                problems.setdefault("secrets", []).append(f"{name} is missing: {label}. {why}".strip())


def _check_host(can: Capabilities, base_url: str, problems: dict[str, list[str]]) -> None:
    if not base_url:
        return
    scheme, host = _split(base_url)
    if hub_settings.ALLOW_CUSTOM_CRM_HOSTS:
        if scheme not in ("http", "https") or not host:
            problems["base_url"] = [f"{base_url} is not an address such as https://crm.example.com."]
        return
    is_known = any(host.endswith(known) if known.startswith(".") else host == known for known in can.hosts)
    if scheme != "https" or not is_known:
        allowed = f"https, {', '.join(can.hosts)}"
        others = "ALLOW_CUSTOM_CRM_HOSTS=1 allows others, for simulators and tests"
        problems["base_url"] = [f"{base_url} is not an address of {can.label} ({allowed}); {others}."]


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # half a bracket, as in https://[crm
        return "", ""
    return parts.scheme, (parts.hostname or "").lower()


def _typed_settings(
    can: Capabilities, given: Mapping[str, Any], problems: dict[str, list[str]]
) -> dict[str, Any]:
    known = {setting.name: setting for setting in can.settings}
    typed: dict[str, Any] = {}
    said: list[str] = []
    for name, value in given.items():
        setting = known.get(name)
        if setting is None:
            said.append(f"{can.label} has no setting {name}; it has {', '.join(known)}.")
            continue
        if value in ("", None):
            continue
        try:
            typed[name] = _typed(setting.kind, value, [choice for choice, _ in setting.choices])
            if name == "limits":
                _read_limits(typed[name])
            if name == "share" and not SMALLEST_SHARE <= typed[name] <= 1:
                raise ValueError(f"{value} is not between {SMALLEST_SHARE} and 1")
        except ValueError as error:
            said.append(f"{name}: {error}")
    said += [
        f"{name} is missing: {one.label}."
        for name, one in known.items()
        if one.is_required and name not in typed
    ]
    said = said or _too_slow(can, typed)
    if said:
        problems["settings"] = said
    return typed


def _too_slow(can: Capabilities, typed: Mapping[str, Any]) -> list[str]:
    """Return what is to be said of windows in which too few calls are ours; of the other settings nothing may be wrong."""
    share = typed.get("share", 1.0)
    if "limits" in typed:
        name, limits = "limits", _read_limits(typed["limits"])
    else:
        plan = {one.name: one.default for one in can.settings} | dict(typed)
        name, limits = "share", [one for one in can.limits_for(plan) if one.budget == "all"]
    return [
        f"{name}: {int(one.calls * share)} calls in {one.seconds:g} s are too few: one contact may take {FEWEST_CALLS - 1}, and a fifth is kept "
        f"for people, so {FEWEST_CALLS} must be ours."
        for one in limits
        if int(one.calls * share) < FEWEST_CALLS
    ]


def _typed(kind: str, value: Any, choices: list[str]) -> Any:
    if kind == "choice":
        if value not in choices:
            raise ValueError(f"{value!r} is not one of {', '.join(choices)}")
        return value
    if kind == "number":
        return _number(value)
    if kind == "map":
        if isinstance(value, Mapping):
            return dict(value)
        pairs = [part.partition("=") for part in str(value).split(",") if part.strip()]
        if not all(separator for _, separator, _ in pairs):
            raise ValueError(f"{value!r} is not a list such as call=Phone call,email=E-mail")
        return {key.strip(): text.strip() for key, _, text in pairs}
    return str(value).strip()


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = nan
    if not isfinite(number):
        raise ValueError(f"{value!r} is not a number")
    return number


def _read_limits(value: str) -> list[Limit]:
    limits = []
    for part in value.split(","):
        calls, separator, seconds = part.strip().partition("/")
        if (
            not separator
            or not calls.isdigit()
            or not seconds.isdigit()
            or not int(calls)
            or not int(seconds)
        ):
            raise ValueError(f"{part.strip()!r} is not {CALLS_PER_SECONDS}")
        limits.append(Limit(int(calls), float(seconds)))
    return limits
