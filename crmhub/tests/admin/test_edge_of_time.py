"""Times in year 1 and 9999: old rows hold them, people type them, and no zone's arithmetic can follow."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmhub.models import Profile, Task
from crmhub.tests.admin.conftest import Browser, connect, save

pytestmark = pytest.mark.django_db

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)
ZONES = ["America/New_York", "Asia/Tokyo"]


def stored(browser, moment, zone):
    """A task with such times, and a reader in that zone."""
    Profile.objects.create(user=browser.user, time_zone=zone)
    connect()
    task, deleted = save(assignee=browser.user), save("deleted")
    times = {"due_at": moment, "end_at": moment, "reminder_at": moment}
    Task.objects.update(**times)
    Task.history.update(**times)
    Task.objects.filter(pk=deleted.pk).update(deleted_at=moment)
    return task, deleted


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", [FIRST, LAST])
def test_pages_show_what_is_stored_at_the_edge_of_time(browser, moment, zone):
    task, deleted = stored(browser, moment, zone)
    page = f"crmhub/task/{task.pk}/"

    for path in ("", "crmhub/task/", "crmhub/deletedtask/", f"{page}history/", f"{page}history/1/"):
        browser.open(path if path != f"{page}history/1/" else f"{page}history/{task.history.get().pk}/")
    browser.open(f"crmhub/deletedtask/{deleted.pk}/change/")

    assert f"{moment.year:04d}-" in browser.open(f"{page}change/")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("moment", [FIRST, LAST])
def test_those_who_may_only_look_see_it_too(mallory, moment, zone):
    onlooker = Browser(mallory)
    task, _ = stored(onlooker, moment, zone)

    html = onlooker.open(f"crmhub/task/{task.pk}/change/")

    assert "Reminder" in html
    assert "Call Grace" in html


def test_such_a_time_is_put_right_like_any_other(browser):
    task, _ = stored(browser, LAST, "America/New_York")
    page = f"crmhub/task/{task.pk}/change/"

    times = {f"{name}_{part}": "" for name in ("end_at", "reminder_at") for part in (0, 1)}
    browser.send(page, {**browser.fill(page), **times, "due_0": "2026-06-12", "due_1": ""})

    task.refresh_from_db()
    assert (task.due_at, task.end_at, task.reminder_at) == (datetime(2026, 6, 12, tzinfo=UTC), None, None)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", ["due", "end_at", "reminder_at"])
@pytest.mark.parametrize(("day", "year"), [("9999-12-31", 9999), ("0001-01-01", 1), ("3000-01-02", 3000)])
def test_a_year_that_nobody_means_is_refused_beside_its_field(browser, zone, name, day, year):
    Profile.objects.create(user=browser.user, time_zone=zone)
    values = browser.fill("crmhub/task/add/")

    browser.send("crmhub/task/add/", {**values, "title": "Call", f"{name}_0": day, f"{name}_1": "12:00"})

    errors = browser.page.context["adminform"].form.errors
    assert errors == {name: [f"The year must lie between 1970 and 2999; it is {year}."]}
    assert not Task.objects.exists()


@pytest.mark.parametrize("at", ["", "23:59"])
def test_a_new_due_date_for_many_is_refused_beside_its_field(browser, at):
    Profile.objects.create(user=browser.user, time_zone="America/New_York")
    chosen = {"action": "re_date", "_selected_action": str(save().pk), "apply": "1"}

    browser.send("crmhub/task/", {**chosen, "due_0": "9999-12-31", "due_1": at})

    assert (
        "The year must lie between 1970 and 2999; it is 9999." in browser.page.context["form"].errors["due"]
    )
    assert Task.objects.get().version == 1


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(
    ("days", "found"),
    [
        ({"due_at_to": "9999-12-31"}, ["first", "last", "now"]),
        ({"due_at_from": "0001-01-01"}, ["first", "last", "now"]),
        ({"due_at_from": "0001-01-01", "due_at_to": "9999-12-31"}, ["first", "last", "now"]),
        ({"due_at_from": "9999-12-31"}, ["last"]),
        ({"due_at_to": "0001-01-02"}, ["first"]),
        ({"due_at_from": "2026-06-01", "due_at_to": "9999-12-31"}, ["last", "now"]),
    ],
)
def test_a_range_may_reach_to_the_edge_of_time(browser, zone, days, found):
    Profile.objects.create(user=browser.user, time_zone=zone)
    save("never")
    for title, moment in (("first", FIRST), ("last", LAST), ("now", datetime(2026, 6, 10, tzinfo=UTC))):
        Task.objects.filter(pk=save(title).pk).update(due_at=moment)

    browser.open("crmhub/task/", **days)

    assert sorted(task.title for task in browser.page.context["cl"].result_list) == found
