"""What needs a person, by reason and age; and sending many again: how many is said, then asked, then watched."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from crmhub import services
from crmhub.admin.dashboard import needing_a_person
from crmhub.models import ContactLink, Replay, TaskLink
from crmhub.queries.selection import Selection
from crmhub.tests.admin.conftest import Form, connect, contact, save
from crmhub.tests.admin.test_bulk import LIST, chosen

FAILURES = "crmhub/replay/failures/"


def park(title, *, at=None, code="rejected", status="failed", ago=timedelta(minutes=5)):
    links = TaskLink.objects.filter(task__title=title)
    links = links.filter(connection=at) if at else links
    links.update(sync_status=status, due_at=None, last_error_code=code, status_since=timezone.now() - ago)


def follow(browser, html, url):
    """Open an address that the page shows."""
    assert url.replace("&", "&amp;") in html
    return browser.open(url.removeprefix("/admin/"))


@pytest.fixture
def parked(browser):
    """Two accounts; tasks that wait for several reasons, of several ages."""
    one, two = connect("One", "hubspot"), connect("Two", "highlevel")
    for title in ("young", "old", "gone", "well"):
        save(title)
    TaskLink.objects.update(sync_status="in_sync", due_at=None)
    park("young", at=one)
    park("old", ago=timedelta(days=30))
    park("gone", at=two, status="gone", code="not_found", ago=timedelta(hours=3))
    return one, two


def cells(browser):
    """The numbers of tasks on the page, a row for each reason."""
    return {
        row.reason: [cell.tasks for cell in (*row.cells, row.total)] for row in browser.page.context["rows"]
    }


def test_failures_are_shown_by_reason_and_age_at_all_crms_or_at_one(browser, parked):
    _, two = parked

    html = browser.open(FAILURES)
    everywhere = cells(browser)
    browser.open(FAILURES, crm=str(two.pk))

    assert everywhere == {"rejected": [1, 0, 0, 2, 3], "gone": [0, 1, 0, 0, 1]}
    assert cells(browser) == {"rejected": [0, 0, 0, 1, 1], "gone": [0, 1, 0, 0, 1]}
    assert "The CRM refused what is in it." in html
    assert "rejected, the oldest for 30 d" in html


def test_each_number_leads_to_just_those(browser, parked):
    html = browser.open(FAILURES)
    [rejected, gone] = browser.page.context["rows"]

    listed = []
    for cell in (rejected.cells[0], rejected.cells[3], gone.total):
        follow(browser, html, cell.tasks_url)
        listed.append(sorted(task.title for task in browser.page.context["cl"].result_list))

    assert listed == [["young"], ["old"], ["gone"]]
    # What was deleted there must be looked at one by one.
    assert rejected.total.replay_url
    assert not gone.total.replay_url


def test_contacts_are_counted_beside_tasks_and_lead_to_their_own_list(browser):
    connect()
    contact("Grace", email="grace@example.com")
    contact("Well", email="well@example.com")
    ContactLink.objects.update(sync_status="in_sync", due_at=None)
    ContactLink.objects.filter(contact__first_name="Grace").update(
        sync_status="failed", last_error_code="ambiguous"
    )

    html = browser.open(FAILURES)
    [row] = browser.page.context["rows"]
    follow(browser, html, row.total.contacts_url)

    assert (row.total.tasks, row.total.contacts) == (0, 1)
    assert [one.first_name for one in browser.page.context["cl"].result_list] == ["Grace"]


def test_the_page_costs_as_many_queries_for_many_as_for_one(browser, django_assert_max_num_queries):
    accounts = [connect(f"Account {number}", "hubspot") for number in range(4)]
    for number in range(12):
        save(f"Task {number}")
    with django_assert_max_num_queries(7):
        browser.open(FAILURES)
    for number, code in enumerate(("rejected", "forbidden", "conflict", "transient", "", "taken") * 2):
        park(f"Task {number}", at=accounts[number % 4], code=code, ago=timedelta(hours=number))

    with django_assert_max_num_queries(7):
        browser.open(FAILURES)
    assert len(browser.page.context["rows"]) == 6


def test_the_page_is_reached_from_the_first_page_and_from_the_list_of_what_needs_a_person(browser, parked):
    today, listed = browser.open(""), browser.open("crmhub/task/", sync="needs_a_person")
    everything = browser.open("crmhub/task/")

    assert f'href="/admin/{FAILURES}"' in today
    assert f'href="/admin/{FAILURES}?"' in listed
    assert FAILURES not in everything
    assert needing_a_person(browser.page.wsgi_request) == "3"


# Sending again


def test_a_cell_is_sent_again_after_how_many_was_said_and_the_replay_is_watched(browser, parked):
    browser.open(FAILURES)
    url = browser.page.context["rows"][0].total.replay_url.removeprefix("/admin/")

    asked = browser.open(url)
    counts = {name: share.tasks for name, share in browser.page.context["rows"]}
    before = TaskLink.objects.filter(due_at__isnull=False).count()
    browser.send(url, {"apply": "1"})
    begun, looks_again = browser.text, browser.page.get("Refresh")
    replay = Replay.objects.get()
    services.work_on_replay(replay_id=replay.pk)
    done = browser.open(f"crmhub/replay/{replay.pk}/change/")

    assert "What waits for a person: The CRM refused what is in it." in asked
    assert (counts, before) == ({"HubSpot": 2, "HighLevel": 1}, 0)
    assert ("0 of 3" in begun, looks_again) == (True, "2")
    assert ("3 of 3" in done, browser.page.get("Refresh")) == (True, None)
    assert (replay.by, replay.origin) == (browser.user, "staff")
    sent = TaskLink.objects.filter(due_at__isnull=False).values_list("task__title", flat=True)
    assert sorted(sent) == ["old", "old", "young"]


def test_a_replay_is_stopped_and_gone_on_with_from_its_page(browser, parked):
    browser.send("crmhub/replay/ask/?sync=needs_a_person", {"apply": "1"})
    replay = Replay.objects.get()

    browser.send(f"crmhub/replay/{replay.pk}/stop/")
    stopped = browser.text
    services.work_on_replay(replay_id=replay.pk)
    nothing = TaskLink.objects.filter(due_at__isnull=False).count()
    browser.send(f"crmhub/replay/{replay.pk}/resume/")
    services.work_on_replay(replay_id=replay.pk)
    browser.send(f"crmhub/replay/{replay.pk}/stop/")

    assert "It was stopped. What was marked stays so." in stopped
    assert nothing == 0
    assert TaskLink.objects.filter(due_at__isnull=False).count() == 3
    assert "It had come to its end already." in browser.said
    assert "What waits for a person" in browser.open("crmhub/replay/")


def test_all_that_match_a_filter_are_sent_again_in_the_background(browser, parked):
    one, _ = parked
    narrowed = f"{LIST}?crm={one.pk}&sync=needs_a_person"
    ticked = chosen(action="send_again", select_across="1")

    browser.send(narrowed, {**ticked, "_selected_action": [str(TaskLink.objects.first().task_id)]})
    kept = Form(browser.text).values
    counts = {name: share.tasks for name, share in browser.page.context["rows"]}
    browser.send(narrowed, {**kept, "apply": "1"})
    services.work_on_replay(replay_id=Replay.objects.get().pk)

    assert counts == {"HubSpot": 2}
    sent = TaskLink.objects.filter(due_at__isnull=False).values_list("task__title", "connection")
    assert sorted(sent) == [("old", one.pk), ("young", one.pk)]


def test_what_was_ticked_is_sent_again_at_once_with_what_was_looked_at(browser, parked):
    task = TaskLink.objects.filter(task__title="gone").first().task

    browser.send(LIST, chosen(task, action="send_again"))
    asked = browser.text
    browser.send(LIST, {**Form(asked).values, "apply": "1"})

    assert "1 has an unknown outcome or was deleted there" in asked
    assert "You ticked it, so it is sent as well: look at the CRM first." in asked
    assert "Send 2 again" in asked
    assert "2 counterparts of 1 task will be sent again." in browser.said
    assert set(TaskLink.objects.filter(task=task).values_list("sync_status", flat=True)) == {"pending"}


def test_who_may_not_send_again_may_look_and_is_refused_the_rest(onlooker, browser, parked):
    replay = services.begin_replay(selection=Selection(is_failed=True))

    html = onlooker.open(FAILURES)

    assert "crmhub/replay/ask/" not in html
    assert onlooker.client.get("/admin/crmhub/replay/ask/?sync=needs_a_person").status_code == 403
    assert onlooker.client.post("/admin/crmhub/replay/ask/?sync=needs_a_person").status_code == 403
    assert onlooker.client.post(f"/admin/crmhub/replay/{replay.pk}/stop/").status_code == 403
    assert onlooker.client.get(f"/admin/crmhub/replay/{replay.pk}/change/").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        f"{FAILURES}?crm=nonsense",
        "crmhub/task/?why=nonsense&age=%00",
        "crmhub/contact/?why=taken&age=older&crm=zzz",
        "crmhub/task/?why=other",
    ],
)
def test_what_cannot_be_understood_narrows_nothing_and_fails_nowhere(browser, parked, path):
    assert browser.client.get(f"/admin/{path}").status_code == 200


def test_a_replay_of_nothing_in_particular_is_not_asked_for(browser, parked):
    assert browser.client.get("/admin/crmhub/replay/ask/")["Location"] == f"/admin/{FAILURES}"
