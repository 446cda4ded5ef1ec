"""The simulated HighLevel's door for apps: the page where staff agree, the token endpoint, and what an app is told by webhook.

Source: https://github.com/GoHighLevel/highlevel-api-docs, apps/oauth.json and apps/v3/oauth-v3.json, and
https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide (read 2026-11).
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from functools import cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from providers.highlevel import simulator_records as records
from providers.highlevel.simulator_account import COMPANY, SCOPES, Refused, SimulatedAccount, handles
from providers.highlevel.simulator_records import Record
from providers.simulator import Call, Reply, route
from providers.simulator.grants import Grant
from providers.simulator.webhooks import Webhook

APP_ID = "6578278e879ad2646715ba9c"
IN_SNAKE_CASE = (
    "client_id",
    "client_secret",
    "grant_type",
    "code",
    "refresh_token",
    "redirect_uri",
    "user_type",
)
IN_CAMEL_CASE = ("clientId", "clientSecret", "grantType", "code", "refreshToken", "redirectUri", "userType")
SIGNATURES = ("X-GHL-Signature", "X-WH-Signature")


class SimulatedApps(SimulatedAccount):
    """The part of the sub-account that knows an app.

    `app` is what the app comes in with. `is_agency_chosen`, `is_paused` and `tells_thinly` (a `TaskCreate` without contact and text, as
    some live ones are) may be set by a test, and `signs_with`, the headers that its webhooks carry.
    """

    app_token_lasts = 86_399
    app_tokens_rotate = True
    app_tokens_unused_for = timedelta(days=365)
    default_app: ClassVar[Mapping[str, str]] = {
        "client_id": f"{APP_ID}-simulated",
        "client_secret": "simulated-client-secret",
    }

    def __init__(self, **options: Any) -> None:
        """Start as an empty account that signs with keys of its own."""
        super().__init__(**options)
        ed25519_key, rsa_key = signing_keys()
        self.app = dict(self.default_app)
        self.setting |= {
            "webhook_key": _in_one_line(ed25519_key.public_key()),
            "old_webhook_key": _in_one_line(rsa_key.public_key()),
        }

    def reset(self) -> None:
        """Empty the account; apps stay let in."""
        super().reset()
        self.is_agency_chosen = False
        self.is_paused = False
        self.tells_thinly = False
        self.signs_with = SIGNATURES
        self._asked_for: dict[str, str] = {}

    # The page where staff agree, and the token endpoint

    @route("GET", "/v2/oauth/chooselocation", budget="oauth")
    @handles
    def agree(self, call: Call) -> Reply:
        """Send staff back with a code, as if they had chosen the sub-account; nobody is asked."""
        back, scopes = call.query.get("redirect_uri", ""), call.query.get("scope", "")
        if call.query.get("response_type") != "code" or call.query.get("client_id") != self.app["client_id"]:
            raise Refused(400, "Invalid parameter: client_id")
        if urlsplit(back).scheme not in ("http", "https") or not scopes or not set(scopes.split()) <= SCOPES:
            raise Refused(400, "Invalid parameter: redirect_uri or scope")
        code = self.grants.agree(redirect_uri=back)
        self._asked_for[code] = scopes
        given = {"code": code, **({"state": call.query["state"]} if "state" in call.query else {})}
        return Reply(302, {}, {"Location": f"{back}{'&' if '?' in back else '?'}{urlencode(given)}"})

    @route("POST", "/oauth/token", budget="oauth")
    @handles
    def give_tokens(self, call: Call) -> Reply:
        """Give tokens for a code or a refresh token; each of them works once."""
        is_v3 = call.headers.get("version") == "v3"
        given = _form(call, is_v3=is_v3)
        self._check_app(given, IN_CAMEL_CASE if is_v3 else IN_SNAKE_CASE)
        grant = self._granted(given)
        told = {
            "access_token": grant.access_token,
            "token_type": "Bearer",
            "expires_in": grant.expires_in,
            "refresh_token": grant.refresh_token,
            "scope": " ".join(sorted(self._scopes_of(grant.access_token))),
            "userType": "Company" if self.is_agency_chosen else "Location",
            "companyId": COMPANY,
            "userId": "Sim7uUserWhoAgreed11",
            "isBulkInstallation": False,
            **({} if self.is_agency_chosen else {"locationId": self.setting["location_id"]}),
        }
        return Reply(200, {_camel(name): value for name, value in told.items()} if is_v3 else told)

    def _check_app(self, given: Mapping[str, str], names: tuple[str, ...]) -> None:
        for name, shown in zip(IN_SNAKE_CASE[:3], names[:3], strict=True):
            if not given.get(name):
                raise Refused(400, f"Missing parameter: {shown}")
            if name in self.app and given[name] != self.app[name]:
                raise Refused(400, f"Invalid parameter: {shown}")

    def _granted(self, given: Mapping[str, str]) -> Grant:
        kind, code, refresh = (given.get(name, "") for name in ("grant_type", "code", "refresh_token"))
        if kind == "authorization_code":
            if (grant := self.grants.exchange(code, redirect_uri=given.get("redirect_uri", ""))) is None:
                raise Refused(400, "Invalid grant: authorization code is invalid")
            scopes = self._asked_for.pop(code, "")
        elif kind == "refresh_token":
            if self.is_paused:
                raise Refused(400, "Location is not active")
            if (grant := self.grants.refresh(refresh)) is None:
                raise Refused(400, "Invalid grant: refresh token is invalid")
            scopes = self._app_scopes.pop(refresh, "")
        else:
            raise Refused(400, "Invalid parameter: grantType")
        if scopes:
            self._app_scopes |= {grant.access_token: scopes, grant.refresh_token: scopes}
        return grant

    # Webhooks

    def webhook(self, event: Mapping[str, Any], url: str) -> Webhook:
        """Return the delivery of this event with the vendor's envelope and both signatures."""
        told = {"locationId": self.setting["location_id"], **event}
        told.setdefault("timestamp", self._now_text())
        told.setdefault("webhookId", str(uuid.uuid4()))
        body = json.dumps({**told, "appId": APP_ID, "versionId": APP_ID}).encode()
        ed25519_key, rsa_key = signing_keys()
        made = {
            SIGNATURES[0]: ed25519_key.sign(body),
            SIGNATURES[1]: rsa_key.sign(body, padding.PKCS1v15(), hashes.SHA256()),
        }
        headers = {name: base64.b64encode(made[name]).decode() for name in self.signs_with}
        return Webhook(url, headers, body)

    def tell_of_task(self, name: str, task: Record) -> None:
        """Announce `TaskCreate`, `TaskComplete` or `TaskDelete`; there is no event for any other change."""
        left_out = {"contactId", "body"} if self.tells_thinly and name == "TaskCreate" else set()
        fields = {"id", "assignedTo", "body", "contactId", "title", "dueDate"} - left_out
        self._tell(name, {one: task[one] for one in sorted(fields) if task.get(one)} | _added(task))

    def tell_of_contact(self, name: str, contact: Record) -> None:
        """Announce `ContactCreate`, `ContactUpdate` or `ContactDelete`."""
        left_out = ("added", "updated", "deleted", "deleted_at")
        shown = {one: value for one, value in contact.items() if one not in left_out and value is not None}
        self._tell(name, {**shown, **_added(contact)})

    def _tell(self, name: str, record: Record) -> None:
        if self.announcer.urls:
            self.announce({**record, "type": name, "webhookId": str(uuid.uuid4())})


@cache
def signing_keys() -> tuple[ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey]:
    """Return the keys that every simulated HighLevel of this process signs with; half the vendor's length, to be quick."""
    return ed25519.Ed25519PrivateKey.generate(), rsa.generate_private_key(65537, 2048)


def _in_one_line(key: ed25519.Ed25519PublicKey | rsa.RSAPublicKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(key.public_bytes(serialization.Encoding.DER, form)).decode()


def _added(record: Record) -> Record:
    return {"dateAdded": records.moment_text(record["added"])}


def _form(call: Call, *, is_v3: bool) -> dict[str, str]:
    """Return the fields that were sent, by their names in snake case."""
    if "application/x-www-form-urlencoded" in call.headers.get("content-type", ""):
        sent = dict(parse_qsl(call.body.decode("utf-8", "replace")))
    else:  # v3 takes JSON too
        sent = call.json if is_v3 and isinstance(call.json, dict) else {}
    names = zip(IN_CAMEL_CASE if is_v3 else IN_SNAKE_CASE, IN_SNAKE_CASE, strict=True)
    return {ours: str(sent[theirs]) for theirs, ours in names if sent.get(theirs)}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
