"""Numbers beside other things are counted only as far as anybody reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.paginator import EmptyPage

from crmhub.admin import counting
from crmhub.admin.counting import DEEP, EstimatingPaginator
from crmhub.models import Connection, Task, TaskLink
from crmhub.queries.connections import count_needing_a_person, tallies
from crmhub.queries.counting import MANY
from crmhub.queries.tasks import BY_DUE, as_rows, tasks_in_use

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


def fill(count: int, **link: object) -> Connection:
    account = Connection.objects.create(provider="hubspot", name="Main", created_at=NOON)
    tasks = Task.objects.bulk_create(
        Task(title=f"Task {n}", due_at=NOON + timedelta(minutes=n), created_at=NOON, updated_at=NOON)
        for n in range(count)
    )
    TaskLink.objects.bulk_create(
        TaskLink(task=task, connection=account, status_since=NOON, **link) for task in tasks
    )
    return account


@pytest.mark.parametrize(("count", "shown"), [(3, "3"), (MANY, "1,000"), (MANY + 5, "1,000+")])
def test_beyond_a_thousand_it_is_said_that_there_are_more(count, shown):
    account = fill(count, sync_status="failed")

    tally = tallies([account.pk])[account.pk]

    assert f"{tally.needs_a_person:,}" == shown
    assert (tally.waiting, tally.in_sync) == (0, 0)
    assert f"{count_needing_a_person():,}".startswith(shown[:1])


def test_the_oldest_owed_push_is_told_by_when_it_became_owed():
    account = fill(3, sync_status="pending", due_at=NOON + timedelta(hours=1))
    TaskLink.objects.filter(task__title="Task 2").update(status_since=NOON - timedelta(days=1))

    assert tallies([account.pk])[account.pk].oldest == NOON - timedelta(days=1)


def test_a_late_page_shows_what_it_would_without_the_short_cut():
    fill(DEEP + 120)
    rows = as_rows(tasks_in_use()).order_by(*BY_DUE)

    page = EstimatingPaginator(rows, 50).page(DEEP // 50 + 2)

    assert [task.title for task in page.object_list] == [f"Task {DEEP + 50 + n}" for n in range(50)]


@pytest.mark.parametrize(("number", "shown"), [(1, [0, 1]), (3, [4, 5]), (4, [6, 7]), (6, [10])])
def test_the_last_pages_are_read_from_the_end(monkeypatch, number, shown):
    fill(11)
    monkeypatch.setattr(counting, "DEEP", 2)
    monkeypatch.setattr(counting, "NEAR_THE_END", 6)
    rows = as_rows(tasks_in_use()).order_by(*BY_DUE)

    page = EstimatingPaginator(rows, 2).page(number)

    assert [task.title for task in page.object_list] == [f"Task {n}" for n in shown]


@pytest.mark.parametrize("estimate", [9, 11, 12, 14])
def test_the_last_page_has_the_last_rows_though_their_number_is_an_estimate(monkeypatch, estimate):
    fill(11)
    monkeypatch.setattr(counting, "EXACT_UP_TO", 3)
    monkeypatch.setattr(counting, "DEEP", 2)
    monkeypatch.setattr(counting, "NEAR_THE_END", 6)
    monkeypatch.setattr(EstimatingPaginator, "_estimate", lambda _self: estimate)
    pages = EstimatingPaginator(as_rows(tasks_in_use()).order_by(*BY_DUE), 2)

    assert [task.title for task in pages.page(pages.num_pages)][-1] == "Task 10"


def test_pages_behind_the_last_that_was_estimated_are_there_as_far_as_there_are_rows(monkeypatch):
    fill(7)
    monkeypatch.setattr(counting, "EXACT_UP_TO", 3)
    monkeypatch.setattr(EstimatingPaginator, "_estimate", lambda _self: 4)
    rows = Task.objects.order_by("title")

    assert EstimatingPaginator(rows, 2).num_pages == 2
    assert [task.title for task in EstimatingPaginator(rows, 2).page(4)] == ["Task 6"]
    with pytest.raises(EmptyPage):
        EstimatingPaginator(rows, 2).page(5)
