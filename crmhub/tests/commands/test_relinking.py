"""Rebuilding lost links and back-filling, on the command line."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management.base import CommandError

from crmhub import services, sync
from crmhub.clock import database_now
from crmhub.models import Connection, Task, TaskLink
from crmhub.tests.commands.conftest import run
from crmhub.tests.engine.conftest import Hub, hub, live  # noqa: F401 — the fixture

TITLES = ["Call Grace", "Thank Grace", "Write to Grace"]


@pytest.fixture
def account(hub: Hub):  # noqa: F811
    """An account that holds three tasks of ours, with their links lost; returns its simulator."""
    simulator = hub.connect("hubspot")
    grace = hub.save_contact()
    for title in TITLES:
        hub.save_task(title=title, contacts=[grace])
    hub.settle()
    TaskLink.objects.all().delete()
    return simulator


def test_what_was_linked_is_told(account, hub: Hub):  # noqa: F811
    said = run("relink", "hubspot").out

    assert "its links are lost: nothing is sent there until this is done" in said
    assert "3 tasks there: 0 linked already, 3 linked by key, 0 by likeness, 0 none of ours" in said
    assert TaskLink.objects.filter(sync_status="in_sync").count() == 3
    assert len(live(account)) == 3


def test_a_dry_run_says_would(account):
    said = run("relink", "--dry-run").out

    assert "3 would be linked by key" in said
    assert not TaskLink.objects.exists()


def test_what_differs_and_what_is_missing_is_told(account, hub: Hub):  # noqa: F811
    account.records.held.pop(("0-27", live(account)[0]["id"]))
    hub.edit(Task.objects.get(title="Thank Grace"), body="For the manual")

    said = run("relink", "hubspot").out

    assert "1 task there differ from ours; they are left for you" in said
    assert "1 task here should be there and were not found" in said


def test_an_account_that_cannot_be_read_does_not_keep_the_others_from_it(account, hub: Hub):  # noqa: F811
    hub.connect("leadlex")
    hub.servers["leadlex"].simulator.fail_next("status", status=401, times=-1)

    with pytest.raises(CommandError, match="not done at leadlex; what was linked is kept"):
        run("relink")

    assert TaskLink.objects.filter(connection__provider="hubspot", sync_status="in_sync").count() == 3


def test_giving_up_lets_the_connection_send_again(account, hub: Hub):  # noqa: F811
    sync.sweep(now=hub.now)

    said = run("relink", "hubspot", "--give-up").out

    assert "sends again" in said
    assert Connection.objects.get().health(hub.now) == "healthy"


def test_there_is_nothing_to_give_up_where_nothing_is_lost(hub: Hub):  # noqa: F811
    hub.connect("hubspot")

    with pytest.raises(CommandError, match="not lost"):
        run("relink", "hubspot", "--give-up")


# Back-fills


@pytest.fixture
def saved_before(hub: Hub):  # noqa: F811
    """An account that was connected after three tasks were saved; returns its simulator."""
    grace = hub.save_contact()
    for title in TITLES:
        hub.save_task(title=title, contacts=[grace])
    hub.wait(60)
    return hub.connect("hubspot")


def test_a_plan_of_a_back_fill_is_told(saved_before):
    said = run("backfill", "hubspot", "--dry-run").out

    assert "match: 0 tasks there already" in said
    assert "review: 0 tasks there of which nobody is sure" in said
    assert "create: 3 tasks to be made" in said
    assert "skip: 0 tasks" in said
    assert "about 3 calls, less than a minute at least" in said
    assert not TaskLink.objects.exists()


def test_a_back_fill_owes_the_tasks(saved_before, hub: Hub):  # noqa: F811
    said = run("backfill", "hubspot").out
    hub.now = database_now()
    hub.settle()

    assert "create: 3 tasks on the way there" in said
    assert sorted(there["title"] for there in live(saved_before)) == TITLES


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--since", "yesterday"], "is not a day"),
        (["--resume"], "no back-fill of hubspot was stopped"),
    ],
)
def test_what_cannot_be_understood_is_told(saved_before, words, match):
    with pytest.raises(CommandError, match=match):
        run("backfill", "hubspot", *words)


def test_one_that_was_stopped_goes_on_with_its_options(saved_before, hub: Hub):  # noqa: F811
    since = database_now() - timedelta(days=1)
    wish = sync.Wish(only_open=True, since=since)
    services.note_backfill(connection=hub.connections["hubspot"], wish=wish.as_json())

    with pytest.raises(CommandError, match="give no others"):
        run("backfill", "hubspot", "--resume", "--open")
    said = run("backfill", "hubspot", "--resume")

    assert "create: 3 tasks" in said.out
    assert Connection.objects.get().backfill == {}
