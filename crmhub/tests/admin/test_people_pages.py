"""The pages of contacts, records and attempts."""

from __future__ import annotations

import pytest
from django.utils import timezone

from crmhub.models import Attempt, ContactLink, Record, TaskLink
from crmhub.tests.admin.conftest import connect, contact, record, save

pytestmark = pytest.mark.django_db


def test_a_contact_that_needs_a_choice_is_settled_by_one_button(browser):
    connect()
    grace = contact(email="grace@example.com")
    found = [{"id": "501", "name": "Grace H.", "email": "grace@example.com", "phone": "", "url": ""}]
    ContactLink.objects.update(
        sync_status="failed", due_at=None, last_error_code="ambiguous", candidates=found
    )
    link = ContactLink.objects.get()
    assert "Grace H." in browser.open(f"crmhub/contact/{grace.pk}/change/")

    choose = f"crmhub/contact/{grace.pk}/links/{link.pk}/choose/"
    browser.send(choose, {"external_id": "999"})
    assert ContactLink.objects.get().external_id == ""

    browser.send(choose, {"external_id": "501"})
    link.refresh_from_db()
    assert (link.external_id, link.sync_status) == ("501", "pending")


def test_a_contact_is_edited_with_further_addresses_one_to_a_line(browser):
    grace = contact()
    values = browser.fill(f"crmhub/contact/{grace.pk}/change/")

    browser.send(
        f"crmhub/contact/{grace.pk}/change/", {**values, "more_emails": "a@example.com\r\nB@example.com\r\n"}
    )

    grace.refresh_from_db()
    assert grace.more_emails == ["a@example.com", "b@example.com"]
    assert grace.version == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"more_emails": "nonsense"}, "nonsense is not an e-mail address."),
        ({"first_name": ""}, "Give a name, an e-mail or a phone"),
    ],
)
def test_what_a_contact_cannot_be_is_refused_beside_its_field(browser, changes, words):
    grace = contact()
    values = browser.fill(f"crmhub/contact/{grace.pk}/change/")

    browser.send(f"crmhub/contact/{grace.pk}/change/", {**values, **changes})

    assert words in browser.text
    grace.refresh_from_db()
    assert grace.version == 1


def test_a_contact_is_added_in_the_window_that_a_task_opens(browser):
    values = browser.fill("crmhub/contact/add/", _popup="1")

    page = browser.send("crmhub/contact/add/?_popup=1", {**values, "first_name": "Grace", "_popup": "1"})

    assert "Grace" in page.content.decode()
    assert "popup_response" in page.content.decode()


def test_a_record_is_linked_and_unlinked_at_each_crm(browser):
    account = connect("Main account")
    engines = record()
    path, field = f"crmhub/company/{engines.pk}/change/", f"at_{account.pk.hex}"
    assert "not linked at HighLevel" in browser.open("crmhub/company/")

    browser.send(path, {**browser.fill(path), field: " 991 ", "name": "Analytical Engines Ltd"})
    engines.refresh_from_db()
    assert [link.external_id for link in engines.links.all()] == ["991"]
    assert (engines.name, engines.version, engines.history.count()) == ("Analytical Engines Ltd", 2, 2)
    assert "HighLevel: 991" in browser.open("crmhub/company/")

    browser.send(path, {**browser.fill(path), field: ""})
    assert not engines.links.exists()


def test_a_record_made_in_a_list_has_its_kind(browser):
    values = browser.fill("crmhub/deal/add/")

    browser.send("crmhub/deal/add/", {**values, "name": "Engine"})

    engine = Record.objects.get()
    assert (engine.kind, engine.history.count()) == ("deal", 1)
    assert "Deal saved." in browser.said


def test_an_attempt_shows_request_and_answer_and_cannot_be_changed(browser):
    connect()
    save()
    link = TaskLink.objects.get()
    attempt = Attempt.objects.create(
        connection=link.connection,
        task_link=link,
        claim_token=link.pk,
        operation="create",
        version=1,
        started_at=timezone.now(),
        outcome="rejected",
        status_code=422,
        request='POST /tasks {"title": "<b>"}',
        response="too long",
    )

    html = browser.open(f"crmhub/attempt/{attempt.pk}/change/")

    assert "POST /tasks {&quot;title&quot;: &quot;&lt;b&gt;&quot;}" in html
    assert "rejected 422" in html
    assert browser.client.post(f"/admin/crmhub/attempt/{attempt.pk}/change/", {}).status_code == 403
    assert browser.client.post(f"/admin/crmhub/attempt/{attempt.pk}/delete/", {}).status_code == 403
