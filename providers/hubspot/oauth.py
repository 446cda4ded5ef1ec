"""Letting an app into a HubSpot account: the two calls for tokens, and what a token may do.

https://developers.hubspot.com/docs/api-reference/legacy/authentication/oauth-tokens/create-oauth-token (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from providers.error_cases import Answer
from providers.errors import Unauthorized, Unconfirmed
from providers.hubspot.client import Client
from providers.hubspot.json_shapes import mapping
from providers.oauth import OAuth, Tokens

DOCUMENT = "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/oauth/working-with-oauth"
TOKEN = "/oauth/v3/token"
SHORTEST_LIFE = 60  # seconds of an access token whose answer does not say how long it lasts
LONGEST_LIFE = 86_400  # seconds; what claims to live longer is refreshed each day all the same

# Whether the page where staff agree takes a code challenge is not confirmed (2026-11); the token path has a field for the verifier.
OAUTH = OAuth(
    authorize_url="https://app.hubspot.com/oauth/authorize",
    scopes=("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.objects.owners.read"),
    optional_scopes=(
        "crm.objects.companies.read",
        "crm.objects.companies.write",
        "crm.objects.deals.read",
        "crm.objects.deals.write",
        "tickets",
        "crm.schemas.contacts.write",
    ),
    source=DOCUMENT,
    app_help="In HubSpot's developer account make a project app with OAuth, give it the scopes above and the hub's redirect address.",
)


def exchange_code(
    client: Client, secrets: Mapping[str, str], code: str, *, redirect_uri: str, verifier: str = ""
) -> Tokens:
    """Return the tokens for a code. Raises `Unauthorized` for one that is used, old, another app's or another address's."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    return _tokens(client, secrets, {**form, **({"code_verifier": verifier} if verifier else {})})


def refresh(client: Client, secrets: Mapping[str, str]) -> Tokens:
    """Return new tokens for the refresh token in the secrets. Raises `Unauthorized` when HubSpot does not take it any more."""
    form = {"grant_type": "refresh_token", "refresh_token": secrets.get("refresh_token", "")}
    return _tokens(client, secrets, form)


def introspect(client: Client, secrets: Mapping[str, str], token: str) -> Answer:
    """Return what HubSpot tells of an access token of ours."""
    form = {**_app(secrets), "token": token, "token_type_hint": "access_token"}
    return client.call_for_tokens(f"{TOKEN}/introspect", form, writes=False)


def _tokens(client: Client, secrets: Mapping[str, str], form: Mapping[str, str]) -> Tokens:
    app = _app(secrets)
    if not all(app.values()):
        raise Unauthorized(
            "The client id or the client secret of the app is missing; give both in the connection."
        )
    asked_at = datetime.now(UTC)
    answer = client.call_for_tokens(TOKEN, {**form, **app})
    told = mapping(answer.json)
    access, lasts = told.get("access_token"), told.get("expires_in")
    if not isinstance(access, str) or not access:
        raise Unconfirmed("HubSpot answered without a token; the app may be let in.", status=answer.status)
    seconds = lasts if isinstance(lasts, int) and lasts > 0 else SHORTEST_LIFE
    return Tokens(
        access_token=access,
        refresh_token=str(told.get("refresh_token") or form.get("refresh_token") or ""),
        expires_at=asked_at + timedelta(seconds=min(seconds, LONGEST_LIFE)),
        account_id=str(told.get("hub_id") or ""),
    )


def _app(secrets: Mapping[str, str]) -> dict[str, str]:
    return {name: secrets.get(name, "").strip() for name in ("client_id", "client_secret")}
