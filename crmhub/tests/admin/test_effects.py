"""What a CRM made of a task, where staff and services read it."""

from __future__ import annotations

from django.utils import timezone

from crmhub.models import Attempt, TaskLink
from crmhub.tests.admin.conftest import connect, save

DROPPED = {
    "field": "due_at",
    "outcome": "dropped",
    "asked": "2026-12-01",
    "there": "",
    "note": "did not take it: it is empty there",
}
NOT_TOLD = {"field": "contacts", "outcome": "not_told", "asked": "17<b>", "there": "", "note": ""}


def test_the_task_page_shows_for_each_crm_what_was_asked_and_what_is_there(browser):
    connect("Main account")
    task = save("Call Grace")
    TaskLink.objects.update(effects=[DROPPED, NOT_TOLD])

    page = browser.open(f"crmhub/task/{task.pk}/change/")

    assert "What was asked, what is there" in page
    assert "did not take it: it is empty there" in page
    assert "not told" in page
    assert "17&lt;b&gt;" in page


def test_a_task_without_answers_has_no_such_table(browser):
    connect("Main account")

    assert "What was asked, what is there" not in browser.open(f"crmhub/task/{save().pk}/change/")


def test_the_attempts_page_shows_what_became_of_each_field(browser):
    connection = connect("Main account")
    link = TaskLink.objects.get(connection=connection, task=save())
    attempt = Attempt.objects.create(
        connection=link.connection,
        task_link=link,
        claim_token=link.pk,
        operation="create",
        version=1,
        started_at=timezone.now(),
        outcome="ok",
        effects=[DROPPED],
    )

    page = browser.open(f"crmhub/attempt/{attempt.pk}/change/")

    assert "2026-12-01" in page
    assert "did not take it: it is empty there" in page
