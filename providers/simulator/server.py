"""A simulated CRM on a real loopback port, one thread per connection."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from providers.simulator.webhooks import Announcer


@dataclass(frozen=True)
class Call:
    """One request as a handler sees it; header names are in lower case, `query` holds the first value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    captured: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        """Return the parsed body, or None when it is empty or not JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Reply:
    """One answer. `body` is sent as JSON unless it is text or bytes; None sends nothing."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds_per_byte: float = 0.0
    is_cut: bool = False  # broken off in the middle of the body

    def encoded(self) -> tuple[bytes, str]:
        """Return the bytes to send and their content type."""
        if self.body is None:
            return b"", "application/json"
        if isinstance(self.body, bytes):
            return self.body, "text/html"
        if isinstance(self.body, str):
            return self.body.encode(), "text/html"
        return json.dumps(self.body).encode(), "application/json"


class NoReply(Exception):
    """The connection is to be broken instead of answered: closed, or reset."""

    def __init__(self, *, is_reset: bool = False) -> None:
        """Keep how it is broken."""
        super().__init__()
        self.is_reset = is_reset


class Answering(Protocol):
    """What a server runs: a simulated CRM, or the playback of one."""

    closing: threading.Event
    announcer: Announcer

    def answer(self, call: Call) -> Reply:
        """Return the reply to one request. Raises `NoReply` when the connection is to be broken instead."""
        ...


Simulated = TypeVar("Simulated", bound=Answering)


class Server(Generic[Simulated]):
    """Runs one simulator on a port of 127.0.0.1; 0 takes a free one. Use it as a context manager, or `start` and `stop`."""

    def __init__(self, simulator: Simulated, *, port: int = 0) -> None:
        """Bind the port. Raises `OSError` when it is taken."""
        self.simulator = simulator
        self._http = _Listener(("127.0.0.1", port), _handler_for(simulator))
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        """Return the address of the simulated API, without a slash at the end."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> Server[Simulated]:
        """Begin to answer."""
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Answer in this thread until `stop` is called from another one."""
        self._http.serve_forever(poll_interval=0.2)

    def stop(self) -> None:
        """Stop answering and let go of requests that hang."""
        self.simulator.closing.set()
        self._http.shutdown()
        self._http.hang_up()
        self._http.server_close()
        self.simulator.announcer.close()

    def __enter__(self) -> Server[Simulated]:
        """Begin to answer."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop answering."""
        self.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, *arguments: Any) -> None:
        self._open: set[socket.socket] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, for `hang_up`."""
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget the connection and close it."""
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Break every connection that is open: a client must not reach a simulator that was stopped."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up: that is what a fault test is made of. A mistake in a handler is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _handler_for(simulator: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "simulated"
        sys_version = ""

        def setup(self) -> None:
            self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            super().setup()

        def _serve(self) -> None:
            try:
                reply = simulator.answer(self._call())
            except NoReply as how:
                self.close_connection = True
                if how.is_reset:
                    _reset(self.connection)
                return
            self._send(reply)

        def _call(self) -> Call:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            return Call(
                method=self.command,
                path=parts.path,
                query={
                    name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
                },
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length),
            )

        def _send(self, reply: Reply) -> None:
            body, content_type = reply.encoded()
            head = [f"HTTP/1.1 {reply.status} {_phrase(reply.status)}"]
            headers = {
                "Date": self.date_time_string(),
                "Content-Type": content_type,
                "Content-Length": str(len(body)),
                **reply.headers,
            }
            head += [f"{name}: {value}" for name, value in headers.items()]
            # Head and body leave in one write: two would wait for the client's delayed acknowledgement.
            whole = (
                "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + (b"" if self.command == "HEAD" else body)
            )
            if reply.is_cut:
                self.wfile.write(whole[: -(len(body) // 2 or len(whole) // 2)])
                self.close_connection = True
                return
            if not reply.seconds_per_byte:
                self.wfile.write(whole)
                return
            for at in range(len(whole)):
                self.wfile.write(whole[at : at + 1])
                if simulator.closing.wait(reply.seconds_per_byte):
                    return

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet: the simulator has a log of its own."""

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815

    return Handler


def _reset(connection: socket.socket) -> None:
    """Close so that the other side is told by a reset: at once, past the server's own orderly farewell."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
