"""Credentials that were stored: held until a test with them has passed, and tested by a worker where nobody else could."""

from __future__ import annotations

from typing import Any

import pytest

from crmhub import services, sync
from crmhub.models import Connection
from crmhub.sync.sweep import has_work
from crmhub.tests.engine.conftest import Hub

pytestmark = pytest.mark.engine

A_WHILE = 600  # seconds; after one minute a worker tests what nobody else did


def given_other_credentials(hub: Hub, code: str) -> Any:
    """Return a simulator whose account is opened with other secrets now; they are stored and nobody has tested them."""
    simulator = hub.connect(code)
    connection = hub.connections[code]
    name = next(one.name for one in connection.capabilities.secrets if one.is_required)
    simulator.secret[name] = "a-newer-one"
    services.change_connection(connection=connection, secrets={name: "a-newer-one"})
    simulator.log.clear()
    return simulator


def stored(hub: Hub, code: str) -> Connection:
    return Connection.objects.get(pk=hub.connections[code].pk)


def test_nothing_is_sent_with_other_credentials_before_the_account_was_asked_with_them(hub: Hub, grace, code):
    simulator = given_other_credentials(hub, code)
    task = hub.save_task(contacts=[grace])

    hub.push()
    sent = list(simulator.log)
    checkup = sync.check_connection(hub.connections[code], now=hub.now)
    hub.settle()

    assert sent == []
    assert checkup.is_well, checkup.error
    assert hub.link(task).sync_status == "in_sync"


def test_what_could_not_be_tested_for_an_outage_is_tested_when_it_is_over(hub: Hub, grace, code):
    simulator = given_other_credentials(hub, code)
    task = hub.save_task(contacts=[grace])
    simulator.fail_next("status", status=503, times=None)
    sync.check_connection(hub.connections[code], now=hub.now)

    hub.push(later=A_WHILE)
    held = stored(hub, code).health(hub.now), hub.link(task).failures
    simulator.faults.clear()
    is_woken = has_work(stored(hub, code), now=hub.now)
    hub.settle()

    assert held == ("degraded", 0)
    assert is_woken
    assert stored(hub, code).health(hub.now) == "healthy"
    assert hub.link(task).sync_status == "in_sync"


def test_a_long_outage_is_asked_about_once_a_minute(hub: Hub, code):
    simulator = given_other_credentials(hub, code)
    simulator.fail_next("status", status=503, times=None)

    hub.wait(A_WHILE)
    for _ in range(12 * 10):
        if has_work(stored(hub, code), now=hub.now):
            hub.push()
        hub.wait(5)

    assert 10 <= len(simulator.log) <= 25


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_refused_are_not_tried_again(hub: Hub, code, status):
    simulator = given_other_credentials(hub, code)
    simulator.fail_next("status", status=status, times=None)

    hub.push(later=A_WHILE)
    asked = len(simulator.log)
    hub.push(later=3600)

    assert asked
    assert len(simulator.log) == asked
    assert stored(hub, code).health(hub.now) == "needs_reauthorisation"
