"""Lists: filters, pages that neither skip nor repeat, and no query per row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from crmhub.models import ApiKey, Task, TaskLink
from crmhub.tests.api.conftest import connect

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


def titles(service, address):
    answer = service.get(address)
    assert answer.status_code == 200, answer.content
    return [task["title"] for task in answer.json()["results"]]


def every_page(service, address, *, direction="next"):
    """The titles of this page and of all pages in this direction."""
    found, pages = [], []
    while address:
        page = service.get(address).json()
        found.append([task["title"] for task in page["results"]])
        pages.append(page)
        address = page[direction] and page[direction].partition("/api/v1")[2]
    return found, pages


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=waiting", {"b"}),
        ("status=waiting,open", {"a", "b"}),
        ("priority=high", {"a"}),
        ("type=call", {"b"}),
        ("assignee=ada", {"a"}),
        ("assignee=ADA@example.com", {"a"}),
        ("assignee=null", {"b"}),
        ("assignee=nobody", set()),
        ("contact={grace}", {"b"}),
        ("record={acme}", {"a"}),
        ("due_after=2026-12-02", {"b"}),
        ("due_before=2026-12-02", {"a"}),
        ("due_before=2026-12-02T09:00:01Z", {"a", "b"}),
        ("due_after=2026-12-01&due_before=2026-12-02", {"a"}),
        ("deleted=true", {"c"}),
        ("deleted=any", {"a", "b", "c"}),
        ("status=waiting&assignee=ada", set()),
        ("updated_after=2000-01-01T00:00:00Z", {"a", "b"}),
        ("updated_after=2999-01-01T00:00:00Z", set()),
        ("", {"a", "b"}),
    ],
)
def test_a_filter_leaves_what_fits(service, ada, grace, acme, query, expected):
    service.new_task(
        title="a", priority="high", assignee="ada", due_at="2026-12-01", companies=[str(acme.pk)]
    )
    service.new_task(
        title="b", status="waiting", type="call", due_at="2026-12-02T09:00:00Z", contacts=[str(grace.pk)]
    )
    service("DELETE", f"/tasks/{service.new_task(title='c')['id']}")

    assert set(titles(service, f"/tasks?{query.format(grace=grace.pk, acme=acme.pk)}")) == expected


def test_sync_status_and_connection_are_asked_of_the_same_link(service):
    first, second = connect("First"), connect("Second")
    service.new_task(title="a")
    TaskLink.objects.filter(connection=first).update(sync_status="failed", due_at=None)

    assert titles(service, "/tasks?sync_status=failed") == ["a"]
    assert titles(service, f"/tasks?sync_status=failed&connection={first.pk}") == ["a"]
    assert titles(service, f"/tasks?sync_status=failed&connection={second.pk}") == []
    assert titles(service, f"/tasks?connection={second.pk}&sync_status=in_sync,pending") == ["a"]


def test_updated_after_takes_the_moment_itself_too(service):
    task = service.new_task(title="a")

    assert titles(service, f"/tasks?updated_after={quote(task['updated_at'])}") == ["a"]


@pytest.mark.parametrize(
    "ordering", ["updated_at", "-updated_at", "created_at", "-created_at", "due_at", "-due_at"]
)
@pytest.mark.parametrize("page_size", [1, 3, 4, 200])
def test_pages_show_every_task_once_though_many_share_a_time(service, ordering, page_size):
    for number in range(11):
        service.new_task(title=str(number))
    for number in range(11):
        moment = NOON + timedelta(minutes=number // 4)
        due_at = None if number % 3 == 0 else moment
        Task.objects.filter(title=str(number)).update(updated_at=moment, created_at=moment, due_at=due_at)

    pages, answers = every_page(service, f"/tasks?page_size={page_size}&ordering={ordering}")

    shown = [title for page in pages for title in page]
    assert sorted(shown, key=int) == [str(number) for number in range(11)]
    assert [len(page) for page in pages[:-1]] == [page_size] * (len(pages) - 1)
    assert answers[0]["previous"] is None
    backwards = answers[-1]["previous"]
    if backwards:
        back, _ = every_page(service, backwards.partition("/api/v1")[2], direction="previous")
        assert back == pages[-2::-1]


def test_one_direction_is_the_other_backwards(service):
    for due_at in ("2026-12-02", None, "2026-12-01", None):
        service.new_task(title=str(due_at), due_at=due_at)

    assert titles(service, "/tasks?ordering=due_at") == ["2026-12-01", "2026-12-02", "None", "None"]
    assert titles(service, "/tasks?ordering=-due_at") == ["None", "None", "2026-12-02", "2026-12-01"]


def test_a_task_that_changes_meanwhile_is_shown_again_rather_than_missed(service):
    tasks = [service.new_task(title=str(number)) for number in range(4)]
    for number in range(4):
        Task.objects.filter(title=str(number)).update(updated_at=NOON + timedelta(minutes=number))
    first = service.get("/tasks?page_size=2").json()

    service.patch(f"/tasks/{tasks[0]['id']}", {"title": "0 again"})

    rest, _ = every_page(service, first["next"].partition("/api/v1")[2])
    assert [title for page in rest for title in page] == ["2", "3", "0 again"]


def test_a_cursor_keeps_to_its_ordering(service):
    for number in range(3):
        service.new_task(title=str(number))
    following = service.get("/tasks?page_size=1&ordering=due_at").json()["next"].partition("/api/v1")[2]

    answer = service.get(following.replace("ordering=due_at", "ordering=created_at"))

    assert answer.json()["errors"] == {"cursor": ["This cursor belongs to another ordering."]}


@pytest.mark.parametrize("query", ["", "&ordering=due_at", "&sync_status=pending", "&status=open"])
def test_fifty_tasks_cost_as_many_queries_as_five(
    service, ada, grace, acme, django_assert_num_queries, query
):
    connect("First")
    connect("Second", provider="hubspot")

    def make(count):
        for _ in range(count):
            service.new_task(
                assignee="ada", contacts=[str(grace.pk)], companies=[str(acme.pk)], due_at="2026-12-01"
            )

    make(6)
    # The key and its user's others, the clock, tasks, contacts, records, links, accounts; a sync status asks the clock once more.
    expected = 8 + ("sync_status" in query)
    with django_assert_num_queries(expected):
        service.get(f"/tasks?page_size=5{query}")
    make(45)
    with django_assert_num_queries(expected):
        assert len(service.get(f"/tasks?page_size=50{query}").json()["results"]) == 50


def test_contacts_come_in_pages_and_are_found_by_e_mail_and_phone(service, django_assert_num_queries):
    for number in range(5):
        service.post("/contacts", {"email": f"Person{number}@example.org", "phone": f"+49 30 12345{number}0"})

    with django_assert_num_queries(4):
        page = service.get("/contacts?page_size=3").json()

    assert len(page["results"]) == 3
    assert page["next"]
    for query in ("email=PERSON3@example.org", f"phone={quote('+4930 1234530')}"):
        [found] = service.get(f"/contacts?{query}").json()["results"]
        assert found["email"] == "person3@example.org"


def test_records_are_listed_by_kind_and_name(service, acme, renewal):
    assert [one["name"] for one in service.get("/records").json()["results"]] == ["Acme", "Renewal"]
    assert [one["name"] for one in service.get("/records?kind=deal").json()["results"]] == ["Renewal"]
    assert [one["kind"] for one in service.get("/records?name=Acme").json()["results"]] == ["company"]
    following = service.get("/records?page_size=1").json()["next"].partition("/api/v1")[2]
    assert [one["name"] for one in service.get(following).json()["results"]] == ["Renewal"]


def test_connections_show_their_health_and_no_secrets(service, connection):
    answer = service.get("/connections")

    [shown] = answer.json()["results"]
    assert (shown["id"], shown["name"], shown["provider"], shown["health"]) == (
        str(connection.pk),
        "Main account",
        "highlevel",
        "healthy",
    )
    assert b"known-to-nobody" not in answer.content


def test_reading_writes_the_last_use_once_a_minute(service, django_assert_num_queries):
    service.get("/tasks")
    first = ApiKey.objects.get().last_used_at
    service.get("/tasks")
    assert ApiKey.objects.get().last_used_at == first

    ApiKey.objects.update(last_used_at=first - timedelta(seconds=61))
    service.get("/tasks")

    assert ApiKey.objects.get().last_used_at >= first


def test_tasks_are_found_by_how_they_stand_over_all_of_their_crms(service):
    connect("One", provider="hubspot")
    connect("Two")
    for title in ("well", "waits", "needs somebody"):
        service.new_task(title=title)
    links = TaskLink.objects.all()
    links.filter(task__title="well").update(sync_status="in_sync", due_at=None)
    links.filter(task__title="needs somebody", connection__name="One").update(
        sync_status="failed", due_at=None, last_error="HubSpot refused it."
    )

    assert titles(service, "/tasks?sync=in_sync") == ["well"]
    assert titles(service, "/tasks?sync=waiting") == ["waits"]
    assert titles(service, "/tasks?sync=needs_a_person,waiting") == ["waits", "needs somebody"]
    assert titles(service, "/tasks?sync=off") == []
    [one] = service.get("/tasks?sync=needs_a_person").json()["results"]
    assert (one["sync"]["standing"], one["sync"]["words"]) == ("needs_a_person", "0 of 2 CRMs")
    lags = [(lag["connection_name"], lag["standing"], lag["why"]) for lag in one["sync"]["lagging"]]
    assert lags == [("One", "needs_a_person", "HubSpot refused it."), ("Two", "waiting", "")]
    assert service.get("/tasks?sync=perhaps").status_code == 400
