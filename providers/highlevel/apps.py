"""Letting a marketplace app into a sub-account: the form of the token endpoint and what its answer brings; pure.

`2021-07-28` names its fields in snake case, `v3` in camel case; the meaning is the same. A refresh token works once.

Source: https://github.com/GoHighLevel/highlevel-api-docs, apps/oauth.json and apps/v3/oauth-v3.json (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from providers.highlevel.payloads import text_of
from providers.oauth import OAuth, Tokens

SCOPES = (
    "contacts.readonly",
    "contacts.write",
    "users.readonly",
    "locations.readonly",
    "locations/tasks.readonly",
)
LASTS_S = 86_399  # seconds; what an access token is documented to last
LONGEST_S = 366 * 86_400.0
READ_ON = date(2026, 11, 22)

OAUTH = OAuth(
    authorize_url="https://marketplace.gohighlevel.com/v2/oauth/chooselocation",
    scopes=SCOPES,
    source="https://marketplace.gohighlevel.com/docs/Authorization/OAuth2.0",
    unused_for=timedelta(days=365),
    app_help="An app made at marketplace.gohighlevel.com, for sub-accounts, with these scopes and the hub's address as its redirect URL. "
    "Choose the sub-account of the connection, not the agency.",
)


def form(version: str, **fields: str) -> dict[str, str]:
    """Return the fields as this version of the API names them, asking for the token of a sub-account."""
    named = {**fields, "user_type": "Location"}
    return {_in_camel_case(name): value for name, value in named.items()} if version == "v3" else named


def tokens_in(body: object, *, asked_at: datetime, refresh_token: str = "") -> Tokens | None:
    """Return the tokens in an answer, None where it brings no access token.

    `refresh_token` stays in use where the answer brings no other one. `account_id` is the sub-account, or the agency where the app was let
    into that.
    """
    if not isinstance(body, Mapping):
        return None
    told = {_in_snake_case(str(name)): value for name, value in body.items()}
    access, refresh = text_of(told, "access_token"), text_of(told, "refresh_token") or refresh_token
    if not access or not refresh:
        return None
    return Tokens(
        access_token=access,
        refresh_token=refresh,
        expires_at=asked_at.astimezone(UTC) + _lasts(told.get("expires_in")),
        account_id=text_of(told, "location_id") or text_of(told, "company_id"),
    )


def is_of_an_agency(body: object) -> bool:
    """Return whether the answer's tokens open an agency and no sub-account."""
    told = body if isinstance(body, Mapping) else {}
    return not text_of(told, "locationId") and bool(text_of(told, "companyId"))


def _lasts(seconds: object) -> timedelta:
    # A length that makes no sense is no reason to lose tokens that cannot be asked for again.
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 < float(str(seconds)) < LONGEST_S:
        return timedelta(seconds=LASTS_S)
    return timedelta(seconds=float(str(seconds)))


def _in_camel_case(name: str) -> str:
    return re.sub("_([a-z])", lambda found: found.group(1).upper(), name)


def _in_snake_case(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()
