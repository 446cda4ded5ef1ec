"""The stub vendor: it answers as HubSpot does, and the hub has nothing to ask twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.stub import KEY, Portal, limit_of
from bench.vendors import Vendor, writes
from crmhub import services, sync
from crmhub.models import Attempt
from crmhub.tests.engine.conftest import Hub, hub  # noqa: F401 — the fixture
from providers.capabilities import Limit

ROOT = Path(__file__).resolve().parents[2]
TASKS = "/crm/v3/objects/tasks"


def post(portal: Portal, path: str, body: object):
    return portal.answer("POST", path, json.dumps(body).encode())


@pytest.fixture
def vendor():
    """The stub in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stub", "--single=0", "--batch=0"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield Vendor("hubspot", **json.loads(process.stdout.readline()))
    process.kill()
    process.communicate()


@pytest.mark.engine
def test_the_hub_finds_everything_there_that_it_asked_for(hub: Hub, vendor):  # noqa: F811
    connection = connect(hub, vendor)
    tasks = [hub.save_task(title=f"Task {n}", body="See\nbelow", priority="high") for n in range(3)]
    hub.push()
    hub.edit(tasks[0], title="Ring Grace")
    hub.push()

    effects = [one for effects in Attempt.objects.values_list("effects", flat=True) for one in effects]
    assert sorted(one["title"] for one in vendor.tasks()) == ["Ring Grace", "Task 1", "Task 2"]
    assert {one["outcome"] for one in effects} == {"applied", "not_supported"}
    assert [one["path"] for one in vendor.log() if one["method"] == "GET" and TASKS in one["path"]] == []
    assert len(writes(vendor.log())) == 2
    assert sync.push_due(connection.pk, now=hub.now).settled == 0


def connect(hub: Hub, vendor: Vendor):  # noqa: F811
    connection = services.connect_account(
        provider="hubspot", name="stub", secrets=vendor.secret, base_url=vendor.url, now=hub.now
    )
    assert sync.check_connection(connection, now=hub.now).is_well
    hub.connections["hubspot"] = connection
    return connection


def test_a_key_that_is_taken_is_refused_for_its_item_alone():
    portal = Portal(None)
    post(portal, TASKS, {"properties": {KEY: "a.1", "hs_task_subject": "First"}})

    inputs = [
        {"objectWriteTraceId": key, "properties": {KEY: key, "hs_task_subject": "Second"}}
        for key in ("a.1", "b.1")
    ]
    status, told = post(portal, f"{TASKS}/batch/create", {"inputs": inputs})

    assert status == 207
    assert [one["objectWriteTraceId"] for one in told["results"]] == ["b.1"]
    assert [one["context"]["objectWriteTraceId"] for one in told["errors"]] == [["a.1"]]


def test_an_upsert_brings_the_task_with_that_key_up_to_date():
    portal = Portal(None)
    _, made = post(portal, TASKS, {"properties": {KEY: "a.1", "hs_task_subject": "First"}})

    one = {"id": "a.1", "idProperty": KEY, "properties": {"hs_task_subject": "Second"}}
    _, told = post(portal, f"{TASKS}/batch/upsert", {"inputs": [one]})

    assert [(each["id"], each["new"]) for each in told["results"]] == [(made["id"], False)]
    assert [each["properties"]["hs_task_subject"] for each in portal.tasks.values()] == ["Second"]


def test_a_task_is_found_by_its_key():
    portal = Portal(None)
    _, made = post(portal, TASKS, {"properties": {KEY: "a.1", "hs_task_subject": "First"}})
    names = ["hs_task_subject", KEY]

    keyed = {"propertyName": KEY, "operator": "IN", "values": ["b.1", "a.1"]}
    searched = {"filterGroups": [{"filters": [keyed]}], "properties": names}
    read = {"inputs": [{"id": "a.1"}, {"id": "b.1"}], "idProperty": KEY, "properties": names}
    status, told = post(portal, f"{TASKS}/batch/read", read)

    assert [one["id"] for one in post(portal, f"{TASKS}/search", searched)[1]["results"]] == [made["id"]]
    assert (status, [one["id"] for one in told["results"]]) == (207, [made["id"]])
    assert [one["context"]["ids"] for one in told["errors"]] == [["b.1"]]
    assert portal.answer("GET", f"{TASKS}/a.1?idProperty={KEY}", b"")[1]["id"] == made["id"]
    assert portal.answer("GET", f"{TASKS}/b.1?idProperty={KEY}", b"")[0] == 404


def test_one_call_more_than_the_limit_is_refused_and_noted():
    portal = Portal(Limit(2, 60.0))

    statuses = [post(portal, TASKS, {"properties": {"hs_task_subject": f"Task {n}"}})[0] for n in range(3)]

    assert statuses == [201, 201, 429]
    assert [one["status"] for one in portal.log] == statuses
    assert len(portal.tasks) == 2


@pytest.mark.parametrize(
    ("text", "limit"),
    [("100/10", Limit(100, 10.0)), ("100/86400/fixed", Limit(100, 86_400.0, is_fixed=True))],
)
def test_a_limit_is_read_from_a_word(text, limit):
    assert limit_of(text) == limit
