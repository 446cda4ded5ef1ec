"""The portal behind the simulated paths: its state, its token and scopes, its limits, and how it says no."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import unquote

from providers.capabilities import Limit
from providers.hubspot.simulator_records import Record, Records
from providers.hubspot.simulator_schema import PLURALS, TYPE_IDS, Refusal, bad_json, object_type
from providers.simulator import Call, Reply, Simulator, route
from providers.simulator.windows import Window

Owner = TypeVar("Owner", bound="Portal")
Handler = Callable[[Owner, Call], Reply]

PORTAL_ID = 4711
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
    let a property of tasks be unique.
    """

    limits = (
        Limit(190, 10.0),
        Limit(625_000, 86_400.0),
        Limit(5, 1.0, "search"),
        Limit(150, 10.0, "associations"),
    )
    default_secret = {"access_token": "pat-eu1-0b1cd2ef-simulated-token-4711"}

    def __init__(self, *, limits: Iterable[Limit] | None = None, seed: int = 1) -> None:
        """Start as an empty account."""
        self.scopes = set(SCOPES)
        self.takes_unique_task_properties = True
        self._last_id = 90_000_000_000 + seed * 1_000_000
        self._is_search = False
        super().__init__(limits=limits, seed=seed)

    def reset(self) -> None:
        """Empty the account; one administrator is left."""
        self.records = Records()
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

    # Refusals

    def authenticate(self, call: Call) -> Reply | None:
        """Refuse a wrong token, then a token without the scope that the path needs."""
        if call.headers.get("authorization") != f"Bearer {self.secret['access_token']}":
            return Refusal(NO_TOKEN, status=401, category="INVALID_AUTHENTICATION").reply()
        missing = sorted(_scopes_for(call) - self.scopes)
        if missing:
            message = "This app hasn't been granted all required scopes to make this call."
            detail = {
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": missing},
            }
            return Refusal(message, status=403, category="MISSING_SCOPES", errors=[detail]).reply()
        return None

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
        told: dict[str, str] = {}
        for window in windows:
            if window.limit.budget == "all" and window.limit.seconds > 1000:
                told["X-HubSpot-RateLimit-Daily"] = str(window.limit.calls)
                told["X-HubSpot-RateLimit-Daily-Remaining"] = str(window.left)
            elif window.limit.budget == "all":
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


def _scopes_for(call: Call) -> set[str]:
    found = re.match(r"/crm/v\d/objects/([^/]+)", call.path)
    if call.path.startswith("/crm/v3/owners"):
        return {"crm.objects.owners.read"}
    if call.path.startswith("/crm/v3/properties") and call.method != "GET":
        return {"crm.schemas.contacts.write"}
    if not found:
        return set()
    reads = call.method == "GET" or call.path.endswith(("/search", "/batch/read"))
    plural = PLURALS.get(TYPE_IDS.get(found.group(1), ""), "contacts")
    if plural == "tickets":
        return {"tickets"}
    area = "contacts" if plural == "tasks" else plural
    return {f"crm.objects.{area}.{'read' if reads else 'write'}"}
