"""The page on creating a task, held against what the hub sends and reads; and that each item of it has a test."""

from __future__ import annotations

import inspect
from datetime import UTC, date, datetime
from importlib import import_module

import pytest

from providers.leadlex import payloads
from providers.leadlex.provider import LeadLex
from providers.tests.leadlex.seed import SEED
from providers.types import Field, Linked, Priority, RemoteRef, TaskDraft, TaskStatus

HANS = "789e0123-e45b-67c8-a901-234567890abc"


@pytest.mark.parametrize("test", sorted({test for _item, test in SEED}))
def test_every_test_that_the_table_names_is_there(test):
    path, _, name = test.partition("::")

    module = import_module(path.removesuffix(".py").replace("/", "."))

    assert inspect.isfunction(getattr(module, name))
    assert name.startswith("test_")


def test_no_item_is_named_twice():
    assert len({item for item, _test in SEED}) == len(SEED)


@pytest.fixture
def hans(simulator):
    [made] = simulator.seed({"contacts": [{"id": HANS, "first_name": "Hans", "last_name": "Müller"}]})[
        "contacts"
    ]
    return (Linked(RemoteRef(made)),)


def sent(simulator):
    return next(entry["body"] for entry in reversed(simulator.log) if entry["method"] == "POST")


def test_the_hub_sends_the_pages_example(provider, simulator, key, hans):
    provider.create_task(
        TaskDraft(
            "Follow up with Hans Müller",
            datetime(2026, 11, 20, tzinfo=UTC),
            due=date(2026, 3, 10),
            priority=Priority.HIGH,
            contacts=hans,
        ),
        key=key,
    )

    assert sent(simulator) == {
        "title": "Follow up with Hans Müller",
        "due_date": "2026-03-10",
        "priority": "high",
        "contact_id": HANS,
        "status": "open",
        "description": key.marker,
        "created_date": "2026-11-20T00:00:00.000Z",
    }


def test_every_call_carries_the_pages_headers(account, transport, draft, key, ids):
    headers = []

    class Listening:
        def send(self, request):
            headers.append(request.headers)
            return transport.send(request)

    provider = LeadLex(account, Listening())
    provider.fetch_task(provider.create_task(draft(), key=key).ref)

    assert [one["Authorization"] for one in headers] == [f"Bearer {account.secrets['api_key']}"] * 2
    assert headers[0]["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (TaskStatus.OPEN, "open"),
        (TaskStatus.IN_PROGRESS, "in_progress"),
        (TaskStatus.COMPLETED, "completed"),
    ],
)
def test_each_word_for_a_status_is_sent(provider, simulator, draft, key, status, word):
    ref = provider.create_task(draft(status=status), key=key).ref

    assert sent(simulator)["status"] == word
    assert provider.fetch_task(ref).holds[Field.STATUS] == status


@pytest.mark.parametrize("priority", [Priority.LOW, Priority.MEDIUM, Priority.HIGH])
def test_each_word_for_a_priority_is_sent(provider, simulator, draft, key, priority):
    ref = provider.create_task(draft(priority=priority), key=key).ref

    assert sent(simulator)["priority"] == str(priority)
    assert provider.fetch_task(ref).holds[Field.PRIORITY] == priority


def test_the_moment_of_creation_is_never_null(provider, send, simulator, draft, key):
    provider.create_task(draft(), key=key)
    ours = sent(simulator)
    silent = {"title": "Call", "contact_id": ours["contact_id"]}

    made = send("POST", "/v1/tasks", silent)[1]["data"]
    status, body, _headers = send("POST", "/v1/tasks", {**silent, "created_date": None})

    assert ours["created_date"]
    assert made["created_date"]
    assert (status, list(body["error"]["details"]["fields"])) == (400, ["created_date"])


def test_the_answer_is_read_field_by_field():
    told = {
        "id": "t-1",
        "title": "Call Grace",
        "status": "in_progress",
        "priority": "low",
        "due_date": "2026-03-10",
        "assigned_to_user_id": "user-001",
        "contact_id": HANS,
        "deal_id": "d-1",
        "event_id": "e-1",
        "created_date": "2026-03-01T09:00:00.123Z",
    }

    task = payloads.read_task(told, settings={})

    assert task.ref == RemoteRef("t-1")
    assert task.holds == {
        Field.TITLE: "Call Grace",
        Field.STATUS: "in_progress",
        Field.PRIORITY: "low",
        Field.DUE: "2026-03-10",
        Field.ASSIGNEE: "user-001",
        Field.CONTACTS: (HANS,),
        Field.DEALS: ("d-1",),
        Field.EVENTS: ("e-1",),
        Field.CREATED: "2026-03-01T09:00:00Z",
    }
