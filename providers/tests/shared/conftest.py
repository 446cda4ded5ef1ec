"""A server that answers each connection as a test says, byte by byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from providers.http import HttpTransport

Answer = Callable[[socket.socket], None]


class Listener:
    """Listens on a port of 127.0.0.1, notes what it receives, and answers as told."""

    def __init__(self, answer: Answer) -> None:
        self.received: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client:
            try:
                while request := _whole_request(client):
                    self.received.append(request)
                    self._answer(client)
            except OSError:
                return

    def close(self) -> None:
        self._socket.close()


def _whole_request(client: socket.socket) -> bytes:
    """Return the next request with its body, which may come in a piece of its own; nothing at the end."""
    text = b""
    while b"\r\n\r\n" not in text:
        if not (piece := client.recv(65536)):
            return text
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    lines = [
        line.split(b":", 1) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")
    ]
    wanted = int(lines[0][1]) if lines else 0
    while len(body) < wanted and (piece := client.recv(65536)):
        body += piece
        text += piece
    return text


def says(body: bytes = b'{"id": "1"}', *, status: str = "200 OK", headers: str = "") -> Answer:
    """Answer properly."""
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return lambda client: client.sendall(head.encode() + body)


def hangs(client: socket.socket) -> None:
    """Accept the request and say nothing."""
    time.sleep(5)


def drops(client: socket.socket) -> None:
    """Break the connection instead of answering."""
    client.close()


def drips(client: socket.socket) -> None:
    """Begin at once and never come to an end: a byte every twentieth of a second."""
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        client.sendall(b" ")
        time.sleep(0.05)


def floods(client: socket.socket) -> None:
    """Send more than anybody should read, without saying how much it will be."""
    client.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    for _ in range(80):
        client.sendall(chunk)


@pytest.fixture
def listen() -> Iterator[Callable[[Answer], Listener]]:
    listeners: list[Listener] = []

    def start(answer: Answer) -> Listener:
        listeners.append(Listener(answer))
        return listeners[-1]

    yield start
    for one in listeners:
        one.close()


@pytest.fixture
def transport() -> Iterator[HttpTransport]:
    """The way to any host, as demo and tests have it; patient for half a second."""
    transport = HttpTransport((), any_host=True, deadline_s=0.5)
    yield transport
    transport.close()
