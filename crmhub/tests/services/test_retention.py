"""Old attempts are forgotten, in small batches; links and history stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.core.management import call_command

from crmhub import services, tasks
from crmhub.models import Attempt, Connection, Task, TaskLink

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def kept(settings):
    settings.KEEP_ATTEMPTS_DAYS, settings.KEEP_PAYLOADS_DAYS = 90, 30


@pytest.fixture
def link() -> TaskLink:
    account = Connection.objects.create(provider="hubspot", name="Main", created_at=NOON)
    task = services.save_task(task=Task(title="Call Grace"), changed=["title"]).task
    return TaskLink.objects.get_or_create(task=task, connection=account, defaults={"status_since": NOON})[0]


def attempt(link: TaskLink, *, days: float) -> Attempt:
    """An attempt of so many days ago, with all that went over the wire."""
    return Attempt.objects.create(
        connection=link.connection,
        task_link=link,
        claim_token=UUID(int=1),
        operation="update",
        version=1,
        started_at=NOON - timedelta(days=days),
        outcome="ok",
        decision="In step.",
        request="PATCH https://crm.example/tasks/1\n{}",
        response="200 after 150 ms\n{}",
    )


def test_what_is_old_is_forgotten_and_the_rest_is_kept(link):
    for days in (200, 91, 89, 31, 29, 0):
        attempt(link, days=days)

    pruned = services.prune_attempts(now=NOON)

    left = Attempt.objects.order_by("id")
    assert [(NOON - one.started_at).days for one in left] == [89, 31, 29, 0]
    assert [bool(one.request or one.response) for one in left] == [False, False, True, True]
    assert all(one.decision == "In step." for one in left)
    assert (pruned.attempts, pruned.payloads, pruned.is_all) == (2, 2, True)
    assert TaskLink.objects.filter(pk=link.pk).exists()
    assert Task.history.count() == 1


def test_a_second_time_finds_nothing(link):
    attempt(link, days=40)
    services.prune_attempts(now=NOON)

    pruned = services.prune_attempts(now=NOON)

    assert (pruned.attempts, pruned.payloads, pruned.is_all) == (0, 0, True)


def test_no_days_keep_for_ever(link, settings):
    settings.KEEP_ATTEMPTS_DAYS = settings.KEEP_PAYLOADS_DAYS = 0
    old = attempt(link, days=4000)

    services.prune_attempts(now=NOON)

    assert Attempt.objects.get(pk=old.pk).request


def test_it_stops_when_its_time_is_over_and_goes_on_the_next_time(link):
    for _ in range(5):
        attempt(link, days=100)

    first = services.prune_attempts(now=NOON, seconds=0, batch=2)
    assert (first.attempts, first.is_all, Attempt.objects.count()) == (2, False, 3)

    services.prune_attempts(now=NOON)
    assert not Attempt.objects.exists()


def test_a_younger_one_among_the_old_does_not_end_the_work_for_good(link):
    for days in (100, 1, 100, 100):
        attempt(link, days=days)

    for _ in range(3):
        services.prune_attempts(now=NOON, batch=2)

    assert [(NOON - one.started_at).days for one in Attempt.objects.all()] == [1]


def test_the_job_and_the_command_do_it(link, capsys):
    attempt(link, days=365 * 20)
    tasks.prune()
    assert not Attempt.objects.exists()

    attempt(link, days=365 * 20)
    call_command("prune")
    assert "1 attempts deleted" in capsys.readouterr().out
