"""Letting an app into an account (OAuth 2, RFC 6749): where staff are sent, and what comes back; who needs what is data in the vendor's room.

The provider makes the two calls (`Provider.exchange_code`, `Provider.refresh_tokens`); when to make them, and that only one worker does, is
the hub's business.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class OAuth:
    """How this vendor lets an app in.

    `authorize_url` is the page where staff agree, `scopes` what is asked for there, `extra` further parameters of that page. `has_pkce`: the
    vendor takes a code challenge (RFC 7636). `unused_for` is how long a refresh token works that nobody uses, None where no page
    says that it ends. The account is opened with the secrets `client_id` and `client_secret` of the app; `access_token` and `refresh_token` are
    stored with them.
    """

    authorize_url: str
    scopes: tuple[str, ...]
    source: str
    optional_scopes: tuple[str, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    has_pkce: bool = False
    unused_for: timedelta | None = None
    app_help: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the vendor gave: tokens, when the access token ends, and whose account they open ("" where it does not say)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime
    account_id: str = ""


def address_to_agree_at(
    oauth: OAuth, *, client_id: str, redirect_uri: str, state: str, verifier: str = "", at: str = ""
) -> str:
    """Return where to send a member of staff. `at` replaces the vendor's page (another region, a simulator)."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(oauth.scopes),
        "state": state,
        **oauth.extra,
    }
    if oauth.optional_scopes:
        query["optional_scope"] = " ".join(oauth.optional_scopes)
    if oauth.has_pkce and verifier:
        query |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    return f"{at or oauth.authorize_url}?{urlencode(query)}"


def challenge_of(verifier: str) -> str:
    """Return the S256 code challenge of a verifier (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
