"""What LeadLex tells by itself: which deliveries are believed, and what is read out of either envelope."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import InvalidSignature, Rejected
from providers.events import Change, Delivery, Subject
from providers.leadlex.webhooks import RETRIED_FOR, events_in
from providers.types import Field, Person

SECRET = "whsec_of_this_workspace"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TASK = "aaaaaaaa-0000-4000-8000-000000000001"
OTHER = "bbbbbbbb-0000-4000-8000-000000000002"
CATALOGUE = {
    "id": "evt_1",
    "type": "task.updated",
    "created_at": "2026-11-22T12:00:00Z",
    "data": {"task": {"id": TASK, "status": "completed"}},
}
BEFORE = {
    "event": "task.updated",
    "timestamp": "2026-11-22T12:00:00Z",
    "workspace_id": OTHER,
    "data": {"task": {"id": TASK}},
}


def delivery(body, *, secret=SECRET, at=NOON, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signature = "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    given = {
        "content-type": "application/json",
        "user-agent": "LeadLex-Webhook/1.0",
        "x-leadlex-signature": signature,
        "x-leadlex-timestamp": "2026-11-22T12:00:00Z",
        "x-leadlex-delivery-id": "d-1",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return Delivery("https://hub.example/hooks/1", given, raw, at)


def told(body, **options):
    return events_in(delivery(body, **options), secret=SECRET)


# What is read


@pytest.mark.parametrize("body", [CATALOGUE, BEFORE], ids=["catalogue", "before"])
def test_both_envelopes_are_read(body):
    [event] = told(body)

    assert (event.subject, event.change, event.ref.id) == (Subject.TASK, Change.UPDATED, TASK)
    assert (event.at, event.name) == (NOON, "task.updated")


def test_an_event_keeps_its_id_whatever_the_delivery_is_called():
    assert told(CATALOGUE)[0].id == "evt_1"
    assert told(BEFORE)[0].id == told(BEFORE, x_leadlex_delivery_id="d-2")[0].id
    assert told(BEFORE)[0].id != told({**BEFORE, "timestamp": "2026-11-22T12:00:01Z"})[0].id


@pytest.mark.parametrize(
    ("name", "subject", "change"),
    [
        ("task.created", Subject.TASK, Change.CREATED),
        ("task.updated", Subject.TASK, Change.UPDATED),
        ("task.approved", Subject.TASK, Change.UPDATED),
        ("task.dismissed", Subject.TASK, Change.UPDATED),
        ("contact.created", Subject.CONTACT, Change.CREATED),
        ("contact.updated", Subject.CONTACT, Change.UPDATED),
        ("contact.deleted", Subject.CONTACT, Change.DELETED),
        ("company.updated", Subject.OTHER, Change.UPDATED),
        ("deal.deleted", Subject.OTHER, Change.DELETED),
        ("activity.created", Subject.OTHER, Change.CREATED),
        ("weather.changed", Subject.OTHER, Change.OTHER),
    ],
)
def test_each_event_of_the_catalogue_has_its_meaning(name, subject, change):
    kind = name.split(".", maxsplit=1)[0]

    [event] = told({**CATALOGUE, "type": name, "data": {kind: {"id": TASK}}})

    assert (event.subject, event.change, event.ref.id, event.name) == (subject, change, TASK, name)


def test_a_record_may_stand_in_the_data_itself():
    assert told({**CATALOGUE, "data": {"id": TASK}})[0].ref.id == TASK


@pytest.mark.parametrize(
    "data",
    [
        {"contacts": [{"id": TASK}, {"id": OTHER}], "count": 2},
        {"contacts": [TASK, OTHER], "count": 2},
        [{"id": TASK}, {"id": OTHER}, {"id": TASK}],
    ],
)
def test_many_at_once_are_an_event_each(data):
    events = told({**CATALOGUE, "type": "contact.bulk_created", "data": data})

    assert [event.ref.id for event in events] == [TASK, OTHER]
    assert len({event.id for event in events}) == 2
    assert {(event.subject, event.change) for event in events} == {(Subject.CONTACT, Change.CREATED)}


def test_a_merge_tells_who_is_gone_and_who_is_left():
    data = {"primary_id": OTHER, "duplicate_ids": [TASK]}

    [event] = told({**CATALOGUE, "type": "contact.merged", "data": data})

    assert (event.change, event.ref.id, event.merged_into) == (Change.MERGED, TASK, OTHER)


def test_a_merge_in_another_shape_is_still_told_of_the_contact_that_is_left():
    [event] = told({**CATALOGUE, "type": "contact.merged", "data": {"contact": {"id": OTHER}}})

    assert (event.change, event.ref.id, event.merged_into) == (Change.MERGED, OTHER, "")


def test_a_trial_delivery_is_an_event_about_nothing():
    [event] = told({**CATALOGUE, "type": "webhook.test", "data": {}})

    assert (event.subject, event.change, event.ref.id) == (Subject.OTHER, Change.OTHER, "")


# What is refused


@pytest.mark.parametrize(
    "headers",
    [
        {"x_leadlex_signature": ""},
        {"x_leadlex_signature": "sha256="},
        {"x_leadlex_signature": "sha256=" + "0" * 64},
        {"x_leadlex_signature": "sha256=é☃"},
        {"x_leadlex_signature": hmac.new(SECRET.encode(), b"", hashlib.sha256).hexdigest()},
        {"x_leadlex_signature": "sha1=" + "0" * 40},
    ],
)
def test_a_signature_that_does_not_fit_is_not_believed(headers):
    with pytest.raises(InvalidSignature):
        told(CATALOGUE, **headers)


def test_a_signature_in_base64_is_not_believed():
    digest = hmac.new(SECRET.encode(), json.dumps(CATALOGUE).encode(), hashlib.sha256).digest()

    with pytest.raises(InvalidSignature):
        told(CATALOGUE, x_leadlex_signature="sha256=" + base64.b64encode(digest).decode())


def test_a_delivery_without_its_signature_is_not_believed():
    bare = replace(delivery(CATALOGUE), headers={"content-type": "application/json"})

    with pytest.raises(InvalidSignature):
        events_in(bare, secret=SECRET)


@pytest.mark.parametrize("secret", ["another secret", ""])
def test_who_has_another_secret_or_none_is_not_believed(secret):
    with pytest.raises(InvalidSignature):
        told(CATALOGUE, secret=secret or "x")
    with pytest.raises(InvalidSignature):
        events_in(delivery(CATALOGUE, secret=secret), secret="")


def test_a_changed_byte_is_not_believed():
    real = delivery(CATALOGUE)

    with pytest.raises(InvalidSignature):
        events_in(replace(real, body=real.body.replace(b"completed", b"dismissed")), secret=SECRET)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=1), timedelta(hours=6, minutes=6)])
def test_a_delivery_that_is_tried_again_is_believed(late):
    assert told(CATALOGUE, at=NOON + late)


@pytest.mark.parametrize("off", [RETRIED_FOR + timedelta(seconds=1), timedelta(days=30), -timedelta(hours=9)])
def test_a_recording_is_not_believed_though_the_header_says_now(off):
    now = (NOON + off).isoformat()

    with pytest.raises(InvalidSignature, match="not sent just now"):
        told(CATALOGUE, at=NOON + off, x_leadlex_timestamp=now)


@pytest.mark.parametrize("time", [None, "", "noon", 7, "0001-01-01T00:00:00+14:00"])
def test_a_delivery_that_does_not_say_when_is_not_believed(time):
    with pytest.raises(InvalidSignature):
        told({**CATALOGUE, "created_at": time})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"<html></html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b"[]",
        b"null",
        {"created_at": "2026-11-22T12:00:00Z", "data": {}},
        {**CATALOGUE, "data": None},
        {**CATALOGUE, "data": {"task": {}}},
        {**CATALOGUE, "type": "contact.created", "data": {"contact": None}},
        {**CATALOGUE, "data": {"task": {"id": {"a": 1}}}},
    ],
)
def test_what_is_proven_and_cannot_be_read_is_refused_in_words(body):
    with pytest.raises(Rejected, match="LeadLex"):
        told(body)


def test_nothing_said_of_a_refusal_holds_the_secret_or_the_right_signature():
    with pytest.raises(InvalidSignature) as caught:
        told(CATALOGUE, x_leadlex_signature="sha256=" + "0" * 64)

    right = delivery(CATALOGUE).headers["x-leadlex-signature"].removeprefix("sha256=")
    assert SECRET not in str(caught.value)
    assert right not in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, st.sampled_from(["task.updated", "contact.merged", "deal.bulk_updated", "", "."]))
def test_whatever_is_signed_is_read_or_refused_in_words(data, name):
    try:
        events = told({**CATALOGUE, "type": name, "data": data})
    except Rejected:
        return
    assert all(event.id and isinstance(event.ref.id, str) for event in events)


# As it comes from the workspace


@pytest.fixture
def told_by(simulator, provider):
    """What the workspace would tell of an event, as it arrives."""

    def told_by(name, data):
        sent = simulator.webhook({"id": "evt_1", "name": name, "data": data}, "http://127.0.0.1/hook")
        headers = {key.lower(): value for key, value in sent.headers.items()}
        return Delivery(sent.url, headers, sent.body, simulator.now())

    return told_by


@pytest.mark.parametrize("envelope", ["catalogue", "event"])
def test_the_workspaces_own_deliveries_are_believed(simulator, provider, told_by, envelope):
    simulator.envelope = envelope

    [event] = provider.receive(told_by("task.created", {"task": {"id": TASK}}))

    assert (event.subject, event.change, event.ref.id) == (Subject.TASK, Change.CREATED, TASK)


def test_each_change_by_a_call_is_told_and_a_delete_is_not(provider, simulator, draft, key):
    simulator.announcer.subscribe("http://127.0.0.1:9/nobody-listens")
    ref = provider.create_task(draft(), key=key).ref
    provider.update_task(ref, draft(title="Ring Grace"), changed=frozenset({Field.TITLE}), key=key)
    provider.complete_task(ref, done_at=None)
    provider.delete_task(ref)

    simulator.announcer.wait()

    told = [json.loads(sent["body"])["type"] for sent in simulator.announcer.sent]
    assert told == ["task.created", "task.updated", "task.updated"]


def test_a_new_and_a_changed_contact_are_told(provider, simulator, key):
    simulator.announcer.subscribe("http://127.0.0.1:9/nobody-listens")
    person = Person("Ida", "Rhodes", ("ida@client.example",))
    made = provider.create_contact(person, key=key)
    provider.update_contact(made.ref, person)

    simulator.announcer.wait()

    told = [json.loads(sent["body"]) for sent in simulator.announcer.sent]
    assert [one["type"] for one in told] == ["contact.created", "contact.updated"]
    assert {one["data"]["contact"]["id"] for one in told} == {made.ref.id}
