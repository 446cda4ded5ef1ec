"""The simulated paths by which an app is let in: the page where staff agree, the tokens, and what a token may do."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from providers.hubspot.simulator_portal import SCOPES, Portal, on
from providers.hubspot.simulator_schema import Refusal
from providers.hubspot.simulator_webhooks import APP_ID, PORTAL_ID
from providers.simulator import Call, Reply
from providers.simulator.grants import Grant

CLIENT_ID = "simulated-client-4711"
FORM = "application/x-www-form-urlencoded"


class AppPaths(Portal):
    """`/oauth/…`: one app, known by `CLIENT_ID` and by the secret that webhooks are signed with too."""

    @property
    def app(self) -> Mapping[str, str]:
        """Return what the app proves itself with."""
        return {"client_id": CLIENT_ID, "client_secret": self.secret["webhook_secret"]}

    @on("GET", "/oauth/authorize")
    def agree(self, call: Call) -> Reply:
        """Answer 302 back to the app, as if staff had agreed: with a code for the scopes asked for and those that the portal has of the optional."""
        asked = call.query
        wanted, optional = (set(asked.get(name, "").split()) for name in ("scope", "optional_scope"))
        if asked.get("client_id") != CLIENT_ID or not asked.get("redirect_uri"):
            return Reply(400, "<html><body>We could not find that app.</body></html>")
        if wanted - set(SCOPES) or "oauth" not in wanted:
            return Reply(400, "<html><body>The app asks for scopes that it does not have.</body></html>")
        self.app_scopes = wanted | (optional & self.scopes)
        code = self.grants.agree(
            redirect_uri=asked["redirect_uri"], challenge=asked.get("code_challenge", "")
        )
        answer = {"code": code, **({"state": asked["state"]} if "state" in asked else {})}
        sign = "&" if "?" in asked["redirect_uri"] else "?"
        return Reply(302, None, {"Location": f"{asked['redirect_uri']}{sign}{urlencode(answer)}"})

    @on("POST", "/oauth/v1/token")
    def token_v1(self, call: Call) -> Reply:
        """Answer as the path that came after it."""
        return self.token(call)

    @on("POST", "/oauth/v3/token")
    def token(self, call: Call) -> Reply:
        """Answer 200 with tokens for a code or a refresh token."""
        form = self._form(call)
        if form.get("client_id") != CLIENT_ID:
            return _refused("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        if form.get("client_secret") != self.app["client_secret"]:
            return _refused("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")
        if form.get("grant_type") == "authorization_code":
            grant = self.grants.exchange(
                form.get("code", ""),
                redirect_uri=form.get("redirect_uri", ""),
                verifier=form.get("code_verifier", ""),
            )
            if grant is None:
                return _refused("BAD_AUTH_CODE", "missing or unknown auth code", "invalid_grant")
            return self._granted(grant)
        if form.get("grant_type") == "refresh_token":
            grant = self.grants.refresh(form.get("refresh_token", ""))
            if grant is None:
                return _refused("BAD_REFRESH_TOKEN", "missing or invalid refresh token", "invalid_grant")
            return self._granted(grant)
        return _refused("BAD_GRANT_TYPE", "missing or unknown grant type", "unsupported_grant_type")

    @on("POST", "/oauth/v3/token/introspect")
    def introspect(self, call: Call) -> Reply:
        """Answer 200 with what an access token may do; of one that is not known, that it is not active."""
        form = self._form(call)
        if {name: form.get(name) for name in self.app} != dict(self.app):
            return _refused("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        if not self.grants.is_open(form.get("token", "")):
            return Reply(200, {"active": False, "token_use": "access_token"})
        return Reply(
            200,
            {
                "active": True,
                "token": form["token"],
                "token_type": "bearer",
                "token_use": "access_token",
                "client_id": CLIENT_ID,
                "app_id": APP_ID,
                "hub_id": PORTAL_ID,
                "user_id": 9,
                "expires_in": self.app_token_lasts,
                "scopes": sorted(self.app_scopes),
            },
        )

    @on("POST", "/oauth/v3/token/revoke")
    def revoke(self, call: Call) -> Reply:
        """Answer 204: the app is out."""
        form = self._form(call)
        if {name: form.get(name) for name in self.app} != dict(self.app):
            return _refused("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        self.grants.revoke()
        return Reply(204)

    def _form(self, call: Call) -> dict[str, str]:
        if not call.headers.get("content-type", "").startswith(FORM):
            raise Refusal("HTTP 415 Unsupported Media Type", status=415)
        return dict(parse_qsl(call.body.decode("utf-8", "replace")))

    def _granted(self, grant: Grant) -> Reply:
        self.given_tokens.add(grant.access_token)
        return Reply(
            200,
            {
                "token_type": "bearer",
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
                "expires_in": grant.expires_in,
                "hub_id": PORTAL_ID,
                "user_id": 9,
                "scopes": sorted(self.app_scopes),
                "token_use": "access_token",
            },
        )


def _refused(status: str, message: str, error: str) -> Reply:
    # The reason as the status is what integrators of the first version see; the newer document asks for a category, and has the words of
    # RFC 6749 beside it.
    return Reply(
        400,
        {
            "status": status,
            "message": message,
            "error": error,
            "category": "VALIDATION_ERROR",
            "correlationId": str(uuid.uuid4()),
        },
    )
