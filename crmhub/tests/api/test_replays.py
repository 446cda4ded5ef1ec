"""What failed, counted; and sending it again, watched and stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmhub import services
from crmhub.api.fields import write_moment
from crmhub.clock import database_now
from crmhub.models import ContactLink, Replay, TaskLink
from crmhub.queries.selection import Selection
from crmhub.tests.api.conftest import Caller, connect, make_key

HOUR = timedelta(hours=1)


@pytest.fixture
def parked(service):
    """Tasks at two accounts that wait for a person; returns the accounts."""
    one, two = connect("One", provider="hubspot"), connect("Two")
    service.post("/contacts", {"email": "grace@example.com"})
    for title in ("young", "old", "gone"):
        service.new_task(title=title)
    now = database_now()
    ContactLink.objects.update(sync_status="in_sync", due_at=None)
    links = TaskLink.objects.all()
    links.update(sync_status="failed", due_at=None, last_error_code="rejected", status_since=now)
    links.filter(task__title="old").update(status_since=now - 50 * HOUR)
    links.filter(task__title="gone").update(sync_status="gone", last_error_code="not_found")
    return one, two


def owed():
    return sorted(
        TaskLink.objects.filter(due_at__isnull=False).values_list("task__title", "connection__name")
    )


def begin(service, **body):
    """Begin a replay and let it come to its end; returns the answer."""
    answer = service.post("/replays", body)
    assert answer.status_code == 202, answer.content
    services.work_on_replay(replay_id=answer.json()["id"])
    return answer


def test_many_at_once_are_sent_only_when_that_is_confirmed(service, parked, settings):
    settings.BRAKE_TASKS = 3
    refused = service.post("/replays", {"failed": True})
    before = owed()
    counted = service.post("/replays", {"failed": True, "dry_run": True})
    begin(service, failed=True, confirmed=True)

    problem = refused.json()
    assert (refused.status_code, problem["code"], before) == (409, "many_at_once", [])
    assert f"{counted.json()['total']} links are many at once; nothing was done" in problem["detail"]
    assert len(owed()) == counted.json()["total"] == 4
    assert Replay.objects.count() == 1


def test_to_confirm_chooses_nothing(service, parked):
    assert service.post("/replays", {"confirmed": True}).status_code == 400


def test_failures_are_counted_by_connection_reason_and_age(service, parked, django_assert_num_queries):
    one, two = parked

    with django_assert_num_queries(4):  # the key and its user's others, the clock, the failures
        found = service.get("/failures").json()["results"]
    at_two = service.get(f"/failures?connection={two.pk}").json()["results"]

    first = next(row for row in found if row["connection"] == str(one.pk))
    assert (first["kind"], first["code"], first["action"], first["total"]) == (
        "task",
        "rejected",
        "edit_task",
        2,
    )
    assert first["counts"] == {"under_an_hour": 1, "under_a_day": 0, "under_a_week": 1, "older": 0}
    assert first["remedy"].startswith("Change what the CRM refused")
    assert len(found) == 4
    assert {row["connection"] for row in at_two} == {str(two.pk)}
    assert service.get("/failures?connection=zzz").status_code == 400
    assert service.get("/failures?page_size=5").status_code == 400


@pytest.mark.parametrize(
    ("body", "titles"),
    [
        ({"failed": True}, {"young", "old"}),
        ({"code": "rejected"}, {"young", "old"}),
        ({"code": "Permanent"}, {"young", "old"}),
        ({"sync_status": ["failed", "gone"]}, {"young", "old"}),
        ({"since": 2}, {"young"}),
        ({"since": 100, "until": 2}, {"old"}),
        ({"failed": True, "code": "forbidden"}, set()),
    ],
)
def test_a_replay_sends_again_what_meets_all_that_the_body_says(service, parked, body, titles):
    hours = {
        name: write_moment(database_now() - value * HOUR)
        for name, value in body.items()
        if name in ("since", "until")
    }

    begun = begin(service, **{**body, **hours}).json()

    assert {title for title, _ in owed()} == titles
    assert (begun["state"], begun["done"], begun["total"]) == ("running", 0, 2 * len(titles))
    read = service.get(f"/replays/{begun['id']}").json()
    assert (read["state"], read["done"]) == ("done", 2 * len(titles))


def test_a_replay_says_where_it_is_and_what_is_left_out(service, parked):
    one, _ = parked

    answer = begin(service, failed=True, connection=str(one.pk))

    begun = answer.json()
    assert answer["Location"] == f"/api/v1/replays/{begun['id']}"
    assert begun["what"] == "What waits for a person at HubSpot"
    assert begun["connections"] == [{"connection": str(one.pk), "tasks": 2, "contacts": 0, "left_out": 1}]
    assert begun["left_out"] == 1
    assert {name for _, name in owed()} == {"One"}
    assert Replay.objects.get().origin == "api:billing"


def test_tasks_are_named_by_their_ids(service, parked):
    task = TaskLink.objects.filter(task__title="young").first().task_id

    begin(service, tasks=[str(task)])

    assert owed() == [("young", "One"), ("young", "Two")]


def test_a_dry_run_counts_and_does_nothing(service, parked):
    answer = service.post("/replays", {"failed": True, "dry_run": True})

    assert answer.status_code == 200
    assert (answer.json()["total"], answer.json()["left_out"]) == (4, 2)
    assert list(answer.json()) == ["what", "total", "left_out", "connections"]
    assert (Replay.objects.count(), owed()) == (0, [])


def test_a_replay_is_stopped_and_gone_on_with(service, parked):
    begun = service.post("/replays", {"failed": True}).json()

    stopped = service.post(f"/replays/{begun['id']}/stop").json()
    services.work_on_replay(replay_id=begun["id"])
    nothing = owed()
    resumed = service.post(f"/replays/{begun['id']}/resume").json()
    services.work_on_replay(replay_id=begun["id"])

    assert (stopped["state"], nothing, resumed["state"]) == ("stopped", [], "running")
    assert service.post(f"/replays/{begun['id']}/stop").json()["state"] == "done"
    assert len(owed()) == 4


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        ({}, None, "Say which: connection, tasks, failed, sync_status, code or since."),
        ({"dry_run": True, "until": "2026-11-30T10:00:00Z"}, None, "Say which"),
        ({"failed": False}, None, "Say which"),
        ({"code": "perhaps"}, "code", "perhaps is not one of: transient"),
        ({"connection": "0197a0de-0000-7000-8000-000000000000"}, "connection", "There is no such connection"),
        ({"sync_status": ["excluded"]}, "sync_status", "This must be one of: pending"),
        ({"tasks": []}, "tasks", "at least 1"),
        ({"since": "yesterday"}, "since", "Give a moment with its zone"),
        ({"colour": "red"}, "colour", "There is no such field."),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(service, body, field, words):
    answer = service.post("/replays", body)

    assert answer.status_code == 400
    said = answer.json()["errors"][field][0] if field else answer.json()["detail"]
    assert words in said
    assert not Replay.objects.exists()


@pytest.mark.parametrize(
    ("scope", "statuses"),
    [
        ("sync:replay", (403, 202, 200, 200)),
        ("sync:read", (200, 403, 200, 403)),
        ("tasks:read", (403, 403, 403, 403)),
    ],
)
def test_each_call_has_its_scope(parked, scope, statuses):
    caller = Caller(make_key(scope, name=scope))
    replay = services.begin_replay(selection=Selection(is_failed=True))

    answers = (
        caller.get("/failures"),
        caller.post("/replays", {"failed": True}),
        caller.get(f"/replays/{replay.pk}"),
        caller.post(f"/replays/{replay.pk}/stop"),
    )

    assert tuple(answer.status_code for answer in answers) == statuses


def test_a_replay_that_does_not_exist_is_said_so(service):
    answer = service.get("/replays/0197a0de-0000-7000-8000-000000000000")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
