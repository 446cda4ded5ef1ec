"""The simulated LeadLex over plain HTTP: what the vendor's pages show works, what they refuse is refused in their words."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from providers.capabilities import Limit
from providers.leadlex.simulator import LeadLexSimulator
from providers.simulator import Server

# The same in every process: parallel ones must collect the same tests.
NOBODY = "00000000-0000-4000-8000-000000000000"

HANS = "789e0123-e45b-67c8-a901-234567890abc"
GATEWAY = "/functions/v1/api-gateway"
ORPHAN = {
    "error": {
        "code": "validation_error",
        "message": "At least one parent link (contact_id, company_id, deal_id, or event_id) is required",
    }
}
MADE = {
    "id",
    "title",
    "status",
    "priority",
    "due_date",
    "assigned_to_user_id",
    "contact_id",
    "deal_id",
    "event_id",
    "created_date",
}
# The example on the page that tells how to create a task.
EXAMPLE = {
    "title": "Follow up with Hans Müller",
    "due_date": "2026-03-10",
    "priority": "high",
    "contact_id": HANS,
}


@pytest.fixture
def hans(simulator):
    simulator.seed(
        {
            "contacts": [
                {"id": HANS, "first_name": "Hans", "last_name": "Müller", "email": "hans@client.example"}
            ]
        }
    )
    return HANS


@pytest.fixture
def task(send, hans):
    return send("POST", "/v1/tasks", EXAMPLE)[1]["data"]["id"]


def code_of(answer):
    status, body, _headers = answer
    return status, body["error"]["code"]


# Creating a task: the page's example, fields and errors


@pytest.mark.parametrize("prefix", ["", GATEWAY])
def test_the_pages_example_is_answered_as_documented(send, hans, prefix):
    status, body, _headers = send("POST", f"{prefix}/v1/tasks", EXAMPLE)

    assert status == 201
    assert body["data"].keys() == MADE
    assert {name: body["data"][name] for name in EXAMPLE} == EXAMPLE
    assert body["data"]["status"] == "open"
    assert uuid.UUID(body["data"]["id"])


def test_every_field_on_the_page_is_taken(send, simulator, ids):
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    whole = {
        "title": "Send engagement letter",
        "description": "Draft is in the folder.",
        "status": "in_progress",
        "priority": "low",
        "task_type": "follow_up",
        "due_date": "2026-03-10T09:30:00Z",
        "assignee_id": ids["users"][0],
        "contact_name": "edith clarke",
        "company_name": "Power",
        "deal_id": ids["deals"][0],
        "event_id": ids["events"][0],
        "created_date": now,
    }

    made = send("POST", "/v1/tasks", whole)[1]["data"]

    assert made["assigned_to_user_id"] == ids["users"][0]
    assert made["contact_id"] == ids["contacts"][1]
    assert made["created_date"] == now
    shown = send("GET", f"/v1/tasks/{made['id']}")[1]["data"]["task"]
    assert (shown["description"], shown["task_type"]) == ("Draft is in the folder.", "follow_up")


def test_a_task_without_parent_is_refused_as_the_page_shows(send):
    assert send("POST", "/v1/tasks", {"title": "Alone"})[:2] == (400, ORPHAN)


def test_a_company_alone_is_no_parent(send, ids):
    assert send("POST", "/v1/tasks", {"title": "Alone", "company_name": "Power Lines"})[:2] == (400, ORPHAN)


def test_a_name_that_nobody_has_leaves_an_orphan(send, ids):
    assert send("POST", "/v1/tasks", {"title": "Alone", "contact_name": "Nobody"})[:2] == (400, ORPHAN)


def test_a_key_without_the_permission_is_refused_as_the_page_says(send, simulator, hans):
    simulator.permissions.remove("activities:write")

    status, body, _headers = send("POST", "/v1/tasks", EXAMPLE)

    assert status == 403
    assert body == {
        "error": {"code": "insufficient_permissions", "message": "Missing activities:write permission"}
    }


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"title": None}, "title"),
        ({"title": ""}, "title"),
        ({"title": 7}, "title"),
        ({"description": None}, "description"),
        ({"status": "dismissed"}, "status"),
        ({"status": "done"}, "status"),
        ({"priority": "urgent"}, "priority"),
        ({"due_date": "tomorrow"}, "due_date"),
        ({"due_date": 1773100800}, "due_date"),
        ({"contact_id": "789"}, "contact_id"),
        ({"contact_id": str(uuid.uuid4())}, "contact_id"),
        ({"deal_id": str(uuid.uuid4())}, "deal_id"),
        ({"event_id": str(uuid.uuid4())}, "event_id"),
        ({"assignee_id": str(uuid.uuid4())}, "assignee_id"),
        ({"created_date": "2026-03-10"}, "created_date"),
        ({"assigned_to_user_id": "x"}, "assigned_to_user_id"),
        ({"reminder": "2026-03-10"}, "reminder"),
    ],
)
def test_a_value_that_does_not_fit_is_named(send, simulator, hans, change, name):
    status, body, _headers = send("POST", "/v1/tasks", {**EXAMPLE, **change})

    assert (status, body["error"]["code"]) == (400, "validation_error")
    assert list(body["error"]["details"]["fields"]) == [name]
    assert simulator.tasks() == []


def test_a_missing_title_is_refused(send, hans):
    answer = send("POST", "/v1/tasks", {"contact_id": hans})

    assert code_of(answer) == (400, "validation_error")
    assert answer[1]["error"]["details"] == {"fields": {"title": "Required"}}


def test_a_name_of_several_is_refused_with_their_ids_in_the_message(send, simulator, hans):
    [other] = simulator.seed({"contacts": [{"first_name": "Hanna", "last_name": "Müller"}]})["contacts"]

    status, body, _headers = send("POST", "/v1/tasks", {"title": "Call", "contact_name": "han müller"})

    assert (status, body["error"]["code"]) == (400, "ambiguous_reference")
    assert hans in body["error"]["message"]
    assert other in body["error"]["message"]


def test_the_id_wins_over_the_name(send, ids, hans):
    made = send("POST", "/v1/tasks", {**EXAMPLE, "contact_name": "Edith Clarke"})[1]["data"]

    assert made["contact_id"] == hans


@pytest.mark.parametrize(
    ("ago", "is_kept"),
    [
        (timedelta(hours=1), True),
        (timedelta(days=5 * 365), True),
        (timedelta(days=6 * 365), False),
        (timedelta(hours=-23), True),
        (timedelta(hours=-25), False),
    ],
)
def test_the_moment_of_creation_is_kept_within_its_bounds(send, simulator, hans, ago, is_kept):
    asked = (simulator.now() - ago).isoformat(timespec="milliseconds")

    kept = send("POST", "/v1/tasks", {**EXAMPLE, "created_date": asked})[1]["data"]["created_date"]

    assert (kept == asked) is is_kept
    assert kept


# The gateway


@pytest.mark.parametrize("value", [None, "Bearer wbk_other", "wbk_live_simulated0workspace0key", "Bearer "])
def test_a_wrong_or_missing_key_is_refused(send, value):
    answer = send("GET", "/v1/tasks", headers={"Authorization": value and value.strip()})

    assert code_of(answer) == (401, "invalid_key")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (EXAMPLE, {"Content-Type": None}),
        (EXAMPLE, {"Content-Type": "text/plain"}),
        (b'{"title": "Ca', {}),
        (b"", {}),
        ([EXAMPLE], {}),
        ("title", {}),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(send, hans, body, headers):
    assert code_of(send("POST", "/v1/tasks", body, headers=headers)) == (400, "validation_error")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/nothing"), ("PUT", "/v1/tasks"), ("GET", "/v2/tasks"), ("DELETE", f"/v1/contacts/{HANS}")],
)
def test_a_path_that_is_not_there_is_not_found(send, method, path):
    assert code_of(send(method, path)) == (404, "not_found")


def test_every_answer_has_an_id_and_the_days_quota(send):
    before = send("GET", "/v1/users")[2]
    after = send("GET", "/v1/tasks/none")[2]

    assert before["x-request-id"] != after["x-request-id"]
    assert after["x-ratelimit-limit"] == "10000"
    assert int(before["x-ratelimit-remaining"]) - int(after["x-ratelimit-remaining"]) == 1
    assert int(after["x-ratelimit-reset"]) % 86_400 == 0


class TestThrottling:
    @pytest.fixture
    def simulator(self):
        """A workspace of three calls a minute and five a day."""
        return LeadLexSimulator(limits=(Limit(5, 86_400.0, is_fixed=True), Limit(3, 60.0)))

    def statuses(self, send, calls):
        return [send("GET", "/v1/users")[0] for _ in range(calls)]

    def test_a_full_minute_is_refused_in_the_vendors_words(self, send):
        assert self.statuses(send, 3) == [200] * 3

        status, body, headers = send("GET", "/v1/users")

        assert status == 429
        assert body == {"error": {"code": "rate_limited", "message": "Rate limit exceeded"}}
        assert headers["x-ratelimit-remaining"] == "2"
        assert "retry-after" not in headers

    def test_a_spent_day_ends_at_midnight(self, send, simulator):
        midnight = -simulator.now().timestamp() % 86_400
        simulator.move_clock(midnight + 10)
        self.statuses(send, 3)
        simulator.move_clock(61)
        assert self.statuses(send, 2) == [200] * 2

        status, _body, headers = send("GET", "/v1/users")
        assert (status, headers["x-ratelimit-remaining"]) == (429, "0")

        simulator.move_clock(86_400 - 71)
        assert self.statuses(send, 1) == [200]


def test_the_org_plan_is_what_a_workspace_begins_with(simulator):
    assert simulator.limits == (Limit(10_000, 86_400.0, is_fixed=True), Limit(200, 60.0))
    assert simulator.setting == {"plan": "org"}


def test_a_fault_of_the_gateway_is_plain_text(send, simulator):
    simulator.fail_next("status", status=502)

    assert send("GET", "/v1/users")[:2] == (502, "Internal Server Error")


# Tasks


def test_a_task_is_shown_with_what_it_hangs_on(send, task, hans):
    shown = send("GET", f"/v1/tasks/{task}")[1]["data"]["task"]

    assert shown["contact"] == {"id": hans, "full_name": "Hans Müller"}
    assert shown["updated_date"] is None


def test_tasks_are_listed_in_pages(send, task, hans):
    for _ in range(2):
        send("POST", "/v1/tasks", EXAMPLE)

    status, body, _headers = send("GET", "/v1/tasks?page=2&per_page=2")

    assert status == 200
    assert [row["id"] for row in body["data"]["tasks"]] == [task]
    assert body["meta"] == {"page": 2, "per_page": 2, "total": 3}


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"contact_id={HANS}", 1),
        (f"contact_id={NOBODY}", 0),
        ("deal_id=x", 0),
        ("assignee_id=x", 0),
        ("status=open", 1),
        ("status=pending", 1),
        ("status=completed", 0),
    ],
)
def test_tasks_are_filtered(send, task, query, count):
    assert send("GET", f"/v1/tasks?{query}")[1]["meta"]["total"] == count


@pytest.mark.parametrize(
    "query", ["per_page=101", "page=0", "page=x", "status=done", "event_id=x", "updated_after=2026-01-01"]
)
def test_a_filter_that_is_not_documented_is_refused(send, query):
    assert code_of(send("GET", f"/v1/tasks?{query}")) == (400, "validation_error")


def test_a_change_touches_what_is_sent_and_nothing_else(send, task):
    before = send("GET", f"/v1/tasks/{task}")[1]["data"]["task"]

    status, body, _headers = send("PATCH", f"/v1/tasks/{task}", {"status": "completed", "due_date": None})

    assert status == 200
    changed = {name for name, value in body["data"].items() if value != before[name]}
    assert changed == {"status", "due_date", "updated_date"}


@pytest.mark.parametrize(
    "change",
    [
        {"title": None},
        {"status": None},
        {"status": "dismissed"},
        {"created_date": "2026-03-01T09:00:00Z"},
        {"contact_id": None},
        [],
    ],
)
def test_a_change_that_does_not_fit_is_refused(send, task, change):
    assert code_of(send("PATCH", f"/v1/tasks/{task}", change)) == (400, "validation_error")


def test_a_deleted_task_is_gone_for_every_call(send, simulator, task):
    assert send("DELETE", f"/v1/tasks/{task}")[:2] == (204, "")

    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        assert code_of(send(method, f"/v1/tasks/{task}", body)) == (404, "not_found")
    assert send("GET", "/v1/tasks")[1]["meta"]["total"] == 0
    assert [one["deleted"] for one in simulator.tasks()] == [True]


def test_an_idempotency_key_is_ignored_unless_it_is_switched_on(send, simulator, hans):
    def made():
        return send("POST", "/v1/tasks", EXAMPLE, headers={"Idempotency-Key": "a"})[1]["data"]["id"]

    assert made() != made()
    simulator.replays_keys = True
    assert made() == made()
    simulator.move_clock(25 * 3600)
    before = len(simulator.tasks())
    made()
    assert len(simulator.tasks()) == before + 1


# People and records


@pytest.mark.parametrize(
    ("body", "first", "last"),
    [
        ({"full_name": "Müller, Hans"}, "Hans", "Müller"),
        ({"full_name": "Anna van der Berg"}, "Anna van der", "Berg"),
        ({"first_name": "Anna", "last_name": "van der Berg"}, "Anna", "van der Berg"),
        ({"email": "grace.hopper@client.example"}, "Grace", "Hopper"),
    ],
)
def test_names_are_split_and_derived_as_the_page_says(send, body, first, last):
    made = send("POST", "/v1/contacts", body)[1]["data"]

    assert (made["first_name"], made["last_name"], made["full_name"]) == (first, last, f"{first} {last}")


@pytest.mark.parametrize(
    "body", [{}, {"phone": "+1"}, {"first_name": "A", "company_name": "B"}, {"first_name": "A", "tags": "x"}]
)
def test_a_contact_that_does_not_fit_is_refused(send, body):
    assert code_of(send("POST", "/v1/contacts", body)) == (400, "validation_error")


@pytest.mark.parametrize(("switch", "status"), [("existing", 200), ("conflict", 409), ("second", 201)])
def test_a_second_contact_of_one_e_mail_is_answered_as_the_switch_says(send, simulator, hans, switch, status):
    simulator.duplicate_contacts = switch

    assert send("POST", "/v1/contacts", {"email": "Hans@client.example"})[0] == status


def test_notes_are_added_to_and_the_company_has_another_name_on_update(send, hans):
    send("PATCH", f"/v1/contacts/{hans}", {"notes": "one ", "company_name": "Mills"})

    changed = send("PATCH", f"/v1/contacts/{hans}", {"notes": "two"})[1]["data"]

    assert (changed["notes"], changed["company_name"]) == ("one two", "Mills")
    assert code_of(send("PATCH", f"/v1/contacts/{hans}", {"company": "Mills"})) == (400, "validation_error")


@pytest.mark.parametrize(
    ("path", "part", "count"),
    [
        ("/v1/contacts?search=grace", "contacts", 1),
        ("/v1/contacts?search=client.example", "contacts", 2),
        ("/v1/contacts?sort=-updated_date&per_page=1", "contacts", 1),
        ("/v1/companies?search=power", "companies", 1),
        ("/v1/deals", "deals", 2),
        ("/v1/users", "users", 2),
    ],
)
def test_people_and_records_are_listed(send, ids, path, part, count):
    status, body, _headers = send("GET", path)

    assert (status, len(body["data"][part])) == (200, count)


@pytest.mark.parametrize("path", ["/v1/contacts", "/v1/deals", "/v1/tasks"])
def test_an_id_that_nobody_has_is_not_found(send, path):
    assert code_of(send("GET", f"{path}/{uuid.uuid4()}")) == (404, "not_found")


def test_a_deal_and_a_contact_are_shown_in_their_own_shapes(send, ids):
    assert send("GET", f"/v1/deals/{ids['deals'][0]}")[1]["data"]["deal"]["name"] == "New compiler"
    assert send("GET", f"/v1/contacts/{ids['contacts'][0]}")[1]["data"]["full_name"] == "Grace Hopper"


def test_two_workspaces_share_no_ids():
    one, other = LeadLexSimulator(), LeadLexSimulator()
    world = {"deals": [{"name": "Same"}], "tickets": [{"name": "Same"}]}

    assert one.seed(world)["deals"] != other.seed(world)["deals"]
    assert one.seed(world)["tickets"] == []


def test_a_reset_empties_the_workspace_and_keeps_its_limits(send, simulator, task):
    simulator.open_reads_as_pending = True

    send("POST", "/_sim/reset", {})

    assert simulator.tasks() == simulator.contacts() == []
    assert not simulator.open_reads_as_pending
    assert send("GET", "/v1/users")[2]["x-ratelimit-remaining"] == "9999"


def test_a_body_is_shown_as_a_reader_of_the_markdown_sees_it(send, simulator, hans):
    send("POST", "/v1/tasks", {**EXAMPLE, "description": "a\\_b \\*c\\* \\\\\\\nR&amp;D"})

    assert [task["body"] for task in simulator.tasks()] == ["a_b *c* \\\nR&D"]


def test_a_simulator_runs_on_a_port_of_its_own():
    with Server(LeadLexSimulator()) as one, Server(LeadLexSimulator()) as other:
        assert one.url != other.url
