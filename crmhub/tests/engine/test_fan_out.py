"""One save to four CRMs: each goes its own way, and the task says honestly who lags, since when and why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from crmhub.models import Attempt, Connection, Task, TaskLink
from crmhub.queries.rollup import RollUp, roll_up, tasks_rolled_up, why_it_lags
from crmhub.queries.sync import Standing, links_of_task
from crmhub.tests.engine.conftest import Hub
from providers.registry import codes

pytestmark = pytest.mark.engine

DOWN = "highlevel"
OTHERS = [code for code in codes() if code != DOWN]
HOUR = 3600.0


def a_day(hub: Hub, grace) -> tuple[list[Task], int, set[timedelta]]:
    """Save a task each hour; returns them, how often the others were tried, and how long their tasks waited."""
    tasks = []
    for hour in range(24):
        tasks.append(hub.save_task(title=f"Hour {hour}", contacts=[grace]))
        hub.push()
        hub.wait(HOUR)
    links = TaskLink.objects.filter(task__in=tasks, connection__provider__in=OTHERS)
    tries = Attempt.objects.filter(task_link__in=links).count()
    waited = links.annotate(waited=F("last_success_at") - F("task__created_at"))
    return tasks, tries, set(waited.values_list("waited", flat=True))


def rolled_up(task: Task) -> RollUp:
    return roll_up(links_of_task(task))


def test_a_crm_that_is_down_for_a_day_changes_nothing_about_the_others(hub: Hub, grace):
    simulators = {code: hub.connect(code) for code in codes()}
    hub.save_task(contacts=[grace])
    hub.settle()

    simulators[DOWN].fail_next("status", status=503, times=None)
    missed, *down = a_day(hub, grace)
    lagging = rolled_up(missed[0])
    simulators[DOWN].faults.clear()
    hub.settle(rounds=100)
    _, *well = a_day(hub, grace)

    assert down == well == [24 * len(OTHERS), {timedelta(0)}]
    assert (lagging.standing, lagging.words) == (Standing.WAITING, "3 of 4 CRMs")
    assert {rolled_up(task).words for task in missed} == {"4 of 4 CRMs"}


def test_who_lags_since_when_and_why_is_told(hub: Hub, grace):
    simulators = {code: hub.connect(code) for code in codes()}
    hub.save_task(contacts=[grace])
    hub.settle()
    simulators["hubspot"].fail_next("status", "POST .*/tasks", status=400)
    simulators[DOWN].fail_next("status", status=503, times=None)

    task = hub.save_task(title="Ring Grace", contacts=[grace])
    hub.push()

    summed = rolled_up(task)
    assert (summed.standing, summed.in_sync, summed.of) == (Standing.NEEDS_A_PERSON, 2, 4)
    assert [link.connection.provider for link in summed.lagging] == ["hubspot", DOWN]
    assert [link.status_since for link in summed.lagging] == [hub.now, hub.now]
    assert "HubSpot refused" in why_it_lags(summed.lagging[0], now=hub.now)
    assert "503" in why_it_lags(summed.lagging[1], now=hub.now)


@pytest.mark.parametrize(
    ("statuses", "standing", "words"),
    [
        (["in_sync", "in_sync"], "in_sync", "2 of 2 CRMs"),
        (["in_sync", "pending"], "waiting", "1 of 2 CRMs"),
        (["pending", "failed"], "needs_a_person", "0 of 2 CRMs"),
        (["in_sync", "gone"], "needs_a_person", "1 of 2 CRMs"),
        (["in_sync", "excluded"], "in_sync", "1 of 1 CRM"),
        (["excluded", "paused"], "off", "no CRM"),
    ],
)
def test_a_task_stands_as_the_worst_of_the_crms_that_are_not_off(hub: Hub, statuses, standing, words):
    hub.connect("hubspot")
    hub.connect("leadlex")
    task = hub.save_task()
    for link, status in zip(TaskLink.objects.filter(task=task), statuses, strict=True):
        due_at = hub.now if status == "pending" else None
        TaskLink.objects.filter(pk=link.pk).update(sync_status=status, due_at=due_at)

    summed = rolled_up(task)

    assert (summed.standing.value, summed.words) == (standing, words)
    for one in Standing:
        assert tasks_rolled_up(Task.objects.all(), [one]).exists() == (one.value == standing)


def test_an_account_that_was_disconnected_does_not_count(hub: Hub):
    hub.connect("hubspot")
    task = hub.save_task()
    Connection.objects.update(disconnected_at=hub.now)

    assert rolled_up(task).standing is Standing.OFF
    assert list(tasks_rolled_up(Task.objects.all(), [Standing.OFF])) == [task]


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"paused_at": 0}, "The connection is paused."),
        ({"reauthorise_since": 0}, "The CRM refuses our credentials."),
        ({"wait_until": 60, "wait_reason": "Over its quota."}, "Over its quota."),
        ({}, ""),
    ],
)
def test_an_account_that_waits_is_the_reason_for_its_tasks(hub: Hub, state, why):
    hub.connect("hubspot")
    task = hub.save_task()
    moments = {
        name: hub.now + timedelta(seconds=value) if isinstance(value, int) else value
        for name, value in state.items()
    }
    Connection.objects.update(**moments)

    [link] = rolled_up(task).lagging
    assert why_it_lags(link, now=hub.now) == why
