"""Rows of lists are drawn once for all: what is on the page is what the theme would draw, only sooner."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from unfold.templatetags.unfold_list import items_for_result

from crmhub import services
from crmhub.admin.dropdown import Dropdown
from crmhub.admin.rows import drawn
from crmhub.models import Task
from crmhub.tests.admin.conftest import connect, contact, record, save

pytestmark = pytest.mark.django_db

LISTS = [
    "task/?status=all",
    "task/?status=all&q=grace",
    "deletedtask/",
    "contact/",
    "company/",
    "record/",
    "connection/",
    "apikey/",
]
OF_THE_HUB = [one for model, one in admin.site._registry.items() if model._meta.app_label == "crmhub"]


@pytest.fixture
def filled(ada):
    """Something in every list."""
    connect(), connect("Second", provider="hubspot")
    contact("Grace <b>", email="grace@example.com")
    record()
    save("Call <Grace> & Ada", assignee=ada)
    save("Call Grace", contact_name="Grace", status=Task.Status.COMPLETED)
    services.delete_task(task=save("Call nobody"), by=ada, origin="staff")
    services.create_key(name="website", scopes=["tasks:read"])


def without_blanks(html):
    """Return it without the blanks that the theme leaves before the end of a tag."""
    return re.sub(r'"\s+>', '">', html)


@pytest.mark.parametrize("path", LISTS)
def test_a_row_is_what_the_theme_would_draw(browser, filled, path):
    browser.open(f"crmhub/{path}")
    cl = browser.page.context["cl"]
    headings = [one["text"] for one in browser.page.context["result_headers"]]

    rows = list(drawn(cl, headings))

    assert rows
    assert all(row in browser.text for row in rows)
    of_the_theme = ["".join(items_for_result(cl, row, None)) for row in cl.result_list]
    assert list(map(without_blanks, rows)) == list(map(without_blanks, of_the_theme))


@pytest.mark.parametrize("page", OF_THE_HUB, ids=lambda page: type(page).__name__)
def test_no_list_of_the_hub_has_what_its_rows_could_not_show(page):
    columns = [getattr(page, name, None) for name in page.list_display if isinstance(name, str)]

    assert not any(getattr(one, kind, None) for one in columns for kind in ("label", "header", "dropdown"))
    for name in ("list_editable", "actions_row", "list_sections", "ordering_field"):
        assert not getattr(page, name, None), name


def test_a_filter_offers_what_there_is_and_marks_what_was_chosen(browser, filled):
    browser.open("crmhub/task/?priority=high")
    menus = {one.parameter_name: list(one.choices(browser.page.context["cl"])) for one in dropdowns(browser)}

    chosen = {name: [one["value"] for one in offered if one["is_chosen"]] for name, offered in menus.items()}
    assert chosen["priority"] == ["high"]
    assert chosen["status"] == ["all"]  # what narrows the list looks everywhere
    assert chosen["crm"] == [""]
    assert '<option value="high" selected>High</option>' in browser.text
    assert all(
        f'<option value="{one["value"]}"' in browser.text for offered in menus.values() for one in offered
    )


def dropdowns(browser):
    return [one for one in browser.page.context["cl"].filter_specs if isinstance(one, Dropdown)]
