"""The portal behind the simulated paths: its state, its token and scopes, its limits, and how it says no."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote

from providers.capabilities import Limit
from providers.hubspot.simulator_linked import Record
from providers.hubspot.simulator_paths import numbered, scopes_for
from providers.hubspot.simulator_records import Records
from providers.hubspot.simulator_schema import Refusal, bad_json, object_type
from providers.hubspot.simulator_search import LARGEST_RESULT
from providers.hubspot.simulator_webhooks import MOST_EVENTS, delivery, stamped
from providers.simulator import Call, Reply, Simulator, route
from providers.simulator.webhooks import Webhook
from providers.simulator.windows import Window

Owner = TypeVar("Owner", bound="Portal")
Handler = Callable[[Owner, Call], Reply]

OPEN_PATHS = (
    "/oauth/authorize",
    "/oauth/v1/token",
    "/oauth/v3/token",
)  # where an app proves itself otherwise
SCOPES = (
    "oauth",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "tickets",
    "crm.objects.owners.read",
    "crm.schemas.contacts.write",
)
CATEGORIES = {
    400: "VALIDATION_ERROR",
    401: "INVALID_AUTHENTICATION",
    403: "MISSING_SCOPES",
    404: "OBJECT_NOT_FOUND",
    409: "CONFLICT",
    423: "LOCKED",
    429: "RATE_LIMITS",
}
NO_TOKEN = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details "
    "at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)


def on(method: str, path: str, *, budget: str = "all") -> Callable[[Handler[Any]], Handler[Any]]:
    """Mark a handler like `route`; a `Refusal` that it raises is its answer."""

    def mark(handler: Handler[Any]) -> Handler[Any]:
        @wraps(handler)
        def guarded(portal: Any, call: Call) -> Reply:
            try:
                return handler(portal, call)
            except Refusal as refusal:
                return refusal.reply()

        return route(method, path, budget=budget)(guarded)

    return mark


class Portal(Simulator):
    """One simulated HubSpot account on a Professional subscription, with a private app's token.

    `scopes` are what the token may do; take some out to be refused. `takes_unique_task_properties` False is a portal that does not
    let a property of tasks be unique. `search_shows` is how many results of one search may be paged through. `ignores_unknown` is the portal of
    the guide page, which drops properties that it does not know or that are read-only; live ones refuse them.
    """

    limits = (
        Limit(190, 10.0),
        Limit(625_000, 86_400.0, is_fixed=True),
        Limit(5, 1.0, "search"),
        Limit(150, 10.0, "associations"),
        Limit(500_000, 86_400.0, "associations", is_fixed=True),
        Limit(110, 10.0, "app"),
    )
    default_secret = {
        "access_token": "pat-eu1-0b1cd2ef-simulated-token-4711",
        "webhook_secret": "yyyyyyyy-yyyy-yyyy-yyyy-simulatedapp",
    }

    def __init__(
        self,
        *,
        limits: Iterable[Limit] | None = None,
        seed: int = 1,
        search_shows: int = LARGEST_RESULT,
        ignores_unknown: bool = False,
    ) -> None:
        """Start as an empty account."""
        self.scopes = set(SCOPES)
        self.takes_unique_task_properties = True
        # What an app that was let in may do, and the tokens that it was ever given.
        self.app_scopes = set(SCOPES)
        self.given_tokens: set[str] = set()
        self.search_shows = search_shows
        self.ignores_unknown = ignores_unknown
        self._last_label = 101
        self._last_id = 90_000_000_000 + seed * 1_000_000
        self._is_search = False
        self._is_app = False
        super().__init__(limits=limits, seed=seed)

    def reset(self) -> None:
        """Empty the account; one administrator is left."""
        self.records = Records()
        self.records.ignores_unknown = self.ignores_unknown
        self.add_owner("admin@portal.example", "Portal Admin")

    def new_id(self) -> str:
        """Return an id that no record of this account has had."""
        self._last_id += self._chance.randint(1, 97)
        return str(self._last_id)

    def add_owner(self, email: str, name: str) -> str:
        """Add a user whom records can be assigned to, and return the owner's id."""
        id_ = self.new_id()
        first, _, last = name.partition(" ")
        self.records.owners[id_] = {
            "id": id_,
            "email": email,
            "type": "PERSON",
            "firstName": first,
            "lastName": last,
            "userId": len(self.records.owners) + 9,
            "userIdIncludingInactive": len(self.records.owners) + 9,
            "createdAt": "2026-01-05T08:00:00.000Z",
            "updatedAt": "2026-01-05T08:00:00.000Z",
            "archived": False,
            "teams": [{"id": "3", "name": "Sales", "primary": True}],
        }
        return id_

    def remove_user(self, id_: str) -> None:
        """Deactivate a user, as an administrator does: the owner is archived, and takes no more."""
        del self.records.owners[id_]

    def add_label(self, from_type: str, to_type: str, label: str) -> int:
        """Make a label of associations, as an administrator does, and return its number."""
        self._last_label += 2
        return self.records.label((object_type(from_type), object_type(to_type)), label, self._last_label)[0]

    # One request

    def _handle(self, call: Call) -> Reply:
        # The dated paths lead to the same rooms as the numbered ones.
        with self._lock:
            reply = super()._handle(replace(call, path=numbered(call.path)))
            self.tell()
            return reply

    def _throttle(self, budget: str) -> Reply | None:
        # An app that was let in has a rate of its own and no day.
        return super()._throttle("app" if self._is_app and budget == "all" else budget)

    def tell(self) -> None:
        """Tell of everything that happened, in deliveries of up to a hundred events."""
        happened, self.records.events = self.records.events, []
        for start in range(0, len(happened), MOST_EVENTS):
            some = happened[start : start + MOST_EVENTS]
            self.announce({"events": [stamped(one, self.now(), self._chance) for one in some]})

    def webhook(self, event: Mapping[str, Any], url: str) -> Webhook:
        """Return the delivery of `event["events"]`, signed as version 3 of the signature is."""
        return delivery(event["events"], url, secret=self.secret["webhook_secret"])

    # Refusals

    def authenticate(self, call: Call) -> Reply | None:
        """Refuse a wrong token, then a token without the scope that the path needs."""
        self._is_app = False
        if call.path.startswith(OPEN_PATHS):
            return None
        token = call.headers.get("authorization", "").removeprefix("Bearer ")
        is_pasted = call.headers.get("authorization") == f"Bearer {self.secret['access_token']}"
        if not is_pasted and not self.grants.is_open(token):
            return self._unknown_token(token)
        self._is_app = not is_pasted
        missing = sorted(
            scopes_for(call.method, call.path) - (self.scopes if is_pasted else self.scopes & self.app_scopes)
        )
        if missing:
            message = "This app hasn't been granted all required scopes to make this call."
            detail = {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": missing},
            }
            return Refusal(message, status=403, category="MISSING_SCOPES", errors=[detail]).reply()
        return None

    def _unknown_token(self, token: str) -> Reply:
        if token not in self.given_tokens:
            return Refusal(NO_TOKEN, status=401, category="INVALID_AUTHENTICATION").reply()
        message = "The OAuth token used to make this call expired 0 second(s) ago."
        context = {"expire time": [self.now().isoformat()]}
        return Refusal(message, status=401, category="EXPIRED_AUTHENTICATION", context=context).reply()

    def refusal(self, status: int) -> Reply:
        """Return HubSpot's error body for this status."""
        category = CATEGORIES.get(status, "INTERNAL_ERROR")
        headers = {"Retry-After": "120"} if status == 477 else {}
        reply = Refusal(f"simulated {status}", status=status, category=category).reply()
        return Reply(reply.status, reply.body, headers)

    def throttled(self, limit: Limit, wait_s: float) -> Reply:
        """Return the 429: HubSpot names the policy and promises no Retry-After."""
        policy = (
            "SECONDLY"
            if limit.budget == "search"
            else "DAILY"
            if limit.seconds > 1000
            else "TEN_SECONDLY_ROLLING"
        )
        body = {
            "status": "error",
            "message": f"You have reached your {policy.lower()} limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": str(uuid.uuid4()),
            "policyName": policy,
            "requestId": str(uuid.uuid4()),
        }
        return Reply(429, body)

    def no_such_path(self, call: Call) -> Reply:
        """Return the 404 of a path that HubSpot does not have."""
        return Reply(
            404, {"status": "error", "message": "resource not found", "correlationId": str(uuid.uuid4())}
        )

    def rate_headers(self, windows: Iterable[Window]) -> Mapping[str, str]:
        """Return what is left of the burst and the day; answers to a search have no such headers."""
        if self._is_search:
            self._is_search = False
            return {}
        told = {"X-HubSpot-RateLimit-Secondly": "19", "X-HubSpot-RateLimit-Secondly-Remaining": "18"}
        for window in windows:
            if window.limit.budget != ("app" if self._is_app else "all"):
                continue
            if window.limit.seconds > 1000:
                told["X-HubSpot-RateLimit-Daily"] = str(window.limit.calls)
                told["X-HubSpot-RateLimit-Daily-Remaining"] = str(window.left)
            else:
                told["X-HubSpot-RateLimit-Max"] = str(window.limit.calls)
                told["X-HubSpot-RateLimit-Remaining"] = str(window.left)
                told["X-HubSpot-RateLimit-Interval-Milliseconds"] = str(round(window.limit.seconds * 1000))
        return told

    # Reading requests

    def body(self, call: Call) -> Any:
        """Return the JSON of a request. Raises `Refusal` for another content type and for what is not JSON."""
        if not call.headers.get("content-type", "").startswith("application/json"):
            raise Refusal("HTTP 415 Unsupported Media Type", status=415)
        try:
            return json.loads(call.body)
        except ValueError as error:
            raise bad_json(str(error)) from error

    def record_of(self, call: Call, *, archived: bool = False) -> Record:
        """Return the record that the path names, by id or by `idProperty`. Raises `Refusal`."""
        by = call.query.get("idProperty", "")
        return self.records.get(type_of(call), named(call, "id"), by=by, archived=archived)


def type_of(call: Call, name: str = "type") -> str:
    """Return the id of the object type in the path."""
    return object_type(named(call, name))


def named(call: Call, name: str) -> str:
    """Return a part of the path, decoded."""
    return unquote(call.captured[name])


def listed(call: Call, name: str) -> list[str]:
    """Return a comma-separated parameter."""
    return [one for one in call.query.get(name, "").split(",") if one]


def page_of(call: Call, *, default: int, most: int) -> tuple[int, str]:
    """Return limit and cursor of a listing. Raises `Refusal` for a limit beyond the documented one."""
    text = call.query.get("limit", str(default))
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise Refusal(f"limit must be between 1 and {most}")
    return int(text), call.query.get("after", "")
