"""Rows of lists are drawn once for all: what is on the page is what the theme would draw, only sooner."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.utils import timezone
from unfold.templatetags.unfold_list import items_for_result

from crmhub import services
from crmhub.admin.dropdown import Dropdown
from crmhub.admin.rows import drawn
from crmhub.models import Attempt, Task, TaskLink
from crmhub.queries.selection import Selection
from crmhub.tests.admin.conftest import connect, contact, record, save
from crmhub.tests.admin.test_unmatched import HOLDS, found_there

pytestmark = pytest.mark.django_db

LISTS = [
    "task/?status=all",
    "task/?status=all&q=grace",
    "task/?status=all&_popup=1",
    "deletedtask/",
    "contact/",
    "company/",
    "record/",
    "connection/",
    "attempt/",
    "unmatched/",
    "replay/",
    "apikey/",
]
OF_THE_HUB = [one for model, one in admin.site._registry.items() if model._meta.app_label == "crmhub"]
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def filled(ada):
    """Something in every list, with what would be a script if it were not escaped."""
    account, second = connect(), connect(f"Second {SCRIPT}", provider="hubspot")
    contact(f"Grace {SCRIPT}", email="grace@example.com")
    record(f"Engine {SCRIPT}")
    task = save(f"Call Grace {SCRIPT}", assignee=ada)
    save("Call Grace", contact_name="Grace", status=Task.Status.COMPLETED)
    services.delete_task(task=save("Call nobody"), by=ada, origin="staff")
    services.create_key(name="website", scopes=["tasks:read"])
    found_there(task, connection=account, holds={**HOLDS, "title": SCRIPT}, why=SCRIPT)
    services.begin_replay(selection=Selection(connection=second.pk), by=ada, is_in_background=False)
    Attempt.objects.create(
        connection=second,
        task_link=TaskLink.objects.filter(connection=second).first(),
        claim_token=second.pk,
        operation="create",
        version=1,
        started_at=timezone.now(),
        outcome="rejected",
        detail=SCRIPT,
    )


def without_blanks(html):
    """Return it without the blanks that the theme leaves before the end of a tag."""
    return re.sub(r'" +(?=>)', '"', re.sub(r'"  (?=data-)', '" ', html))


@pytest.mark.parametrize("path", LISTS)
def test_a_row_is_what_the_theme_would_draw(browser, filled, path):
    browser.open(f"crmhub/{path}")
    cl = browser.page.context["cl"]
    headings = [one["text"] for one in browser.page.context["result_headers"]]

    rows = list(drawn(cl, headings))

    assert rows
    assert all(row in browser.text for row in rows)
    assert SCRIPT not in browser.text
    of_the_theme = ["".join(items_for_result(cl, row, None)) for row in cl.result_list]
    assert list(map(without_blanks, rows)) == list(map(without_blanks, of_the_theme))


def columns_of(page: Any, request: Any) -> list[Any]:
    """Return what draws each column: a function, or a field of the model."""
    names = page.get_list_display(request)
    return [
        name if callable(name) else getattr(page, name, None) or page.model._meta.get_field(name)
        for name in names
    ]


@pytest.mark.parametrize("page", OF_THE_HUB, ids=lambda page: type(page).__name__)
def test_no_list_of_the_hub_has_what_its_rows_could_not_show(rf, ada, page):
    request = rf.get("/")
    request.user = ada
    columns = columns_of(page, request)

    kinds = (models.ForeignKey, models.DateField, models.TimeField)
    assert not any(isinstance(one, kinds) for one in columns)
    assert not any(getattr(one, kind, None) for one in columns for kind in ("label", "header", "dropdown"))
    assert len(page.get_list_display_links(request, page.get_list_display(request)) or ()) <= 1
    assert page.show_facets is admin.ShowFacets.NEVER or not page.list_filter
    absent = (
        "list_editable",
        "actions_row",
        "list_sections",
        "ordering_field",
        "list_horizontal_scrollbar_top",
    )
    for name in absent:
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


def test_what_a_filter_offers_is_escaped(browser):
    connect(f"One {SCRIPT}")
    connect(f"Two {SCRIPT}")

    page = browser.open("crmhub/task/")

    assert page.count("One &lt;script&gt;") == 1
    assert SCRIPT not in page


def dropdowns(browser):
    return [one for one in browser.page.context["cl"].filter_specs if isinstance(one, Dropdown)]
