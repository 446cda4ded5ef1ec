"""The batches, the search and the associations of the simulated HubSpot, asked by plain HTTP."""

from __future__ import annotations

import pytest

from providers.tests.hubspot.guide import TASKS, TO_CONTACT, example

# Batches


def inputs(world, *changes, trace=True):
    return {
        "inputs": [
            {**example(world, **one), **({"objectWriteTraceId": f"t{n}"} if trace else {})}
            for n, one in enumerate(changes)
        ]
    }


def test_a_batch_with_trace_ids_tells_each_item_s_fate(world, ask):
    status, _, told = ask("POST", f"{TASKS}/batch/create", inputs(world, {}, {"hs_task_status": "DONE"}, {}))

    assert (status, told["status"], told["numErrors"]) == (207, "COMPLETE", 1)
    assert {one["objectWriteTraceId"] for one in told["results"]} == {"t0", "t2"}
    assert told["errors"][0]["context"]["objectWriteTraceId"] == ["t1"]
    assert len(world.simulator.tasks()) == 2


def test_a_batch_without_trace_ids_is_all_or_nothing(world, ask):
    path = f"{TASKS}/batch/create"

    assert ask("POST", path, inputs(world, {}, {"hs_task_status": "DONE"}, trace=False))[0] == 400
    assert world.simulator.tasks() == []
    assert ask("POST", path, inputs(world, {}, {}, trace=False))[0] == 201


@pytest.mark.parametrize("verb", ["create", "update", "read", "archive", "upsert"])
def test_a_batch_takes_a_hundred_and_each_id_once(ask, verb):
    more = {"create": {"properties": {}}, "update": {"properties": {}}, "upsert": {"properties": {}}}.get(
        verb, {}
    )
    around = {"properties": []} if verb == "read" else {}
    crowd = [{**more, **({} if verb == "create" else {"id": str(n)})} for n in range(101)]
    twice = [{**more, "id": "1"}, {**more, "id": "1"}]

    assert ask("POST", f"{TASKS}/batch/{verb}", {"inputs": crowd, **around})[0] == 400
    assert ask("POST", f"{TASKS}/batch/{verb}", {"inputs": twice, **around})[0] == 400
    assert ask("POST", f"{TASKS}/batch/{verb}", {**around})[0] == 400


def test_a_batch_of_reads_names_what_is_missing(ask, task_id):
    body = {
        "inputs": [{"id": task_id}, {"id": "12"}],
        "properties": ["hs_task_subject"],
        "propertiesWithHistory": [],
    }

    status, _, told = ask("POST", f"{TASKS}/batch/read", body)

    assert status == 207
    assert [one["id"] for one in told["results"]] == [task_id]
    assert (told["errors"][0]["category"], told["errors"][0]["context"]["ids"]) == (
        "OBJECT_NOT_FOUND",
        ["12"],
    )


def test_an_upsert_by_the_unique_property_makes_and_then_changes(world, ask):
    one = {"id": "k1", "idProperty": "hub_task_key", "properties": {"hs_timestamp": "1791187200000"}}

    first = ask("POST", f"{TASKS}/batch/upsert", {"inputs": [one]})[2]["results"][0]
    again = ask("POST", f"{TASKS}/batch/upsert", {"inputs": [one]})[2]["results"][0]

    assert (first["new"], again["new"], first["id"]) == (True, False, again["id"])
    assert ask("POST", f"{TASKS}/batch/upsert", {"inputs": [{**one, "idProperty": "hs_object_id"}]})[0] == 400


def test_a_batch_archives(world, ask, task_id):
    assert ask("POST", f"{TASKS}/batch/archive", {"inputs": [{"id": task_id}, {"id": "12"}]})[0] == 204
    assert [one["deleted"] for one in world.simulator.tasks()] == [True]


# Search


@pytest.mark.parametrize(
    ("filters", "is_found"),
    [
        ([{"propertyName": "hs_task_status", "operator": "EQ", "value": "WAITING"}], True),
        ([{"propertyName": "hs_task_status", "operator": "NEQ", "value": "WAITING"}], False),
        ([{"propertyName": "hs_task_priority", "operator": "IN", "values": ["high", "low"]}], True),
        ([{"propertyName": "hs_task_priority", "operator": "IN", "values": ["HIGH"]}], False),
        ([{"propertyName": "hs_task_reminders", "operator": "NOT_HAS_PROPERTY"}], True),
        ([{"propertyName": "hs_task_subject", "operator": "CONTAINS_TOKEN", "value": "Brian"}], True),
        ([{"propertyName": "hs_task_subject", "operator": "CONTAINS_TOKEN", "value": "Bri"}], False),
        ([{"propertyName": "hs_task_subject", "operator": "CONTAINS_TOKEN", "value": "Bri*"}], True),
        ([{"propertyName": "hs_timestamp", "operator": "GTE", "value": "1572406217883"}], True),
        ([{"propertyName": "hs_timestamp", "operator": "GT", "value": "1572406217883"}], False),
        (
            [
                {
                    "propertyName": "hs_timestamp",
                    "operator": "BETWEEN",
                    "value": "0",
                    "highValue": "9999999999999",
                }
            ],
            True,
        ),
    ],
)
def test_a_search_filters(ask, task_id, filters, is_found):
    status, _, told = ask("POST", f"{TASKS}/search", {"filterGroups": [{"filters": filters}]})

    assert (status, [one["id"] for one in told["results"]]) == (200, [task_id] if is_found else [])


def test_a_search_by_contact_and_by_words(world, ask, task_id):
    by_contact = {"propertyName": "associations.contact", "operator": "EQ", "value": world.ids["contacts"][0]}

    assert ask("POST", f"{TASKS}/search", {"filterGroups": [{"filters": [by_contact]}]})[2]["total"] == 1
    assert ask("POST", f"{TASKS}/search", {"query": "proposal brian"})[2]["total"] == 1
    assert ask("POST", f"{TASKS}/search", {"query": "nobody"})[2]["total"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"after": "10000"},
        {"after": "x"},
        {"query": "x" * 3000},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [{"propertyName": "hs_task_type", "operator": "HAS_PROPERTY"}] * 7}]},
        {"filterGroups": [{"filters": [{"propertyName": "hs_task_type", "operator": "LIKE", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "colour", "operator": "EQ", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "hs_task_type", "operator": "EQ"}]}]},
        {"sorts": ["hs_createdate", "hs_timestamp"]},
        {"archived": True},
    ],
)
def test_a_search_beyond_the_documented_limits_is_refused(ask, body):
    assert ask("POST", f"{TASKS}/search", body)[0] == 400


def test_a_search_is_ordered_and_pages(world, ask):
    for year in (2027, 2025, 2026):
        ask("POST", TASKS, example(world, hs_timestamp=f"{year}-01-01T00:00:00Z"))
    body = {
        "sorts": [{"propertyName": "hs_timestamp", "direction": "ASCENDING"}],
        "properties": ["hs_timestamp"],
        "limit": 2,
    }

    _, _, first = ask("POST", f"{TASKS}/search", body)
    _, _, second = ask("POST", f"{TASKS}/search", {**body, "after": first["paging"]["next"]["after"]})

    years = [one["properties"]["hs_timestamp"][:4] for one in first["results"] + second["results"]]
    assert (first["total"], years) == (3, ["2025", "2026", "2027"])
    assert "paging" not in second


def test_search_is_behind_and_never_shows_what_was_deleted(world, ask):
    world.simulator.find_lag = 10.0
    task_id = ask("POST", TASKS, example(world))[2]["id"]

    assert ask("POST", f"{TASKS}/search", {})[2]["total"] == 0
    assert ask("GET", f"{TASKS}/{task_id}")[0] == 200
    world.simulator.move_clock(11)
    assert ask("POST", f"{TASKS}/search", {})[2]["total"] == 1
    ask("DELETE", f"{TASKS}/{task_id}")
    assert ask("POST", f"{TASKS}/search", {})[2]["total"] == 0


# Associations of v4


def test_the_association_paths_agree_with_each_other(world, ask, task_id):
    grace = world.ids["contacts"][0]
    pair = f"/crm/v4/objects/tasks/{task_id}/associations/contacts/{grace}"
    many = "/crm/v4/associations/tasks/contacts"

    assert ask("DELETE", pair)[0] == 204
    assert ask("GET", f"/crm/v4/objects/0-1/{grace}/associations/0-27")[2]["results"] == []
    assert ask("PUT", pair.replace("associations/", "associations/default/"))[0] == 200
    [held] = ask("GET", f"/crm/v4/objects/0-1/{grace}/associations/0-27")[2]["results"]
    assert (held["toObjectId"], held["associationTypes"][0]["typeId"]) == (task_id, 203)
    assert (
        ask("POST", f"{many}/batch/archive", {"inputs": [{"from": {"id": task_id}, "to": [{"id": grace}]}]})[
            0
        ]
        == 204
    )
    link = {"from": {"id": task_id}, "to": {"id": grace}}
    assert ask("POST", f"{many}/batch/create", {"inputs": [{**link, "types": TO_CONTACT}]})[0] == 201
    assert ask("POST", f"{many}/batch/associate/default", {"inputs": [link]})[0] == 200
    [read] = ask("POST", f"{many}/batch/read", {"inputs": [{"id": task_id}]})[2]["results"]
    assert sorted(one["toObjectId"] for one in read["to"]) == sorted(world.ids["contacts"])
    assert ask("GET", f"{many}/labels")[2]["results"][0]["typeId"] == 204


def test_a_batch_of_associations_names_what_was_refused(ask, task_id):
    body = {"inputs": [{"from": {"id": task_id}, "to": {"id": "12"}, "types": TO_CONTACT}]}

    status, _, told = ask("POST", "/crm/v4/associations/tasks/contacts/batch/create", body)

    assert (status, told["numErrors"], told["results"]) == (207, 1, [])
