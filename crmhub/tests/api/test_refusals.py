"""What is refused, in which words, and that nothing is half written."""

from __future__ import annotations

import json

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from django.urls import path

from crmhub.models import Contact, Record, Task
from crmhub.tests.api.conftest import Caller, stored

pytestmark = pytest.mark.django_db

NOBODY = "0197a0de-0000-7000-8000-000000000000"

REFUSED_TASKS = [
    ({}, "title", "required"),
    ({"title": ""}, "title", "blank"),
    ({"title": "  "}, "title", "blank"),
    ({"title": None}, "title", "null"),
    ({"title": 7}, "title", "text"),
    ({"title": ["x"]}, "title", "text"),
    ({"title": "x" * 4097}, "title", "4096"),
    ({"title": "a\x00b"}, "title", "Null characters"),
    ({"title": "\ud800"}, "title", "Surrogate"),
    ({"body": "x" * 65_537}, "body", "65536"),
    ({"body": "a\x00b"}, "body", "Null characters"),
    ({"queue": "q" * 101}, "queue", "100"),
    ({"status": "done"}, "status", "in_progress"),
    ({"status": True}, "status", "in_progress"),
    ({"priority": 1}, "priority", "medium"),
    ({"type": "\ud800"}, "type", "follow_up"),
    ({"due_at": "tomorrow"}, "due_at", "2026-03-29"),
    ({"due_at": "2026-13-01"}, "due_at", "2026-03-29"),
    ({"due_at": "2026-02-30T10:00:00Z"}, "due_at", "2026-03-29"),
    ({"due_at": "2026-12-01T10:00:00"}, "due_at", "zone"),
    ({"due_at": 1764597600}, "due_at", "zone"),
    ({"due_at": "0001-01-01T00:00:00+14:00"}, "due_at", "zone"),
    ({"due_at": "1764-12-01"}, "due_at", "1970"),
    ({"due_at": "2026-12-01", "due_is_date": False}, "due_is_date", "follows"),
    ({"due_is_date": True}, "due_is_date", "follows"),
    ({"due_at": "2026-12-02", "end_at": "2026-12-01T10:00:00Z"}, "end_at", "before"),
    ({"end_at": "2026-12-01"}, "end_at", "zone"),
    ({"notify_by_email": "yes"}, "notify_by_email", "true or false"),
    ({"notify_by_email": 1}, "notify_by_email", "true or false"),
    ({"assignee": "nobody@example.com"}, "assignee", "nobody@example.com"),
    ({"assignee": "service-billing"}, "assignee", "service-billing"),
    ({"assignee": 4}, "assignee", "text"),
    ({"assignee": "a\x00b"}, "assignee", "Null characters"),
    ({"assignee": "\ud800"}, "assignee", "Surrogate"),
    ({"contacts": [NOBODY]}, "contacts", NOBODY),
    ({"contacts": NOBODY}, "contacts", "list"),
    ({"contacts": ["grace"]}, "contacts", "item 1"),
    ({"contacts": [7]}, "contacts", "item 1"),
    ({"contacts": None}, "contacts", "null"),
    ({"contacts": [NOBODY] * 101}, "contacts", "100"),
    ({"companies": [NOBODY]}, "companies", "no company"),
    ({"events": [NOBODY]}, "events", "no event"),
    ({"colour": "red"}, "colour", "no such field"),
    ({"\ud800": "red"}, "?", "no such field"),
    ({"id": NOBODY}, "id", "kept by the hub"),
    ({"completed_at": "2026-12-01T10:00:00Z"}, "completed_at", "kept by the hub"),
    ({"links": []}, "links", "kept by the hub"),
    ({"created_at": "yesterday"}, "created_at", "zone"),
]


@pytest.mark.parametrize(("body", "field", "words"), REFUSED_TASKS)
def test_a_task_that_cannot_be_is_refused_by_field(service, body, field, words):
    title = {} if body == {} else {"title": "Call Grace"}

    answer = service.post("/tasks", {**title, **body})

    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert words in " ".join(answer.json()["errors"][field])
    assert not Task.objects.exists()


@pytest.mark.parametrize(("body", "field", "words"), [row for row in REFUSED_TASKS if row[0] != {}])
def test_a_change_that_cannot_be_leaves_the_task_as_it_was(service, body, field, words):
    task = service.new_task(body="As it was")

    answer = service.patch(f"/tasks/{task['id']}", {"location": "Room 3", **body})

    assert answer.status_code == 400, answer.content
    assert words in " ".join(answer.json()["errors"][field])
    assert service.get(f"/tasks/{task['id']}").json() == task


def test_all_that_is_wrong_is_said_at_once(service):
    answer = service.post("/tasks", {"title": "", "colour": "red", "priority": "urgent"})

    assert set(answer.json()["errors"]) == {"title", "colour", "priority"}


def test_a_task_that_was_made_cannot_be_made_at_another_time(service):
    task = service.new_task()

    answer = service.patch(f"/tasks/{task['id']}", {"created_at": "2026-01-01T00:00:00Z"})

    assert "new task" in answer.json()["errors"]["created_at"][0]


def test_a_deal_is_no_company(service, renewal):
    answer = service.post("/tasks", {"title": "Call Grace", "companies": [str(renewal.pk)]})

    assert answer.json()["errors"] == {"companies": [f"There is no company {renewal.pk}."]}
    assert not Task.objects.exists()


def test_nobody_is_named_twice(service, grace, acme):
    body = {"title": "Call Grace", "contacts": [str(grace.pk)] * 2}
    companies = {"title": "Call Grace", "companies": [str(acme.pk)] * 2}

    assert "twice" in service.post("/tasks", body).json()["errors"]["contacts"][0]
    assert "twice" in service.post("/tasks", companies).json()["errors"]["companies"][0]
    assert not Task.objects.exists()


def test_two_people_with_one_e_mail_are_told_apart_by_username(service, ada, django_user_model):
    django_user_model.objects.create_user("ada2", "ada@example.com")

    answer = service.post("/tasks", {"title": "x", "assignee": "ada@example.com"})

    assert "username" in answer.json()["errors"]["assignee"][0]
    assert stored(service.new_task(assignee="ada2")).assignee.username == "ada2"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"title": ', "not JSON"),
        (b"title=x", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"title": NaN}', "NaN"),
        (b'{"title": "a", "title": "b"}', "twice"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "twice"),
        (b"[" * 100_000, "nested"),
        (b'{"title": ' + b"1" * 5000 + b"}", "not JSON"),
        (b"[]", "object"),
        (b'"Call Grace"', "object"),
        (b"null", "object"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(service, raw, words):
    answer = service("POST", "/tasks", raw=raw)

    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert not Task.objects.exists()


def test_a_body_over_a_megabyte_is_refused_unread(service):
    answer = service.post("/tasks", {"title": "x", "body": "x" * 1_000_000})

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_a_body_of_unknown_length_is_refused(service):
    answer = service.client.generic(
        "POST",
        "/api/v1/tasks",
        headers={"Authorization": f"Bearer {service.key}", "Transfer-Encoding": "chunked"},
    )

    assert answer.status_code == 411


def test_only_json_is_taken(service):
    answer = service(
        "POST", "/tasks", raw=b"title=x", **{"Content-Type": "application/x-www-form-urlencoded"}
    )

    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_a_method_that_is_not_there_is_named(service):
    answer = service("PUT", "/tasks", {})

    assert answer.status_code == 405
    assert "GET" in answer["Allow"]


@pytest.mark.parametrize(
    "address",
    [
        "/tasks?stauts=open",
        "/tasks/{}?full=1",
        "/contacts?status=open",
        "/connections?x=1",
        "/tasks/{}/links?x=1",
    ],
)
def test_a_parameter_that_is_not_there_is_refused_by_name(service, address):
    answer = service.get(address.format(service.new_task()["id"]))

    assert answer.status_code == 400
    assert "no such parameter" in str(answer.json()["errors"])


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("status=open,done", "status"),
        ("sync_status=fine", "sync_status"),
        ("contact=grace", "contact"),
        ("connection=1", "connection"),
        ("updated_after=yesterday", "updated_after"),
        ("updated_after=2026-12-01", "updated_after"),
        ("due_before=soon", "due_before"),
        ("deleted=perhaps", "deleted"),
        ("assignee=%00", "assignee"),
        ("page_size=0", "page_size"),
        ("page_size=201", "page_size"),
        ("page_size=ten", "page_size"),
        ("ordering=title", "ordering"),
        ("ordering=--due_at", "ordering"),
        ("cursor=x", "cursor"),
        ("cursor=%ff", "cursor"),
        ("cursor=WyJ1cGRhdGVkX2F0IiwxLDIsM10", "cursor"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_by_name(service, query, field):
    answer = service.get(f"/tasks?{query}")

    assert answer.status_code == 400
    assert field in answer.json()["errors"]


@pytest.mark.parametrize(
    ("path_", "body", "field"),
    [
        ("/contacts", {}, "last_name"),
        ("/contacts", {"email": "grace"}, "email"),
        ("/contacts", {"email": 5}, "email"),
        ("/contacts", {"first_name": "a\x00b"}, "first_name"),
        ("/contacts", {"last_name": "Hopper", "more_emails": ["grace"]}, "more_emails"),
        ("/contacts", {"last_name": "Hopper", "more_emails": "g@example.org"}, "more_emails"),
        ("/contacts", {"last_name": "Hopper", "more_phones": [1]}, "more_phones"),
        ("/contacts", {"last_name": "Hopper", "more_phones": ["a\x00b"]}, "more_phones"),
        ("/contacts", {"last_name": "x" * 201}, "last_name"),
        ("/contacts", {"last_name": "Hopper", "phone_e164": "+1"}, "phone_e164"),
        ("/contacts", {"name": "Grace Hopper"}, "name"),
        ("/records", {"kind": "planet", "name": "Mars"}, "kind"),
        ("/records", {"name": "Acme"}, "kind"),
        ("/records", {"kind": "company", "name": " "}, "name"),
        ("/records", {"kind": "company", "name": "a\x00b"}, "name"),
    ],
)
def test_people_and_records_that_cannot_be_are_refused_by_field(service, path_, body, field):
    answer = service.post(path_, body)

    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert not Contact.objects.exists()
    assert not Record.objects.exists()


@pytest.mark.parametrize("address", ["/nothing", "/tasks/", "/tasks/7", "/tasks/7/links", ""])
def test_an_address_that_is_not_there_is_a_problem_too(service, address):
    answer = service.get(address)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def fail(request):
    raise RuntimeError("what nobody foresaw")


def find_no_database(request):
    raise OperationalError("server closed the connection unexpectedly")


urlpatterns = [
    path("api/v1/fails", fail),
    path("fails", fail),
    path("api/v1/finds", find_no_database),
    path("finds", find_no_database),
]
handler500 = "crmhub.api.problems.server_error"


@override_settings(ROOT_URLCONF=__name__)
def test_what_nobody_foresaw_is_answered_without_details():
    client = Client(raise_request_exception=False)

    answer, page = client.get("/api/v1/fails"), client.get("/fails")

    assert (answer.status_code, page.status_code) == (500, 500)
    assert json.loads(answer.content)["code"] == "server_error"
    assert b"foresaw" not in answer.content
    assert page["Content-Type"].startswith("text/html")


@override_settings(ROOT_URLCONF=__name__)
def test_a_database_that_is_away_is_told_as_such():
    client = Client(raise_request_exception=False)

    answer, page = client.get("/api/v1/finds"), client.get("/finds")

    assert (answer.status_code, page.status_code) == (503, 503)
    assert answer.json()["code"] == "unavailable"
    assert "The database does not answer" in page.content.decode()


def test_a_stranger_is_told_nothing_about_the_body():
    answer = Caller().post("/tasks", {"colour": "red"})

    assert answer.status_code == 401
    assert "errors" not in answer.json()
