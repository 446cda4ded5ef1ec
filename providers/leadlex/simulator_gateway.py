"""The simulated LeadLex's gateway: who may come in, how often, in which envelope; and the records that a workspace holds."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import wraps
from typing import Any

from providers.capabilities import Limit
from providers.leadlex import simulator_records as records
from providers.leadlex.simulator_records import Record, Refused, invalid
from providers.simulator import Call, Reply, Simulator
from providers.simulator.webhooks import Webhook
from providers.simulator.windows import Window

GATEWAY = "/functions/v1/api-gateway"
DAY = 86_400.0  # seconds
MOST_PER_PAGE = 100
# Endpoint pages spell permissions resource:action, the pages on keys action:resource; the former is used here.
PERMISSIONS = {
    "tasks": "activities",
    "contacts": "contacts",
    "companies": "companies",
    "deals": "deals",
    "users": "users",
}
_PAGING = ("page", "per_page")
_ERRORS = {
    400: ("validation_error", "The request is not valid"),
    401: ("invalid_key", "Invalid or expired API key"),
    402: ("insufficient_credits", "Not enough credits"),
    403: ("insufficient_permissions", "Missing activities:write permission"),
    404: ("not_found", "Not found"),
    409: ("conflict", "The record already exists"),
    413: ("payload_too_large", "The request is too large"),
    429: ("rate_limited", "Rate limit exceeded"),
}
KEPT_REPLAYS = timedelta(hours=24)


def answering(handler: Callable[[Any, Call], Reply]) -> Callable[[Any, Call], Reply]:
    """Answer with the error body when the handler refuses."""

    @wraps(handler)
    def answer(self: Gateway, call: Call) -> Reply:
        try:
            return handler(self, call)
        except Refused as refused:
            return Reply(refused.status, refused.body)

    return answer


class Gateway(Simulator):
    """What every path of the workspace shares. Its switches are told in `simulator.py`."""

    # The day first: a fault that says "over the limit" then tells its seconds in the header that the vendor has for it.
    limits = (Limit(10_000, DAY, is_fixed=True), Limit(200, 60.0))
    default_secret = {
        "api_key": "wbk_live_simulated0workspace0key",
        "webhook_secret": "whsec_simulated0workspace0webhook",
    }
    default_setting = {"plan": "org"}

    def reset(self) -> None:
        """Empty the workspace; it begins without users."""
        self.permissions = {f"{one}:{what}" for one in PERMISSIONS.values() for what in ("read", "write")}
        self.missing_calls: set[str] = set()
        self.missing_call_status = 404
        self.says_no_more_than_not_found = False
        self.open_reads_as_pending = False
        self.days_become_moments = False
        self.replays_keys = False
        self.duplicate_contacts = "existing"
        self.search_covers_phones = True
        self.lists = "newest first"
        self.envelope = "catalogue"
        self._tasks: dict[str, Record] = {}
        self._held: dict[str, dict[str, Record]] = {
            part: {} for part in ("users", "contacts", "companies", "deals", "events")
        }
        self._replays: dict[tuple[str, str], tuple[Reply, datetime]] = {}

    # Who may come in, and how often

    def _find(self, call: Call) -> tuple[str | None, Mapping[str, str], str]:
        # The samples on the vendor's pages hold the gateway's path; a base URL may end before it or after it.
        return super()._find(replace(call, path=call.path.removeprefix(GATEWAY)))

    def authenticate(self, call: Call) -> Reply | None:
        """Refuse a wrong key with 401 `invalid_key`, and a key without the permission with 403."""
        if call.headers.get("authorization") != f"Bearer {self.secret['api_key']}":
            return self.refusal(401)
        resource = PERMISSIONS.get(call.path.removeprefix(GATEWAY).removeprefix("/v1/").split("/")[0])
        needed = f"{resource}:{'read' if call.method == 'GET' else 'write'}"
        if resource is not None and needed not in self.permissions:
            return self._error(403, "insufficient_permissions", f"Missing {needed} permission")
        return None

    def refusal(self, status: int) -> Reply:
        """Return the envelope with the vendor's code; a 5xx comes from the host of the functions, in plain text."""
        if status not in _ERRORS:
            return Reply(status, "Internal Server Error", self.rate_headers(self._windows))
        return self._error(status, *_ERRORS[status])

    def throttled(self, limit: Limit, wait_s: float) -> Reply:
        """Return 429 `rate_limited`. The headers tell of the day alone, so a full minute does not show in them."""
        reply = self.refusal(429)
        if limit.seconds != DAY:
            return reply
        reset = math.ceil(self.now().timestamp() + wait_s)
        spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        return Reply(reply.status, reply.body, {**reply.headers, **spent})

    def no_such_path(self, call: Call) -> Reply:
        """Return 404 in the envelope."""
        return self._error(404, "not_found", self._not_found(f"No endpoint {call.method} {call.path}"))

    def rate_headers(self, windows: Iterable[Window]) -> Mapping[str, str]:
        """Return the day's quota, the id of the request, and the simulator's own time."""
        now = self.now()
        headers = {"Date": format_datetime(now, usegmt=True), "X-Request-ID": f"req_{uuid.uuid4().hex}"}
        for window in windows:
            if window.limit.seconds == DAY:
                headers["X-RateLimit-Limit"] = str(window.limit.calls)
                headers["X-RateLimit-Remaining"] = str(window.left)
                headers["X-RateLimit-Reset"] = str(int((now.timestamp() // DAY + 1) * DAY))
        return headers

    def _error(self, status: int, code: str, message: str) -> Reply:
        return Reply(status, records.error_body(code, message), self.rate_headers(self._windows))

    # What it tells by itself

    def _tell(self, name: str, data: Mapping[str, Any]) -> None:
        self.announce({"id": f"evt_{uuid.uuid4().hex}", "name": name, "data": data})

    def webhook(self, event: Mapping[str, Any], url: str) -> Webhook:
        """Return the delivery in one of the two envelopes of the pages, signed over its bytes; the time in the header is not signed."""
        at = self.now().isoformat(timespec="seconds").replace("+00:00", "Z")
        body: Record = {"id": event["id"], "type": event["name"], "created_at": at, "data": event["data"]}
        if self.envelope == "event":
            workspace = str(uuid.uuid5(uuid.NAMESPACE_OID, self.secret["api_key"]))
            body = {"event": event["name"], "timestamp": at, "workspace_id": workspace, "data": event["data"]}
        raw = json.dumps(body).encode()
        signature = hmac.new(self.secret["webhook_secret"].encode(), raw, hashlib.sha256).hexdigest()
        headers = {
            "X-LeadLex-Signature": f"sha256={signature}",
            "X-LeadLex-Timestamp": at,
            "X-LeadLex-Delivery-ID": str(uuid.uuid4()),
            "User-Agent": "LeadLex-Webhook/1.0",
        }
        return Webhook(url, headers, raw)

    # The records held

    def _not_found(self, words: str) -> str:
        return "Not found" if self.says_no_more_than_not_found else words

    def _one_of(self, part: str, call: Call, label: str) -> Record:
        record = self._held[part].get(call.captured["id"])
        if record is None:
            raise Refused(404, "not_found", self._not_found(f"{label} not found"))
        return record

    def _must_be_ours(self, name: str, record_id: str | None, part: str) -> None:
        if record_id and record_id not in self._held[part]:
            raise invalid(f"{name} does not belong to this workspace", {name: "Not found in this workspace"})

    def _put(self, part: str, values: Mapping[str, Any]) -> str:
        new_id = str(uuid.uuid4())
        self._held[part][new_id] = {
            "id": new_id,
            **values,
            "created_date": records.created_date(None, self.now()),
        }
        return new_id

    # An Idempotency-Key on these two calls is not documented; with the switch on, its first answer is kept for a day

    def _replay(self, call: Call) -> Reply | None:
        reply, at = self._replays.get(_replay_key(call), (None, self.now()))
        return reply if self.replays_keys and self.now() - at < KEPT_REPLAYS else None

    def _remember(self, call: Call, reply: Reply) -> Reply:
        if call.headers.get("idempotency-key"):
            self._replays[_replay_key(call)] = (reply, self.now())
        return reply


def _replay_key(call: Call) -> tuple[str, str]:
    return call.path, call.headers.get("idempotency-key", "")


def body_of(call: Call) -> Any:
    """Return the JSON sent. Raises `Refused` for another content type and for what is not JSON."""
    if call.headers.get("content-type", "").split(";")[0].strip().lower() != "application/json":
        raise invalid("Content-Type must be application/json")
    try:
        return json.loads(call.body)
    except ValueError:
        raise invalid("Request body must be valid JSON") from None


def known_query(call: Call, *names: str) -> None:
    """Refuse a query name that is neither paging nor one of `names`."""
    unknown = {name: "Unknown parameter" for name in call.query if name not in (*names, *_PAGING)}
    if unknown:
        raise invalid(f"Unknown query parameter: {', '.join(unknown)}", unknown)


def listing(call: Call, name: str, rows: list[Record]) -> Reply:
    """Return the page that was asked for, with copies of its rows: the answer is written after the lock is gone."""
    page, per_page = _number(call, "page", 1, None), _number(call, "per_page", 50, MOST_PER_PAGE)
    start = (page - 1) * per_page
    meta = {"page": page, "per_page": per_page, "total": len(rows)}
    return Reply(200, {"data": {name: [dict(row) for row in rows[start : start + per_page]]}, "meta": meta})


def _number(call: Call, name: str, default: int, most: int | None) -> int:
    value = call.query.get(name, str(default))
    if not value.isdigit() or int(value) < 1 or (most is not None and int(value) > most):
        raise invalid(
            f"{name}: Out of range", {name: f"Must be between 1 and {most}" if most else "Must be at least 1"}
        )
    return int(value)
