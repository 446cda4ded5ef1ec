"""Saying which task at a CRM is which one here."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission

from crmhub import services
from crmhub.clock import database_now
from crmhub.models import TaskLink, Unmatched
from crmhub.services import Stranger
from crmhub.services.counterparts import UNMATCHED
from crmhub.tests.admin.conftest import connect, save
from crmhub.tests.services.conftest import stored

pytestmark = pytest.mark.django_db

HOLDS = {"title": "Call Grace", "body": "About the quote", "due_at": "2026-12-01T14:30:00Z", "contacts": []}


def found_there(*tasks: Any, connection: Any = None, **values: Any) -> Unmatched:
    """Let a stocktaking have found one that may be any of these tasks."""
    connection = connection or connect()
    stranger = Stranger(
        **{
            "external_id": "t-1",
            "external_parent_id": "c-1",
            "external_url": "https://crm.example/t-1",
            "key": "",
            "holds": HOLDS,
            "why": "Several are alike.",
            "task_ids": [task.pk for task in tasks],
            **values,
        }
    )
    services.keep_unmatched(connection=connection, strangers=[stranger])
    services.set_aside(
        connection=connection,
        versions={task.pk: task.version for task in tasks},
        code=UNMATCHED,
        why="It may be there already.",
    )
    return Unmatched.objects.get(connection=connection, external_id=stranger.external_id)


def test_the_menu_counts_what_waits_and_shows_no_empty_count(browser):
    counts = re.compile(r"bg-red-100 [^>]*>([^<]*)</span>")

    before = counts.findall(browser.open(""))
    found_there(save("Call Grace"), save("Call Grace back"))
    after = counts.findall(browser.open(""))

    assert (before, after) == ([], ["2", "1"])  # of tasks that need a person, and of what waits


def test_what_waits_is_listed_with_what_it_may_be(browser):
    found_there(save("Call Grace"), save("Call Grace back"))

    page = browser.open("crmhub/unmatched/")

    assert "Several are alike." in page
    assert "Call Grace; Call Grace back" in page


def test_the_list_costs_no_query_per_row(browser, django_assert_max_num_queries):
    connection = connect()
    for number in range(12):
        found_there(save(f"Call {number}"), connection=connection, external_id=f"t-{number}")
    browser.open("crmhub/unmatched/")

    with django_assert_max_num_queries(12):
        browser.open("crmhub/unmatched/")


def test_a_person_says_which_one_it_is(browser):
    task, other = save("Call Grace"), save("Call Grace")
    row = found_there(task, other)
    page = browser.open(f"crmhub/unmatched/{row.pk}/change/")

    browser.send(f"crmhub/unmatched/{row.pk}/match/{task.pk}/")

    link = TaskLink.objects.get(task=task)
    assert page.count("This is it") == 2
    assert (link.external_id, link.external_parent_id, link.ancestor["title"]) == ("t-1", "c-1", "Call Grace")
    assert (link.sync_status, link.last_error_code) == ("conflict", "differs")
    assert not Unmatched.objects.exists()
    assert TaskLink.objects.get(task=other).sync_status == "unknown"


def test_what_is_there_as_it_is_here_is_in_step_at_once(browser):
    task = save("Call Grace")
    holds = {"title": "Call Grace", "body": "", "due_at": None, "status": "open", "contacts": ["c-1"]}
    row = found_there(task, connection=connect(provider="leadlex"), holds={**holds, "contacts": []})

    browser.send(f"crmhub/unmatched/{row.pk}/match/{task.pk}/")

    assert TaskLink.objects.get(task=task).sync_status == "in_sync"


def test_one_that_is_left_is_not_asked_about_again(browser):
    task = save("Call Grace")
    row = found_there(task)

    browser.send(f"crmhub/unmatched/{row.pk}/leave/")

    assert stored(row).left_at is not None
    assert str(row) not in browser.open("crmhub/unmatched/")
    assert TaskLink.objects.get(task=task).sync_status == "unknown"


def test_many_are_left_at_once(browser):
    connection = connect()
    rows = [found_there(save(f"Call {n}"), connection=connection, external_id=f"t-{n}") for n in range(3)]

    browser.send("crmhub/unmatched/", {"action": "leave", "_selected_action": [row.pk for row in rows[:2]]})

    assert [row.left_at is not None for row in map(stored, rows)] == [True, True, False]


def test_the_one_there_cannot_be_two_here(browser):
    task, other = save("Call Grace"), save("Call Grace")
    row = found_there(task, other)
    link = TaskLink.objects.get(task=other)
    TaskLink.objects.filter(pk=link.pk).update(external_id="t-1")

    browser.send(f"crmhub/unmatched/{row.pk}/match/{task.pk}/")

    assert "is that one there already" in browser.said
    assert TaskLink.objects.get(task=task).external_id == ""


def test_a_task_that_may_be_there_says_so_and_leads_there(browser):
    task = save("Call Grace")
    found_there(task)

    page = browser.open(f"crmhub/task/{task.pk}/change/")

    assert "It may be there already." in page
    assert f"/admin/crmhub/unmatched/?task={task.pk}" in page


def test_whoever_sends_it_again_has_it_looked_for_first(browser):
    task = save("Call Grace")
    found_there(task)

    services.replay_links(links=TaskLink.objects.all(), now=database_now())

    link = TaskLink.objects.get()
    assert (link.sync_status, link.due_at is not None, link.may_land_until is not None) == (
        "pending",
        True,
        True,
    )


def test_who_may_not_send_may_not_match(onlooker, mallory):
    mallory.user_permissions.add(Permission.objects.get(codename="view_unmatched"))
    task = save("Call Grace")
    row = found_there(task)

    page = onlooker.open(f"crmhub/unmatched/{row.pk}/change/")

    assert "This is it" not in page
    assert onlooker.client.post(f"/admin/crmhub/unmatched/{row.pk}/match/{task.pk}/").status_code == 403
    assert onlooker.client.post(f"/admin/crmhub/unmatched/{row.pk}/leave/").status_code == 403
