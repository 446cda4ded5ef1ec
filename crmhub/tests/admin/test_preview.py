"""The page that shows what the CRMs would get."""

from __future__ import annotations

from crmhub.models import Attempt, TaskLink
from crmhub.tests.admin.conftest import connect, contact, save


def test_the_page_shows_the_request_with_dots_for_secrets(browser):
    connect("Main account", provider="hubspot")
    task = save("Call <Grace>")

    assert f"/admin/crmhub/task/{task.pk}/preview/" in browser.open(f"crmhub/task/{task.pk}/change/")
    page = browser.open(f"crmhub/task/{task.pk}/preview/")

    assert "POST https://api.hubapi.com/crm/v3/objects/tasks" in page
    assert "Authorization: •••" in page
    assert "Call &lt;Grace&gt;" in page
    assert "hidden-access_token" not in page
    assert not Attempt.objects.exists()
    assert TaskLink.objects.get().pushed_version == 0


def test_a_task_that_goes_nowhere_says_so(browser):
    assert "This task goes to no CRM." in browser.open(f"crmhub/task/{save().pk}/preview/")


def test_who_may_not_see_tasks_sees_no_preview(mallory, onlooker):
    task = save()
    mallory.user_permissions.clear()

    assert onlooker.client.get(f"/admin/crmhub/task/{task.pk}/preview/").status_code == 403


def test_a_task_of_somebody_without_an_address_says_why_nothing_goes_out(browser):
    connect("Main account")
    contact("Grace")

    assert "takes no task without a contact" in browser.open(f"crmhub/task/{save().pk}/preview/")
