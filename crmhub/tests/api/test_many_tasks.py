"""Creating many tasks in one call."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crmhub.models import Task, TaskLink
from crmhub.tests.api.conftest import Caller, connect, make_key


def test_many_tasks_are_created_in_the_order_in_which_they_were_sent(service):
    connect("One")
    grace = service.post("/contacts", {"email": "grace@example.com"}).json()["id"]
    sent = [{"title": f"Task {number}", "due_at": "2026-12-01", "contacts": [grace]} for number in range(5)]

    answer = service.post("/tasks/batch", {"tasks": sent})

    made = answer.json()["results"]
    assert (answer.status_code, [one["version"] for one in made]) == (201, [1] * 5)
    assert [service.get(f"/tasks/{one['id']}").json()["title"] for one in made] == [
        one["title"] for one in sent
    ]
    first = service.get(f"/tasks/{made[0]['id']}").json()
    assert (first["due_at"], first["contacts"], first["origin"]) == ("2026-12-01", [grace], "api:billing")
    assert TaskLink.objects.filter(due_at__isnull=False).count() == 5


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ({"title": ""}, "item 2: title"),
        ({"title": "x", "colour": "red"}, "item 2: colour: There is no such field."),
        ({"title": "x", "contacts": [str(uuid4())]}, "item 2: contacts: There is no contact"),
        (
            {"title": "x", "due_at": "2026-12-02", "end_at": "2026-12-01T00:00:00Z"},
            "item 2: end_at: The end lies before",
        ),
        ("x", "item 2"),
        (3, "item 2"),
        (True, "item 2"),
        ([{}], "item 2"),
    ],
)
def test_where_one_is_refused_none_is_created_and_it_is_said_which(service, bad, words):
    answer = service.post("/tasks/batch", {"tasks": [{"title": "Good"}, bad]})

    problem = answer.json()
    assert (answer.status_code, Task.objects.count()) == (400, 0)
    assert any(text.startswith(words) for text in problem["errors"]["tasks"]), problem


def test_many_tasks_are_judged_and_stored_in_as_many_queries_as_one(service):
    get_user_model().objects.create_user("ada", "ada@example.com", is_staff=True)
    deals = [service.post("/records", {"kind": "deal", "name": f"Deal {n}"}).json()["id"] for n in range(20)]
    sent = [
        {"title": f"Task {n}", "assignee": "ada@example.com", "deals": [deal]} for n, deal in enumerate(deals)
    ]
    counts = []
    for tasks in (sent[:1], sent):
        with CaptureQueriesContext(connection) as asked:
            assert service.post("/tasks/batch", {"tasks": tasks}).status_code == 201
        counts.append(len(asked))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("deals", [["x"], 7, None, [[]], {"a": 1}, [str(uuid4())]])
def test_a_record_that_cannot_be_is_refused_with_the_item_that_names_it(service, deals):
    answer = service.post("/tasks/batch", {"tasks": [{"title": "Good"}, {"title": "x", "deals": deals}]})

    assert (answer.status_code, Task.objects.count()) == (400, 0)
    assert all(text.startswith("item 2: deals") for text in answer.json()["errors"]["tasks"])


@pytest.mark.parametrize("tasks", [[], [{"title": "x"}] * 501, {"title": "x"}, None])
def test_none_and_too_many_are_refused(service, tasks):
    answer = service.post("/tasks/batch", {"tasks": tasks})

    assert (answer.status_code, list(answer.json()["errors"]), Task.objects.count()) == (400, ["tasks"], 0)


def test_a_moment_of_creation_that_was_replaced_is_told(service):
    tasks = [{"title": "Old", "created_at": "1999-01-01T00:00:00Z"}, {"title": "New"}]

    old, new = service.post("/tasks/batch", {"tasks": tasks}).json()["results"]

    assert ("was replaced by now" in old["warnings"][0], new["warnings"]) == (True, [])


def test_it_needs_the_scope_of_writing(db):
    reader = Caller(make_key("tasks:read"))

    assert reader.post("/tasks/batch", {"tasks": [{"title": "x"}]}).status_code == 403
