"""What may be said of an account: its secrets, its address and its settings, judged before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite, nan
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings as hub_settings

from providers.capabilities import APP_SECRETS, Capabilities, Limit, Secret

CALLS_PER_SECONDS = "calls/seconds, comma-separated, such as 190/10 or 200/60,10000/86400"
# One contact may take four calls (by e-mail, by phone, by name, create), and what is not for people has four fifths of the rate. With fewer calls
# in a window it would be begun again for ever.
FEWEST_CALLS = 5
SMALLEST_SHARE = 0.05
TOKENS = ("access_token", "refresh_token")
BYTE_ORDER_MARK = "\ufeff"  # editors of one family put it before the text of a file, where nobody sees it

Problems = dict[str, list[str]]

# Why an app's connection waits, where nobody has let the app in.
NOT_LET_IN = "The app has not been let into the account yet, so nothing is sent. Authorise it on the connection's page, or give a refresh token."


def tidy_secrets(secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets without the blanks and the byte-order mark that copying them brings along."""
    return {name: value.strip().removeprefix(BYTE_ORDER_MARK).strip() for name, value in secrets.items()}


def check_secrets(
    can: Capabilities, secrets: Mapping[str, str], problems: Problems, *, is_new: bool, why: str = ""
) -> None:
    """Add what is wrong with the secrets: unknown, with a character that no request can carry, or, of a new account, missing.

    Where an app can be let in, the app's secrets do instead of the plain ones.
    """
    known = {secret.name: secret.label for secret in (*can.secrets, *app_secrets(can))}
    needed = {secret.name: secret.label for secret in needed_secrets(can, secrets)}
    said = [
        f"{can.label} has no secret {name}; it has {', '.join(known)}."
        for name in secrets
        if name not in known
    ]
    # The value is never repeated: it may be the secret but for one character.
    said += [
        f"{name} holds a character that cannot be sent; paste it again, as plain text."
        for name, value in secrets.items()
        if not (value.isascii() and value.isprintable())
    ]
    if is_new:
        said += [
            f"{name} is missing: {label}. {why}".strip()
            for name, label in needed.items()
            if not secrets.get(name)
        ]
    if said:
        problems.setdefault("secrets", []).extend(said)


def app_secrets(can: Capabilities) -> tuple[Secret, ...]:
    """Return the secrets of an app that was let in, where this CRM has that."""
    return APP_SECRETS if can.oauth is not None else ()


def needed_secrets(can: Capabilities, given: Mapping[str, str]) -> tuple[Secret, ...]:
    """Return the secrets that an account cannot do without: the plain ones, or the app's where one of these is given."""
    plain = tuple(one for one in can.secrets if one.is_required)
    app = tuple(one for one in app_secrets(can) if one.is_required)
    return app if any(given.get(one.name) for one in app) else plain


def is_app(secrets: Mapping[str, str]) -> bool:
    """Return whether these are the secrets of an app, and not the plain ones."""
    return bool(secrets.get("client_id"))


def is_to_be_let_in(can: Capabilities, secrets: Mapping[str, str]) -> bool:
    """Return whether an app waits for somebody to let it into the account: it has no token of any kind."""
    return can.oauth is not None and is_app(secrets) and not any(secrets.get(name) for name in TOKENS)


def opens_the_same(can: Capabilities, old: Mapping[str, str], new: Mapping[str, str]) -> bool:
    """Return whether the account is opened with the same secrets; those that serve something beside (webhooks) may differ."""
    opening = {one.name for one in (*can.secrets, *app_secrets(can)) if one.is_required} | {*TOKENS}
    return all(old.get(name) == new.get(name) for name in opening)


def merged_secrets(can: Capabilities, stored: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the stored secrets with the given ones over them. What belongs to another way in does not stay.

    Another app's tokens are void, and so is the access token of another refresh token. Whoever gives every plain secret and nothing of an app
    goes over to the plain way, whoever gives an app leaves it.
    """
    app = {one.name for one in app_secrets(can)}
    plain = {one.name for one in can.secrets if one.is_required}
    void: set[str] = set()
    if app and given.get("client_id", stored.get("client_id")) != stored.get("client_id"):
        void = app | plain
    elif app and is_app(stored) and given.get("refresh_token"):
        void = {"access_token"}
    elif app and is_app(stored) and plain <= set(given) and not (app - plain) & set(given):
        void = app
    return {**{name: value for name, value in stored.items() if name not in void}, **given}


def is_whole(can: Capabilities, given: Mapping[str, str]) -> bool:
    """Return whether these open the account by themselves, so that none of the stored ones is needed."""
    app = {"client_id", "client_secret", "refresh_token"}
    plain = {one.name for one in can.secrets if one.is_required}
    return (app if is_app(given) else plain) <= set(given)


def check_address(can: Capabilities, base_url: str, problems: Problems) -> None:
    """Add what is wrong with the address of an account; "" is the vendor's usual one."""
    if not base_url:
        return
    parts = _address(base_url)
    if parts is None:
        problems["base_url"] = [
            f"{base_url} is not an address such as https://crm.example.com: a host, a port where it needs one, and a path."
        ]
        return
    host = (parts.hostname or "").lower()
    is_known = any(host.endswith(known) if known.startswith(".") else host == known for known in can.hosts)
    if not hub_settings.ALLOW_CUSTOM_CRM_HOSTS and (parts.scheme != "https" or not is_known):
        allowed = f"https, {', '.join(can.hosts)}"
        others = "ALLOW_CUSTOM_CRM_HOSTS=1 allows others, for simulators and tests"
        problems["base_url"] = [f"{base_url} is not an address of {can.label} ({allowed}); {others}."]


def _address(url: str) -> SplitResult | None:
    """Return the parts of an address that can be called, None where it is not one."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # one that is no number, or too high, is noticed only when it is asked for
        (parts.hostname or "").encode("idna")  # as the connection will do it: empty and too long labels
    except (ValueError, UnicodeError):
        return None
    is_whole = parts.scheme in ("http", "https") and parts.hostname and url.isascii() and url.isprintable()
    says_more = "@" in parts.netloc or "?" in url or "#" in url or " " in url
    return parts if is_whole and not says_more else None


def typed_settings(can: Capabilities, given: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the settings in their types, without those left empty, and add what is wrong with them."""
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


def names_another_account(can: Capabilities, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the settings that say which account it is and are not what they were."""
    return [one.name for one in can.settings if one.names_account and old.get(one.name) != new.get(one.name)]


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
    if kind == "zone":
        return _zone(str(value).strip())
    return str(value).strip()


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from error
    return name


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
