"""Choosing on a task's page whom a typed name means at a CRM."""

from __future__ import annotations

import pytest

from crmhub.models import Contact, TaskLink
from crmhub.tests.admin.conftest import connect, save

pytestmark = pytest.mark.django_db

HANNA = {"first_name": "Hanna", "last_name": "Müller", "email": "hanna@example.com"}
FOUND = [
    {"kind": "contact", "id": "501", "name": "Hans <b>Müller</b>"},
    {"kind": "contact", "id": "502", "name": "Hanna Müller", **HANNA},
]


@pytest.fixture
def link(db):
    """The link of a task whose typed name fits two there."""
    connect(provider="leadlex")
    save(contact_name="Müller")
    TaskLink.objects.update(sync_status="failed", due_at=None, last_error_code="ambiguous", candidates=FOUND)
    return TaskLink.objects.get()


def page(link):
    return f"crmhub/task/{link.task_id}/change/"


def choose(link):
    return f"crmhub/task/{link.task_id}/links/{link.pk}/choose/"


def test_a_name_that_several_have_is_settled_by_one_button(browser, link):
    html = browser.open(page(link))
    assert html.count(f'action="/admin/{choose(link)}"') == 2
    assert "Hans &lt;b&gt;Müller" in html

    browser.send(choose(link), {"external_id": "502"})

    chosen = Contact.objects.get()
    assert "Chosen: Hanna Müller at Main account." in browser.said
    assert [one.contact for one in link.task.task_contacts.all()] == [chosen]
    link.refresh_from_db()
    assert (link.sync_status, link.candidates) == ("pending", [])
    assert choose(link) not in browser.text


def test_one_that_is_not_to_choose_from_any_more_is_said_so(browser, link):
    browser.send(choose(link), {"external_id": "999"})

    assert "no longer among those to choose from" in browser.said
    assert not Contact.objects.exists()


def test_a_task_that_waits_for_something_else_offers_nobody(browser, link):
    TaskLink.objects.update(sync_status="pending", due_at=link.status_since)

    assert "Hanna Müller" not in browser.open(page(link))


def test_those_who_may_only_look_see_the_names_and_no_button(onlooker, link):
    html = onlooker.open(page(link))

    assert "Hanna Müller" in html
    assert choose(link) not in html
