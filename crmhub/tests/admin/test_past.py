"""The past: who changed what, and how it was then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmhub import services
from crmhub.models import Profile
from crmhub.services import Associated, Associations
from crmhub.tests.admin.conftest import Form, connect, contact, record, save

pytestmark = pytest.mark.django_db
JUNE_NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def versions(browser, subject, model="task"):
    """Open the list of versions; return what each row tells, the newest first."""
    browser.open(f"crmhub/{model}/{subject.pk}/history/")
    rows = browser.page.context["page_obj"]
    return [(row.who, row.event, [(one.field, one.old, one.new) for one in row.told]) for row in rows]


def test_each_change_is_told_in_the_words_of_the_form(browser, mallory):
    task = save(priority="low", due_at=JUNE_NOON, due_is_date=True)
    task.title, task.priority, task.assignee = "Write to Grace", "high", browser.user
    task.due_is_date = False
    services.save_task(
        task=task, changed=["title", "priority", "assignee", "due_at", "due_is_date"], by=mallory
    )

    newest, first = versions(browser, task)

    assert newest == (
        "mallory",
        "Changed",
        [
            ("Assignee", "", "Ada"),
            ("Due", "10 Jun 2026", "10 Jun 2026, 00:00"),
            ("Priority", "Low", "High"),
            ("Title", "Call Grace", "Write to Grace"),
        ],
    )
    assert first == ("system", "Made", [])


def test_contacts_and_the_recycle_bin_are_a_part_of_the_past(browser):
    task = save()
    people = Associations(contacts=[Associated(contact().pk)])
    services.save_task(task=task, changed=[], associations=people, by=browser.user)
    services.delete_task(task=task, by=browser.user)
    services.restore_task(task=task, by=browser.user)

    restored, deleted, changed, _ = versions(browser, task)

    assert (restored[1], deleted[1]) == ("Restored", "Moved to the recycle bin")
    assert changed == ("Ada", "Changed", [("Contacts", "", "")])


@pytest.mark.parametrize(
    ("model", "make", "shown"),
    [
        ("task", lambda: save("Call Grace", due_at=JUNE_NOON), ["Call Grace", "10 Jun 2026, 21:00", "To-do"]),
        (
            "contact",
            lambda: contact(more_emails=["a@example.com", "b@example.com"]),
            ["a@example.com, b@example.com"],
        ),
        ("deletedtask", lambda: services.delete_task(task=save("Write")), ["Write", "To-do"]),
        ("company", lambda: record("Analytical Engines"), ["Analytical Engines", "Company"]),
        ("connection", lambda: connect("Europe"), ["Europe", "location_id: x", "are created when missing"]),
    ],
)
def test_a_version_is_read_and_has_no_form(browser, model, make, shown):
    Profile.objects.create(user=browser.user, time_zone="Asia/Tokyo")
    subject = make()
    version = subject.history.first()

    html = browser.open(f"crmhub/{model}/{subject.pk}/history/{version.pk}/")

    facts = dict(browser.page.context["facts"])
    assert set(shown) <= set(facts.values())
    assert not {"title", "first_name", "name", "scope"} & set(Form(html).values)
    assert "hidden-" not in html


def test_the_version_of_another_is_not_there(browser):
    one, other = save("one"), save("other")

    answer = browser.client.get(f"/admin/crmhub/task/{one.pk}/history/{other.history.get().pk}/")

    assert answer.status_code == 404


def test_a_long_history_costs_no_query_for_each_version(browser, mallory, django_assert_max_num_queries):
    task = save()
    for number in range(30):
        task.title, task.assignee = f"Call {number}", (browser.user, mallory)[number % 2]
        services.save_task(task=task, changed=["title", "assignee"], by=browser.user)

    with django_assert_max_num_queries(12):
        assert len(versions(browser, task)) == 31


def test_those_who_may_not_see_connections_do_not_see_their_past(mallory, onlooker):
    account = connect()
    mallory.user_permissions.clear()

    for page in ("history/", f"history/{account.history.get().pk}/"):
        assert onlooker.client.get(f"/admin/crmhub/connection/{account.pk}/{page}").status_code == 403
