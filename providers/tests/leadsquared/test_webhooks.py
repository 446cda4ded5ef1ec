"""What LeadSquared tells by itself: one secret in a header, and bodies whose form is not documented."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.errors import InvalidSignature, Rejected
from providers.events import Change, Delivery, Subject
from providers.tests.contract.test_webhooks import Mailbox
from providers.tests.worlds import new_key
from providers.types import Field

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TASK = {
    "UserTaskId": "7d0f0c1e-0000-4000-8000-000000000001",
    "Name": "Call Grace",
    "StatusCode": 0,
    "ProspectID": "1",
}


@pytest.fixture
def mailbox(world):
    mailbox = Mailbox()
    world.simulator.announcer.subscribe(mailbox.url)
    yield mailbox
    mailbox.close()


def delivered(world, body, *, query="", **headers):
    headers = {
        "content-type": "application/json",
        "x-hub-secret": world.account.secrets["webhook_secret"],
    } | headers
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Delivery(f"https://hub.example/hooks/1{query}", headers, raw, NOON)


def told(world, body, **more):
    return [
        (one.subject, one.change, one.ref.id)
        for one in world.provider.receive(delivered(world, body, **more))
    ]


@pytest.mark.parametrize(
    ("number", "change"),
    [("7", Change.CREATED), ("8", Change.OTHER), ("16", Change.COMPLETED), ("17", Change.UPDATED)],
)
def test_a_task_event_is_known_by_its_number(world, number, change):
    query = f"?entityType=Task&entityId={TASK['UserTaskId']}&eventType={number}"

    assert told(world, TASK, query=query) == [(Subject.TASK, change, TASK["UserTaskId"])]


@pytest.mark.parametrize("number", ["3", "6", "26"])
def test_a_lead_event_is_about_a_contact(world, number):
    query = f"?entityType=Lead&entityId=grace&eventType={number}"

    [(subject, change, id_)] = told(world, {"FirstName": "Grace"}, query=query)

    assert (subject, id_) == (Subject.CONTACT, "grace")
    assert change is (Change.CREATED if number == "3" else Change.UPDATED)


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (TASK, Change.OTHER),
        ({**TASK, "StatusCode": "1"}, Change.COMPLETED),
        ({"Before": {**TASK, "Name": "Call"}, "After": TASK}, Change.UPDATED),
        ({"Before": TASK, "After": {**TASK, "StatusCode": 1}}, Change.COMPLETED),
        ([TASK], Change.OTHER),
        ({"TaskID": TASK["UserTaskId"]}, Change.OTHER),
    ],
)
def test_a_task_is_found_in_every_form_of_body(world, body, change):
    assert told(world, body) == [(Subject.TASK, change, TASK["UserTaskId"])]


def test_an_opportunity_is_something_else(world):
    query = "?entityType=Opportunity&entityId=5&eventType=31"

    assert told(world, {"OpportunityId": "5"}, query=query) == [(Subject.OTHER, Change.OTHER, "5")]


def test_several_records_in_one_post_are_several_events(world):
    second = {**TASK, "UserTaskId": "second"}

    events = world.provider.receive(delivered(world, [TASK, second]))

    assert [one.ref.id for one in events] == [TASK["UserTaskId"], "second"]
    assert len({one.id for one in events}) == 2


def test_when_it_happened_is_read_where_the_record_says_so(world):
    [event] = world.provider.receive(delivered(world, {**TASK, "ModifiedOn": "2026-11-22 11:59:00.000"}))
    [silent] = world.provider.receive(delivered(world, TASK))

    assert (event.at, silent.at) == (datetime(2026, 11, 22, 11, 59, tzinfo=UTC), None)


@pytest.mark.parametrize("given", ["", "wrong", "F0E1D2C3B4A5968778695A4B3C2D1E0F", "ä"])
def test_another_secret_is_not_believed(world, given):
    with pytest.raises(InvalidSignature):
        world.provider.receive(delivered(world, TASK, **{"x-hub-secret": given}))


def test_the_secret_is_not_looked_for_in_the_address(world):
    secret = world.account.secrets["webhook_secret"]

    with pytest.raises(InvalidSignature):
        world.provider.receive(
            Delivery(
                f"https://hub.example/hooks/1?x-hub-secret={secret}", {}, json.dumps(TASK).encode(), NOON
            )
        )


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"\xff\xfe{}",
        b'{"UserTaskId": "\xe4"}',
        b"null",
        b"7",
        b"[]",
        b"[7]",
        b"{}",
        b'{"UserTaskId": 7}',
        b'{"UserTaskId": " "}',
        b'{"After": 7}',
        b"[" * 5000,
        b"UserTaskId=7&Name=Call",
    ],
)
def test_what_is_proven_and_cannot_be_read_is_refused_in_words(world, body):
    with pytest.raises(Rejected, match="LeadSquared") as caught:
        world.provider.receive(delivered(world, body))

    assert caught.value.detail.endswith(".")


def test_everything_done_to_a_task_is_told_but_its_end(world, mailbox):
    key, draft = new_key(), world.draft()

    ref = world.create(draft, key=key).ref
    world.provider.update_task(ref, draft, changed=frozenset({Field.TITLE}), key=key)
    world.provider.complete_task(ref, done_at=None)
    world.provider.delete_task(ref)
    world.simulator.announcer.wait()

    events = [event for one in mailbox.deliveries for event in world.provider.receive(one)]
    assert {event.ref.id for event in events} == {ref.id}
    assert [event.change for event in events] == [Change.CREATED, Change.UPDATED, Change.COMPLETED]


def test_the_query_tells_entity_and_event(world):
    event = {"code": 17, "entity": "Task", "id": "7", "body": TASK}

    webhook = world.simulator.webhook(event, "http://127.0.0.1:1/hooks?account=1")

    assert webhook.url.endswith("/hooks?account=1&entityType=Task&entityId=7&eventType=17")
    assert webhook.headers == {"x-hub-secret": world.simulator.secret["webhook_secret"]}


@pytest.mark.parametrize(("asked", "codes"), [("", []), ("&postUpdatedLead=true", [6])])
def test_a_changed_lead_is_told_only_where_that_was_asked_for(world, ask, mailbox, asked, codes):
    grace = world.ids["contacts"][0]

    ask(
        "POST",
        f"/v2/LeadManagement.svc/Lead.Update?leadId={grace}{asked}",
        [{"Attribute": "LastName", "Value": "Murray"}],
    )
    world.simulator.announcer.wait()

    assert [json.loads(one.body)["After"]["LastName"] for one in mailbox.deliveries] == [
        "Murray" for _ in codes
    ]


def test_thin_bodies_about_two_tasks_are_two_events(world):
    first, second = (
        world.provider.receive(delivered(world, {}, query=f"?entityType=Task&entityId={id_}&eventType=16"))
        for id_ in ("A", "B")
    )

    assert first[0].id != second[0].id


@pytest.mark.parametrize("body", [b"", b" \n", b"{}", b"null", b"[]"])
def test_the_query_alone_tells_what_happened_where_the_body_says_nothing(world, body):
    query = "?entityType=Task&entityId=A&eventType=16"

    assert told(world, body, query=query) == [(Subject.TASK, Change.COMPLETED, "A")]


@pytest.mark.parametrize("body", [b"", b"{}"])
def test_two_changes_that_say_nothing_of_themselves_are_two_events(world, body):
    first = delivered(world, body, query="?entityType=Task&entityId=A&eventType=17")
    later = replace(first, received_at=NOON + timedelta(minutes=7))

    events = [world.provider.receive(one)[0].id for one in (first, first, later)]

    assert events[0] == events[1] != events[2]


def test_an_account_that_tells_in_the_query_alone_is_understood(world, mailbox):
    world.simulator.tells_thinly = True

    ref = world.create().ref
    world.provider.complete_task(ref, done_at=None)
    world.simulator.announcer.wait()

    events = [event for one in mailbox.deliveries for event in world.provider.receive(one)]
    assert [(event.ref, event.change) for event in events] == [
        (ref, Change.CREATED),
        (ref, Change.COMPLETED),
    ]


def test_an_id_that_no_database_takes_is_made_fit(world):
    [event] = world.provider.receive(delivered(world, b'{"UserTaskId": "a\\u0000b"}'))

    assert "\x00" not in event.ref.id + event.id
