"""The lists: what they show, how they are narrowed, and that their cost does not grow with their length."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crmhub import services
from crmhub.admin.dashboard import needing_a_person
from crmhub.models import Attempt, Connection, Profile, Task, TaskLink
from crmhub.queries.connections import tallies
from crmhub.services import Associated, Associations
from crmhub.tests.admin.conftest import connect, contact, record, save

pytestmark = pytest.mark.django_db


def fill(count):
    """Make so many tasks, each with a contact and a record of its own, and an attempt."""
    for number in range(count):
        grace, engine = contact(f"Grace {number}", email=f"g{number}@example.com"), record(f"Engine {number}")
        services.save_task(
            task=Task(title=f"Call {number}", due_at=timezone.now()),
            changed=[],
            associations=Associations(contacts=[Associated(grace.pk)], records=[Associated(engine.pk)]),
        )
    now = timezone.now()
    for link in TaskLink.objects.filter(attempts=None):
        Attempt.objects.create(
            connection_id=link.connection_id,
            task_link=link,
            claim_token=link.pk,
            operation="create",
            version=1,
            started_at=now,
        )


def queries(browser, path):
    with CaptureQueriesContext(database) as captured:
        browser.open(path)
    return len(captured)


LISTS = [
    "crmhub/task/",
    "crmhub/task/?sync=waiting",
    "crmhub/task/?q=grace",
    "crmhub/deletedtask/",
    "crmhub/contact/",
    "crmhub/company/",
    "crmhub/record/",
    "crmhub/attempt/",
    "crmhub/apikey/",
    "auth/user/",
    "",
]


def test_longer_lists_cost_no_more_queries(browser, django_user_model):
    connect("One", "hubspot")
    connect("Two", "highlevel")
    fill(6)
    _spread(browser, 3, django_user_model)
    for path in LISTS:
        browser.open(path)
    few = {path: queries(browser, path) for path in LISTS}

    fill(54)
    _spread(browser, 30, django_user_model)

    assert {path: queries(browser, path) for path in LISTS} == few


def _spread(browser, count, users):
    """Bring half of the tasks into the recycle bin, and so many keys and people into being."""
    for task in list(Task.objects.filter(deleted_at__isnull=True))[::2]:
        services.delete_task(task=task)
    Task.objects.filter(deleted_at__isnull=True).update(assignee=browser.user)
    for number in range(users.objects.count(), users.objects.count() + count):
        services.create_key(name=f"key {number}", scopes=["tasks:read"])


def test_the_list_of_connections_costs_the_same_with_30(browser):
    for number in range(3):
        connect(f"Account {number}")
    browser.open("crmhub/connection/")
    few = queries(browser, "crmhub/connection/")

    for number in range(3, 30):
        connect(f"Account {number}")

    assert queries(browser, "crmhub/connection/") == few


def titles(browser, **query):
    browser.open("crmhub/task/", **query)
    return sorted(task.title for task in browser.page.context["cl"].result_list)


@pytest.mark.parametrize(
    ("due", "found"),
    [
        ("overdue", ["an hour ago", "yesterday"]),
        ("today", ["an hour ago", "today"]),
        ("week", ["an hour ago", "in five days", "today"]),
        ("none", ["some time"]),
    ],
)
def test_tasks_are_narrowed_by_when_they_are_due_in_my_days(browser, time_machine_at_noon, due, found):
    now = time_machine_at_noon
    day = datetime(2026, 6, 10, tzinfo=UTC)
    save("yesterday", due_at=day - timedelta(days=1), due_is_date=True)
    save("an hour ago", due_at=now - timedelta(hours=1))
    save("today", due_at=day, due_is_date=True)
    save("in five days", due_at=now + timedelta(days=5))
    save("in two weeks", due_at=now + timedelta(days=14))
    save("some time")
    save("done", due_at=now - timedelta(days=30), status="completed")

    assert titles(browser, due=due) == found


@pytest.fixture
def time_machine_at_noon(browser):
    """It is noon on 10 June 2026 in Berlin, where Ada is."""
    import time_machine  # noqa: PLC0415

    Profile.objects.create(user=browser.user, time_zone="Europe/Berlin")
    noon = datetime(2026, 6, 10, 10, 0, tzinfo=UTC)
    with time_machine.travel(noon, tick=False):
        browser.client.force_login(browser.user)
        yield noon


def test_a_range_of_days_counts_days_as_days_and_times_in_my_zone(browser):
    Profile.objects.create(user=browser.user, time_zone="America/New_York")
    save("the day", due_at=datetime(2026, 6, 10, tzinfo=UTC), due_is_date=True)
    save("late that evening", due_at=datetime(2026, 6, 11, 3, 0, tzinfo=UTC))
    save("the day after", due_at=datetime(2026, 6, 11, tzinfo=UTC), due_is_date=True)

    found = titles(browser, due_at_from="2026-06-10", due_at_to="2026-06-10")

    assert found == ["late that evening", "the day"]


def test_tasks_are_narrowed_by_assignee(browser, mallory):
    save("mine", assignee=browser.user)
    save("hers", assignee=mallory)
    save("nobody's")

    assert titles(browser, assignee="me") == ["mine"]
    assert titles(browser, assignee="nobody") == ["nobody's"]
    assert titles(browser, assignee=str(mallory.pk)) == ["hers"]


def test_tasks_are_narrowed_by_crm_and_sync_status_together(browser):
    one, two = connect("One", "hubspot"), connect("Two", "highlevel")
    at_one, at_two, well = save("parked at one"), save("parked at two"), save("well")
    TaskLink.objects.update(sync_status="in_sync", due_at=None)
    for task, account in ((at_one, one), (at_two, two)):
        TaskLink.objects.filter(task=task, connection=account).update(sync_status="failed")

    assert titles(browser, crm=str(one.pk), sync="needs_a_person") == ["parked at one"]
    assert titles(browser, sync="needs_a_person") == ["parked at one", "parked at two"]
    assert titles(browser, crm=str(one.pk), sync="in_sync") == ["parked at two", "well"]
    assert titles(browser, sync="in_sync") == ["well"]
    assert well.title in titles(browser, crm=str(two.pk))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "hopper"}, ["Call her"]),
        ({"q": "call HOPPER"}, ["Call her"]),
        ({"q": "grace@example"}, ["Call her"]),
        ({"q": "nobody"}, []),
        ({"q": "%"}, []),
        ({"status": "unfinished"}, ["Call her", "Write"]),
        ({"status": "completed"}, ["Done"]),
        ({"crm": "nonsense", "due": "never", "assignee": "x", "sync": "y"}, ["Call her", "Done", "Write"]),
    ],
)
def test_tasks_are_searched_and_narrowed_by_status(browser, query, found):
    grace = contact("Grace", last_name="Hopper", email="grace@example.com")
    services.save_task(
        task=Task(title="Call her"), changed=[], associations=Associations(contacts=[Associated(grace.pk)])
    )
    save("Write")
    save("Done", status="completed")

    assert titles(browser, **query) == found


def test_the_list_begins_with_the_work_that_waits_longest_and_leaves_out_what_is_finished(browser):
    day = datetime(2026, 6, 10, tzinfo=UTC)
    save("some time")
    save("some other time")
    save("next", due_at=day + timedelta(days=700))
    save("overdue", due_at=day - timedelta(days=700), status="waiting")
    save("done", due_at=day - timedelta(days=900), status="completed")
    save("given up", status="cancelled")

    browser.open("crmhub/task/")

    order = [task.title for task in browser.page.context["cl"].result_list]
    assert order == ["overdue", "next", "some other time", "some time"]


@pytest.mark.parametrize(
    ("query", "found", "here"),
    [
        ({}, ["open"], "Unfinished"),
        ({"p": "1", "o": "1"}, ["open"], "Unfinished"),
        ({"status": "all"}, ["done", "open"], "All"),
        ({"status": "completed"}, ["done"], None),
        ({"q": "o"}, ["done", "open"], None),
        ({"sync": "waiting"}, ["done", "open"], None),
        ({"assignee": "me", "status": "unfinished"}, [], "Mine"),
        ({"due": "overdue"}, [], "Overdue"),
    ],
)
def test_all_tasks_are_one_link_away_and_a_question_is_asked_of_all(browser, query, found, here):
    connect()
    save("open")
    save("done", status="completed")

    assert titles(browser, **query) == found

    views = {view["name"]: view["is_here"] for view in browser.page.context["views"]}
    assert [name for name, is_here in views.items() if is_here] == ([here] if here else [])


@pytest.mark.parametrize(
    ("status", "is_due", "words"),
    [
        ("in_sync", False, "in sync"),
        ("pending", True, "waiting"),
        ("unknown", True, "waiting"),
        ("unknown", False, "needs a person"),
        ("failed", False, "needs a person"),
        ("gone", False, "needs a person"),
        ("conflict", False, "needs a person"),
        ("excluded", False, "off"),
        ("paused", False, "off"),
    ],
)
def test_a_badge_says_how_the_task_stands_with_the_exact_term_on_hover(browser, status, is_due, words):
    connect("Main account", "highlevel")
    save()
    TaskLink.objects.update(sync_status=status, due_at=timezone.now() if is_due else None)

    html = browser.open("crmhub/task/")

    assert f'<span class="hub-words">{words}</span>' in html
    assert f'title="{status} since ' in html
    assert "HighLevel <span" in html


def test_two_accounts_at_one_crm_are_told_apart_by_their_names(browser):
    connect("Europe", "highlevel")
    connect("Asia", "highlevel")
    save()

    html = browser.open("crmhub/task/")

    assert "Europe <span" in html
    assert "Asia <span" in html


def test_badges_of_an_open_list_are_refreshed_alone(browser):
    connect()
    task = save()
    assert "data-moving" in browser.open("crmhub/task/")

    TaskLink.objects.update(sync_status="in_sync", due_at=None)
    answer = browser.client.get("/admin/crmhub/task/badges/", {"ids": f"{task.pk},nonsense"}).json()

    assert list(answer) == [str(task.pk)]
    assert "in sync" in answer[str(task.pk)]
    assert "data-moving" not in answer[str(task.pk)]


def test_a_task_that_needs_a_person_at_two_crms_is_one_task_wherever_it_is_counted(browser):
    connect("One", "hubspot")
    connect("Two", "highlevel")
    save("Call Grace")
    save("well")
    services.delete_task(task=save("deleted"))
    TaskLink.objects.exclude(task__title="well").update(sync_status="failed", due_at=None)

    html = browser.open("")

    assert "1 task needs a person" in html
    assert needing_a_person(browser.page.wsgi_request) == "1"
    assert titles(browser, sync="needs_a_person") == ["Call Grace"]


def test_deleted_tasks_and_ended_accounts_are_in_no_count(browser, django_assert_num_queries):
    account, ended = connect("One", "hubspot"), connect("Two", "highlevel")
    save("well")
    services.delete_task(task=save("deleted"))
    TaskLink.objects.update(sync_status="in_sync", due_at=None)
    services.disconnect_account(connection=ended)

    with django_assert_num_queries(1):
        tally = tallies([account.pk, ended.pk])

    assert (tally[account.pk].in_sync, tally[ended.pk].in_sync) == (1, 0)
    assert ("In sync", "1") in facts_of(browser, account)


def facts_of(browser, account):
    browser.open(f"crmhub/connection/{account.pk}/change/")
    return browser.page.context["facts"]


def test_the_first_page_shows_accounts_in_words_and_my_due_tasks(browser):
    account = connect("Main account")
    save("Call Grace today", assignee=browser.user, due_at=timezone.now() - timedelta(days=2))
    Connection.objects.update(reauthorise_since=timezone.now(), last_error="The token was refused.")
    TaskLink.objects.update(sync_status="failed", due_at=None)

    html = browser.open("")

    assert "Needs re-authorisation" in html
    assert "The token was refused." in html
    assert f"?crm={account.pk}&amp;sync=needs_a_person" in html
    assert "Call Grace today" in html


def test_the_list_and_the_task_say_at_how_many_crms_a_task_is_and_who_lags(browser):
    connect("One", "hubspot")
    connect("Two", "highlevel")
    task = save()
    first = TaskLink.objects.filter(connection__name="One")
    first.update(sync_status="in_sync", due_at=None)
    TaskLink.objects.filter(connection__name="Two").update(last_error="HighLevel answered 503.")

    html = browser.open("crmhub/task/")
    page = browser.open(f"crmhub/task/{task.pk}/change/")
    TaskLink.objects.update(sync_status="in_sync", due_at=None)

    assert "1 of 2 CRMs</span>" in html
    assert "HighLevel waits since " in html
    assert "At the CRMs: 1 of 2 CRMs, waiting" in page
    assert "HighLevel waits since " in page
    assert ": HighLevel answered 503</li>" in page
    assert "of 2 CRMs" not in browser.open("crmhub/task/")
    assert "At the CRMs: 2 of 2 CRMs in sync" in browser.open(f"crmhub/task/{task.pk}/change/")
