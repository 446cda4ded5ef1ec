"""Renewals that fail: what is good goes on, what may pass is tried again, and a person is asked when nothing else is left."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmhub import sync
from crmhub.models import Connection
from crmhub.tests.engine.conftest import Hub
from crmhub.tests.oauth.conftest import LIFE, asked_for_tokens, let_in, stored, titles

pytestmark = pytest.mark.engine


def test_fresh_tokens_that_are_refused_wait_for_a_person(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    task = hub.save_task()
    simulator.fail_next("status", "(GET|POST) /tasks", status=401, times=None)

    hub.settle(rounds=4)

    kept = stored(connection)
    assert kept.reauthorise_since is not None
    assert asked_for_tokens(simulator) <= 2
    assert hub.link(task).sync_status == "pending"


@pytest.mark.parametrize("status", [401, 503])
def test_a_test_that_failed_is_no_proof_that_a_token_works(hub: Hub, each, status):
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    passed_at = hub.now
    hub.wait(LIFE)
    hub.save_task()
    simulator.fail_next("status", "GET /me", status=status, times=None)
    simulator.fail_next("status", "(GET|POST) /tasks", status=401, times=None)

    for _ in range(3):
        sync.check_connection(stored(connection), now=hub.now)
        hub.push(later=61)

    kept = stored(connection)
    assert asked_for_tokens(simulator) == 2
    assert kept.reauthorise_since is not None
    assert kept.last_checked_at == passed_at


@pytest.mark.parametrize("is_used_up", [True, False])
def test_a_lost_answer_stops_nothing_while_the_access_token_is_good(hub: Hub, is_used_up):
    simulator, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 0.9)
    simulator.fail_next("drop", "POST /oauth/token", after_write=is_used_up)

    for number in range(3):
        hub.save_task(title=f"Call {number}")
        hub.push(later=LIFE * 0.02)

    kept = stored(connection)
    assert titles(simulator) == ["Call 0", "Call 1", "Call 2"]
    assert asked_for_tokens(simulator) == 3  # first, lost, once more
    assert kept.reauthorise_since is None
    assert kept.health(hub.now) == ("degraded" if is_used_up else "healthy")


def test_at_the_end_of_the_access_token_the_renewal_is_asked_for_once_more_and_then_a_person(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 0.9)
    simulator.fail_next("status", "POST /oauth/token", status=400, times=None)
    hub.push()
    task = hub.save_task()

    hub.push(later=LIFE * 0.2)
    hub.push(later=LIFE)

    kept = stored(connection)
    assert kept.health(hub.now) == "needs_reauthorisation"
    assert asked_for_tokens(simulator) == 3
    assert (hub.link(task).sync_status, hub.link(task).failures) == ("pending", 0)
    assert titles(simulator) == []


def test_an_app_that_was_taken_out_there_is_asked_for_one_renewal_and_no_more(hub: Hub, each):
    """F45: nine tenths through the life of its access token."""
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 0.9)
    hub.save_task()
    simulator.grants.revoke()

    for _ in range(3):
        hub.push(later=1)

    assert stored(connection).health(hub.now) == "needs_reauthorisation"
    assert asked_for_tokens(simulator) == 2


def test_a_lost_answer_is_followed_by_the_vendors_refusal_where_no_access_token_is_good(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    task = hub.save_task()
    simulator.fail_next("drop", "POST /oauth/token", after_write=True)

    hub.push()
    lost = stored(connection)
    hub.push(later=61)

    kept = stored(connection)
    assert (lost.health(hub.now), kept.health(hub.now)) == ("degraded", "needs_reauthorisation")
    assert "The access token could not be renewed." in lost.last_error
    assert "invalid_grant" in kept.last_error
    assert (hub.link(task).failures, titles(simulator)) == (0, [])


@pytest.mark.parametrize(("code", "is_taken"), [("calmcrm", True), ("appcrm", False)])
def test_a_lost_answer_is_tried_again_where_the_refresh_token_still_works(hub: Hub, code, is_taken):
    simulator, connection = let_in(hub, code)
    hub.save_task()
    simulator.fail_next("drop", "POST /oauth/token", after_write=is_taken)

    hub.push()
    unwell = stored(connection)
    hub.push(later=61)

    assert (unwell.failures, unwell.reauthorise_since) == (1, None)
    assert "The access token could not be renewed." in unwell.last_error
    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).health(hub.now) == Connection.Health.HEALTHY


def test_an_answer_that_says_unwell_is_no_lost_answer(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    hub.save_task()
    simulator.fail_next("status", "POST /oauth/token", status=503)

    hub.push()
    hub.push(later=61)

    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).reauthorise_since is None


def test_a_vendor_that_cannot_renew_holds_nothing_up_while_the_token_works(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 0.9)
    hub.save_task()
    simulator.fail_next("status", "POST /oauth/token", status=503, times=None)

    hub.push()

    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).reauthorise_since is None


def test_a_quota_at_the_token_endpoint_is_waited_for(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    hub.save_task()
    simulator.fail_next("rate_limited", "POST /oauth/token", seconds=120)

    hub.push()
    held = stored(connection)
    hub.push(later=121)

    assert held.wait_until == hub.now - timedelta(seconds=1)
    assert titles(simulator) == ["Call Grace"]


def test_a_refused_refresh_token_needs_a_person_and_keeps_the_queue(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    task = hub.save_task()
    simulator.grants.revoke()

    hub.push()

    kept = stored(connection)
    assert kept.health(hub.now) == Connection.Health.REAUTHORISE
    assert "invalid_grant" in kept.last_error
    assert (hub.link(task).sync_status, hub.link(task).failures) == ("pending", 0)


def test_testing_the_connection_tries_the_stored_tokens_after_a_lost_answer(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    hub.save_task()
    simulator.fail_next("drop", "POST /oauth/token")
    hub.push()
    hub.wait(61)

    checkup = sync.check_connection(stored(connection), now=hub.now)

    assert checkup.is_well, checkup.error
    assert stored(connection).health(hub.now) == "healthy"
