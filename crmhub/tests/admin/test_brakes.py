"""A change of a great many tasks shows first what would follow, and asks."""

from __future__ import annotations

import pytest
from django.utils import timezone

from crmhub.models import Task, TaskLink
from crmhub.tests.admin.conftest import Form, connect, save

pytestmark = pytest.mark.django_db
LIST = "crmhub/task/"


@pytest.fixture(autouse=True)
def brake(settings):
    settings.BRAKE_TASKS, settings.BRAKE_PERCENT = 12, 50


def ticked(tasks, action, **more):
    ids = [str(task.pk) for task in tasks]
    return {"action": action, "_selected_action": ids, "select_across": "0", **more}


def test_nothing_is_changed_before_somebody_has_seen_what_would_follow(browser):
    connect("Sales", "hubspot")
    connect("Service", "highlevel")
    tasks = [save(f"task {number}") for number in range(13)]

    page = browser.send(LIST, ticked(tasks, "move_to_recycle_bin"))

    assert "13 tasks would be moved to the recycle bin" in page.content.decode()
    assert "Sales: 13 counterparts" in page.content.decode()
    assert not Task.objects.exclude(deleted_at=None).exists()


def test_going_on_does_what_was_shown(browser):
    tasks = [save(f"task {number}") for number in range(13)]
    page = browser.send(LIST, ticked(tasks, "complete"))

    form = Form(page.content.decode()).values
    browser.send(LIST, {**form, "_selected_action": [str(task.pk) for task in tasks], "sure": "1"})

    assert Task.objects.filter(status="completed").count() == 13


def test_what_the_action_was_given_is_kept_over_the_question(browser, mallory):
    tasks = [save(f"task {number}") for number in range(13)]

    page = browser.send(LIST, ticked(tasks, "assign", apply="1", assignee=str(mallory.pk)))

    assert Form(page.content.decode()).values["assignee"] == str(mallory.pk)
    assert not Task.objects.filter(assignee=mallory).exists()


@pytest.mark.parametrize(
    ("chosen", "others", "asks"),
    [(12, 40, False), (13, 40, True), (11, 8, True), (11, 12, False), (10, 0, False)],
)
def test_it_asks_above_a_number_and_above_a_share_of_all(browser, chosen, others, asks):
    tasks = [save(f"task {number}") for number in range(chosen)]
    for number in range(others):
        save(f"other {number}")

    page = browser.send(LIST, ticked(tasks, "complete"))

    assert ("What would follow" in page.content.decode()) is asks
    assert Task.objects.filter(status="completed").exists() is not asks


def test_settings_that_would_send_a_great_many_ask_before_they_are_saved(browser):
    account = connect("Sales", "hubspot")
    for number in range(13):
        save(f"task {number}")
    TaskLink.objects.update(
        sync_status="failed", due_at=None, last_error_code="impossible", status_since=timezone.now()
    )
    path = f"crmhub/connection/{account.pk}/change/"

    values = browser.fill(path)
    page = browser.send(path, {**values, "contacts": "lookup"})
    assert "13 that Sales could not take until now would be sent" in page.content.decode()
    assert not TaskLink.objects.exclude(due_at=None).exists()

    browser.send(path, Form(page.content.decode()).values)
    account.refresh_from_db()
    assert account.contacts == "lookup"
    assert TaskLink.objects.exclude(due_at=None).count() == 13


def test_a_connection_that_is_only_renamed_is_not_asked_about(browser):
    account = connect("Sales", "hubspot")
    for number in range(13):
        save(f"task {number}")
    TaskLink.objects.update(sync_status="failed", due_at=None, last_error_code="impossible")
    path = f"crmhub/connection/{account.pk}/change/"

    browser.send(path, {**browser.fill(path), "name": "Sales Europe"})

    account.refresh_from_db()
    assert account.name == "Sales Europe"
