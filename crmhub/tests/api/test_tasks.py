"""Tasks over the API: what is saved is what is shown, and the CRMs are owed it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from crmhub import services
from crmhub.clock import database_now
from crmhub.models import Task, TaskContact, TaskLink
from crmhub.tests.api.conftest import stored

pytestmark = pytest.mark.django_db

EVERYTHING = {
    "title": "Call Grace",
    "body": "  About the compiler.\n",
    "status": "in_progress",
    "priority": "high",
    "type": "call",
    "due_at": "2026-12-01T14:30:00Z",
    "end_at": "2026-12-01T15:00:00Z",
    "reminder_at": "2026-12-01T14:00:00Z",
    "notify_by_email": True,
    "queue": "renewals",
    "location": "Room 3",
    "contact_name": "G. Hopper",
    "company_name": "Acme Inc.",
}


def test_a_task_is_shown_as_it_was_sent(service, ada, grace, acme, renewal):
    body = {
        **EVERYTHING,
        "assignee": "ada@example.com",
        "contacts": [str(grace.pk)],
        "companies": [str(acme.pk)],
        "deals": [str(renewal.pk)],
    }

    answer = service.post("/tasks", body)

    assert answer.status_code == 201
    task = answer.json()
    assert {name: task[name] for name in body} == body
    assert (task["tickets"], task["events"], task["due_is_date"]) == ([], [], False)
    assert answer["Location"] == f"/api/v1/tasks/{task['id']}"
    assert service.get(f"/tasks/{task['id']}").json() == task


def test_a_title_is_enough(service):
    task = service.new_task()

    assert UUID(task["id"])
    assert (task["status"], task["priority"], task["type"]) == ("open", "none", "todo")
    assert (task["due_at"], task["assignee"], task["links"], task["warnings"]) == (None, None, [], [])
    assert task["version"] == 1


def test_the_history_names_the_key(service):
    task = stored(service.new_task())

    assert task.origin == "api:billing"
    assert task.history.get().history_user.username == "service-billing"


def test_every_crm_is_owed_a_new_task(service, connection):
    task = service.new_task()

    assert task["links"] == [
        {
            "connection": str(connection.pk),
            "provider": "highlevel",
            "sync_status": "pending",
            "external_id": "",
            "last_error": "",
        }
    ]
    assert TaskLink.objects.get(task=task["id"]).due_at is not None


def test_what_a_crm_cannot_hold_is_said_at_once(service, connection):
    task = service.new_task(priority="high")

    assert any("Main account" in warning for warning in task["warnings"])
    assert service.get(f"/tasks/{task['id']}").json()["warnings"] == task["warnings"]


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("2026-12-01", "2026-12-01"),
        ("2026-12-01T14:30:00Z", "2026-12-01T14:30:00Z"),
        ("2026-12-01T14:30:00+02:00", "2026-12-01T12:30:00Z"),
        ("2026-12-01T14:30:00.25Z", "2026-12-01T14:30:00.250000Z"),
        (None, None),
    ],
)
def test_a_day_stays_a_day_and_a_moment_a_moment(service, sent, shown):
    task = service.new_task(due_at=sent)

    again = service.get(f"/tasks/{task['id']}").json()
    assert again["due_at"] == task["due_at"] == shown
    assert again["due_is_date"] == (sent == "2026-12-01")


def test_a_day_is_kept_as_its_midnight_in_utc(service):
    task = stored(service.new_task(due_at="2026-12-01", due_is_date=True))

    assert (task.due_at, task.due_is_date) == (datetime(2026, 12, 1, tzinfo=UTC), True)


@pytest.mark.parametrize("name", ["ada@example.com", "ADA@example.com", "ada"])
def test_an_assignee_is_known_by_e_mail_or_username(service, ada, name):
    task = service.new_task(assignee=name)

    assert stored(task).assignee == ada
    assert task["assignee"] == "ada@example.com"


def test_an_assignee_can_be_taken_away(service, ada):
    task = service.new_task(assignee="ada")

    assert service.patch(f"/tasks/{task['id']}", {"assignee": None}).json()["assignee"] is None


def test_somebody_who_left_keeps_what_they_have_and_gets_nothing_more(service, ada):
    task = service.new_task(assignee="ada")
    ada.is_active = False
    ada.save()

    assert service.patch(f"/tasks/{task['id']}", {"assignee": "ada@example.com"}).status_code == 200
    assert service.post("/tasks", {"title": "More", "assignee": "ada@example.com"}).status_code == 400


def test_created_at_is_kept_within_five_years_and_else_replaced_with_a_warning(service):
    recent = (datetime.now(UTC) - timedelta(days=400)).replace(microsecond=0)

    kept = service.new_task(created_at=recent.isoformat())
    replaced = service.new_task(created_at="1969-01-01T00:00:00Z")

    assert stored(kept).created_at == recent
    assert kept["warnings"] == []
    assert stored(replaced).created_at > recent
    assert "created_at 1969-01-01" in replaced["warnings"][0]


def test_a_change_leaves_alone_what_it_does_not_name(service, ada, grace):
    task = service.new_task(**EVERYTHING, assignee="ada", contacts=[str(grace.pk)])

    changed = service.patch(
        f"/tasks/{task['id']}", {"title": "Write to Grace", "due_at": "2026-12-02", "end_at": None}
    )

    expected = {
        **task,
        "title": "Write to Grace",
        "due_at": "2026-12-02",
        "due_is_date": True,
        "end_at": None,
    }
    moving = {"updated_at", "version"}
    assert changed.status_code == 200
    assert {k: v for k, v in changed.json().items() if k not in moving} == {
        k: v for k, v in expected.items() if k not in moving
    }
    assert changed.json()["version"] == 2


def test_an_empty_change_changes_nothing(service):
    task = service.new_task()

    assert service.patch(f"/tasks/{task['id']}", {}).json() == task


def test_each_kind_of_association_is_replaced_by_itself(service, acme, renewal, grace):
    task = service.new_task(companies=[str(acme.pk)], deals=[str(renewal.pk)], contacts=[str(grace.pk)])

    changed = service.patch(f"/tasks/{task['id']}", {"companies": []}).json()

    assert (changed["companies"], changed["deals"], changed["contacts"]) == (
        [],
        task["deals"],
        task["contacts"],
    )


def test_an_association_that_stays_keeps_its_label_and_its_pin(service, grace):
    task = service.new_task()
    services.save_task(
        task=stored(task),
        changed=[],
        associations=services.Associations(
            contacts=[services.Associated(grace.pk, label="Decides", is_pinned=True)]
        ),
    )

    service.patch(f"/tasks/{task['id']}", {"contacts": [str(grace.pk)]})

    kept = TaskContact.objects.get(task=task["id"])
    assert (kept.label, kept.is_pinned) == ("Decides", True)


def test_contacts_keep_their_order(service, grace):
    ids = [service.post("/contacts", {"last_name": name}).json()["id"] for name in ("Lovelace", "Hamilton")]
    ids.insert(1, str(grace.pk))

    task = service.new_task(contacts=ids)
    turned = service.patch(f"/tasks/{task['id']}", {"contacts": ids[::-1]}).json()

    assert (task["contacts"], turned["contacts"]) == (ids, ids[::-1])


@pytest.mark.parametrize(
    ("etag", "status"), [('"1"', 200), ("1", 200), ('W/"1"', 200), ("*", 200), ('"7"', 412), ("x", 412)]
)
def test_a_change_by_a_reader_who_is_behind_is_refused(service, etag, status):
    task = service.new_task()

    answer = service.patch(f"/tasks/{task['id']}", {"title": "Mine"}, If_Match=etag)

    assert answer.status_code == status
    assert stored(task).title == ("Mine" if status == 200 else "Call Grace")


def test_the_etag_is_the_version(service):
    task = service.new_task()

    changed = service.patch(f"/tasks/{task['id']}", {"title": "Mine"}, If_Match='"1"')
    late = service.patch(f"/tasks/{task['id']}", {"title": "Theirs"}, If_Match='"1"')

    assert changed["ETag"] == '"2"'
    assert (late.status_code, late.json()["code"]) == (412, "stale_version")


def test_a_task_is_completed_and_opened_again(service):
    at = f"/tasks/{service.new_task()['id']}/completed"

    done = service("PUT", at, {"completed": True})
    again = service("PUT", at, {"completed": True})
    reopened = service("PUT", at, {"completed": False})

    assert done.status_code == 200
    assert (done.json()["status"], done.json()["completed_at"] is None) == ("completed", False)
    assert again.json() == done.json()
    assert (reopened.json()["status"], reopened.json()["completed_at"]) == ("open", None)


def test_a_deleted_task_lies_in_the_recycle_bin(service, connection):
    task = service.new_task()
    at = f"/tasks/{task['id']}"

    statuses = [service("DELETE", at).status_code for _ in range(2)]

    assert statuses == [204, 204]
    assert stored(task).version == 2
    assert service.get(at).status_code == 404
    assert service.patch(at, {"title": "x"}).status_code == 404
    assert service("PUT", f"{at}/completed", {"completed": True}).status_code == 404
    assert service.get(f"{at}?deleted=true").json()["deleted_at"] is not None
    assert TaskLink.objects.get(task=task["id"]).wanted_version == 2


def test_a_deletion_by_a_reader_who_is_behind_is_refused(service):
    task = service.new_task()

    assert service("DELETE", f"/tasks/{task['id']}", If_Match='"9"').status_code == 412
    assert stored(task).deleted_at is None


def test_a_deleted_task_comes_back(service):
    at = f"/tasks/{service.new_task()['id']}"
    service("DELETE", at)

    answers = [service.post(f"{at}/restore") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.json()["version"] for answer in answers] == [3, 3]
    assert service.get(at).json()["deleted_at"] is None


def test_links_say_how_a_task_stands(service, connection):
    task = service.new_task()

    answer = service.get(f"/tasks/{task['id']}/links")

    [link] = answer.json()["results"]
    assert (link["connection"], link["connection_name"], link["sync_status"]) == (
        str(connection.pk),
        "Main account",
        "pending",
    )
    assert (link["wanted_version"], link["pushed_version"]) == (1, 0)
    assert link["due_at"] is not None


def test_a_link_that_a_worker_holds_is_being_sent(service, connection):
    task = service.new_task()
    now = database_now()
    TaskLink.objects.update(claim_token=uuid4(), claimed_at=now, due_at=now + timedelta(seconds=60))

    assert service.get(f"/tasks/{task['id']}").json()["links"][0]["sync_status"] == "sending"
    assert len(service.get("/tasks?sync_status=sending").json()["results"]) == 1
    assert service.get("/tasks?sync_status=pending").json()["results"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tasks/{}"),
        ("PATCH", "/tasks/{}"),
        ("DELETE", "/tasks/{}"),
        ("PUT", "/tasks/{}/completed"),
        ("POST", "/tasks/{}/restore"),
        ("GET", "/tasks/{}/links"),
        ("GET", "/contacts/{}"),
        ("PATCH", "/contacts/{}"),
        ("GET", "/records/{}"),
        ("PATCH", "/records/{}"),
    ],
)
def test_what_is_not_there_is_said_in_words(service, method, path):
    nobody = str(uuid4())

    answer = service(method, path.format(nobody), {"completed": True} if method == "PUT" else {})

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert nobody in answer.json()["detail"]
    assert not Task.objects.exists()
