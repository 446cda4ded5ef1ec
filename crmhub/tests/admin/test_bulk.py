"""What is done to many tasks at once."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from crmhub import services
from crmhub.models import Task, TaskLink
from crmhub.tests.admin.conftest import Form, connect, save

pytestmark = pytest.mark.django_db
LIST = "crmhub/task/"


def chosen(*tasks, action, **more):
    return {
        "action": action,
        "_selected_action": [str(task.pk) for task in tasks],
        "select_across": "0",
        **more,
    }


def test_the_chosen_tasks_are_completed_and_the_others_left(browser):
    connect()
    one, two, other = save("one"), save("two"), save("other")

    browser.send(LIST, chosen(one, two, action="complete"))

    done = Task.objects.filter(status="completed")
    assert set(done) == {one, two}
    assert all(task.completed_at and task.history.first().history_user == browser.user for task in done)
    assert "2 tasks completed. One CRM will follow." in browser.said
    assert Task.objects.get(pk=other.pk).version == 1


def test_tasks_that_stand_so_already_are_counted_apart(browser):
    done = save("done", status="completed")

    browser.send(LIST, chosen(done, save("open"), action="complete"))

    assert "1 task completed." in browser.said
    assert "1 task stood so already" in browser.said
    assert Task.objects.get(pk=done.pk).version == 1


def test_completed_tasks_are_reopened(browser):
    done = save("done", status="completed")

    browser.send(LIST, chosen(done, action="reopen"))

    assert Task.objects.get().status == "open"


@pytest.mark.parametrize("select_across", ["0", "1"])
def test_assigning_asks_for_a_person_and_keeps_the_selection(browser, mallory, select_across):
    tasks = [save(f"task {number}") for number in range(3)]
    ticked = chosen(*tasks[:2], action="assign", select_across=select_across)

    asked = browser.send(LIST, ticked)
    assert set(Task.objects.values_list("assignee", flat=True)) == {None}
    kept = Form(asked.content.decode()).values
    assert (kept["action"], kept["select_across"]) == ("assign", select_across)

    browser.send(LIST, {**ticked, "apply": "1", "assignee": str(mallory.pk)})
    assert Task.objects.filter(assignee=mallory).count() == (3 if select_across == "1" else 2)


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("assign", {"assignee": "mallory"}),
        ("assign", {"assignee": ""}),
        ("re_date", {"due_0": "2026-06-12", "due_1": ""}),
        ("re_date", {"due_0": "2026-06-12", "due_1": "09:30"}),
        ("re_date", {"due_0": "", "due_1": ""}),
    ],
)
def test_tasks_that_have_it_already_are_not_sent_anywhere(browser, mallory, action, given):
    connect()
    one, two = save("one", due_at=timezone.now(), assignee=browser.user), save("two")
    given = {**given, **({"assignee": str(mallory.pk)} if given.get("assignee") else {})}
    browser.send(LIST, chosen(one, two, action=action, apply="1", **given))
    before = dict(Task.objects.values_list("pk", "version"))
    TaskLink.objects.update(due_at=None, sync_status="in_sync")
    late = save("late", due_at=timezone.now(), assignee=browser.user)

    browser.send(LIST, chosen(one, two, late, action=action, apply="1", **given))

    assert {
        pk: version for pk, version in Task.objects.values_list("pk", "version") if pk in before
    } == before
    assert not TaskLink.objects.filter(task__in=before, due_at__isnull=False).exists()
    assert re.search(r"1 task (assigned|given a new due date)\. .* 2 tasks stood so already\.", browser.said)


def test_a_new_due_date_can_be_a_day_alone(browser):
    tasks = [save(f"task {number}") for number in range(2)]
    ticked = chosen(*tasks, action="re_date")
    browser.send(LIST, ticked)

    browser.send(LIST, {**ticked, "apply": "1", "due_0": "2026-06-12", "due_1": ""})

    assert set(Task.objects.values_list("due_at", "due_is_date")) == {
        (datetime(2026, 6, 12, tzinfo=UTC), True)
    }


def test_a_new_due_date_after_the_end_leaves_that_task_and_names_it(browser):
    early = save("Trade fair", end_at=datetime(2026, 6, 1, tzinfo=UTC))

    browser.send(LIST, chosen(early, action="re_date", apply="1", due_0="2026-06-12", due_1=""))

    assert "“Trade fair” was left as it is: The end lies before the due time." in browser.said
    assert Task.objects.get().version == 1


def test_send_again_owes_all_links_but_those_kept_out(browser):
    connect("One", "hubspot")
    kept_out = connect("Two", "highlevel")
    task = save()
    TaskLink.objects.update(sync_status="failed", due_at=None)
    services.exclude_link(link=TaskLink.objects.get(connection=kept_out))

    browser.send(LIST, chosen(task, action="send_again"))
    before = set(TaskLink.objects.values_list("sync_status", flat=True))
    browser.send(LIST, {**Form(browser.text).values, "apply": "1"})

    assert before == {"failed", "excluded"}
    assert set(TaskLink.objects.values_list("sync_status", flat=True)) == {"pending", "excluded"}
    assert "1 counterpart of 1 task will be sent again. 1 kept out" in browser.said


def test_tasks_go_to_the_recycle_bin_and_come_back(browser):
    one, two = save("one"), save("two")

    browser.send(LIST, chosen(one, two, action="move_to_recycle_bin"))
    assert Task.objects.filter(deleted_at__isnull=False).count() == 2

    browser.send("crmhub/deletedtask/", chosen(one, action="restore"))
    assert list(Task.objects.filter(deleted_at__isnull=True)) == [one]


def test_no_bulk_action_deletes_rows(browser):
    task = save()

    browser.send(LIST, chosen(task, action="delete_selected", post="yes"))

    assert Task.objects.filter(pk=task.pk).exists()


def test_those_who_may_only_look_have_no_bulk_actions(onlooker):
    task = save()

    onlooker.send(LIST, chosen(task, action="complete"))

    assert Task.objects.get().status == "open"
    assert "move_to_recycle_bin" not in onlooker.open(LIST)
