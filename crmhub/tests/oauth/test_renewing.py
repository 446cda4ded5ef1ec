"""Access tokens are renewed before they end, by one worker, and no account is lost by it."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction

from crmhub import services, sync
from crmhub.models import Attempt, Connection
from crmhub.sync.sweep import has_work
from crmhub.tests.engine.conftest import Hub, meanwhile
from crmhub.tests.oauth.conftest import LIFE, asked_for_tokens, let_in, stored, titles

pytestmark = pytest.mark.engine


def test_the_first_access_token_is_made_from_the_refresh_token(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    hub.save_task()

    hub.settle()

    kept = stored(connection)
    assert titles(simulator) == ["Call Grace"]
    assert simulator.grants.is_open(kept.secrets["access_token"])
    assert kept.token_obtained_at == hub.now
    assert kept.token_expires_at is not None
    assert timedelta(seconds=LIFE - 10) < kept.token_expires_at - hub.now <= timedelta(seconds=LIFE)
    assert kept.refreshing_until is None


def test_a_token_is_renewed_at_four_fifths_of_its_life_and_not_before(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 0.79)
    hub.save_task()
    hub.push()
    before = asked_for_tokens(simulator)

    hub.wait(LIFE * 0.02)
    hub.save_task(title="Call back")
    hub.push()

    assert (before, asked_for_tokens(simulator)) == (1, 2)
    assert [one["status"] for one in simulator.log if one["status"] == 401] == []
    assert titles(simulator) == ["Call Grace", "Call back"]


def test_an_account_that_lay_still_for_days_goes_on_by_itself(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    hub.wait(86_400 * 9)
    hub.save_task()

    hub.push()

    assert titles(simulator) == ["Call Grace"]
    assert Attempt.objects.exclude(outcome="ok").count() == 0


def test_an_app_that_nothing_is_sent_with_keeps_its_refresh_token_alive(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)

    for _ in range(200):
        hub.wait(86_400)
        if has_work(Connection.objects.get(pk=connection.pk), now=hub.now):
            hub.push()
    asked = asked_for_tokens(simulator)
    hub.save_task()
    hub.push()

    assert titles(simulator) == ["Call Grace"]
    assert asked == 1 + 200 // 30  # with half of its sixty days gone, and not before


def test_nobody_is_asked_to_keep_a_refresh_token_alive_that_lasts_unused(hub: Hub):
    _, connection = let_in(hub, "calmcrm")
    sync.check_connection(connection, now=hub.now)

    hub.wait(86_400 * 1000)

    assert not has_work(Connection.objects.get(pk=connection.pk), now=hub.now)


def test_two_workers_side_by_side_renew_once_and_the_account_is_not_lost(hub: Hub, each):
    """F44: with refresh tokens that work once, and with lasting ones."""
    simulator, connection = let_in(hub, each)
    for number in range(6):
        hub.save_task(title=f"Call {number}")
    simulator.fail_next("delay", "POST /oauth/token", seconds=0.7)

    errors = side_by_side(*[lambda: sync.push_due(connection.pk)] * 2)
    push_until_done(simulator, connection, 6)

    kept = stored(connection)
    assert errors == []
    assert asked_for_tokens(simulator) == 1
    assert titles(simulator) == [f"Call {number}" for number in range(6)]
    assert (kept.reauthorise_since, kept.failures, kept.refreshing_until) == (None, 0, None)
    assert simulator.grants.refresh(kept.secrets["refresh_token"])
    assert not Attempt.objects.exclude(outcome="ok").exists()


def test_whoever_comes_second_sends_nothing_and_is_counted_as_no_failure(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    task = hub.save_task()
    Connection.objects.update(refreshing_until=hub.now + timedelta(seconds=60))

    hub.push()
    held = hub.link(task)
    hub.push(later=61)

    assert (held.failures, held.claim_token, held.sync_status) == (0, None, "pending")
    assert held.due_at is not None
    assert held.due_at <= hub.now
    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).failures == 0


def test_whoever_comes_second_goes_on_with_a_token_that_has_not_ended(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 0.9)
    hub.save_task()
    Connection.objects.update(refreshing_until=hub.now + timedelta(seconds=60))

    hub.push()

    assert titles(simulator) == ["Call Grace"]
    assert asked_for_tokens(simulator) == 1


def test_a_token_that_ends_in_the_middle_of_a_batch_costs_no_task_and_no_person(hub: Hub, each):
    """F43: with refresh tokens that work once, and with lasting ones."""
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    hub.wait(60)
    for number in range(9):
        hub.save_task(title=f"Call {number}")
    meanwhile(simulator, simulator.grants.end_access)

    hub.settle()

    assert titles(simulator) == [f"Call {number}" for number in range(9)]
    assert stored(connection).reauthorise_since is None
    assert asked_for_tokens(simulator) == 2
    refused = Attempt.objects.filter(outcome="unauthorized")
    assert {one.decision for one in refused} == {"Sent again with renewed credentials."}


def test_a_disconnect_while_a_token_is_renewed_leaves_no_secret_behind(hub: Hub, each):
    simulator, connection = let_in(hub, each)
    hub.save_task()
    meanwhile(simulator, lambda: services.disconnect_account(connection=stored(connection)))

    hub.push()

    kept = stored(connection)
    assert (kept.sealed_secrets, kept.token_expires_at, kept.refreshing_until) == ("", None, None)
    assert titles(simulator) == []


def test_another_secret_that_is_changed_meanwhile_does_not_cost_the_tokens(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    hub.save_task()

    def change() -> None:
        services.change_connection(connection=stored(connection), secrets={"client_secret": "a-newer-one"})

    meanwhile(simulator, change)
    hub.push()

    kept = stored(connection)
    assert kept.secrets["client_secret"] == "a-newer-one"
    assert simulator.grants.refresh(kept.secrets["refresh_token"])


def test_tokens_that_a_person_brought_meanwhile_stay(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    hub.save_task()
    grant = simulator.grants.grant()
    brought = {"refresh_token": grant.refresh_token, "access_token": grant.access_token}

    def bring() -> None:
        services.change_connection(connection=stored(connection), secrets=brought)

    meanwhile(simulator, bring)
    hub.push()
    between, sent = stored(connection), titles(simulator)
    sync.check_connection(stored(connection), now=hub.now)
    hub.settle()

    assert between.secrets.items() >= brought.items()
    assert sent == []  # they may be another account's, and nobody had asked yet
    assert titles(simulator) == ["Call Grace"]
    assert stored(connection).reauthorise_since is None


def test_a_worker_whose_claim_has_ended_does_not_throw_the_only_tokens_away(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    hub.save_task()

    def another_worker_tries() -> None:
        Connection.objects.update(refreshing_until=hub.now - timedelta(seconds=1))
        sync.push_due(connection.pk, now=hub.now)

    meanwhile(simulator, another_worker_tries)
    hub.push()
    hub.settle()

    kept = stored(connection)
    assert asked_for_tokens(simulator) == 2
    assert kept.reauthorise_since is None
    assert titles(simulator) == ["Call Grace"]


def test_a_worker_that_died_with_the_claim_is_waited_for_no_longer_than_its_lease(hub: Hub, each):
    simulator, _ = let_in(hub, each)
    hub.save_task()
    Connection.objects.update(refreshing_until=hub.now + timedelta(seconds=60))

    hub.push(later=59)
    before = asked_for_tokens(simulator)
    hub.push(later=2)

    assert (before, asked_for_tokens(simulator)) == (0, 1)
    assert titles(simulator) == ["Call Grace"]


@pytest.mark.parametrize("ends", [True, False])
def test_testing_the_connection_takes_the_same_door(hub: Hub, each, ends):
    simulator, connection = let_in(hub, each)
    sync.check_connection(connection, now=hub.now)
    if ends:
        simulator.grants.end_access()
    else:
        hub.wait(LIFE)

    checkup = sync.check_connection(connection, now=hub.now)

    assert checkup.is_well, checkup.error
    assert asked_for_tokens(simulator) == 2
    assert any(line.startswith("Access token: until ") for line in checkup.lines)


def test_owners_are_read_with_a_renewed_token(hub: Hub, each, ada):
    simulator, connection = let_in(hub, each)
    simulator.seed({"users": [{"email": "ada@example.com", "name": "Ada"}]})
    sync.check_connection(connection, now=hub.now)
    hub.wait(LIFE * 2)
    hub.save_task(assignee=ada)

    hub.settle()

    assert titles(simulator) == ["Call Grace"]
    assert {one["status"] for one in simulator.log} <= {200, 201}


def test_no_token_is_renewed_inside_a_transaction(hub: Hub):
    simulator, connection = let_in(hub, "appcrm")
    hub.save_task()

    with transaction.atomic(), pytest.raises(RuntimeError, match="inside a transaction"):
        sync.push_due(connection.pk, now=hub.now)

    assert asked_for_tokens(simulator) == 0


def test_the_history_does_not_tell_of_tokens(hub: Hub):
    _, connection = let_in(hub, "appcrm")
    before = connection.history.count()
    hub.save_task()

    hub.settle()

    assert connection.history.count() == before
    names = {field.name for field in connection.history.model._meta.fields}
    assert not names & {"token_expires_at", "token_obtained_at", "refreshing_until", "sealed_secrets"}


def side_by_side(*acts) -> list[BaseException]:
    """Do all of it at once, each in a thread with a database connection of its own; returns what went wrong."""
    begin, errors = threading.Barrier(len(acts)), []

    def run(act) -> None:
        try:
            begin.wait()
            act()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return errors


def push_until_done(simulator, connection: Connection, count: int) -> None:
    for _ in range(20):
        sync.push_due(connection.pk)
        if len(titles(simulator)) == count:
            return
