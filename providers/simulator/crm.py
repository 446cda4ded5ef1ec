"""The base of every simulated CRM: routing, authentication, rate windows, faults, the clock and the `/_sim` pages."""

from __future__ import annotations

import random
import re
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from providers.capabilities import Limit
from providers.simulator.by_hand import ByHand
from providers.simulator.faults import KINDS, Fault
from providers.simulator.grants import Grants
from providers.simulator.server import Call, Reply
from providers.simulator.spoiling import spoilt
from providers.simulator.webhooks import Announcer, Webhook
from providers.simulator.windows import Window

Handler = Callable[[Any, Call], Reply]
Route = TypeVar("Route", bound=Handler)
KEPT_IN_LOG = 20_000  # requests


def route(method: str, path: str, *, budget: str = "all") -> Callable[[Route], Route]:
    """Mark a method as the handler of "METHOD /path/{name}"; `{name}` arrives in `call.captured`, never with a slash in it.

    `budget` names the vendor's limit that the request counts against.
    """

    def mark(handler: Route) -> Route:
        pattern = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "$")
        handler.__dict__["route"] = (method, pattern, budget)
        return handler

    return mark


class Simulator(ByHand):
    """One simulated account at one vendor.

    A subclass has `@route` methods and the class's `default_secret` and `default_setting`, and says how the vendor authenticates, refuses and throttles. Its state may be touched only in
    handlers (they run one at a time) and in `reset`. `secret` and `setting` are what `connect` takes to reach it. `find_lag` is how late
    its look-ups are, in seconds of its own clock. `task_path` is an expression that fits the path of every call that writes a task: tests let
    those go wrong by it.
    """

    code: ClassVar[str]
    limits: ClassVar[tuple[Limit, ...]] = ()
    default_secret: ClassVar[Mapping[str, str]] = {}
    default_setting: ClassVar[Mapping[str, str]] = {}
    task_path: ClassVar[str] = "[tT]ask"
    app_token_lasts: ClassVar[int] = 1800  # seconds
    app_tokens_rotate: ClassVar[bool] = False
    app_tokens_unused_for: ClassVar[timedelta | None] = (
        None  # how long a refresh token works that nobody uses
    )

    def __init__(self, *, limits: Iterable[Limit] | None = None, seed: int = 1) -> None:
        """Start as an empty account. `limits` replaces what the vendor allows; `seed` makes chance repeatable."""
        self.secret = dict(self.default_secret)
        self.setting = dict(self.default_setting)
        self.find_lag = 0.0
        self.closing = threading.Event()
        self.announcer = Announcer()
        # What an app may come in with, where the vendor lets apps in.
        self.grants = Grants(
            self.now,
            lifetime_s=self.app_token_lasts,
            rotates=self.app_tokens_rotate,
            unused_for=self.app_tokens_unused_for,
        )
        # Whether the batch that is handled now is to be done in part only; a vendor's batches look at it.
        self.refuses_part = False
        # Called with each request after it took effect and before it is answered; for tests that act in between.
        self.before_answer: Callable[[Call], None] | None = None
        self._limits = tuple(self.limits if limits is None else limits)
        self._lock = threading.RLock()
        self._chance = random.Random(seed)
        self._routes = [
            (*handler.__dict__["route"], name)
            for name in dir(type(self))
            if (handler := getattr(type(self), name, None)) is not None
            and "route" in getattr(handler, "__dict__", {})
        ]
        self._begin()

    def _begin(self) -> None:
        self.faults: list[Fault] = []
        self.log: deque[dict[str, Any]] = deque(maxlen=KEPT_IN_LOG)
        self._moved = timedelta()
        self._windows = [Window(limit) for limit in self._limits]
        self.reset()

    # What a vendor's simulator says

    @abstractmethod
    def reset(self) -> None:
        """Empty the account: no tasks, no contacts, only the users it begins with."""

    @abstractmethod
    def authenticate(self, call: Call) -> Reply | None:
        """Return the vendor's refusal of wrong or missing credentials and headers, None when they are right."""

    @abstractmethod
    def refusal(self, status: int) -> Reply:
        """Return the vendor's error body for this status, as a fault would show it."""

    @abstractmethod
    def throttled(self, limit: Limit, wait_s: float) -> Reply:
        """Return the vendor's answer to one request too many."""

    @abstractmethod
    def no_such_path(self, call: Call) -> Reply:
        """Return the vendor's answer to a path that it does not have."""

    @abstractmethod
    def tasks(self) -> list[dict[str, Any]]:
        """Return what the account holds, in plain words.

        One of `{"id", "title", "body", "status", "due_at", "contact", "hub_key", "deleted"}` per task: `status` in the hub's words, `body`
        as a person would read it and without the hub's marker, `contact` the contact's e-mail (else phone, name or None), `hub_key` "" for
        a task that is not the hub's. Deleted tasks stay in the list.
        """

    @abstractmethod
    def contacts(self) -> list[dict[str, Any]]:
        """Return the contacts held: `{"id", "first_name", "last_name", "email", "phone", "company", "deleted"}` each."""

    @abstractmethod
    def seed(self, world: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put users, contacts and records there as if people had made them in the vendor's own screens; return their ids.

        `world` is `{"users": [{"email", "name"}], "contacts": [{"first_name", "last_name", "email", "phone", "company"}], "companies":
        [{"name"}], "deals": [{"name"}], "tickets": [{"name"}], "events": [{"name"}]}`, every part optional; the answer has the same parts
        with a list of ids each, in order ([] for what the vendor does not have).
        """

    def rate_headers(self, windows: Iterable[Window]) -> Mapping[str, str]:
        """Return the headers in which the vendor tells what is left of its limits."""
        return {}

    # What the vendor tells by itself

    def webhook(self, event: Mapping[str, Any], url: str) -> Webhook:
        """Return the request in which the vendor tells of this event, signed as it signs."""
        raise NotImplementedError(f"{self.code} sends no webhooks")

    def announce(self, event: Mapping[str, Any]) -> None:
        """Tell every subscribed address of an event; handlers call it when something changed."""
        for url in self.announcer.urls:
            self.announcer.send(self.webhook(event, url))

    # The clock

    def now(self) -> datetime:
        """Return the simulator's own time."""
        return datetime.now(UTC) + self._moved

    def move_clock(self, seconds: float) -> None:
        """Move the simulator's time; its rate windows and look-up lags follow."""
        self._moved += timedelta(seconds=seconds)

    def is_found(self, created_at: datetime) -> bool:
        """Return whether a record made at that moment shows in look-ups yet."""
        return created_at + timedelta(seconds=self.find_lag) <= self.now()

    # Faults

    def fail_next(self, kind: str, match: str = "", **options: Any) -> None:
        """Let the next matching request go wrong; `options` are those of `Fault`."""
        with self._lock:
            self.faults.append(Fault(kind=kind, match=match, **options))

    # One request

    def answer(self, call: Call) -> Reply:
        """Return the reply to one request. Raises `NoReply` when the connection is to be broken instead."""
        if call.path.startswith("/_sim/"):
            return self._own_page(call)
        with self._lock:
            fault = next(
                (one for one in self.faults if one.hits(f"{call.method} {call.path}", self._chance)), None
            )
        if fault is not None and fault.kind == "expire":
            self.grants.end_access()
        if fault is None or fault.after_write or fault.kind in ("delay", "slow", "expire", "partial"):
            if fault is not None and fault.kind == "delay" and not fault.after_write:
                self.closing.wait(fault.seconds)
            with self._lock:
                self.refuses_part = fault is not None and fault.kind == "partial"
                reply = self._handle(call)
        else:
            reply = Reply(0)
        entry = self._note(call, reply, fault)
        if self.before_answer is not None:
            self.before_answer(call)
        if fault is not None:
            reply = spoilt(fault, reply, self)
            entry["status"] = reply.status
        return reply

    def _handle(self, call: Call) -> Reply:
        with self._lock:
            handler, captured, budget = self._find(call)
            if (refused := self.authenticate(call)) is not None:
                return refused
            if (refused := self._throttle(budget)) is not None:
                return refused
            if handler is None:
                return self.no_such_path(call)
            reply: Reply = getattr(self, handler)(
                Call(call.method, call.path, call.query, call.headers, call.body, captured)
            )
            headers = {**self.rate_headers(self._windows), **reply.headers}
            return Reply(reply.status, reply.body, headers)

    def _find(self, call: Call) -> tuple[str | None, Mapping[str, str], str]:
        for method, pattern, budget, name in self._routes:
            if method == call.method and (found := pattern.match(call.path)):
                return name, found.groupdict(), budget
        return None, {}, "all"

    def _throttle(self, budget: str) -> Reply | None:
        now = self.now().timestamp()
        windows = [window for window in self._windows if window.limit.budget == budget]
        for window in windows:
            if (wait := window.wait(now)) > 0:
                return self.throttled(window.limit, wait)
        for window in windows:
            window.count(now)
        return None

    def _note(self, call: Call, reply: Reply, fault: Fault | None) -> dict[str, Any]:
        entry = {
            "at": self.now().isoformat(),
            "monotonic": time.monotonic(),
            "method": call.method,
            "path": call.path,
            "query": dict(call.query),
            "body": call.json,
            "status": reply.status or None,
            "fault": fault.kind if fault else None,
        }
        with self._lock:
            self.log.append(entry)
        return entry

    # The simulator's own pages

    def _own_page(self, call: Call) -> Reply:
        page = (call.method, call.path.removeprefix("/_sim/"))
        with self._lock:
            if page == ("GET", "tasks"):
                return Reply(200, self.tasks())
            if page == ("GET", "contacts"):
                return Reply(200, self.contacts())
            if page == ("GET", "log"):
                return Reply(200, list(self.log))
            if page == ("GET", "webhooks"):
                return Reply(200, {"urls": self.announcer.urls, "sent": list(self.announcer.sent)})
            if page == ("GET", "faults"):
                return Reply(
                    200, {"menu": KINDS, "set": [vars(fault) for fault in self.faults if fault.times != 0]}
                )
            if page == ("DELETE", "faults"):
                self.faults = []
                return Reply(200, {"set": []})
            if page == ("POST", "reset"):
                self._begin()
                return Reply(200, {"reset": True})
            if page in (
                ("POST", "faults"),
                ("POST", "clock"),
                ("POST", "seed"),
                ("POST", "find_lag"),
                ("POST", "webhooks"),
            ):
                return self._told(page[1], call.json)
        return Reply(404, {"error": f"There is no {call.method} {call.path} here."})

    def _told(self, page: str, wanted: Any) -> Reply:
        try:
            if page == "faults":
                asked = [Fault.from_json(one) for one in (wanted if isinstance(wanted, list) else [wanted])]
                self.faults.extend(asked)
                return Reply(200, {"set": [vars(fault) for fault in self.faults]})
            if page == "clock":
                self.move_clock(float(wanted["advance"]))
                return Reply(200, {"now": self.now().isoformat()})
            if page == "webhooks":
                self.announcer.subscribe(str(wanted["url"]))
                return Reply(200, {"urls": self.announcer.urls})
            if page == "find_lag":
                self.find_lag = float(wanted["seconds"])
                return Reply(200, {"seconds": self.find_lag})
            return Reply(200, dict(self.seed(wanted)))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return Reply(400, {"error": str(error)})
