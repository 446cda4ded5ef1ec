"""The simulated HighLevel's tasks, refusals and limits over plain HTTP."""

from __future__ import annotations

import pytest

from providers.capabilities import Limit
from providers.highlevel.simulator import HighLevelSimulator
from providers.simulator import Server
from providers.tests.highlevel.examples import EXAMPLE, GRACE, error

# The documented examples


def test_the_create_example_is_answered_as_documented(raw, ids, contact):
    [user] = ids["users"]

    reply = raw.post(f"/contacts/{contact}/tasks", json={**EXAMPLE, "assignedTo": user})

    assert reply.status_code == 201
    task = reply.json()["task"]
    assert len(task.pop("id")) == 20
    assert task == {
        "title": "First Task",
        "body": "loram ipsum",
        "assignedTo": user,
        "dueDate": "2020-10-25T11:00:00.000Z",
        "completed": True,
        "contactId": contact,
    }


def test_the_completed_example_is_answered_as_documented(raw, contact, task):
    reply = raw.put(f"/contacts/{contact}/tasks/{task}/completed", json={"completed": False})

    assert reply.status_code == 200
    assert reply.json()["task"] == {
        "id": task,
        "title": "First Task",
        "body": "loram ipsum",
        "dueDate": "2020-10-25T11:00:00.000Z",
        "completed": False,
        "contactId": contact,
    }


def test_an_update_changes_only_what_it_names_and_leaves_out_what_is_not_set(raw, contact):
    bare = {name: value for name, value in EXAMPLE.items() if name != "body"}
    task = raw.post(f"/contacts/{contact}/tasks", json=bare).json()["task"]["id"]

    reply = raw.put(f"/contacts/{contact}/tasks/{task}", json={"title": "Second"})

    assert reply.status_code == 200
    assert set(reply.json()["task"]) == {"id", "title", "dueDate", "completed", "contactId"}
    assert raw.get(f"/contacts/{contact}/tasks").json()["tasks"] == [reply.json()["task"]]


def test_a_task_is_deleted_for_good(raw, simulator, contact, task):
    reply = raw.delete(f"/contacts/{contact}/tasks/{task}")

    assert (reply.status_code, reply.json()["succeded"]) == (200, True)
    assert raw.get(f"/contacts/{contact}/tasks").json()["tasks"] == []
    assert [one["deleted"] for one in simulator.tasks()] == [True]


@pytest.mark.parametrize(
    ("method", "suffix"), [("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/completed")]
)
def test_a_task_is_reached_through_its_own_contact_only(raw, simulator, task, method, suffix):
    [other] = simulator.seed({"contacts": [{"first_name": "Edith"}]})["contacts"]

    reply = raw.request(method, f"/contacts/{other}/tasks/{task}{suffix}", json={"completed": True})

    assert error(reply) == (400, f"Task not found for id: {task}")


def test_the_search_shows_tasks_as_the_live_api_does(raw, location, contact, task):
    reply = raw.post(f"/locations/{location}/tasks/search", json={"contactId": [contact], "query": "first"})

    assert reply.status_code == 201
    [row] = reply.json()["tasks"]
    assert (row["_id"], row["status"], row["deleted"], row["contactId"]) == (
        task,
        "completed",
        False,
        contact,
    )
    assert "id" not in row


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 25),
        ({"limit": 100}, 30),
        ({"limit": 100, "skip": 28}, 2),
        ({"limit": 100, "completed": False}, 0),
        ({"limit": 100, "query": "another"}, 0),
        ({"limit": 100, "contactId": ["NobodyOfThisAccount1"]}, 0),
        ({"limit": 100, "assignedTo": ["NobodyOfThisAccount1"]}, 0),
    ],
)
def test_the_search_filters_and_pages(raw, location, contact, asked, count):
    for _ in range(30):
        raw.post(f"/contacts/{contact}/tasks", json=EXAMPLE)

    assert len(raw.post(f"/locations/{location}/tasks/search", json=asked).json()["tasks"]) == count


def test_the_search_goes_on_after_the_last_row(raw, location, contact):
    for _ in range(7):
        raw.post(f"/contacts/{contact}/tasks", json=EXAMPLE)
    seen, after = [], {}
    while rows := raw.post(f"/locations/{location}/tasks/search", json={"limit": 3, **after}).json()["tasks"]:
        seen += [row["_id"] for row in rows]
        after = {"searchAfter": rows[-1]["searchAfter"]}

    assert len(seen) == len(set(seen)) == 7


def test_the_search_lags_and_the_contacts_list_does_not(raw, simulator, location, contact):
    simulator.find_lag = 5.0
    raw.post(f"/contacts/{contact}/tasks", json=EXAMPLE)

    assert raw.post(f"/locations/{location}/tasks/search", json={}).json()["tasks"] == []
    assert len(raw.get(f"/contacts/{contact}/tasks").json()["tasks"]) == 1

    simulator.move_clock(6)
    assert len(raw.post(f"/locations/{location}/tasks/search", json={}).json()["tasks"]) == 1


def test_a_recurring_task_is_kept_changed_and_deleted(raw, location, contact):
    rule = {
        "intervalType": "weekly",
        "interval": 1,
        "startDate": "2026-10-05T09:00:00.000Z",
        "dueAfterSeconds": 600,
    }
    path = f"/locations/{location}/recurring-tasks"

    made = raw.post(path, json={"title": "Weekly call", "contactIds": [contact], "rruleOptions": rule})
    assert made.status_code == 201
    one = f"{path}/{made.json()['recurringTask']['id']}"

    assert raw.put(one, json={"title": "Daily call"}).json()["recurringTask"]["title"] == "Daily call"
    assert raw.get(one).json()["recurringTask"]["contactId"] == contact
    assert raw.delete(one).json()["success"] is True
    assert raw.get(one).status_code == 400
    bad = raw.post(path, json={"title": "x", "rruleOptions": {**rule, "intervalType": "sometimes"}})
    assert bad.status_code == 422


# Refusals


@pytest.mark.parametrize(
    ("headers", "status", "message"),
    [
        ({"Authorization": ""}, 401, "Invalid token: access token is invalid"),
        ({"Authorization": "Bearer something"}, 401, "Invalid token: access token is invalid"),
        ({"Authorization": "Bearer pit-another"}, 401, "Invalid Private Integration token"),
        ({"Version": "2020-01-01"}, 401, "version header is invalid"),
    ],
)
def test_wrong_credentials_and_versions_are_refused(raw, contact, headers, status, message):
    reply = raw.get(f"/contacts/{contact}/tasks", headers=headers)

    assert error(reply) == (status, message)
    assert reply.json()["error"] == "Unauthorized"


def test_a_request_without_a_version_is_refused(raw, contact):
    del raw.headers["Version"]

    assert error(raw.get(f"/contacts/{contact}/tasks")) == (401, "version header was not found.")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/contacts/{contact}/tasks", "contacts.readonly"),
        ("POST", "/contacts/{contact}/tasks", "contacts.write"),
        ("POST", "/contacts/search", "contacts.readonly"),
        ("POST", "/contacts/", "contacts.write"),
        ("GET", "/users/?locationId={location}", "users.readonly"),
        ("GET", "/locations/{location}", "locations.readonly"),
        ("POST", "/locations/{location}/tasks/search", "locations/tasks.readonly"),
    ],
)
def test_a_scope_that_the_token_lacks_is_a_401(raw, simulator, contact, location, method, path, scope):
    simulator.scopes.discard(scope)

    reply = raw.request(method, path.format(contact=contact, location=location))

    assert error(reply) == (401, "The token is not authorized for this scope.")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"priority": "HIGH"}, "property priority should not exist"),
        ({"contactId": "x"}, "property contactId should not exist"),
        ({"title": None}, "title must be a string"),
        ({"title": ""}, "title should not be empty"),
        ({"title": 7}, "title must be a string"),
        ({"body": None}, "body must be a string"),
        ({"completed": "true"}, "completed must be a boolean value"),
        ({"dueDate": "tomorrow"}, "dueDate must be a valid ISO 8601 date string"),
        ({"dueDate": "2026-10-05T09:00:00"}, "dueDate must be a valid ISO 8601 date string"),
        ({"dueDate": "2026-13-05T09:00:00Z"}, "dueDate must be a valid ISO 8601 date string"),
        ({"dueDate": 1796137200000}, "dueDate must be a valid ISO 8601 date string"),
        ({"assignedTo": None}, "assignedTo must be a string"),
        ({"assignedTo": "NobodyOfThisAccount1"}, "assignedTo must be a valid user of the location"),
    ],
)
def test_a_value_that_is_not_documented_is_refused(raw, simulator, contact, change, message):
    reply = raw.post(f"/contacts/{contact}/tasks", json={**EXAMPLE, **change})

    assert error(reply) == (422, [message])
    assert reply.json()["error"] == "Unprocessable Entity"
    assert simulator.tasks() == []


def test_every_field_that_is_missing_is_named(raw, contact):
    status, messages = error(raw.post(f"/contacts/{contact}/tasks", json={"body": "alone"}))

    assert status == 422
    missing = ["title", "dueDate", "completed"]
    assert [f"{name} should not be empty" in messages for name in missing] == [True, True, True]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ('{"title": ', "application/json", 400),
        ("[]", "application/json", 400),
        ("title=x", "text/plain", 422),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(raw, contact, content, kind, status):
    reply = raw.post(f"/contacts/{contact}/tasks", content=content, headers={"Content-Type": kind})

    assert error(reply)[0] == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tasks/Abc"),
        ("POST", "/contacts"),
        ("PATCH", "/contacts/Abc/tasks/Def"),
        ("GET", "/locations/Abc/tasks"),
    ],
)
def test_a_path_that_highlevel_does_not_have_is_a_404(raw, method, path):
    assert error(raw.request(method, path)) == (404, f"Cannot {method} {path}")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/contacts/Nobody"),
        ("PUT", "/contacts/Nobody"),
        ("DELETE", "/contacts/Nobody"),
        ("GET", "/contacts/Nobody/tasks"),
        ("POST", "/contacts/Nobody/tasks"),
        ("DELETE", "/contacts/Nobody/tasks/Abc"),
    ],
)
def test_a_missing_contact_is_a_400(raw, method, path):
    assert error(raw.request(method, path, json=EXAMPLE)) == (400, "Contact not found for id: Nobody")


@pytest.mark.parametrize(
    "path", ["/locations/Other", "/users/?locationId=Other", "/contacts/?locationId=Other"]
)
def test_another_sub_account_is_a_403(raw, path):
    assert error(raw.get(path)) == (403, "The token does not have access to this location.")


# Limits


@pytest.mark.parametrize(
    ("limits", "daily"),
    [([Limit(2, 10.0), Limit(200_000, 86_400.0)], "199998"), ([Limit(100, 10.0), Limit(2, 86_400.0)], "0")],
)
def test_one_request_too_many_is_a_429_that_tells_which_limit_it_was(raw, contact, location, limits, daily):
    crowded = HighLevelSimulator(limits=limits)
    with Server(crowded) as server:
        replies = [raw.get(f"{server.url}/locations/{location}") for _ in range(3)]

    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert error(replies[2]) == (429, "Too Many Requests")
    headers = replies[2].headers
    assert headers["X-RateLimit-Daily-Remaining"] == daily
    assert headers["X-RateLimit-Interval-Milliseconds"] == "10000"
    assert int(headers["Retry-After"]) >= 1


def test_every_answer_tells_what_is_left_of_both_limits(raw, location):
    raw.get(f"/locations/{location}")

    headers = raw.get(f"/locations/{location}").headers

    assert (headers["X-RateLimit-Max"], headers["X-RateLimit-Remaining"]) == ("100", "98")
    assert (headers["X-RateLimit-Limit-Daily"], headers["X-RateLimit-Daily-Remaining"]) == (
        "200000",
        "199998",
    )
    assert 0 < int(headers["X-RateLimit-Daily-Reset"]) <= 86_400_000


def test_the_day_begins_with_its_first_request_and_not_at_midnight(raw, location):
    daily = HighLevelSimulator(limits=[Limit(100, 10.0), Limit(3, 86_400.0)])
    with Server(daily) as server:

        def ask():
            return raw.get(f"{server.url}/locations/{location}")

        daily.move_clock(5_000)
        first = ask()
        daily.move_clock(80_000)
        later = [ask(), ask(), ask()]
        daily.move_clock(6_399)
        still = ask()
        daily.move_clock(10)
        anew = ask()

    assert [one.status_code for one in (first, *later, still, anew)] == [200, 200, 200, 429, 429, 200]
    assert 86_399_000 < int(first.headers["X-RateLimit-Daily-Reset"]) <= 86_400_000
    assert 6_390_000 < int(later[0].headers["X-RateLimit-Daily-Reset"]) <= 6_400_000
    assert int(later[2].headers["Retry-After"]) <= 6_400
    assert anew.headers["X-RateLimit-Daily-Remaining"] == "2"


def test_the_ten_seconds_slide(raw, location):
    burst = HighLevelSimulator(limits=[Limit(2, 10.0), Limit(200_000, 86_400.0)])
    statuses = []
    with Server(burst) as server:
        for pause in (0, 6, 0, 5, 0):
            burst.move_clock(pause)
            statuses.append(raw.get(f"{server.url}/locations/{location}").status_code)

    assert statuses == [200, 200, 429, 200, 429]


def test_a_refusal_for_the_rate_need_not_say_how_long_to_wait(raw, location):
    crowded = HighLevelSimulator(limits=[Limit(1, 10.0), Limit(200_000, 86_400.0)])
    crowded.tells_wait = False
    with Server(crowded) as server:
        replies = [raw.get(f"{server.url}/locations/{location}") for _ in range(2)]

    assert replies[1].status_code == 429
    assert "Retry-After" not in replies[1].headers
    assert replies[1].headers["X-RateLimit-Interval-Milliseconds"] == "10000"


def test_the_door_for_apps_is_not_counted(raw, location):
    closed = HighLevelSimulator(limits=[Limit(1, 10.0), Limit(200_000, 86_400.0)])
    with Server(closed) as server:
        raw.get(f"{server.url}/locations/{location}")
        reply = raw.post(f"{server.url}/oauth/token", data={})

    assert error(reply) == (400, "Missing parameter: client_id")


def test_the_search_shows_deleted_tasks_where_it_is_told_to(raw, simulator, location, contact, task):
    raw.delete(f"/contacts/{contact}/tasks/{task}")
    assert raw.post(f"/locations/{location}/tasks/search", json={}).json()["tasks"] == []

    simulator.shows_deleted = True

    [row] = raw.post(f"/locations/{location}/tasks/search", json={}).json()["tasks"]
    assert (row["_id"], row["deleted"]) == (task, True)


def test_a_change_reaches_the_search_as_late_as_a_new_task(raw, simulator, location, contact, task):
    simulator.move_clock(60)
    simulator.find_lag = 30.0
    raw.put(f"/contacts/{contact}/tasks/{task}", json={"title": "Second"})
    simulator.move_clock(10)
    raw.put(f"/contacts/{contact}/tasks/{task}", json={"title": "Third"})
    seen = []
    for _ in range(3):
        seen += [
            row["title"] for row in raw.post(f"/locations/{location}/tasks/search", json={}).json()["tasks"]
        ]
        simulator.move_clock(21)

    assert seen == ["First Task", "Second", "Third"]


def test_ids_are_not_given_twice_also_after_a_reset(raw, simulator, contact, task):
    raw.post("/_sim/reset")
    again = simulator.seed({"contacts": [GRACE] * 50})["contacts"]

    assert len({contact, task, *again}) == 52


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 429, 500])
def test_a_fault_shows_the_vendors_own_error_body(raw, simulator, contact, status):
    simulator.fail_next("status", status=status)

    assert error(raw.get(f"/contacts/{contact}/tasks"))[0] == status


def test_a_gateways_error_is_a_web_page(raw, simulator, contact):
    simulator.fail_next("status", status=502)

    assert raw.get(f"/contacts/{contact}/tasks").text.startswith("<html>")
