"""One account at AppCRM or CalmCRM, opened by a key or by an app."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from providers.capabilities import Capabilities
from providers.errors import Rejected, Unauthorized
from providers.http import Transport
from providers.oauth import OAuth, Tokens
from providers.tests.tinycrm.provider import TinyCrm
from providers.types import Account

OAUTH = OAuth(
    authorize_url="https://app.appcrm.example/oauth/authorize",
    scopes=("tasks", "contacts"),
    source="https://docs.appcrm.example/oauth",
    has_pkce=True,
    unused_for=timedelta(days=60),
)


class AppCrm(TinyCrm):
    """One account at AppCRM."""

    code: ClassVar[str] = "appcrm"
    capabilities: ClassVar[Capabilities] = dataclasses.replace(
        TinyCrm.capabilities, label="AppCRM", oauth=OAUTH
    )

    def __init__(self, account: Account, transport: Transport) -> None:
        """Speak with the app's access token where there is one."""
        bearer = account.secrets.get("access_token") or account.secrets.get("key", "")
        super().__init__(dataclasses.replace(account, secrets={**account.secrets, "key": bearer}), transport)

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str = "") -> Tokens:
        """Return the first tokens."""
        return self._tokens(
            grant_type="authorization_code", code=code, redirect_uri=redirect_uri, code_verifier=verifier
        )

    def refresh_tokens(self) -> Tokens:
        """Return the next tokens."""
        return self._tokens(grant_type="refresh_token", refresh_token=self.account.secrets["refresh_token"])

    def _tokens(self, **form: str) -> Tokens:
        secrets = self.account.secrets
        app = {name: secrets[name] for name in ("client_id", "client_secret")}
        try:
            told: Any = self._api.call("POST", "/oauth/token", form={**form, **app}).json
        except Rejected as error:
            raise Unauthorized(error.detail, status=error.status) from error
        ends = datetime.now(UTC) + timedelta(seconds=told["expires_in"])
        return Tokens(told["access_token"], told["refresh_token"], ends, told.get("account", ""))


class CalmCrm(AppCrm):
    """One account at CalmCRM."""

    code: ClassVar[str] = "calmcrm"
    capabilities: ClassVar[Capabilities] = dataclasses.replace(
        AppCrm.capabilities,
        label="CalmCRM",
        oauth=dataclasses.replace(OAUTH, has_pkce=False, unused_for=None),
    )
