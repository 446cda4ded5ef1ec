"""The pages that this provider was begun from: each item in their own words has a test that names it."""

from __future__ import annotations

from importlib import import_module

import pytest

from providers.errors import Forbidden, NotFound, Rejected, Unauthorized
from providers.simulator.server import Reply
from providers.tests.highlevel.examples import EXAMPLE, error
from providers.tests.highlevel.seed import SEED
from providers.tests.worlds import new_key
from providers.types import Field

SHOWN = {"id", "title", "body", "assignedTo", "dueDate", "completed", "contactId"}


@pytest.mark.parametrize(("item", "test"), SEED)
def test_every_item_of_the_seed_pages_has_its_test(item, test):
    path, _, name = test.partition("::")

    module = import_module(path.removesuffix(".py").replace("/", "."))

    assert callable(getattr(module, name)), item


def test_no_item_is_named_twice():
    assert len({item for item, _ in SEED}) == len(SEED)


# POST /contacts/:contactId/tasks


def last(world, method):
    return [one for one in world.simulator.log if one["method"] == method][-1]


def test_a_task_is_created_under_its_contact(world):
    key = new_key()

    ref = world.create(key=key).ref

    sent = last(world, "POST")
    assert (sent["path"], sent["status"]) == (f"/contacts/{world.ids['contacts'][0]}/tasks", 201)
    assert [task["id"] for task in world.held(key)] == [ref.id]


def test_the_title_is_sent_and_read(world):
    made = world.create(world.draft(title="First Task"))

    assert last(world, "POST")["body"]["title"] == made.holds[Field.TITLE] == "First Task"


def test_the_body_is_sent_and_read(world):
    made = world.create(world.draft(body="loram ipsum"))

    assert last(world, "POST")["body"]["body"].startswith("loram ipsum")
    assert made.holds[Field.BODY] == "loram ipsum"


def test_the_due_date_is_sent_and_read(world):
    made = world.create()

    assert last(world, "POST")["body"]["dueDate"] == "2026-12-01T14:30:00.000Z"
    assert made.holds[Field.DUE] == "2026-12-01T14:30:00Z"


@pytest.mark.parametrize(("status", "completed"), [("open", False), ("completed", True), ("waiting", False)])
def test_whether_it_is_completed_is_sent_and_read(world, status, completed):
    made = world.create(world.draft(status=status))

    assert last(world, "POST")["body"]["completed"] is completed
    assert made.holds[Field.STATUS] == ("completed" if completed else "open")


def test_the_assignee_is_sent_and_read(world):
    made = world.create()

    assert last(world, "POST")["body"]["assignedTo"] == made.holds[Field.ASSIGNEE] == world.ids["users"][0]


def test_the_id_and_the_contact_of_the_answer_are_kept(world):
    made = world.create()

    [held] = world.simulator.tasks()
    assert (made.ref.id, made.ref.parent_id) == (held["id"], world.ids["contacts"][0])
    assert made.holds[Field.CONTACTS] == (world.ids["contacts"][0],)


@pytest.mark.parametrize("name", ["title", "dueDate", "completed"])
def test_a_required_field_that_is_missing_is_a_422(raw, contact, name):
    status, said = error(
        raw.post(f"/contacts/{contact}/tasks", json={one: EXAMPLE[one] for one in EXAMPLE if one != name})
    )

    assert status == 422
    assert f"{name} should not be empty" in said


def test_the_create_is_answered_with_the_documented_fields(raw, ids, contact):
    reply = raw.post(f"/contacts/{contact}/tasks", json={**EXAMPLE, "assignedTo": ids["users"][0]})

    assert (reply.status_code, set(reply.json()["task"])) == (201, SHOWN)


# PUT /contacts/:contactId/tasks/:taskId/completed


@pytest.mark.parametrize("done", [True, False])
def test_completing_and_reopening_are_a_call_of_their_own(world, done):
    ref = world.create(world.draft(status="open" if done else "completed")).ref

    told = world.provider.complete_task(ref, done_at=None) if done else world.provider.reopen_task(ref)

    sent = last(world, "PUT")
    assert sent["path"] == f"/contacts/{ref.parent_id}/tasks/{ref.id}/completed"
    assert (sent["body"], sent["status"]) == ({"completed": done}, 200)
    assert told.holds[Field.STATUS] == ("completed" if done else "open")


def test_completing_is_answered_with_the_documented_fields(raw, ids, contact, task):
    raw.put(f"/contacts/{contact}/tasks/{task}", json={"assignedTo": ids["users"][0]})

    reply = raw.put(f"/contacts/{contact}/tasks/{task}/completed", json={"completed": True})

    assert (reply.status_code, set(reply.json()["task"])) == (200, SHOWN)


def test_completing_without_saying_so_is_a_422(raw, contact, task):
    assert error(raw.put(f"/contacts/{contact}/tasks/{task}/completed", json={}))[0] == 422


# Headers, tokens and errors of both pages


@pytest.mark.parametrize("version", ["2021-07-28", "v3"])
def test_the_version_stands_on_every_request(world, version):
    sent = []
    transport = world.recorder

    class Noting:
        def send(self, request):
            sent.append(request.headers)
            return transport.send(request)

    account = world.account.settings | {"api_version": version}
    provider = type(world.provider)(type(world.account)(**_with(world.account, settings=account)), Noting())
    ref = provider.create_task(world.draft(), key=new_key()).ref
    provider.complete_task(ref, done_at=None)
    provider.list_tasks()
    provider.list_owners()
    provider.delete_task(ref)

    assert {headers["Version"] for headers in sent} == {version}
    assert {headers["Authorization"] for headers in sent} == {f"Bearer {world.simulator.secret['token']}"}


def _with(account, **changes):
    held = {name: getattr(account, name) for name in ("secrets", "settings", "learned", "base_url")}
    return {**held, **changes}


def test_a_request_without_the_version_is_refused(raw, contact):
    del raw.headers["Version"]

    assert error(raw.post(f"/contacts/{contact}/tasks", json=EXAMPLE))[0] == 401


def test_a_private_integration_token_opens_the_sub_account(world):
    assert world.account.secrets == {"token": world.simulator.secret["token"]}
    assert world.provider.check().id == world.account.settings["location_id"]


def test_an_app_access_token_opens_the_sub_account(world):
    grant = world.simulator.grants.grant()

    assert world.with_secrets({"access_token": grant.access_token}).check().id


def test_the_scope_of_the_create_is_needed(world):
    world.simulator.scopes.discard("contacts.write")

    with pytest.raises(Forbidden, match=r"The scope is contacts\.write"):
        world.create()


REFUSALS = {
    400: ({"statusCode": 400, "message": "Bad Request"}, Rejected, "Bad Request"),
    401: (
        {"statusCode": 401, "message": "Invalid token: access token is invalid", "error": "Unauthorized"},
        Unauthorized,
        "Invalid token: access token is invalid",
    ),
    422: (
        {"statusCode": 422, "message": ["Unprocessable Entity"], "error": "Unprocessable Entity"},
        Rejected,
        "Unprocessable Entity",
    ),
}


def refused(world, status, call):
    reply, kind, words = REFUSALS[status]
    world.simulator.refusal = lambda _status: Reply(status, reply)
    world.simulator.fail_next("status", "(POST|PUT) ", status=status)
    with pytest.raises(kind, match=words) as caught:
        call()
    return caught.value


def test_a_create_that_is_a_bad_request_is_refused(world):
    assert refused(world, 400, world.create).status == 400


def test_a_create_with_an_invalid_token_is_unauthorized(world):
    assert refused(world, 401, world.create).status == 401


def test_a_create_that_cannot_be_processed_is_refused(world):
    assert refused(world, 422, world.create).status == 422


def test_completing_that_is_a_bad_request_is_refused(world):
    ref = world.create().ref

    assert refused(world, 400, lambda: world.provider.complete_task(ref, done_at=None)).status == 400


def test_completing_with_an_invalid_token_is_unauthorized(world):
    ref = world.create().ref

    assert refused(world, 401, lambda: world.provider.complete_task(ref, done_at=None)).status == 401


def test_completing_that_cannot_be_processed_is_refused(world):
    ref = world.create().ref

    assert refused(world, 422, lambda: world.provider.complete_task(ref, done_at=None)).status == 422


def test_a_contact_that_is_not_there_is_a_bad_request_and_not_found(world, raw):
    raw.delete(f"/contacts/{world.ids['contacts'][0]}")

    with pytest.raises(NotFound) as caught:
        world.create()

    assert caught.value.status == 400
