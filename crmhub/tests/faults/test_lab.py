"""The laboratory itself: the proxy does what it is told, and the kill points are where they are said to be."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmhub import kill_points
from crmhub.tests.faults.proxy import Proxy

pytestmark = pytest.mark.faults

HUB = Path(kill_points.__file__).parent


@pytest.fixture
def heard() -> list[bytes]:
    """What the server behind the proxy has read."""
    return []


@pytest.fixture
def proxy(heard) -> Iterator[Proxy]:
    """A proxy before a server that says again what it hears."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_echo, args=(server, heard), daemon=True).start()
        with Proxy(f"http://127.0.0.1:{server.getsockname()[1]}") as proxy:
            yield proxy


def _echo(server: socket.socket, heard: list[bytes]) -> None:
    def answer(client: socket.socket) -> None:
        with client:
            try:
                while data := client.recv(1000):
                    heard.append(data)
                    client.sendall(data)
            except OSError:
                return

    while True:
        try:
            client, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(client,), daemon=True).start()


def connect(proxy: Proxy) -> socket.socket:
    host, _, port = proxy.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=0.5)


def ask(client: socket.socket, words: bytes = b"hello") -> bytes:
    client.sendall(words)
    return client.recv(1000)


def test_a_proxy_that_was_told_nothing_passes_everything_on(proxy):
    with connect(proxy) as client:
        assert ask(client) == b"hello"


def test_it_refuses_new_connections_and_breaks_the_others_until_it_is_healed(proxy):
    with connect(proxy) as client:
        ask(client)

        proxy.refuse()

        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        with pytest.raises(ConnectionResetError):
            client.recv(1000)
        proxy.heal()
        with connect(proxy) as another:
            assert ask(another) == b"hello"


def test_it_resets_what_is_open_and_takes_what_is_new(proxy):
    with connect(proxy) as client, connect(proxy) as another:
        ask(client)

        proxy.reset()

        with pytest.raises(ConnectionResetError):
            client.recv(1000)
        assert another
    with connect(proxy) as another:
        assert ask(another) == b"hello"


def test_what_is_stalled_arrives_when_it_is_healed(proxy, heard):
    with connect(proxy) as client:
        proxy.stall()
        with pytest.raises(TimeoutError):
            ask(client)
        silent = list(heard)

        proxy.heal()

        assert client.recv(1000) == b"hello"
        assert silent == []


@pytest.mark.parametrize(("way", "arrives"), [("up", []), ("down", [b"hello"])])
def test_it_drops_one_way_only(proxy, heard, way, arrives):
    with connect(proxy) as client:
        proxy.drop(way)

        with pytest.raises(TimeoutError):
            ask(client)

    assert heard == arrives


def test_it_forgets_what_is_open_without_a_word_and_takes_what_is_new(proxy, heard):
    with connect(proxy) as client:
        ask(client)

        proxy.forget()

        with pytest.raises(TimeoutError):
            ask(client)
        with connect(proxy) as another:
            assert ask(another, b"hello again") == b"hello again"

    assert heard == [b"hello", b"hello again"]
    assert proxy.forgotten_heard == 1


def test_it_passes_on_in_slices(proxy):
    with connect(proxy) as client:
        proxy.slice(1, pause_s=0.02)
        began = time.monotonic()

        answer = ask(client)
        while len(answer) < 5:
            answer += client.recv(1000)

    assert answer == b"hello"
    assert time.monotonic() - began > 0.1


def test_it_cuts_a_connection_after_so_many_bytes(proxy):
    with connect(proxy) as client:
        proxy.cut_after(3)

        assert ask(client) == b"hel"
        with pytest.raises(ConnectionResetError):
            client.recv(1000)


def test_the_server_does_what_it_is_asked_and_the_answer_is_lost(proxy, heard):
    with connect(proxy) as client:
        proxy.lose_answer_to(b"INSERT", b"COMMIT")
        first = ask(client, b"COMMIT"), ask(client, b"INSERT")

        with pytest.raises(ConnectionResetError):
            ask(client, b"COMMIT")

    assert first == (b"COMMIT", b"INSERT")
    assert heard == [b"COMMIT", b"INSERT", b"COMMIT"]
    assert proxy.answers_lost == 1
    with connect(proxy) as client:
        assert ask(client, b"INSERT COMMIT") == b"INSERT COMMIT"


def test_what_holds_a_banned_word_is_never_heard(proxy, heard):
    with connect(proxy) as client:
        proxy.ban(b"push_due")
        ask(client, b"sweep")

        with pytest.raises(ConnectionResetError):
            ask(client, b"a push_due, please")

    assert heard == [b"sweep"]
    assert proxy.banned == 1


def test_each_kill_point_stands_at_one_place_and_no_other_does():
    sources = "".join(path.read_text() for path in HUB.rglob("*.py") if "tests" not in path.parts)

    assert sorted(re.findall(r'\breached\("(\w+)"\)', sources)) == sorted(kill_points.POINTS)
