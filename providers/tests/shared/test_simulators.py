"""What a simulator shows of itself while it is being written."""

from __future__ import annotations

import json
from http.client import IncompleteRead, RemoteDisconnected
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from providers.simulator import Call, Reply, Server, route
from providers.tests.tinycrm.simulator import TinySimulator


class Mistaken(TinySimulator):
    """One with a mistake in a handler."""

    def authenticate(self, call: Call) -> Reply | None:
        """Let everybody in."""

    @route("GET", "/mistake")
    def mistake(self, call: Call) -> Reply:
        """Read what is not there."""
        return Reply(200, call.json["name"])


def test_a_mistake_in_a_handler_is_shown(capfd):
    with Server(Mistaken()) as server, pytest.raises(RemoteDisconnected):
        urlopen(f"{server.url}/mistake")

    assert "in mistake" in capfd.readouterr().err


def test_a_client_that_hangs_up_is_not_worth_a_word(capfd):
    simulator = Mistaken()
    simulator.fail_next("drop")
    with Server(simulator) as server, pytest.raises(RemoteDisconnected):
        urlopen(f"{server.url}/me")

    assert capfd.readouterr().err == ""


# The fault menu


@pytest.fixture
def tiny():
    """A simulator that lets everybody in, and its address."""
    with Server(Mistaken()) as server:
        yield server


def order(tiny, **fault):
    asked = Request(f"{tiny.url}/_sim/faults", json.dumps(fault).encode())
    with urlopen(asked) as answer:
        return json.loads(answer.read())


def test_a_connection_can_be_reset(tiny):
    order(tiny, kind="reset")

    with pytest.raises(ConnectionResetError):
        urlopen(f"{tiny.url}/me")


def test_an_answer_can_break_off_in_the_middle(tiny):
    order(tiny, kind="cut")

    with pytest.raises(IncompleteRead) as caught, urlopen(f"{tiny.url}/me") as answer:
        answer.read()

    assert caught.value.partial
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        json.loads(caught.value.partial)


@pytest.mark.parametrize("asked", ["7", "Sun, 29 Nov 2026 12:00:30 GMT"], ids=["seconds", "a date"])
@pytest.mark.parametrize("fault", [{"kind": "status", "status": 503}, {"kind": "rate_limited"}])
def test_a_refusal_can_ask_to_wait_or_not(tiny, fault, asked):
    order(tiny, **fault, headers={"Retry-After": asked})
    order(tiny, **fault, headers={"retry-after": None})

    said = []
    for _ in range(2):
        with pytest.raises(HTTPError) as caught:
            urlopen(f"{tiny.url}/me")
        said.append(caught.value.headers["Retry-After"])
        caught.value.close()

    assert said == [asked, None]


@pytest.mark.parametrize("headers", ["Retry-After: 7", {"Retry-After": 7}, {"A\r\nB": "x"}, {"A": "x\ny"}])
def test_headers_that_are_none_are_refused(tiny, headers):
    with pytest.raises(HTTPError) as caught:
        order(tiny, kind="status", headers=headers)

    assert caught.value.code == 400
    caught.value.close()
