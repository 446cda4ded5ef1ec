"""The one way out of the hub: requests with a deadline, a size limit, a list of hosts, and no secret in what is kept.

A provider speaks through `JsonApi`, which speaks through a `Transport`. The real one is `HttpTransport`; `Recorder` wraps it for one
operation, keeps what went over the wire in a form that may be shown, and lets a `Gate` hold a request back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

import httpcore2

from providers.deadline import DeadlineBackend, this_call
from providers.errors import NotSent, Permanent, ProviderError, Transient, Unconfirmed
from providers.keeping import exchange
from providers.redaction import Redactor, as_it_is, secrets_in_form, tokens_in_answer
from providers.sendable import refuse_uncallable, refuse_unsendable, split_address
from providers.types import Exchange

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes; a page of 100 records is well under one tenth of it
# To one vendor, from one process. Where it is slow, each of the process's jobs there has up to a hundred calls under way; few are kept open after that.
MOST_CONNECTIONS, MOST_KEPT = 512, 32
KEEP_ALIVE = (
    4.0  # seconds; below the idle time-outs of the vendors' gateways, so that a reused socket is a live one
)
USER_AGENT = "crmhub/1.0"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `writes` says whether it can change anything there: it decides what a lost answer means.

    `budget` names the vendor's limit it counts against. `before_bytes` is called directly before the first byte goes out.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = None
    writes: bool = True
    budget: str = "all"
    before_bytes: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names are in lower case. `redact` takes our secrets out of a part of its JSON, where errors are made of it.

    `judged` is to be told what the answer means: the error, or None for a good one.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    redact: Callable[[Any], Any] = field(default=as_it_is, repr=False, compare=False)
    judged: Callable[[ProviderError | None], None] = field(
        default=lambda _error: None, repr=False, compare=False
    )


class Transport(Protocol):
    """What carries a request: the network, a recorder around it, or a preview that opens no socket."""

    def send(self, request: Request) -> Response:
        """Send the request and return the answer, or raise `Transient` (it did not go out) or `Unconfirmed`."""
        ...


class Gate(Protocol):
    """What may hold a request back: the pace, and the time in which a claim may still send. It hears what came of each."""

    def before_request(self, request: Request) -> None:
        """Wait for this request's slot; raises `NotSent` when that would take too long."""
        ...

    def before_bytes(self) -> None:
        """Raise `NotSent` when it is too late to send."""
        ...

    def after_answer(self, request: Request, headers: Mapping[str, str], error: ProviderError | None) -> None:
        """Take note of what an answer tells of the rate: in its headers, or by being a `RateLimited`."""
        ...


class HttpTransport:
    """HTTP/1.1 over pooled connections; safe to share between threads.

    `hosts` are the vendor's: an exact name, or `.example.com` for every name below it. Requests to them go over https to a public
    address only. With `any_host` (demo and tests) every host will do, plain http too. No redirect is followed.
    `deadline_s` bounds the whole call: connecting, sending and reading together.
    """

    def __init__(self, hosts: Iterable[str], *, any_host: bool = False, deadline_s: float = 20.0) -> None:
        """Open nothing yet; connections are made as needed and kept for a few seconds."""
        self._hosts = tuple(hosts)
        self._any_host = any_host
        self._deadline_s = deadline_s
        self._pool = httpcore2.ConnectionPool(
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=MOST_KEPT,
            keepalive_expiry=KEEP_ALIVE,
            network_backend=DeadlineBackend(public_only=not any_host),
        )

    def send(self, request: Request) -> Response:
        """Send the request.

        Before anything is opened it raises `Permanent` for a host that is not the vendor's or an address that cannot be called, and
        `Unauthorized` for credentials that cannot be sent.
        """
        self.refuse(request)
        this_call.deadline = time.monotonic() + self._deadline_s
        this_call.before_bytes = request.before_bytes
        this_call.has_written = False
        host = split_address(request.url).hostname or ""
        try:
            return self._exchange(request)
        except httpcore2.UnsupportedProtocol as error:
            raise Permanent(f"The address {request.url.split('?')[0]} is not http or https.") from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
            # The library's own refusals repeat what was to be sent.
            cause = None if isinstance(error, httpcore2.LocalProtocolError) else error
            if not this_call.has_written:
                raise Transient(f"Could not connect to {host}: {_in_words(error)}.") from cause
            if not request.writes:
                raise Transient(f"No answer from {host}: {_in_words(error)}.") from cause
            raise Unconfirmed(
                f"No answer from {host}: {_in_words(error)}. The request may have landed."
            ) from cause

    def refuse(self, request: Request) -> None:
        """Raise, as `send` would before it opens anything, for a request that must not or cannot go out."""
        self._refuse_strangers(request.url)
        refuse_uncallable(request.url)
        refuse_unsendable(request.headers)

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()

    def _exchange(self, request: Request) -> Response:
        left = self._deadline_s
        with self._pool.stream(
            request.method,
            request.url,
            headers=list(headers_sent(request).items()),
            content=request.body or b"",
            extensions={"timeout": {"connect": left, "read": left, "write": left, "pool": left}},
        ) as response:
            chunks, size = [], 0
            for chunk in response.iter_stream():
                size += len(chunk)
                if size > LARGEST_ANSWER:
                    raise httpcore2.RemoteProtocolError("the answer is too large")
                chunks.append(chunk)
            headers = {
                name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers
            }
            return Response(response.status, headers, b"".join(chunks))

    def _refuse_strangers(self, url: str) -> None:
        parts = split_address(url)
        if self._any_host:
            return
        if parts.scheme != "https" or not is_known_host(parts.hostname or "", self._hosts):
            raise Permanent(
                f"{parts.scheme}://{parts.hostname} is not an address of this CRM; nothing was sent."
            )


def headers_sent(request: Request) -> dict[str, str]:
    """Return every header with which the request goes out: its own, and those that each request has."""
    return {
        "Host": split_address(request.url).netloc,
        "User-Agent": USER_AGENT,
        **request.headers,
        "Content-Length": str(len(request.body or b"")),
    }


def is_known_host(host: str, hosts: Iterable[str]) -> bool:
    """Return whether `host` is one of `hosts`, where `.example.com` stands for every name below example.com."""
    host = host.lower().rstrip(".")
    return any(host.endswith(known) if known.startswith(".") else host == known for known in hosts)


def _in_words(error: Exception) -> str:
    if isinstance(error, httpcore2.TimeoutException):
        return "it took too long"
    if isinstance(error, httpcore2.LocalProtocolError):
        return "the request could not be put on this connection"
    text = str(error).split("] ")[-1].strip().rstrip(".")
    return (text[:1].lower() + text[1:]) if text else "the connection broke"


class Recorder:
    """A transport for one operation: passes the gate, and keeps each exchange with the secrets taken out."""

    def __init__(self, inner: Transport, *, secrets: Iterable[str] = (), gate: Gate | None = None) -> None:
        """Wrap `inner`; `secrets` are replaced wherever they occur in what is kept, and so are those that OAuth sends and brings."""
        self._inner = inner
        self._gate = gate
        self._secrets = set(secrets)
        self._redact = Redactor(self._secrets)
        self.exchanges: list[Exchange] = []

    def send(self, request: Request) -> Response:
        """Send through the gate; what is kept holds neither headers nor secrets, nor does an error made of the answer."""
        if self._gate is not None:
            self._gate.before_request(request)
            request = replace(request, before_bytes=self._gate.before_bytes)
        started = time.monotonic()
        response: Response | None = None
        failure: ProviderError | None = None
        was_held_back = False
        if request.headers.get("Content-Type") == FORM:
            self._keep_out(secrets_in_form(request.body or b""))
        try:
            response = self._inner.send(request)
            self._keep_out(tokens_in_answer(response.body))
            response = replace(response, redact=self._redact.in_json)
            if self._gate is not None:
                heard = partial(self._gate.after_answer, request, response.headers)
                response = replace(response, judged=heard)
            return response
        except NotSent:
            was_held_back = True
            raise
        except ProviderError as error:
            error.detail = self._redact(error.detail)
            error.args = (error.detail,)
            failure = error
            raise
        finally:
            if not was_held_back:
                milliseconds = round((time.monotonic() - started) * 1000)
                kept = exchange(request, response, failure, redact=self._redact, milliseconds=milliseconds)
                self.exchanges.append(kept)

    def _keep_out(self, secrets: Iterable[str]) -> None:
        # Also from what is kept later: the next request may carry the token that this answer brought.
        if new := set(secrets) - self._secrets:
            self._secrets |= new
            self._redact = Redactor(self._secrets)
