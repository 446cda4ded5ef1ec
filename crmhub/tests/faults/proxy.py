"""A TCP proxy on 127.0.0.1 that can be told, while it runs, to do to a connection what networks do.

It stands before a broker, a database or a CRM: `Proxy(url)` leads there, and `proxy.url` is what to give to whoever is to come through it.
`heal` ends whatever it was told.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlsplit

Way = Literal["up", "down"]  # to the server, to the client

PIECE = 65_536  # bytes that are passed on at once
LOOK_EVERY = 0.02  # seconds in which a changed order is noticed
RESET = struct.pack("ii", 1, 0)  # closing with this on SO_LINGER sends RST instead of FIN


@dataclass
class Orders:
    """What the proxy does at the moment. `words` are awaited in turn; once all were sent up, their answer is lost. What holds one of `banned` is not passed up."""

    is_stalled: bool = False
    dropped: frozenset[Way] = frozenset()
    slice_size: int = 0
    slice_pause_s: float = 0.0
    bytes_left: dict[Way, int] = field(default_factory=dict)
    banned: Sequence[bytes] = ()
    words: Sequence[bytes] = ()
    times: int = 0


class Proxy:
    """One proxy on a port of its own. Use it as a context manager."""

    def __init__(self, target: str) -> None:
        """`target` is an http://, redis://, unix:// or postgres:// address."""
        self.target = target
        self.orders = Orders()
        self.answers_lost = self.banned = self.forgotten_heard = 0
        self._pairs: set[_Pair] = set()
        self._listener: socket.socket | None = None
        self._accepting = threading.Thread()
        self._port = 0
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Return the target's address as it is reached through the proxy."""
        parts = urlsplit(self.target)
        here = f"127.0.0.1:{self._port}"
        if parts.scheme == "unix":
            return f"redis://{here}/0"
        login = f"{parts.username}@" if parts.username else ""
        return f"{parts.scheme}://{login}{here}{parts.path}"

    # What it can be told

    def heal(self) -> None:
        """Pass everything on again, take new connections, and count anew."""
        self.orders = Orders()
        self.answers_lost = self.banned = self.forgotten_heard = 0
        if self._listener is None:
            self._listen()

    def refuse(self) -> None:
        """Refuse new connections and break those that are open, as a port without a server does."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
            # Until its thread has noticed, the kernel goes on taking connections.
            self._accepting.join()
        self.reset()

    def reset(self) -> None:
        """Break every open connection with a reset; new ones are welcome."""
        for pair in list(self._pairs):
            pair.break_off()

    def forget(self) -> None:
        """Swallow whatever comes on the connections that are open, and tell neither side; new ones are welcome. `forgotten_heard` counts it."""
        for pair in list(self._pairs):
            pair.is_forgotten = True

    def stall(self) -> None:
        """Keep every connection open and pass nothing on; new ones are taken and hear nothing."""
        self.orders = Orders(is_stalled=True)

    def drop(self, *ways: Way) -> None:
        """Swallow what goes these ways, as a path that loses its packets does."""
        self.orders = Orders(dropped=frozenset(ways))

    def slice(self, size: int, *, pause_s: float) -> None:
        """Pass everything on in pieces of so many bytes, with a pause after each."""
        self.orders = Orders(slice_size=size, slice_pause_s=pause_s)

    def cut_after(self, count: int, way: Way = "down") -> None:
        """Pass so many more bytes that way, of all connections together, and reset the connection that wants to pass more."""
        self.orders = Orders(bytes_left={way: count})

    def ban(self, *words: bytes) -> None:
        """Break each connection on which a client sends one of these words, before the server hears it; `banned` counts them."""
        self.orders = Orders(banned=words)

    def lose_answer_to(self, *words: bytes, times: int = 1) -> None:
        """Let the server do what a client asks for with the last of these words, sent in this order, and break that connection instead of answering.

        `times` connections lose an answer so; `answers_lost` counts them.
        """
        self.orders = Orders(words=words, times=times)

    # Running

    def __enter__(self) -> Proxy:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self.refuse()

    def _listen(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(128)
        self._port = listener.getsockname()[1]
        self._listener = listener
        self._accepting = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        self._accepting.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                # A listener that is closed does not wake up who waits in accept.
                if select.select([listener], [], [], LOOK_EVERY)[0]:
                    client, _ = listener.accept()
                    threading.Thread(target=self._serve, args=(client,), daemon=True).start()
            except (OSError, ValueError):
                return

    def _serve(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            _reset(client)
            return
        pair = _Pair(self, client, server)
        with self._lock:
            self._pairs.add(pair)
        if self._listener is None:
            pair.break_off()  # it was taken in the moment before
        try:
            pair.run()
        finally:
            with self._lock:
                self._pairs.discard(pair)

    def _connect(self) -> socket.socket:
        parts = urlsplit(self.target)
        folder = parse_qs(parts.query).get("host", [""])[0]
        path = parts.path if parts.scheme == "unix" else f"{folder}/.s.PGSQL.5432" if folder else ""
        if not path:
            return socket.create_connection((parts.hostname or "", parts.port or 0))
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(path)
        except OSError:
            server.close()
            raise
        return server


class _Pair:
    """One connection through the proxy: a socket to the client, one to the server, and a thread that passes on."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client, self._server = client, server
        self._sent_up = b""  # since the last word was seen
        self._words_seen = 0
        self._listens_for: Orders | None = None
        self._awaited: Orders | None = None  # the order by which the next answer is lost
        self._is_broken = False
        self.is_forgotten = False

    def break_off(self) -> None:
        self._is_broken = True

    def run(self) -> None:
        try:
            while not self._is_broken:
                if self._proxy.orders.is_stalled:
                    time.sleep(LOOK_EVERY)
                    continue
                for one in select.select([self._client, self._server], [], [], LOOK_EVERY)[0]:
                    way: Way = "up" if one is self._client else "down"
                    if not (data := one.recv(PIECE)):
                        return
                    self._pass(data, way)
        except OSError:
            self._is_broken = True
        finally:
            if self._is_broken:
                _reset(self._client)
            with contextlib.suppress(OSError):
                self._client.close()
            self._server.close()

    def _pass(self, data: bytes, way: Way) -> None:
        # What was read before a stall was ordered waits for its end.
        while self._proxy.orders.is_stalled and not self._is_broken:
            time.sleep(LOOK_EVERY)
        orders = self._proxy.orders
        if self.is_forgotten:
            self._proxy.forgotten_heard += 1
            return
        if way in orders.dropped:
            return
        if way == "up":
            if any(word in data for word in orders.banned):
                self._proxy.banned += 1
                self._is_broken = True
                return
            self._listen_for_words(data, orders)
        elif self._awaited is orders:
            # The server has done it, for it answers; nobody will hear.
            self._proxy.answers_lost += 1
            self._is_broken = True
            return
        if way in orders.bytes_left:
            data, is_cut = data[: orders.bytes_left[way]], len(data) > orders.bytes_left[way]
            orders.bytes_left[way] -= len(data)
            self._is_broken = is_cut
        self._write(self._server if way == "up" else self._client, data, orders)

    def _write(self, receiver: socket.socket, data: bytes, orders: Orders) -> None:
        size = orders.slice_size or len(data) or 1
        for at in range(0, len(data), size):
            receiver.sendall(data[at : at + size])
            if orders.slice_size:
                time.sleep(orders.slice_pause_s)

    def _listen_for_words(self, data: bytes, orders: Orders) -> None:
        if self._listens_for is not orders:
            self._listens_for, self._sent_up, self._words_seen = orders, b"", 0
        if not orders.words or orders.times <= 0:
            return
        self._sent_up += data
        for word in orders.words[self._words_seen :]:
            before, found, rest = self._sent_up.partition(word)
            if not found:
                self._sent_up = before[-PIECE:]
                return
            self._sent_up, self._words_seen = rest, self._words_seen + 1
        orders.times -= 1
        self._awaited = orders


def _reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()
