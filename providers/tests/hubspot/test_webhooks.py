"""What HubSpot tells by itself: which deliveries are believed, and what is read of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from providers.errors import InvalidSignature, Rejected
from providers.events import Change, Delivery, Subject
from providers.hubspot.provider import HubSpot
from providers.hubspot.webhooks import signed_text
from providers.types import Account

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
URL = "https://hub.example.com/hooks/hubspot/?account=a%2Fb"
EVENT = {
    "eventId": 3816279340,
    "subscriptionId": 25,
    "portalId": 4711,
    "appId": 1160452,
    "occurredAt": 1790841600000,
    "subscriptionType": "object.propertyChange",
    "attemptNumber": 0,
    "objectId": 9001,
    "objectTypeId": "0-27",
    "propertyName": "hs_task_subject",
    "propertyValue": "Call Grace",
    "changeSource": "CRM_UI",
    "sourceId": "userId:9",
}


def provider(**secrets):
    account = Account(secrets={"access_token": "pat-x", **secrets}, learned={"portal_id": "4711"})
    return HubSpot(account, transport=None)


def delivery(told, *, secret=SECRET, url=URL, sent_at=NOW, method="POST"):
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    moment = str(round(sent_at.timestamp() * 1000))
    signed = signed_text(method, url, body, moment)
    signature = base64.b64encode(hmac.new(secret.encode(), signed, hashlib.sha256).digest()).decode()
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": moment}
    return Delivery(url, headers, body, NOW, method)


def received(*events):
    return provider(webhook_secret=SECRET).receive(delivery(list(events)))


def test_the_example_of_hubspot_s_own_library_is_believed():
    sent_at = datetime.fromtimestamp(1693657560, UTC)
    headers = {
        "x-hubspot-signature-v3": "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        "x-hubspot-request-timestamp": "1693657560000",
    }
    theirs = Delivery(
        "https://www.example.com/webhook_uri", headers, b"{'example_field':'example_value'}", sent_at
    )

    with pytest.raises(Rejected, match="not JSON"):
        provider(webhook_secret=SECRET).receive(theirs)


@pytest.mark.parametrize("name", ["client_secret", "webhook_secret"])
def test_the_secret_of_the_app_opens_it_whichever_way_it_was_given(name):
    assert len(provider(**{name: SECRET}).receive(delivery([EVENT]))) == 1


def test_the_address_is_signed_with_some_of_its_escapes_undone():
    url = "https://hub.example.com/a%20b%3Fc%3a%2f%25?x=%40%C3%A9"

    assert signed_text("POST", url, b"[]", "1") == b"POSThttps://hub.example.com/a%20b?c:/%25?x=@%C3%A9[]1"


FORGERIES = {
    "another secret": delivery([EVENT], secret="z" * 36),
    "another address": replace(delivery([EVENT]), url="https://hub.example.com/other/"),
    "another method": replace(delivery([EVENT]), method="PUT"),
    "another body": replace(delivery([EVENT]), body=b"[]"),
    "six minutes old": delivery([EVENT], sent_at=NOW - timedelta(minutes=6)),
    "from the future": delivery([EVENT], sent_at=NOW + timedelta(minutes=6)),
    "no headers": replace(delivery([EVENT]), headers={}),
    "no signature": replace(
        delivery([EVENT]), headers={"x-hubspot-request-timestamp": str(round(NOW.timestamp() * 1000))}
    ),
    "no time": replace(
        delivery([EVENT]),
        headers={"x-hubspot-signature-v3": delivery([EVENT]).headers["x-hubspot-signature-v3"]},
    ),
}


@pytest.mark.parametrize("forged", FORGERIES.values(), ids=FORGERIES.keys())
def test_what_is_not_proven_is_not_believed(forged):
    with pytest.raises(InvalidSignature):
        provider(webhook_secret=SECRET).receive(forged)


@pytest.mark.parametrize("sent_at", ["", "soon", "-1", "9" * 30, "１", "1693657560000.5"])
def test_a_time_that_is_none_is_not_believed_even_when_it_is_signed(sent_at):
    signed = signed_text("POST", URL, b"[]", sent_at)
    signature = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": sent_at}

    with pytest.raises(InvalidSignature):
        provider(webhook_secret=SECRET).receive(Delivery(URL, headers, b"[]", NOW))


@pytest.mark.parametrize("secrets", [{}, {"webhook_secret": ""}, {"webhook_secret": " "}])
def test_without_a_secret_nothing_is_believed(secrets):
    with pytest.raises(InvalidSignature):
        provider(**secrets).receive(delivery([EVENT], secret=" "))


def test_a_signature_of_an_older_version_proves_nothing():
    old = hashlib.sha256(SECRET.encode() + b"[]").hexdigest()
    headers = {"x-hubspot-signature": old, "x-hubspot-signature-version": "v1"}

    with pytest.raises(InvalidSignature):
        provider(webhook_secret=SECRET).receive(Delivery(URL, headers, b"[]", NOW))


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"<html>", b"\xff\xfe\x00", b"[" * 100_000, b'"a"'])
def test_what_is_proven_and_cannot_be_read_is_refused_in_words(body):
    with pytest.raises(Rejected) as refusal:
        provider(webhook_secret=SECRET).receive(delivery(body))

    assert refusal.value.detail.endswith("nothing of it was taken.")


@pytest.mark.parametrize(
    "strange",
    [1, "x", None, [], {}, {"subscriptionType": 5}, {"objectId": {}}, {"subscriptionType": "object.merge"}],
)
def test_an_event_that_nobody_can_read_spoils_no_other(strange):
    assert [event.ref.id for event in received(strange, EVENT)] == ["9001"]


@pytest.mark.parametrize(
    ("told", "subject", "change"),
    [
        ({"subscriptionType": "object.creation"}, Subject.TASK, Change.CREATED),
        ({"subscriptionType": "object.deletion"}, Subject.TASK, Change.DELETED),
        ({"subscriptionType": "object.restore"}, Subject.TASK, Change.RESTORED),
        ({}, Subject.TASK, Change.UPDATED),
        ({"propertyName": "hs_task_status", "propertyValue": "COMPLETED"}, Subject.TASK, Change.COMPLETED),
        ({"propertyName": "hs_task_status", "propertyValue": "WAITING"}, Subject.TASK, Change.UPDATED),
        ({"subscriptionType": None, "eventType": "object.creation"}, Subject.TASK, Change.CREATED),
        ({"subscriptionType": "contact.creation", "objectTypeId": None}, Subject.CONTACT, Change.CREATED),
        ({"subscriptionType": "contact.deletion", "objectTypeId": None}, Subject.CONTACT, Change.DELETED),
        (
            {"subscriptionType": "contact.privacyDeletion", "objectTypeId": None},
            Subject.CONTACT,
            Change.DELETED,
        ),
        ({"subscriptionType": "deal.creation", "objectTypeId": None}, Subject.OTHER, Change.CREATED),
        ({"subscriptionType": "object.creation", "objectTypeId": "0-48"}, Subject.OTHER, Change.CREATED),
        ({"subscriptionType": "conversation.newMessage", "objectTypeId": None}, Subject.OTHER, Change.OTHER),
    ],
)
def test_each_kind_of_event_has_its_meaning(told, subject, change):
    [event] = received({**EVENT, **told})

    assert (event.subject, event.change, event.ref.id) == (subject, change, "9001")
    assert event.at == datetime(2026, 10, 1, 8, 0, tzinfo=UTC)


def test_an_association_is_a_change_of_both_ends():
    ends = {
        "fromObjectId": 9001,
        "toObjectId": 101,
        "fromObjectTypeId": "0-27",
        "toObjectTypeId": "0-1",
        "associationRemoved": True,
    }

    events = received({**EVENT, "subscriptionType": "object.associationChange", **ends})

    assert [(one.subject, one.ref.id) for one in events] == [(Subject.TASK, "9001"), (Subject.CONTACT, "101")]


@pytest.mark.parametrize(
    ("new", "gone"),
    [
        ({"newObjectId": 300}, {"101": "300", "102": "300"}),
        ({}, {"102": "101"}),
        ({"newObjectId": 101}, {"102": "101"}),
    ],
    ids=["a new record", "not told", "the primary keeps its id"],
)
def test_a_merge_tells_who_lives_on(new, gone):
    merge = {"subscriptionType": "contact.merge", "primaryObjectId": 101, "mergedObjectIds": [102], **new}

    events = received({**EVENT, "objectTypeId": None, **merge})

    assert {one.ref.id: one.merged_into for one in events} == gone
    assert {one.change for one in events} == {Change.MERGED}


def test_events_of_another_portal_are_left_to_it():
    assert [one.ref.id for one in received({**EVENT, "portalId": 5, "objectId": 7}, EVENT)] == ["9001"]


def test_the_same_event_again_has_the_same_id_and_others_have_others():
    again, first, other, later, elsewhere = received(
        {**EVENT, "attemptNumber": 3},
        EVENT,
        {**EVENT, "propertyName": "hs_task_body"},
        {**EVENT, "occurredAt": 1790841600001},
        {**EVENT, "objectId": 9002},
    )

    assert again.id == first.id
    assert len({first.id, other.id, later.id, elsewhere.id}) == 4


def test_a_hundred_events_come_in_one_delivery():
    assert len(received(*({**EVENT, "objectId": n} for n in range(1, 101)))) == 100
