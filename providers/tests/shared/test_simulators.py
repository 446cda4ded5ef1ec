"""What a simulator shows of itself while it is being written."""

from __future__ import annotations

from http.client import RemoteDisconnected
from urllib.request import urlopen

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
