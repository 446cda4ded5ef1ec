"""What a CRM tells by itself: believed when it is proven to come from there, and never otherwise. Once per vendor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from providers.capabilities import Operation
from providers.errors import InvalidSignature
from providers.events import Delivery, Subject
from providers.tests.worlds import World


class Mailbox:
    """An address on this machine that keeps every delivery as it arrived."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"http://127.0.0.1:{self._http.server_address[1]}"
        self.url = f"{self.host}/hooks/crm?account=1"
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def _handler(mailbox) -> type[BaseHTTPRequestHandler]:  # noqa: N805 — the inner class has a self of its own
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                called = f"{mailbox.host}{self.path}"
                mailbox.deliveries.append(Delivery(called, headers, body, datetime.now(UTC)))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet."""

        return Handler

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    mailbox = Mailbox()
    yield mailbox
    mailbox.close()


@pytest.fixture
def delivery(world: World, mailbox: Mailbox) -> Delivery:
    """The first thing that the vendor tells of a new task."""
    claim = world.capabilities.operations[Operation.RECEIVE]
    if not claim.holds:
        pytest.skip(claim.note)
    world.simulator.announcer.subscribe(mailbox.url)
    world.create()
    world.simulator.announcer.wait()
    return mailbox.deliveries[0]


def test_a_task_that_was_made_is_told_and_believed(world, delivery):
    [task] = world.simulator.tasks()

    events = world.provider.receive(delivery)

    told = {(event.subject, event.ref.id) for event in events}
    assert (Subject.TASK, task["id"]) in told
    assert all(event.id for event in events)


def test_the_same_delivery_has_the_same_ids_again(world, delivery):
    first = [event.id for event in world.provider.receive(delivery)]

    assert [event.id for event in world.provider.receive(delivery)] == first


def test_who_does_not_know_the_secret_is_not_believed(world, delivery):
    signed = world.capabilities.operations[Operation.RECEIVE]
    forged = replace(delivery, headers={name: _other(value) for name, value in delivery.headers.items()})

    with pytest.raises(InvalidSignature):
        world.provider.receive(forged)
    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, headers={"content-type": "application/json"}))
    assert signed.note


def test_what_was_changed_on_the_way_is_not_believed(world, delivery):
    if "proves who sends, not what is sent" in world.capabilities.operations[Operation.RECEIVE].note:
        pytest.skip("this vendor sends a secret and no signature")

    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, body=delivery.body + b" "))


def test_an_old_recording_is_not_believed(world, delivery):
    if "does not say when it was sent" in world.capabilities.operations[Operation.RECEIVE].note:
        pytest.skip("this vendor signs no time")

    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, received_at=delivery.received_at + timedelta(days=30)))


def test_without_a_secret_nothing_is_believed(world, delivery):
    required = {one.name for one in world.capabilities.secrets if one.is_required}
    bare = world.with_secrets(
        {name: text for name, text in world.account.secrets.items() if name in required}
    )
    if len(required) == len(world.account.secrets):
        pytest.skip("this vendor's webhooks are proven by keys that everybody knows")

    with pytest.raises(InvalidSignature):
        bare.receive(delivery)


def _other(value: str) -> str:
    """Return something of the same length that is not the value, where it may be a signature."""
    return value[::-1] if value[::-1] != value else value + "x"
