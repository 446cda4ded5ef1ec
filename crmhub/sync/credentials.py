"""Making a provider out of a connection: its secrets, its settings with their defaults, and the way to the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from django.conf import settings as hub_settings

from crmhub.models import Connection
from providers.base import Provider
from providers.capabilities import Capabilities, Limit
from providers.http import Gate, HttpTransport, Recorder
from providers.registry import provider_class
from providers.types import Account


def provider_for(
    connection: Connection,
    *,
    gate: Gate | None = None,
    secrets: Mapping[str, str] | None = None,
    hidden: Iterable[str] = (),
) -> tuple[Provider, Recorder]:
    """Return the provider of this connection, made for one operation, and the recorder of what it sends.

    `secrets` are used instead of the stored ones; `hidden` is to be shown nowhere either. Raises `SecretsUnreadable` when the key that sealed
    the credentials is missing. Whoever calls the vendor has asked `tokens.keep_access` first.
    """
    account = account_of(connection, secrets)
    kept_out = (*account.secrets.values(), *hidden)
    recorder = Recorder(transport_for(connection.provider), secrets=kept_out, gate=gate)
    return provider_class(connection.provider)(account, recorder), recorder


def account_of(connection: Connection, secrets: Mapping[str, str] | None = None) -> Account:
    """Return the connection as the provider sees it; settings that were not given have their defaults."""
    return Account(
        secrets=connection.secrets if secrets is None else secrets,
        settings=settings_of(connection),
        learned=connection.learned,
        base_url=connection.base_url,
    )


def settings_of(connection: Connection) -> dict[str, object]:
    """Return the connection's settings over the defaults of its CRM."""
    return over_defaults(connection.settings, connection.capabilities, zone=hub_settings.HUB_TIME_ZONE)


def over_defaults(given: Mapping[str, object], can: Capabilities, *, zone: str) -> dict[str, object]:
    """Return the settings that were given over the defaults of the CRM; `zone` is that of people who name none."""
    defaults = {setting.name: setting.default for setting in can.settings}
    return {**defaults, "hub_time_zone": zone, **given}


def limits_of(connection: Connection) -> tuple[Limit, ...]:
    """Return the rate limits that are ours at this account: the setting's, else the vendor's, times our share, at least one call."""
    settings = settings_of(connection)
    given = str(settings.get("limits") or "")
    vendors = connection.capabilities.limits_for(settings)
    limits = (
        (*_parsed(given, vendors), *(one for one in vendors if one.budget != "all")) if given else vendors
    )
    share = min(max(float(str(settings.get("share", 1.0))), 0.05), 1.0)
    zone = str(connection.learned.get("time_zone") or "")
    return tuple(_placed(replace(one, calls=max(int(one.calls * share), 1)), zone) for one in limits)


def _parsed(text: str, vendors: Iterable[Limit]) -> Iterable[Limit]:
    """Yield the limits in the setting. One of the same length as the vendor's own is that one with another number."""
    known = {one.seconds: one for one in vendors if one.budget == "all"}
    for part in text.split(","):
        calls, _, seconds = part.strip().partition("/")
        yield replace(known.get(float(seconds), Limit(0, float(seconds))), calls=int(calls))


def _placed(limit: Limit, zone: str) -> Limit:
    """Return the limit with its strokes where the account is. While that is not known it slides, which is stricter wherever the strokes are."""
    if not limit.is_local:
        return limit
    try:
        offset = datetime.now(ZoneInfo(zone)).utcoffset()
    except (LookupError, ValueError, OSError):
        return replace(limit, is_fixed=False)
    return replace(limit, offset=offset.total_seconds() if offset else 0.0)


def transport_for(code: str) -> HttpTransport:
    """Return the way to this vendor, shared by every connection and thread of this process."""
    return _transport(
        provider_class(code).capabilities.hosts,
        hub_settings.ALLOW_CUSTOM_CRM_HOSTS,
        hub_settings.HTTP_DEADLINE_SECONDS,
    )


@cache
def _transport(hosts: tuple[str, ...], any_host: bool, deadline_s: float) -> HttpTransport:
    return HttpTransport(hosts, any_host=any_host, deadline_s=deadline_s)
