"""What HighLevel tells by itself: which signature counts, what is old, whose it is, and what it says."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from providers.errors import InvalidSignature, NotFound, Rejected
from providers.events import Change, Delivery, Subject
from providers.highlevel.provider import HighLevel
from providers.highlevel.simulator_apps import APP_ID, SIGNATURES, signing_keys
from providers.highlevel.webhooks import ED25519_KEY, KNOWN, RSA_KEY, SENT_AGAIN_FOR, STRONG, WEAK, pem_of
from providers.tests.worlds import new_key
from providers.types import Field, Person, RemoteRef

NEW, OLD = SIGNATURES
OF_NO_KNOWN_KIND = ED25519_KEY.replace("K2Vw", "K2UA")


def signed(world, event, *, by=SIGNATURES, at=None, **headers):
    """Return a delivery of the event as HighLevel makes it, with the signatures asked for."""
    world.simulator.signs_with = by
    webhook = world.simulator.webhook(event, "https://hub.example/hooks")
    sent = {name.lower(): value for name, value in webhook.headers.items()}
    at = at or world.simulator.now()
    return Delivery(webhook.url, {**sent, **headers}, webhook.body, at)


def resigned(world, body, *, by=SIGNATURES):
    """Return a delivery of exactly these bytes, properly signed."""
    key, old = signing_keys()
    made = {NEW: key.sign(body), OLD: old.sign(body, padding.PKCS1v15(), hashes.SHA256())}
    headers = {name.lower(): base64.b64encode(made[name]).decode() for name in by}
    return Delivery("https://hub.example/hooks", headers, body, world.simulator.now())


def moment(world):
    """Return now as HighLevel spells it in an event."""
    return world.simulator.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")


def account_with(world, **settings):
    return HighLevel(replace(world.account, settings={**world.account.settings, **settings}), world.recorder)


EVENT = {"type": "TaskCreate", "id": "TSK1", "contactId": "CON1", "title": "Call Grace"}


# Who is believed


@pytest.mark.parametrize("by", [SIGNATURES, (NEW,), (OLD,)])
def test_either_signature_is_believed(world, by):
    [event] = world.provider.receive(signed(world, EVENT, by=by))

    assert (event.subject, event.change, event.ref) == (
        Subject.TASK,
        Change.CREATED,
        RemoteRef("TSK1", "CON1"),
    )


@pytest.mark.parametrize(
    "wrong", ["", "N/A", "AAAA", "not base64!", "\u00e9", base64.b64encode(bytes(64)).decode()]
)
def test_a_wrong_new_signature_is_not_rescued_by_a_right_old_one(world, wrong):
    delivery = signed(world, EVENT, by=(OLD,))
    assert world.provider.receive(delivery)

    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, headers={**delivery.headers, STRONG: wrong}))


def test_a_right_new_signature_counts_whatever_the_old_one_says(world):
    assert world.provider.receive(signed(world, EVENT, by=(NEW,), **{WEAK: "N/A"}))
    assert world.provider.receive(signed(world, EVENT, by=(NEW,), **{WEAK: "AAAA"}))


@pytest.mark.parametrize("headers", [{}, {WEAK: "N/A"}, {WEAK: ""}, {WEAK: "AAAA"}, {"x-signature": "AAAA"}])
def test_without_a_signature_nothing_is_believed(world, headers):
    with pytest.raises(InvalidSignature):
        world.provider.receive(signed(world, EVENT, by=(), **headers))


def test_the_old_signature_can_be_given_up_by_a_setting(world):
    strict = account_with(world, old_signature="refuse")

    assert strict.receive(signed(world, EVENT, by=SIGNATURES))
    with pytest.raises(InvalidSignature, match="old signature only"):
        strict.receive(signed(world, EVENT, by=(OLD,)))


def test_one_signature_is_not_taken_for_the_other(world):
    delivery = signed(world, EVENT)
    crossed = {STRONG: delivery.headers[WEAK], WEAK: delivery.headers[STRONG]}

    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, headers=crossed))
    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, headers={WEAK: delivery.headers[STRONG]}))


@pytest.mark.parametrize("by", SIGNATURES)
@pytest.mark.parametrize("spelled", ["hex", "url", "bytes"])
def test_a_signature_in_another_encoding_is_not_believed(world, by, spelled):
    delivery = signed(world, {**EVENT, "title": "+/" * 40}, by=(by,))
    raw = base64.b64decode(delivery.headers[by.lower()])
    other = {"hex": raw.hex(), "url": f"-_{base64.urlsafe_b64encode(raw).decode()[2:]}", "bytes": str(raw)}

    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, headers={by.lower(): other[spelled]}))


@pytest.mark.parametrize("by", SIGNATURES)
def test_the_same_json_in_other_bytes_is_not_believed(world, by):
    delivery = signed(world, EVENT, by=(by,))
    again = json.dumps(json.loads(delivery.body), indent=1).encode()

    with pytest.raises(InvalidSignature):
        world.provider.receive(replace(delivery, body=again))


def test_somebody_elses_key_is_not_believed(world):
    others = ed25519.Ed25519PrivateKey.generate()
    body = signed(world, EVENT).body

    with pytest.raises(InvalidSignature):
        world.provider.receive(
            Delivery("", {STRONG: base64.b64encode(others.sign(body)).decode()}, body, world.simulator.now())
        )


@pytest.mark.parametrize("key", ["", None])
def test_where_no_key_is_set_the_vendors_own_is_asked(world, key):
    with pytest.raises(InvalidSignature):
        account_with(world, webhook_key=key).receive(signed(world, EVENT))


@pytest.mark.parametrize(
    "key", ["hunter2", "-----BEGIN PUBLIC KEY-----", RSA_KEY, RSA_KEY[:40], OF_NO_KNOWN_KIND]
)
def test_a_key_that_is_none_proves_nothing(world, key):
    with pytest.raises(InvalidSignature, match="key that webhooks are checked with"):
        account_with(world, webhook_key=key).receive(signed(world, EVENT))


@pytest.mark.parametrize(
    ("key", "kind", "bits"), [(ED25519_KEY, ed25519.Ed25519PublicKey, 0), (RSA_KEY, rsa.RSAPublicKey, 4096)]
)
def test_the_vendors_published_keys_can_be_read_in_every_spelling(key, kind, bits):
    pem = pem_of(key)
    in_one_line = pem.replace("\n", " ")  # as a form with one line keeps what is pasted into it

    for text in (key, pem, in_one_line, pem.replace("\n", "\r\n")):
        read = serialization.load_pem_public_key(pem_of(text).encode())
        assert isinstance(read, kind)
        assert getattr(read, "key_size", 0) == bits


# When and whose


@pytest.mark.parametrize(
    "late", [timedelta(), timedelta(minutes=6), timedelta(days=2, hours=23), -timedelta(minutes=5)]
)
def test_a_delivery_that_was_sent_again_for_days_is_still_believed(world, late):
    assert world.provider.receive(signed(world, EVENT, at=world.simulator.now() + late))


@pytest.mark.parametrize(
    "late", [SENT_AGAIN_FOR + timedelta(minutes=1), timedelta(days=30), -timedelta(minutes=6)]
)
@pytest.mark.parametrize("by", SIGNATURES)
def test_a_recording_is_not_believed(world, late, by):
    with pytest.raises(InvalidSignature, match="just now"):
        world.provider.receive(signed(world, EVENT, by=(by,), at=world.simulator.now() + late))


@pytest.mark.parametrize("timestamp", [None, "", "soon", 7, {}, "0001-01-01T00:00:00+14:00"])
def test_a_moment_that_cannot_be_read_is_not_now(world, timestamp):
    with pytest.raises(InvalidSignature):
        world.provider.receive(signed(world, {**EVENT, "timestamp": timestamp}))


@pytest.mark.parametrize("name", ["TaskComplete", "ContactDelete", "INSTALL", "UNINSTALL"])
def test_an_event_that_names_no_moment_may_be_a_recording(world, name):
    told = {"type": name, "id": "REC1", "locationId": world.account.settings["location_id"]}

    with pytest.raises(InvalidSignature, match="just now"):
        world.provider.receive(resigned(world, json.dumps(told).encode()))


@pytest.mark.parametrize(
    "named",
    [
        {"locationId": "AnotherSubAccount123"},
        {"locationId": ""},
        {"locationId": None, "companyId": "AnotherAgency1234567"},
        {"locationId": 7},
        {"locationId": "AnotherSubAccount123", "companyId": "Sim7uAgencyC0mpany1d"},
    ],
)
def test_what_is_about_another_account_is_not_ours(world, named):
    with pytest.raises(InvalidSignature, match="this account"):
        world.provider.receive(signed(world, {**EVENT, **named}))


def test_what_names_the_agency_is_not_ours_before_the_agency_is_known(world):
    stranger = HighLevel(replace(world.account, learned={}), world.recorder)
    event = {"type": "UNINSTALL", "locationId": None, "companyId": ""}

    with pytest.raises(InvalidSignature, match="this account"):
        stranger.receive(signed(world, event))


# Meant for which app


@pytest.fixture
def app(world):
    """The account as it is where an app was let into it."""
    return world.with_secrets({**world.account.secrets, "client_id": f"{APP_ID}-m0xyz"})


def test_what_is_meant_for_our_app_is_believed(world, app):
    assert app.receive(signed(world, EVENT))


@pytest.mark.parametrize("named", [{}, {"appId": ""}, {"appId": None}, {"appId": 7}, {"appId": "another"}])
@pytest.mark.parametrize("name", ["TaskCreate", "UNINSTALL"])
def test_what_is_meant_for_another_app_or_for_none_is_not_believed(world, app, named, name):
    envelope = {"locationId": world.account.settings["location_id"], "timestamp": moment(world)}
    body = json.dumps({**EVENT, **envelope, "type": name, **named}).encode()
    assert world.provider.receive(resigned(world, body))  # a private integration knows of no app

    with pytest.raises(InvalidSignature, match="this app"):
        app.receive(resigned(world, body))


# What it says


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_event_says_what_happened_to_what(world, name):
    [event] = world.provider.receive(signed(world, {"type": name, "id": "REC1", "webhookId": "W1"}))

    assert (event.subject, event.change) == KNOWN[name]
    assert (event.id, event.name) == ("W1", name)
    assert event.ref.id == (
        world.account.settings["location_id"] if event.subject is Subject.ACCOUNT else "REC1"
    )


def test_an_app_that_was_removed_by_the_agency_is_told_of_the_account(world):
    event = {"type": "UNINSTALL", "locationId": None, "companyId": world.account.learned["company_id"]}

    [told] = world.provider.receive(signed(world, event))

    assert (told.subject, told.change) == (Subject.ACCOUNT, Change.DELETED)


def test_an_event_that_nobody_knows_is_told_as_another(world):
    [event] = world.provider.receive(signed(world, {"type": "InvoicePaid"}))

    assert (event.subject, event.change, event.ref.id) == (Subject.OTHER, Change.OTHER, "")


def test_an_event_without_a_name_is_known_by_its_body(world):
    told = {**EVENT, "locationId": world.account.settings["location_id"], "timestamp": moment(world)}
    body = json.dumps(told).encode()
    first, second = (world.provider.receive(resigned(world, body, by=(by,)))[0].id for by in SIGNATURES)

    [other] = world.provider.receive(resigned(world, body + b" "))

    assert first == second
    assert first != other.id


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"TaskCreate"',
        b"{}",
        b'{"type": 7}',
        b'{"type": ""}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b"type=TaskCreate&id=1",
    ],
)
def test_a_proven_body_that_is_no_event_is_refused_in_words(world, body):
    with pytest.raises(Rejected, match="HighLevel sent an event that"):
        world.provider.receive(resigned(world, body))


@pytest.mark.parametrize("record", [{}, {"id": ""}, {"id": 7}])
def test_an_event_that_does_not_say_of_what_is_refused_in_words(world, record):
    with pytest.raises(Rejected, match="does not say of what"):
        world.provider.receive(signed(world, {"type": "TaskDelete", **record}))


def test_what_is_received_calls_nobody(world):
    before = len(world.simulator.log)

    world.provider.receive(signed(world, EVENT))

    assert len(world.simulator.log) == before


# What the simulated account tells


@pytest.fixture
def heard(world):
    """Every event that the account tells from now on, as it is received."""
    events = []
    world.simulator.announcer.urls.append("http://127.0.0.1:1/hooks")
    world.simulator.announcer.send = lambda webhook: events.extend(
        world.provider.receive(
            Delivery(
                webhook.url,
                {name.lower(): value for name, value in webhook.headers.items()},
                webhook.body,
                datetime.now(UTC),
            )
        )
    )
    return events


def test_a_task_is_told_when_it_is_made_completed_and_deleted_and_not_when_it_is_changed(world, heard):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    world.provider.update_task(ref, world.draft(title="Anew"), changed=frozenset({Field.TITLE}), key=key)
    world.provider.complete_task(ref, done_at=None)
    world.provider.complete_task(ref, done_at=None)
    world.provider.reopen_task(ref)
    world.provider.delete_task(ref)

    assert [event.name for event in heard] == ["TaskCreate", "TaskComplete", "TaskDelete"]
    assert {event.ref for event in heard} == {ref}
    assert len({event.id for event in heard}) == 3


def test_a_contact_is_told_when_it_is_made_changed_and_deleted(world, heard, raw):
    made = world.provider.create_contact(Person("Ida", emails=("ida@client.example",)), key=new_key())
    world.provider.update_contact(made.ref, Person("Ida", "Rhodes"))
    raw.delete(f"/contacts/{made.ref.id}")

    assert [event.name for event in heard] == ["ContactCreate", "ContactUpdate", "ContactDelete"]
    assert {event.ref for event in heard} == {made.ref}


def test_a_task_that_is_told_without_its_contact_can_be_fetched_all_the_same(world, heard):
    world.simulator.tells_thinly = True
    ref = world.create().ref

    [event] = heard

    assert event.ref == RemoteRef(ref.id)
    assert world.provider.fetch_task(event.ref).ref == ref
    world.provider.delete_task(ref)
    with pytest.raises(NotFound):
        world.provider.fetch_task(event.ref)
