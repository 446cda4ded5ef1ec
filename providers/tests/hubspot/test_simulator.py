"""The simulated HubSpot answers as HubSpot's documents say, asked by plain HTTP."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.simulator import Call
from providers.tests.hubspot.guide import CONTACTS, TASKS, TO_CONTACT, example

# The guide's own requests


def test_the_guide_s_create_makes_a_task_for_two_contacts(world, ask):
    status, _, told = ask("POST", TASKS, example(world))

    assert status == 201
    assert told["properties"]["hs_task_subject"] == "Follow-up for Brian Buyer"
    assert told["archived"] is False
    _, _, whole = ask("GET", f"{TASKS}/{told['id']}?associations=contacts")
    assert [one["id"] for one in whole["associations"]["contacts"]["results"]] == world.ids["contacts"]


def test_the_guide_s_update_closes_the_deal(world, ask, task_id):
    properties = {
        "hs_timestamp": "2019-10-30T03:30:17.883Z",
        "hs_task_subject": "Close deal",
        "hs_task_status": "COMPLETED",
    }

    status, _, told = ask("PATCH", f"{TASKS}/{task_id}", {"properties": properties})

    assert status == 200
    assert told["properties"]["hs_task_status"] == "COMPLETED"
    _, _, held = ask("GET", f"{TASKS}/{task_id}?properties=hs_task_completion_date,hs_task_is_completed")
    assert held["properties"]["hs_task_is_completed"] == "1"
    assert held["properties"]["hs_task_completion_date"].endswith("Z")


def test_an_empty_text_clears_a_property(ask, task_id):
    ask("PATCH", f"{TASKS}/{task_id}", {"properties": {"hs_task_body": ""}})

    _, _, told = ask("GET", f"{TASKS}/{task_id}?properties=hs_task_body")
    assert told["properties"]["hs_task_body"] is None


def test_a_task_is_read_with_what_was_asked_for_and_no_more(ask, task_id):
    _, _, bare = ask("GET", f"{TASKS}/{task_id}")
    _, _, asked = ask("GET", f"{TASKS}/{task_id}?properties=hs_task_subject,hs_task_queue")

    assert set(bare["properties"]) == {"hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    assert "associations" not in bare
    assert set(asked["properties"]) == {*bare["properties"], "hs_task_subject"}


@pytest.mark.parametrize("spelling", ["204", "task_to_contact"])
def test_the_guide_s_association_is_made_and_removed(world, ask, spelling):
    body = example(world) | {"associations": []}
    task_id = ask("POST", TASKS, body)[2]["id"]
    path = f"{TASKS}/{task_id}/associations/contacts/{world.ids['contacts'][0]}/{spelling}"

    assert ask("PUT", path)[0] == 200
    assert [one["contact"] for one in world.simulator.tasks()] == ["grace@client.example"]
    assert ask("DELETE", path)[0] == 204
    assert [one["contact"] for one in world.simulator.tasks()] == [None]


def test_a_task_is_pinned_on_a_record_that_it_is_associated_with(world, ask, task_id):
    grace, company = world.ids["contacts"][0], world.ids["companies"][0]
    pin = {"properties": {"hs_pinned_engagement_id": task_id}}

    assert ask("PATCH", f"{CONTACTS}/{grace}", pin)[0] == 200
    status, _, told = ask("PATCH", f"/crm/v3/objects/companies/{company}", pin)

    assert (status, told["category"]) == (400, "VALIDATION_ERROR")


def test_a_deleted_task_is_in_the_recycling_bin_until_a_person_restores_it(world, ask, task_id):
    assert ask("DELETE", f"{TASKS}/{task_id}")[0] == 204
    assert ask("DELETE", f"{TASKS}/{task_id}")[0] == 204
    assert ask("GET", f"{TASKS}/{task_id}")[0] == 404
    assert ask("GET", f"{TASKS}/{task_id}?archived=true")[2]["archivedAt"]
    assert [one["id"] for one in ask("GET", f"{TASKS}?archived=true")[2]["results"]] == [task_id]

    world.simulator.restore(task_id)

    assert ask("GET", f"{TASKS}/{task_id}")[0] == 200


def test_a_listing_pages(world, ask):
    ids = [ask("POST", TASKS, example(world))[2]["id"] for _ in range(5)]

    _, _, first = ask("GET", f"{TASKS}?limit=3&associations=contacts&properties=hs_task_subject")
    _, _, second = ask("GET", f"{TASKS}?limit=3&after={first['paging']['next']['after']}")

    assert [one["id"] for one in first["results"] + second["results"]] == ids
    assert "paging" not in second
    assert len(first["results"][0]["associations"]["contacts"]["results"]) == 2


def test_a_listing_names_the_properties_asked_for(world, ask):
    created = ask("POST", TASKS, example(world))[2]

    _, _, asked = ask("GET", f"{TASKS}?properties=hs_task_subject,hs_task_priority")
    _, _, unasked = ask("GET", TASKS)

    (named,), (plain,) = asked["results"], unasked["results"]
    assert named["properties"]["hs_task_subject"] == created["properties"]["hs_task_subject"]
    assert "hs_task_priority" in named["properties"]
    assert "hs_task_status" not in named["properties"]
    assert "hs_task_subject" not in plain["properties"]


# Refusals


@pytest.mark.parametrize(
    ("changed", "status", "category"),
    [
        ({"Authorization": None}, 401, "INVALID_AUTHENTICATION"),
        ({"Authorization": "Bearer pat-wrong"}, 401, "INVALID_AUTHENTICATION"),
        ({"Authorization": "pat-eu1-0b1cd2ef-simulated-token-4711"}, 401, "INVALID_AUTHENTICATION"),
        ({"Content_Type": None}, 415, "VALIDATION_ERROR"),
        ({"Content_Type": "text/plain"}, 415, "VALIDATION_ERROR"),
    ],
)
def test_a_wrong_header_is_refused(world, ask, changed, status, category):
    answer = ask("POST", TASKS, example(world), **changed)

    assert (answer[0], answer[2]["status"], answer[2]["category"]) == (status, "error", category)
    assert answer[2]["correlationId"]
    assert world.simulator.tasks() == []


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"hs_task_status": "DONE"}, "INVALID_OPTION"),
        ({"hs_task_status": "not_started"}, "INVALID_OPTION"),
        ({"hs_task_priority": "URGENT"}, "INVALID_OPTION"),
        ({"hs_task_reminders": "2026-10-05T08:00:00Z"}, "INVALID_LONG"),
        ({"hs_timestamp": "2026-10-05"}, "INVALID_DATE"),
        ({"hs_timestamp": "2026-10-05T08:00:00+02:00"}, "INVALID_DATE"),
        ({"hubspot_owner_id": "12"}, "INVALID_OWNER_ID"),
        ({"hs_task_subject": ["a"]}, "INVALID_FORMAT"),
        ({"hs_task_colour": "red"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_task_completion_date": "1791187200000"}, "READ_ONLY_VALUE"),
    ],
)
def test_a_value_that_is_not_valid_is_refused_and_named(world, ask, properties, reason):
    status, _, told = ask("POST", TASKS, example(world, **properties))

    assert (status, told["category"]) == (400, "VALIDATION_ERROR")
    assert told["errors"][0]["code"] == reason
    assert told["errors"][0]["context"]["propertyName"] == list(properties)
    assert told["message"].startswith("Property values were not valid: [{")


@pytest.mark.parametrize(
    "body",
    [
        "{broken",
        [],
        {},
        {"properties": {"hs_task_subject": "No due date"}},
        {"properties": {"hs_timestamp": "1"}, "assocations": []},
        {"properties": {"hs_timestamp": "1"}, "associations": [{"to": {"id": "1"}}]},
        {"properties": {"hs_timestamp": "1"}, "associations": [{"to": "1", "types": TO_CONTACT}]},
        {"properties": {"hs_timestamp": "1"}, "associations": [{"to": {"id": "1"}, "types": TO_CONTACT}]},
    ],
)
def test_a_body_of_another_shape_is_refused(world, ask, body):
    status, _, told = ask("POST", TASKS, body)

    assert (status, told["category"]) == (400, "VALIDATION_ERROR")
    assert world.simulator.tasks() == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/crm/v3/objects/tasks/12", 404),
        ("PATCH", "/crm/v3/objects/tasks/12", 404),
        ("DELETE", "/crm/v3/objects/tasks/12", 204),
        ("GET", "/crm/v3/objects/unicorns", 400),
        ("GET", "/crm/v3/objects/tasks?limit=101", 400),
        ("GET", "/crm/v3/tasks", 404),
        ("GET", "/crm/v3/properties/tasks/colour", 404),
        ("GET", "/crm/v3/owners/12", 404),
        ("GET", "/crm/v3/objects/tasks/x?idProperty=hs_task_subject", 400),
    ],
)
def test_what_is_not_there_is_said_so(ask, method, path, status):
    body = {"properties": {}} if method == "PATCH" else None

    assert ask(method, path, body)[0] == status


def test_an_association_of_the_wrong_type_is_refused(world, ask, task_id):
    wrong = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 192}]
    path = f"/crm/v4/objects/0-27/{task_id}/associations/0-1/{world.ids['contacts'][0]}"

    assert ask("PUT", path, wrong)[0] == 400
    assert ask("PUT", path, TO_CONTACT)[0] == 201


def test_a_token_without_the_scope_is_told_which(world, ask):
    world.simulator.scopes.discard("crm.objects.contacts.write")

    status, _, told = ask("POST", TASKS, example(world))

    assert (status, told["category"]) == (403, "MISSING_SCOPES")
    assert told["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]
    assert ask("GET", TASKS)[0] == 200


def test_an_e_mail_is_unique(world, ask):
    status, _, told = ask("POST", CONTACTS, {"properties": {"email": "Grace@Client.Example"}})

    assert (status, told["category"]) == (409, "CONFLICT")
    assert told["message"] == f"Contact already exists. Existing ID: {world.ids['contacts'][0]}"


def test_a_unique_property_is_unique_until_its_task_is_deleted(world, ask):
    first = ask("POST", TASKS, example(world, hub_task_key="k1"))[2]["id"]

    status, _, told = ask("POST", TASKS, example(world, hub_task_key="k1"))

    assert status == 400
    assert told["message"].endswith(f"{first} already has that value.")
    assert ask("GET", f"{TASKS}/k1?idProperty=hub_task_key")[2]["id"] == first
    ask("DELETE", f"{TASKS}/{first}")
    assert ask("GET", f"{TASKS}/k1?idProperty=hub_task_key")[0] == 404
    assert ask("POST", TASKS, example(world, hub_task_key="k1"))[0] == 201


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("crm.objects.companies.write", "POST", "/crm/v4/associations/0-27/0-2/batch/create"),
        ("crm.objects.deals.read", "GET", "/crm/v4/associations/tasks/deals/labels"),
        ("tickets", "PUT", "/crm/v4/objects/tasks/1/associations/default/tickets/2"),
        ("tickets", "PUT", "/crm/objects/2026-03/tasks/1/associations/tickets/2"),
        ("crm.objects.companies.write", "PUT", "/crm/v3/objects/tasks/1/associations/company/2/192"),
        ("crm.objects.deals.write", "PATCH", "/crm/objects/2026-09/deals/1"),
    ],
)
def test_both_ends_of_an_association_need_their_scope(world, ask, scope, method, path):
    world.simulator.scopes.discard(scope)

    status, _, told = ask(method, path, {})

    assert (status, told["errors"][0]["context"]["requiredGranularScopes"]) == (403, [scope])


# Limits


def test_one_request_too_many_is_a_429_with_the_policy(world):
    limits = [replace(limit, calls=2) for limit in world.simulator.limits]
    for path, policy in ((TASKS, "TEN_SECONDLY_ROLLING"), (f"{TASKS}/search", "SECONDLY")):
        told = over_the_limit(type(world.simulator)(limits=[limits[0], *limits[2:]]), path)
        assert (told["errorType"], told["policyName"], told["status"]) == ("RATE_LIMIT", policy, "error")


def over_the_limit(simulator, path):
    call = call_of(simulator, path)
    answers = [simulator.answer(call) for _ in range(3)]
    assert [one.status for one in answers] == [200, 200, 429]
    assert "Retry-After" not in answers[2].headers
    simulator.move_clock(11)
    assert simulator.answer(call).status == 200
    return answers[2].body


def call_of(simulator, path):
    headers = {
        "authorization": f"Bearer {simulator.secret['access_token']}",
        "content-type": "application/json",
    }
    method = "POST" if path.endswith("search") else "GET"
    return Call(method, path, {}, headers, b"{}" if method == "POST" else b"")


def test_answers_tell_what_is_left_but_not_those_of_a_search(ask):
    headers = ask("GET", TASKS)[1]

    assert headers["x-hubspot-ratelimit-max"] == "190"
    assert int(headers["x-hubspot-ratelimit-remaining"]) < 190
    assert headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    assert not [name for name in ask("POST", f"{TASKS}/search", {})[1] if "ratelimit" in name]


# Owners, properties, and the simulator's own pages


def test_owners_are_found_by_e_mail_and_by_either_id(world, ask):
    [ada] = ask("GET", "/crm/v3/owners?email=ada@hub.example")[2]["results"]

    assert ada["id"] == world.ids["users"][0]
    assert ask("GET", f"/crm/v3/owners/{ada['userId']}?idProperty=userId")[2]["id"] == ada["id"]
    assert ask("GET", "/crm/v3/owners?archived=true")[2]["results"] == []


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, 201),
        ({"name": "hub_task_key"}, 409),
        ({"name": "Upper"}, 400),
        ({"colour": "red"}, 400),
        ({"groupName": None}, 400),
    ],
)
def test_a_property_is_made_once_and_with_all_that_it_needs(ask, changed, status):
    body = {
        "name": "k2",
        "label": "K2",
        "groupName": "taskinformation",
        "type": "string",
        "fieldType": "text",
    }
    body = {name: value for name, value in {**body, **changed}.items() if value is not None}

    assert ask("POST", "/crm/v3/properties/tasks", body)[0] == status


def test_an_account_has_at_most_ten_unique_properties(ask):
    body = {"label": "K", "groupName": "g", "type": "string", "fieldType": "text", "hasUniqueValue": True}

    answers = [ask("POST", "/crm/v3/properties/tasks", {**body, "name": f"k{n}"})[0] for n in range(10)]

    assert answers == [201] * 9 + [400]


def test_ids_are_never_given_twice_even_after_a_reset(world, ask):
    before = {task["id"] for task in world.simulator.tasks()} | set(world.ids["contacts"])
    ask("POST", "/_sim/reset")

    after = world.simulator.seed({"contacts": [{"email": "grace@client.example"}]})["contacts"]

    assert not before & set(after)


def test_the_fault_menu_shows_hubspot_s_own_error_bodies(world, ask):
    for status in (400, 403, 404, 409, 423, 477, 502):
        world.simulator.fail_next("status", status=status)
        answer = ask("GET", TASKS)
        assert (answer[0], answer[2]["status"]) == (status, "error")
