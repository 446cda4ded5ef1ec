"""Addresses and forms that nobody could have meant: they are answered with a page, never with a failure."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.contrib import admin

from crmhub import services
from crmhub.models import Task
from crmhub.services import Associated, Associations
from crmhub.tests.admin.conftest import connect, contact, record, save

pytestmark = pytest.mark.django_db

LISTS = sorted(f"{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry)
HUGE, LONG = "99999999999999999999", "9" * 5_000
WRONG = ["zzz", "0", HUGE, LONG, "\x00", "018f0000-0000-7000-8000-000000000000"]
QUESTIONS = [
    *({"assignee": one} for one in (*WRONG, "²")),
    *({name: "("} for name in ("title__regex", "name__regex", "username__regex", "search_text__iregex")),
    *({name: HUGE} for name in ("id__in", "pk", "due_at__year", "created_at__year", "groups__id__exact")),
    {"user__password__startswith": "a"},
    {"assignee__password__startswith": "a"},
    *({name: "\x00"} for name in ("q", "status", "due", "crm", "sync", "outcome", "operation", "task")),
    *({name: "zzz"} for name in ("o", "p", "_to_field", "_facets", "is_staff__exact", "connection", "e")),
    {"o": LONG},
    {"p": LONG},
    {"p": "-1"},
]


@pytest.fixture
def client(browser):
    """Ada's browser, which is given the answer even where a test would be given the exception."""
    browser.client.raise_request_exception = False
    return browser.client


@pytest.fixture
def task():
    """A task with a contact, and one of everything else beside it."""
    connect()
    services.delete_task(task=save("deleted"))
    services.create_key(name="Billing", scopes=["tasks:read"])
    record()
    people = Associations(contacts=[Associated(contact().pk)])
    return services.save_task(task=Task(title="Call Grace"), changed=[], associations=people).task


def failures(answers):
    return [what for what, answer in answers if answer.status_code >= 500]


@pytest.mark.parametrize("path", LISTS)
def test_no_list_fails_at_a_question_that_makes_no_sense(client, task, path):
    asked = [f"/admin/{path}?{urlencode(question)}" for question in QUESTIONS]

    assert failures((address[:90], client.get(address)) for address in asked) == []


@pytest.mark.parametrize("path", LISTS)
def test_no_page_fails_at_an_id_that_cannot_be(client, task, path):
    ends = ("change/", "history/", "history/1/", "history/zzz/", "delete/", "revoke/", "disconnect/")
    pages = [f"/admin/{path}{wrong}/{end}" for wrong in WRONG for end in ends]

    assert failures((page[:90], client.get(page)) for page in pages) == []
    assert failures((page[:90], client.post(page)) for page in pages if "history" not in page) == []


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("wrong", WRONG[:-1])
def test_no_action_fails_at_a_selection_that_cannot_be(client, task, path, wrong):
    more = {
        "apply": "1",
        "assignee": wrong,
        "due_0": wrong,
        "due_1": wrong,
        "select_across": "0",
        "index": wrong,
    }
    actions = ("complete", "assign", "re_date", "send_again", "restore", "delete_selected", "nonsense")
    sent = [{"action": action, "_selected_action": [str(task.pk), wrong], **more} for action in actions]

    assert failures((one["action"], client.post(f"/admin/{path}", one)) for one in sent) == []
    assert Task.objects.get(pk=task.pk).version == 1


@pytest.mark.parametrize(
    "changes",
    [
        *({"opened": one} for one in (*WRONG, f"{LONG},{LONG}", "1,-1", "²")),
        *(
            {"rows": one}
            for one in ("zzz", "5", "[" * 10_000, '{"contact": [[5, 0, 0, 0]]}', '{"contact": 7}')
        ),
        *({"task_contacts-0-contact": one} for one in WRONG),
        *({"task_contacts-0-position": one} for one in (HUGE, LONG, "-1")),
        *({"task_contacts-TOTAL_FORMS": one} for one in ("zzz", "-1")),
        *({"assignee": one} for one in WRONG),
        {"due_0": LONG, "end_at_0": "2026-02-30", "reminder_at_1": "25:61"},
    ],
)
def test_the_page_of_a_task_does_not_fail_at_what_no_browser_would_send(client, browser, task, changes):
    address = f"crmhub/task/{task.pk}/change/"

    answer = client.post(f"/admin/{address}", {**browser.fill(address), **changes})

    assert answer.status_code in (200, 302)


@pytest.mark.parametrize(
    "address",
    [
        "crmhub/task/badges/?ids=zzz,%00",
        "crmhub/contact/badges/?ids=" + LONG,
        "autocomplete/?app_label=crmhub&model_name=taskcontact&field_name=contact&term=%00",
        "autocomplete/?app_label=crmhub&model_name=taskrecord&field_name=record&term=%00",
        "autocomplete/?app_label=crmhub&model_name=taskrecord&field_name=zzz&term=a",
        "crmhub/connection/add/?provider=%00",
        "crmhub/connection/capabilities/zzz/",
        "crmhub/task/?_popup=1&_to_field=zzz",
    ],
)
def test_no_other_page_fails(client, task, address):
    assert client.get(f"/admin/{address}").status_code < 500


def test_a_page_that_is_not_there_says_so(client, task):
    for page in (
        "connection/zzz/change/",
        "task/zzz/history/",
        "contact/zzz/history/",
        f"task/{task.pk}/history/zzz/",
    ):
        assert client.get(f"/admin/crmhub/{page}").status_code == 404


def test_what_a_list_is_not_narrowed_by_is_named_and_the_rest_kept(browser, task):
    save("Write", status="completed")

    page = browser.client.get("/admin/crmhub/task/?title__regex=(&status=completed&q=write", follow=True)
    browser.page = page

    assert page.redirect_chain[-1][0] == "/admin/crmhub/task/?status=completed&q=write"
    assert "This list is not narrowed by “title__regex”" in browser.said


def test_a_selection_of_nothing_that_there_is_changes_nothing_and_says_so(browser, task):
    browser.send("crmhub/task/", {"action": "complete", "_selected_action": [str(task.pk), "zzz"]})

    assert "Nothing was changed: there is no task “zzz”." in browser.said
    assert Task.objects.get(pk=task.pk).status == "open"
