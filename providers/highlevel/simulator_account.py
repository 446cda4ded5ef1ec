"""The simulated HighLevel's account: who may come in, how it refuses and throttles, and what its records are kept in.

What the vendor's page leaves open is decided here once and said beside it. Source: the OpenAPI documents in
https://github.com/GoHighLevel/highlevel-api-docs and recorded answers (read 2026-11).
"""

from __future__ import annotations

import math
import string
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

from providers.capabilities import Limit
from providers.highlevel import simulator_records as records
from providers.highlevel.simulator_records import Record, Rule
from providers.simulator import Call, Reply, Simulator
from providers.simulator.windows import Window

VERSIONS = ("2021-07-28", "v3")
COMPANY = "Sim7uAgencyC0mpany1d"
DAY = 86_400.0
SCOPES = frozenset(
    {
        "contacts.readonly",
        "contacts.write",
        "users.readonly",
        "locations.readonly",
        "locations/tasks.readonly",
    }
)
_READS = ("GET /contacts", "POST /contacts/search")
_PLACES = {"/users": "users.readonly", "/locations": "locations.readonly"}
OPEN_TO_ALL = ("/oauth/token", "/v2/oauth/chooselocation")
_ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
}


class DayWindow(Window):
    """The day's limit: a day that begins with its first request, not at midnight."""

    def wait(self, now: float) -> float:
        """Return the seconds until another request would pass, 0.0 when it would now."""
        if self._passed and self._passed[0] + self.limit.seconds <= now:
            self._passed.clear()
        return 0.0 if len(self._passed) < self.limit.calls else self.ends_in(now)

    def ends_in(self, now: float) -> float:
        """Return the seconds until the count begins anew."""
        return (self._passed[0] if self._passed else now) + self.limit.seconds - now


class Refused(Exception):
    """The request is answered with an error."""

    def __init__(self, status: int, message: str | list[str], **extra: Any) -> None:
        """Keep the parts of the vendor's error body."""
        super().__init__(message)
        self.status = status
        self.body = {"statusCode": status, "message": message, "error": _ERRORS[status], **extra}


def handles(handler: Callable[[Any, Call], Reply]) -> Callable[[Any, Call], Reply]:
    """Answer with the error body when the handler refuses, and put a trace id on every body."""

    @wraps(handler)
    def answer(self: SimulatedAccount, call: Call) -> Reply:
        try:
            reply = handler(self, call)
        except Refused as refused:
            reply = Reply(refused.status, refused.body)
        if not reply.body:
            return reply
        return Reply(reply.status, {**reply.body, "traceId": self._trace_id()}, reply.headers)

    return answer


class SimulatedAccount(Simulator):
    """One sub-account. `allow_duplicates`, `scopes`, `time_zone`, `missing_task_status`, `tells_wait` and `takes_assignees` may be set by a test.

    Unconfirmed at the vendor and decided here (2026-11): a missing task answers 400 as a missing contact does; an unknown assignee 422;
    an empty `assignedTo` takes the assignee off; deleting a contact deletes its tasks; 429 carries `Retry-After` unless `tells_wait` is off;
    the ten seconds slide. The day begins with its first request, as recorded answers show it.
    """

    limits = (Limit(100, 10.0), Limit(200_000, DAY))
    default_secret = {"token": "pit-simulated-sub-account-token"}
    default_setting = {"location_id": "Sim7uBAccQu9nt1Loc4T"}

    def reset(self) -> None:
        """Empty the account; it begins without users."""
        self.allow_duplicates = False
        self.scopes = set(SCOPES)
        self.time_zone = "America/Chicago"
        self.missing_task_status = 400
        self.tells_wait = True
        self.takes_assignees = True
        self._tasks: dict[str, Record] = {}
        self._versions: dict[str, list[tuple[datetime, Record]]] = {}
        self._contacts: dict[str, Record] = {}
        self._users: dict[str, Record] = {}
        self._recurring: dict[str, Record] = {}
        self._app_scopes: dict[str, str] = {}
        self._windows = [DayWindow(one.limit) if one.limit.seconds >= DAY else one for one in self._windows]

    # How it refuses

    def authenticate(self, call: Call) -> Reply | None:
        """Refuse a wrong token, a missing or unknown `Version`, and a scope that the token does not have."""
        if call.path in OPEN_TO_ALL:
            return None
        sent = call.headers.get("authorization", "")
        token = sent.removeprefix("Bearer ")
        if sent != f"Bearer {self.secret['token']}" and not self.grants.is_open(token):
            kind = (
                "Invalid Private Integration token"
                if sent.startswith("Bearer pit-")
                else "Invalid token: access token is invalid"
            )
            return self._error(401, kind)
        version = call.headers.get("version")
        if version not in VERSIONS:
            return self._error(
                401, "version header was not found." if version is None else "version header is invalid"
            )
        scope = _scope_of(f"{call.method} {call.path}")
        if scope and scope not in self._scopes_of(token):
            return self._error(401, "The token is not authorized for this scope.")
        return None

    def _scopes_of(self, token: str) -> set[str]:
        """Return what the token may do: the account's own scopes, or what staff agreed to for the app."""
        agreed = self._app_scopes.get(token)
        return set(self.scopes) if agreed is None else set(agreed.split()) & set(self.scopes)

    def refusal(self, status: int) -> Reply:
        """Return the error body of that status; a gateway's is a web page."""
        if status > 500:
            return Reply(
                status, f"<html><head><title>{status}</title></head><body>Server Error</body></html>"
            )
        known: dict[int, str | list[str]] = {
            401: "Invalid token: access token is invalid",
            403: "The token does not have access to this location.",
            422: ["Unprocessable Entity"],
        }
        return self._error(status, known.get(status, _ERRORS.get(status, "Error")))

    def throttled(self, limit: Limit, wait_s: float) -> Reply:
        """Return 429 with the headers that tell which limit it was."""
        headers = dict(self.rate_headers(self._windows))
        if self.tells_wait:
            headers["Retry-After"] = str(math.ceil(wait_s))
        if limit.seconds >= DAY:
            headers |= {
                "X-RateLimit-Daily-Remaining": "0",
                "X-RateLimit-Daily-Reset": str(math.ceil(wait_s * 1000)),
            }
        else:
            headers["X-RateLimit-Remaining"] = "0"
        refused = self._error(429, "Too Many Requests")
        return Reply(429, refused.body, headers)

    def no_such_path(self, call: Call) -> Reply:
        """Return the vendor's 404."""
        return self._error(404, f"Cannot {call.method} {call.path}")

    def rate_headers(self, windows: Iterable[Window]) -> Mapping[str, str]:
        """Return the headers of both limits; the daily reset is in milliseconds from now."""
        now, headers = self.now().timestamp(), {}
        for window in windows:
            if window.limit.seconds >= DAY:
                headers["X-RateLimit-Limit-Daily"] = str(window.limit.calls)
                headers["X-RateLimit-Daily-Remaining"] = str(window.left)
                left = window.ends_in(now) if isinstance(window, DayWindow) else DAY
                headers["X-RateLimit-Daily-Reset"] = str(int(left * 1000))
            else:
                headers["X-RateLimit-Max"] = str(window.limit.calls)
                headers["X-RateLimit-Remaining"] = str(window.left)
                headers["X-RateLimit-Interval-Milliseconds"] = str(int(window.limit.seconds * 1000))
        return headers

    # What handlers share

    def _body(self, call: Call, rules: Mapping[str, Rule]) -> Record:
        """Return the request's JSON object. Refuses what the rules do not allow."""
        is_json = "application/json" in call.headers.get("content-type", "")
        if is_json and call.body and call.json is None:
            raise Refused(400, "Unexpected token in JSON at position 0")
        body = call.json if is_json and call.body else {}
        if not isinstance(body, dict):
            raise Refused(400, "Bad Request")
        if found := records.complaints(body, rules):
            raise Refused(422, found)
        return body

    def _contact(self, call: Call) -> Record:
        contact = self._contacts.get(call.captured["contact"])
        if contact is None or contact["deleted"]:
            raise Refused(400, f"Contact not found for id: {call.captured['contact']}")
        return contact

    def _check_location(self, location: str | None) -> None:
        if not location:
            raise Refused(422, ["locationId should not be empty", "locationId must be a string"])
        if location != self.setting["location_id"]:
            raise Refused(403, "The token does not have access to this location.")

    # The task search sees what is written `find_lag` later

    def _index(self, task: Record) -> None:
        versions = [*self._versions.get(task["id"], []), (self.now(), dict(task))]
        last_found = max((at for at, (made, _) in enumerate(versions) if self.is_found(made)), default=0)
        self._versions[task["id"]] = versions[last_found:]

    def _indexed(self) -> list[Record]:
        newest = [[task for made, task in one if self.is_found(made)][-1:] for one in self._versions.values()]
        return [task for found in newest for task in found]

    def _error(self, status: int, message: str | list[str]) -> Reply:
        body = {"statusCode": status, "message": message, "error": _ERRORS.get(status, "Error")}
        return Reply(status, {**body, "traceId": self._trace_id()})

    def _new_id(self) -> str:
        taken = {*self._tasks, *self._contacts, *self._users, *self._recurring}
        while (made := "".join(self._chance.choices(string.ascii_letters + string.digits, k=20))) in taken:
            continue
        return made

    def _trace_id(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def _now_text(self) -> str:
        return records.moment_text(self.now())


def _scope_of(line: str) -> str:
    """Return the scope that a request needs, "" for none that is documented."""
    if line.startswith("POST /locations/") and line.endswith("/tasks/search"):
        return "locations/tasks.readonly"
    if "/recurring-tasks" in line:
        return ""
    if " /contacts" in line:
        return "contacts.readonly" if line.startswith(_READS) else "contacts.write"
    return next((scope for place, scope in _PLACES.items() if f" {place}" in line), "")
