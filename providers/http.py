"""The one way out of the hub: requests with a deadline, a size limit, a list of hosts, and no secret in what is kept.

A provider speaks through `JsonApi`, which speaks through a `Transport`. The real one is `HttpTransport`; `Recorder` wraps it for one
operation, keeps what went over the wire in a form that may be shown, and lets a `Gate` hold a request back.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

import httpcore2

from providers.error_cases import Answer, Case, classify
from providers.errors import NotSent, Permanent, ProviderError, Transient, Unconfirmed
from providers.keeping import exchange
from providers.redaction import Redactor, as_it_is, secrets_in_form, tokens_in_answer
from providers.sendable import refuse_uncallable, refuse_unsendable, split_address
from providers.storable import json_fit_for_storage
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
            network_backend=_DeadlineBackend(public_only=not any_host),
        )

    def send(self, request: Request) -> Response:
        """Send the request.

        Before anything is opened it raises `Permanent` for a host that is not the vendor's or an address that cannot be called, and
        `Unauthorized` for credentials that cannot be sent.
        """
        self.refuse(request)
        _call.deadline = time.monotonic() + self._deadline_s
        _call.before_bytes = request.before_bytes
        _call.has_written = False
        host = split_address(request.url).hostname or ""
        try:
            return self._exchange(request)
        except httpcore2.UnsupportedProtocol as error:
            raise Permanent(f"The address {request.url.split('?')[0]} is not http or https.") from error
        except (httpcore2.NetworkError, httpcore2.TimeoutException, httpcore2.ProtocolError) as error:
            # The library's own refusals repeat what was to be sent.
            cause = None if isinstance(error, httpcore2.LocalProtocolError) else error
            if not _call.has_written:
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


class _Call(threading.local):
    """What the socket layer must know of the call that this thread is making."""

    deadline: float = 0.0
    before_bytes: Callable[[], None] | None = None
    has_written: bool = False


_call = _Call()


class _DeadlineStream(httpcore2.NetworkStream):
    """A socket whose every read and write ends at the call's deadline: a vendor that drips bytes cannot stretch it."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _time_left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer and not _call.has_written:
            if _call.before_bytes is not None:
                _call.before_bytes()
            _call.has_written = True
        self._inner.write(buffer, _time_left(httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _time_left(httpcore2.ConnectTimeout)
        return _DeadlineStream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _DeadlineBackend(httpcore2.SyncBackend):
    def __init__(self, *, public_only: bool) -> None:
        self._public_only = public_only

    def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.NetworkStream:
        # The address that was checked is the one connected to; asking the resolver twice would let it
        # answer differently the second time.
        address = _public_address(host, port) if self._public_only else host
        left = _time_left(httpcore2.ConnectTimeout)
        return _DeadlineStream(
            super().connect_tcp(address, port, left, *args[1:], **_without_timeout(kwargs))
        )


def _without_timeout(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name != "timeout"}


def _time_left(too_late: type[httpcore2.TimeoutException]) -> float:
    left = _call.deadline - time.monotonic()
    if left <= 0:
        raise too_late("the deadline of the whole call has passed")
    return left


def _public_address(host: str, port: int) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"the name {host} is not known") from error
    for *_rest, address in found:
        if not ipaddress.ip_address(address[0]).is_global:
            raise httpcore2.ConnectError(f"the name {host} leads to a private address")
    return str(found[0][4][0])


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


class JsonApi:
    """One vendor's JSON over HTTP: where it lives, what every request carries, and what its refusals mean."""

    def __init__(
        self,
        transport: Transport,
        *,
        vendor: str,
        base_url: str,
        headers: Mapping[str, str],
        cases: Iterable[Case],
    ) -> None:
        """`cases` are this vendor's rows; those for every vendor follow them."""
        self._transport = transport
        self._vendor = vendor
        self._base_url = base_url.rstrip("/")
        self._headers = headers
        self._cases = tuple(cases)

    def call(
        self,
        method: str,
        path: str,
        *,
        json_body: object = None,
        form: Mapping[str, str] | None = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        writes: bool | None = None,
        budget: str = "all",
    ) -> Answer:
        """Send and return a good answer; raises the `ProviderError` that the answer means. The body is `json_body`, or `form` as a web form.

        `writes` is True for every method but GET unless told otherwise (a search by POST, a GET that changes something).
        A good answer whose body is not JSON is `Unconfirmed` for a write and `Transient` for a read; an empty one is None.
        """
        writes = method != "GET" if writes is None else writes
        request = Request(
            method=method,
            url=self._base_url + path + (f"?{urlencode(query, doseq=True)}" if query else ""),
            headers={
                "Accept": "application/json",
                **({"Content-Type": "application/json"} if json_body is not None else {}),
                **({"Content-Type": FORM} if form is not None else {}),
                **self._headers,
                **(headers or {}),
            },
            body=urlencode(form).encode() if form is not None else _json(json_body),
            writes=writes,
            budget=budget,
        )
        response = self._transport.send(request)
        answer = Answer(response.status, response.headers, *_parse(response.body), response.redact)
        error = classify(answer, self._cases, vendor=self._vendor, writes=writes)
        response.judged(error)
        if error is not None:
            error.request_id = error.request_id or answer.as_error(None).headers.get("x-request-id", "")
            raise error
        return answer


def _json(body: object) -> bytes | None:
    return None if body is None else json.dumps(body).encode()


def _parse(body: bytes) -> tuple[Any, bool]:
    """Return the JSON in the body, fit for storage, and whether it could be read; an empty body reads as None."""
    if not body.strip():
        return None, True
    try:
        return json_fit_for_storage(json.loads(body.decode("utf-8-sig", "replace"))), True
    except (ValueError, RecursionError):
        return None, False
