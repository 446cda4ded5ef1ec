"""A simulated AppCRM and CalmCRM."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from providers.simulator import Call, Reply, route
from providers.tests.tinycrm.simulator import TinySimulator


class AppSimulator(TinySimulator):
    """One account at AppCRM. `account` is whose tokens it gives, "" where it does not say; `denies`: whoever is asked does not agree."""

    code = "appcrm"
    app_tokens_rotate = True
    app_tokens_unused_for = timedelta(days=60)

    def __init__(self, **options: Any) -> None:
        """Know one app."""
        super().__init__(**options)
        self.app = {"client_id": "the-app-1", "client_secret": "hush-app-secret"}
        self.account = "account-1"
        self.denies = False

    def authenticate(self, call: Call) -> Reply | None:
        """Let keys and open access tokens in."""
        key = call.headers.get("x-key", "")
        is_open = call.path.startswith("/oauth/") or key == self.secret["key"] or self.grants.is_open(key)
        return None if is_open else self.refusal(401)

    @route("GET", "/oauth/authorize")
    def agree(self, call: Call) -> Reply:
        """Send staff back with a code, as if they had agreed."""
        asked = call.query
        if asked.get("client_id") != self.app["client_id"] or asked.get("response_type") != "code":
            return self.refusal(400)
        told = {"error": "access_denied"}
        if not self.denies:
            challenge = asked.get("code_challenge", "")
            told = {"code": self.grants.agree(redirect_uri=asked["redirect_uri"], challenge=challenge)}
        back = urlencode({**told, "state": asked["state"]})
        return Reply(302, None, {"Location": f"{asked['redirect_uri']}?{back}"})

    @route("POST", "/oauth/token")
    def tokens_for(self, call: Call) -> Reply:
        """Give tokens for a code or a refresh token."""
        sent = dict(parse_qsl(call.body.decode()))
        if any(sent.get(name) != value for name, value in self.app.items()):
            return self.refusal(400)
        if sent["grant_type"] == "refresh_token":
            grant = self.grants.refresh(sent["refresh_token"])
        else:
            verifier = sent.get("code_verifier", "")
            grant = self.grants.exchange(sent["code"], redirect_uri=sent["redirect_uri"], verifier=verifier)
        if grant is None:
            return Reply(400, {"message": f"invalid_grant: {sent.get('refresh_token') or sent.get('code')}"})
        return Reply(200, {**vars(grant), **({"account": self.account} if self.account else {})})


class CalmSimulator(AppSimulator):
    """One account at CalmCRM."""

    code = "calmcrm"
    app_tokens_rotate = False
    app_tokens_unused_for = None  # type: ignore[assignment]
