"""The page of a task."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from crmhub import services
from crmhub.models import Profile, Task, TaskLink
from crmhub.services import Associated, Associations
from crmhub.tests.admin.conftest import connect, contact, record, save

pytestmark = pytest.mark.django_db
JUNE_NOON = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)


def page(task):
    return f"crmhub/task/{task.pk}/change/"


def test_a_task_saved_by_hand_is_owed_to_every_crm(browser):
    connect("One", "hubspot")
    connect("Two", "highlevel")
    values = browser.fill("crmhub/task/add/")

    browser.send("crmhub/task/add/", {**values, "title": "Call Grace"})

    task = Task.objects.get()
    assert (task.title, task.version, task.origin, task.assignee) == ("Call Grace", 1, "staff", browser.user)
    assert TaskLink.objects.filter(task=task, due_at__isnull=False).count() == 2
    assert "Task saved. Two CRMs will follow." in browser.said


def test_contacts_and_records_are_saved_with_the_task_as_one_version(browser):
    grace, deal = contact(), record("Engine", "deal")
    values = browser.fill("crmhub/task/add/")
    rows = {
        "task_contacts-TOTAL_FORMS": "1",
        "task_contacts-0-contact": str(grace.pk),
        "task_contacts-0-label": "buyer",
        "task_contacts-0-position": "0",
        "task_records-TOTAL_FORMS": "1",
        "task_records-0-record": str(deal.pk),
        "task_records-0-position": "0",
    }

    browser.send("crmhub/task/add/", {**values, "title": "Call Grace", **rows})

    task = Task.objects.get()
    assert task.version == 1
    assert task.history.count() == 1
    assert [(row.contact, row.label) for row in task.task_contacts.all()] == [(grace, "buyer")]
    assert [row.record for row in task.task_records.all()] == [deal]
    assert "GRACE" in task.search_text


@pytest.mark.parametrize(
    ("day", "at", "moment", "is_date"),
    [
        ("2026-06-12", "", datetime(2026, 6, 12, tzinfo=UTC), True),
        ("2026-06-12", "09:30", datetime(2026, 6, 12, 13, 30, tzinfo=UTC), False),
        ("", "", None, False),
    ],
)
def test_a_day_without_a_time_is_a_day_and_a_time_is_in_my_zone(browser, day, at, moment, is_date):
    Profile.objects.create(user=browser.user, time_zone="America/New_York")
    task = save(due_at=JUNE_NOON)

    values = browser.fill(page(task))
    browser.send(page(task), {**values, "due_0": day, "due_1": at})

    task.refresh_from_db()
    assert (task.due_at, task.due_is_date) == (moment, is_date)


def test_times_are_shown_in_my_zone_and_the_zone_is_named(browser):
    Profile.objects.create(user=browser.user, time_zone="Asia/Tokyo")
    task = save(due_at=JUNE_NOON)

    values = browser.fill(page(task))

    assert (values["due_0"], values["due_1"]) == ("2026-06-10", "21:00")
    assert "Asia/Tokyo" in browser.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"due_0": "", "due_1": "09:00"}, "A time needs a day."),
        (
            {"due_0": "2026-06-12", "end_at_0": "2026-06-11", "end_at_1": "10:00"},
            "The end lies before the due time.",
        ),
        ({"title": "   "}, "This field is required."),
    ],
)
def test_what_cannot_be_is_refused_beside_its_field(browser, changes, words):
    task = save()

    values = browser.fill(page(task))
    browser.send(page(task), {**values, **changes})

    assert words in browser.text
    assert Task.objects.get().version == 1


def test_saving_an_unchanged_page_changes_nothing(browser):
    grace = contact()
    task = services.save_task(
        task=Task(title="Call", due_at=timezone.now(), reminder_at=timezone.now()),
        changed=[],
        associations=Associations(contacts=[Associated(grace.pk, "buyer")]),
    ).task

    browser.send(page(task), browser.fill(page(task)))

    assert Task.objects.get().version == 1
    assert "Nothing was changed." in browser.said


def test_two_people_who_change_different_fields_both_keep_theirs(browser, mallory):
    task = save(priority="low")
    mine = browser.fill(page(task))

    task.priority = "high"
    services.save_task(task=task, changed=["priority"], by=mallory)
    browser.send(page(task), {**mine, "title": "Call Grace at noon"})

    task.refresh_from_db()
    assert (task.title, task.priority, task.version) == ("Call Grace at noon", "high", 3)


def test_two_people_who_change_the_same_field_are_told_and_nothing_is_lost(browser, mallory):
    task = save()
    mine = browser.fill(page(task))
    task.title = "Write to Grace"
    services.save_task(task=task, changed=["title"], by=mallory)

    browser.send(page(task), {**mine, "title": "Visit Grace", "queue": "north"})

    assert "mallory changed “Title” meanwhile, to: Write to Grace." in browser.text
    assert 'value="Visit Grace"' in browser.text
    assert Task.objects.get().title == "Write to Grace"


def test_saving_again_after_the_warning_replaces_theirs_alone(browser, mallory):
    task = save(priority="low")
    mine = browser.fill(page(task))
    task.title, task.priority = "Write to Grace", "high"
    services.save_task(task=task, changed=["title", "priority"], by=mallory)
    refused = browser.send(page(task), {**mine, "title": "Visit Grace"})

    seen = refused.context["adminform"].form.data["opened"]
    browser.send(page(task), {**mine, "title": "Visit Grace", "opened": seen})

    task.refresh_from_db()
    assert (task.title, task.priority) == ("Visit Grace", "high")


def test_contacts_that_two_people_add_are_both_there(browser):
    grace, alan, tim = contact("Grace"), contact("Alan"), contact("Tim")
    task = services.save_task(
        task=Task(title="Call"), changed=[], associations=Associations(contacts=[Associated(grace.pk)])
    ).task
    mine = browser.fill(page(task))

    services.save_task(task=task, changed=[], associations=Associations(contacts=[Associated(alan.pk)]))
    added = {
        "task_contacts-TOTAL_FORMS": "2",
        "task_contacts-1-contact": str(tim.pk),
        "task_contacts-1-position": "0",
    }
    browser.send(page(task), {**mine, **added})

    names = [row.contact.first_name for row in task.task_contacts.all()]
    assert names == ["Tim", "Alan"]


def test_a_new_task_offers_a_contact_to_choose_and_a_new_one_beside_it(browser):
    html = browser.open("crmhub/task/add/")

    assert '<select name="task_contacts-0-contact"' in html
    assert "Find a contact by name or e-mail" in html
    link = html[html.index('id="add_id_task_contacts-0-contact"') :].partition("</a>")[0]
    assert 'href="/admin/crmhub/contact/add/?_to_field=id&amp;_popup=1"' in link
    assert link.endswith(">Add a new contact")
    assert "Choose another contact" in html


def test_the_row_for_a_contact_may_stay_empty(browser):
    browser.send("crmhub/task/add/", {**browser.fill("crmhub/task/add/"), "title": "Call Grace"})

    assert not Task.objects.get().task_contacts.exists()


def test_deleting_puts_the_task_into_the_recycle_bin(browser):
    connect()
    task = save()

    browser.send(f"crmhub/task/{task.pk}/delete/", {"post": "yes"})

    task.refresh_from_db()
    assert task.is_deleted
    assert "moved to the recycle bin. One CRM will follow." in browser.said
    assert task.title not in browser.open("crmhub/task/").split("</nav>")[-1].replace("&quot;", "")
    assert task.title in browser.open("crmhub/deletedtask/")


def test_a_task_is_restored_from_the_recycle_bin(browser):
    task = services.delete_task(task=save())

    browser.send(f"crmhub/deletedtask/{task.pk}/restore/")

    assert not Task.objects.get().is_deleted


def test_a_parked_task_says_why_and_what_to_do_and_offers_the_button(browser):
    connect("Main account")
    task = save()
    TaskLink.objects.update(
        sync_status="failed",
        due_at=None,
        last_error="HighLevel refused the title: too long.",
        last_error_code="rejected",
    )

    html = browser.open(page(task))

    link = TaskLink.objects.get()
    assert "HighLevel refused the title: too long." in html
    assert "Change what the CRM refused and save the task" in html
    assert f"/admin/crmhub/task/{task.pk}/links/{link.pk}/send-again/" in html


def test_what_a_crm_cannot_hold_is_said_in_words(browser):
    connect("One", "highlevel")
    task = save("Call Grace")
    losses = [
        {"field": "priority", "note": "has no priorities"},
        {"field": "due_at", "note": "demands a due date: 2026-11-29 stands in"},
        {"field": "status", "note": "HighLevel's API has no call that reopens a completed task."},
    ]
    TaskLink.objects.update(losses=losses)

    html = browser.open(page(task))

    assert [line.partition("</li>")[0] for line in html.split("<li>")[-3:]] == [
        "Priority: HighLevel has no priorities.",
        "Due: HighLevel demands a due date: 2026-11-29 stands in.",
        "Status: HighLevel&#x27;s API has no call that reopens a completed task.",
    ]


def test_a_save_names_each_field_that_a_crm_cannot_hold(browser):
    connect("Main account", "highlevel")
    values = browser.fill("crmhub/task/add/")

    browser.send("crmhub/task/add/", {**values, "title": "Call Grace", "priority": "high"})

    assert "<li>Priority: HighLevel (Main account) has no priorities.</li>" in browser.said
    assert "<li>HighLevel (Main account) takes no task without a contact.</li>" in browser.said
    assert "&lt;li&gt;" not in browser.text


def test_send_again_owes_the_link(browser):
    connect()
    task = save()
    TaskLink.objects.update(sync_status="unknown", due_at=None)

    browser.send(f"crmhub/task/{task.pk}/links/{TaskLink.objects.get().pk}/send-again/")

    link = TaskLink.objects.get()
    assert (link.sync_status, link.due_at is not None) == ("pending", True)


def test_a_task_is_kept_out_of_a_crm_and_added_again(browser):
    account = connect()
    task = save()

    browser.send(f"crmhub/task/{task.pk}/links/{TaskLink.objects.get().pk}/keep-out/")
    assert TaskLink.objects.get().sync_status == "excluded"

    browser.send(f"crmhub/task/{task.pk}/add-to/{account.pk}/")
    assert TaskLink.objects.get().sync_status == "pending"


def test_a_link_of_a_crm_that_would_run_a_script_is_not_drawn(browser):
    connect()
    task = save(title="<script>alert(1)</script>")
    TaskLink.objects.update(external_id="1", external_url="javascript:alert(1)")

    html = browser.open(page(task))

    assert "javascript:alert" not in html
    assert "<script>alert(1)</script>" not in html


@pytest.mark.parametrize(
    "button",
    ["links/{link}/send-again/", "links/{link}/keep-out/", "links/{link}/choose/", "add-to/{account}/"],
)
def test_buttons_are_posts_and_need_the_permission(browser, onlooker, button):
    account = connect()
    task = save()
    address = f"/admin/crmhub/task/{task.pk}/" + button.format(
        link=TaskLink.objects.get().pk, account=account.pk
    )
    before = TaskLink.objects.values().get()

    assert browser.client.get(address).status_code == 405
    assert onlooker.client.post(address).status_code == 403
    assert TaskLink.objects.values().get() == before


def test_those_who_may_only_look_see_the_task_and_cannot_change_it(onlooker):
    connect()
    task = save()

    html = onlooker.open(page(task))
    answer = onlooker.client.post(f"/admin/{page(task)}", {"title": "Mine"})

    assert "Call Grace" in html
    assert "Send again" not in html
    assert answer.status_code == 403
    assert Task.objects.get().title == "Call Grace"


def test_the_history_says_who_changed_what(browser, mallory):
    task = save()
    task.title = "Write to Grace"
    services.save_task(task=task, changed=["title"], by=mallory)

    html = browser.open(f"crmhub/task/{task.pk}/history/")

    assert "mallory" in html
    assert "Write to Grace" in html
