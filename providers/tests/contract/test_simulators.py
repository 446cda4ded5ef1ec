"""What every simulated CRM offers beside its vendor's API, once per vendor."""

from __future__ import annotations

import json
import re
from urllib.request import Request, urlopen

from providers.tests.worlds import PEOPLE, new_key


def page(world, name, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{world.server.url}/_sim/{name}", data)) as answer:
        return json.loads(answer.read())


def test_the_tasks_are_told_in_plain_words(world):
    key = new_key()
    ref = world.create(key=key).ref

    [task] = page(world, "tasks")

    assert set(task) >= {"id", "title", "body", "status", "due_at", "contact", "hub_key", "deleted"}
    assert (task["id"], task["hub_key"]) == (ref.id, str(key))


def test_the_contacts_are_told_in_plain_words(world):
    told = page(world, "contacts")

    assert all(
        set(one) >= {"id", "first_name", "last_name", "email", "phone", "company", "deleted"} for one in told
    )
    assert {one["email"] for one in told} >= {one["email"] for one in PEOPLE["contacts"]}


def test_the_log_shows_each_request_with_its_status(world):
    before = len(page(world, "log"))
    world.create()

    seen = page(world, "log")[before:]

    assert seen
    assert all(200 <= one["status"] < 300 for one in seen)


def test_a_fault_can_be_ordered_and_a_reset_takes_it_away(world):
    page(world, "faults", {"kind": "status", "status": 503, "times": None})
    assert page(world, "faults")["set"]

    page(world, "reset", {})

    assert page(world, "faults")["set"] == []
    assert page(world, "tasks") == []


def test_what_a_simulator_is_opened_with_is_what_connect_asks_for(world):
    capabilities = world.capabilities

    assert set(world.simulator.secret) <= {secret.name for secret in capabilities.secrets}
    assert set(world.simulator.setting) <= {setting.name for setting in capabilities.settings}


def test_the_calls_that_write_a_task_are_known_by_their_path(world):
    path = world.simulator.task_path

    world.create()

    written = [one["path"] for one in world.simulator.log if one["method"] in ("POST", "PUT", "PATCH")]
    assert [one for one in written if re.search(path, one)], f"task_path {path!r} fits none of {written}"


def test_ids_are_given_once(world):
    ids = world.simulator.seed(
        {"contacts": [{"first_name": "Ida", "last_name": "Rhodes", "email": "ida@client.example"}]}
    )

    made = {world.create().ref.id for _ in range(5)}

    assert len(made) == 5
    assert not made & set(ids["contacts"])
