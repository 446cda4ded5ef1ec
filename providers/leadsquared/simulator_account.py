"""The simulated LeadSquared account: its keys, its refusals and its users."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from providers.capabilities import Limit
from providers.leadsquared.simulator_records import User
from providers.leadsquared.simulator_shapes import Refusal
from providers.simulator import Call, Reply, Simulator, route
from providers.simulator.webhooks import Webhook

KEY_USER = "3b1041fb-8374-11e7-8758-0a106ee76b21"
WHO_AM_I = "/v2/Authentication.svc/UserByAccessKey.Get"


class AccountSimulator(Simulator):
    """The part of the account that is neither leads nor tasks.

    `home` is the host of the account's region: while it is set, this server is a wrong one. `throttles_in_200` makes the account tell
    of its limit under a status of 200, as some do. With `tells_thinly` its webhooks have no body, only the query.
    """

    default_secret: ClassVar[Mapping[str, str]] = {
        "access_key": "u$r6f1c2b7a9d3e4f508192a3b4c5d6e7f8",
        "secret_key": "9a8b7c6d5e4f30213243546576879809a1b2c3d4",
        "webhook_secret": "f0e1d2c3b4a5968778695a4b3c2d1e0f",
    }
    limits: ClassVar[tuple[Limit, ...]] = (Limit(calls=25, seconds=5.0),)

    def reset(self) -> None:
        """Empty the account but for the user of the keys."""
        self.zone = ZoneInfo("Asia/Kolkata")
        self.home = ""
        self.throttles_in_200 = False
        self.tells_thinly = False
        self.users = [User(KEY_USER, "admin@crm.example", "Hub", "Administrator")]

    @property
    def me(self) -> User:
        """Return the user whose keys are used."""
        return self.users[0]

    def user(self, *, id: str = "", email: str = "") -> User | None:
        """Return the active user with this id or e-mail."""
        return next(
            (
                one
                for one in self.users
                if one.is_active and ((id and one.id == id) or (email and one.email.lower() == email.lower()))
            ),
            None,
        )

    def remove_user(self, id_: str) -> None:
        """Deactivate a user, as an administrator does."""
        next(one for one in self.users if one.id == id_).is_active = False

    # What the vendor says to everybody

    def authenticate(self, call: Call) -> Reply | None:
        """Accept the keys in the headers or in the query; refuse everything but one call on a wrong region's host."""
        access = call.headers.get("x-lsq-accesskey") or call.query.get("accessKey")
        secret = call.headers.get("x-lsq-secretkey") or call.query.get("secretKey")
        if (access, secret) != (
            self.secret["access_key"],
            self.secret["secret_key"],
        ) or not self.me.is_active:
            return self.refusal(401)
        if self.home and call.path != WHO_AM_I:
            message = f"This account is hosted in another region. Please use {self.home}"
            return Refusal("MXUnAuthorizedAccessException", message, status=401).reply()
        return None

    def refusal(self, status: int) -> Reply:
        """Return the envelope for a status; 5xx without an `MX` type, which is what trouble of the platform looks like."""
        kind, message = {
            400: ("MXInvalidInputException", "The message body is not as per API specification"),
            401: ("MXUnAuthorizedAccessException", "Invalid AccessKey or SecretKey"),
            404: ("", "The API could not be found. Please check the API signature"),
            429: ("MXAPIRateLimitExceededException", "API calls exceeded the limit of 25 in 5 second(s)"),
        }.get(status, ("Exception", "An internal error occurred"))
        return Refusal(kind, message, status=status).reply()

    def throttled(self, limit: Limit, wait_s: float) -> Reply:
        """Tell the limit in words; no header says how long to wait."""
        message = f"API calls exceeded the limit of {limit.calls} in {limit.seconds:g} second(s)"
        status = 200 if self.throttles_in_200 else 429
        return Refusal("MXAPIRateLimitExceededException", message, status=status).reply()

    def no_such_path(self, call: Call) -> Reply:
        """Return 404, which here speaks of paths only."""
        return self.refusal(404)

    def webhook(self, event: Mapping[str, Any], url: str) -> Webhook:
        """Return the post in which one event is told: entity and event in the query, the secret in a header of the account's choice.

        The form of a task's body is not documented; a changed record has `Before` and `After`, as integrators saw of leads.
        """
        told = {"entityType": event["entity"], "entityId": event["id"], "eventType": event["code"]}
        address = f"{url}{'&' if '?' in url else '?'}{urlencode(told)}"
        headers = {"x-hub-secret": self.secret["webhook_secret"]}
        return Webhook(address, headers, b"" if self.tells_thinly else json.dumps(event["body"]).encode())

    # Users

    @route("GET", WHO_AM_I)
    def who_am_i(self, call: Call) -> Reply:
        """Tell who the keys belong to, and where the account lives."""
        return Reply(
            200,
            {
                "Id": self.me.id,
                "Name": self.me.name,
                "Role": "Administrator",
                "TimeZone": self.zone.key,
                "OrgId": "61234",
                "OrgShortCode": "SIMULATED",
                "Type": "User",
                "LSQCommonServiceURLs": {
                    "api": self.home or call.headers.get("host", ""),
                    "app": "app.crm.example",
                },
            },
        )

    @route("GET", "/v2/UserManagement.svc/Users.Get")
    def list_users(self, call: Call) -> Reply:
        """List active and inactive users."""
        return Reply(
            200,
            [
                {
                    "ID": one.id,
                    "FirstName": one.first_name,
                    "LastName": one.last_name,
                    "EmailAddress": one.email,
                    "Role": "Administrator" if one is self.me else "Sales_User",
                    "StatusCode": 0 if one.is_active else 1,
                    "MemberOfGroups": [],
                    "Tag": None,
                    "IsPhoneCallAgent": False,
                }
                for one in self.users
            ],
        )

    @route("GET", "/v2/UserManagement.svc/User/Retrieve/ByUserId")
    def get_user(self, call: Call) -> Reply:
        """Return the user in a list, an empty one for a user who is unknown or inactive."""
        found = self.user(id=call.query.get("userId", ""))
        if found is None:
            return Reply(200, [])
        shown = {"UserId": found.id, "FirstName": found.first_name, "LastName": found.last_name}
        return Reply(200, [{**shown, "EmailAddress": found.email, "TimeZone": self.zone.key}])
