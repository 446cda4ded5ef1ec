"""What the hub gives HighLevel comes back as it was, or the loss was declared: a law, tried on what nobody would think of."""

from __future__ import annotations

import json
import time
import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from providers.highlevel import payloads
from providers.highlevel import simulator_records as records
from providers.highlevel.capabilities import CAPABILITIES
from providers.projection import project
from providers.types import (
    Field,
    HubKey,
    Linked,
    Person,
    Priority,
    RemoteRef,
    TaskDraft,
    TaskStatus,
    canonical,
    canonical_moment,
    with_marker,
)

QUICKLY = settings(max_examples=80, deadline=None)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MADE_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
HELD = (Field.TITLE, Field.BODY, Field.STATUS, Field.DUE, Field.ASSIGNEE, Field.CONTACTS)
ZONES = [
    "UTC",
    "America/Chicago",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
]
KEY = HubKey(uuid.UUID(int=7))
OTHER = HubKey(uuid.UUID(int=8))

texts = st.text(max_size=120)
bodies = st.one_of(
    texts,
    st.sampled_from(
        [
            "👩‍💻 Ring Grace 🇬🇧",
            "<b>bold</b> &amp; <script>alert(1)</script>",
            "**bold** _it_ [x](y)\n# head\n- [ ] todo",
            "one\r\ntwo\rthree\n\n\nend \t\n",
            "e\u0301 \u202eright to left",
            "long " * 2_000,
            with_marker("Copied from another task", OTHER),
            f"[hub:{OTHER}] in the middle [hub:short.1]",
        ]
    ),
)
zones = st.sampled_from(ZONES).map(ZoneInfo)
days = st.dates(date(1990, 1, 1), date(2200, 1, 1))
moments = st.integers(0, 7_000_000_000_000_000).map(lambda us: EPOCH + timedelta(microseconds=us))
ids = st.text("ABCabc019", min_size=20, max_size=20)
keys = st.builds(HubKey, st.uuids(), st.integers(1, 40))
drafts = st.builds(
    TaskDraft,
    title=st.text(min_size=1, max_size=120),
    created_at=st.just(MADE_AT),
    body=bodies,
    status=st.sampled_from(TaskStatus),
    priority=st.sampled_from(Priority),
    type=st.sampled_from(["", "todo", "call"]),
    due=st.one_of(st.none(), days, moments),
    end_at=st.one_of(st.none(), moments),
    reminder_at=st.one_of(st.none(), moments),
    notify_by_email=st.booleans(),
    assignee=st.one_of(st.just(""), ids),
    queue=texts,
    location=texts,
    contacts=st.lists(
        ids.map(lambda one: Linked(RemoteRef(one), label="boss", is_pinned=True)), min_size=1, max_size=3
    ).map(tuple),
    companies=st.lists(ids.map(lambda one: Linked(RemoteRef(one))), max_size=2).map(tuple),
    completed_at=st.one_of(st.none(), moments),
)


def over_the_wire(body, contact):
    """Return the row that HighLevel shows for what was sent: through JSON, milliseconds in its dates, without what is not set."""
    task = {**json.loads(json.dumps(body)), "id": "TSK1", "contactId": contact}
    return records.shown_task({**task, "dueDate": records.shown_due(task["dueDate"])})


def exists(day, zone):
    """Return whether the zone has this day: Samoa went without 30 December 2011."""
    noon = datetime(day.year, day.month, day.day, 9, tzinfo=zone)
    return noon.astimezone(UTC).astimezone(zone).date() == day


@QUICKLY
@given(draft=drafts, key=keys, zone=zones)
@example(
    draft=TaskDraft(
        "Call",
        MADE_AT,
        due=datetime(2026, 12, 1, 15, 0, 0, 1000, tzinfo=UTC),
        contacts=(Linked(RemoteRef("C")),),
    ),
    key=KEY,
    zone=ZoneInfo("America/Chicago"),
)
def test_a_new_task_comes_back_as_it_was_sent_or_the_loss_was_declared(draft, key, zone):
    projected = project(draft, CAPABILITIES, {})
    assume(isinstance(projected.draft.due, datetime) or exists(projected.draft.due, zone))
    contact = projected.draft.contacts[0].ref.id

    row = over_the_wire(payloads.new_task(projected.draft, key, zone=zone), contact)
    told = payloads.remote_task(row, parent="", zone=zone)

    wanted, asked = canonical(projected.draft), canonical(draft)
    assert {name: told.holds[name] for name in HELD} == {name: wanted[name] for name in HELD}
    assert told.key == str(key)
    lost = {loss.field for loss in projected.losses}
    assert {name for name in HELD if asked[name] != wanted[name]} <= lost
    assert {name for name in Field if name not in HELD and says(name, asked[name])} <= lost


def says(name, value):
    is_silent = value in (None, "", (), False, "none") or (name, value) == (Field.TYPE, "todo")
    return not is_silent and name not in (Field.CREATED, Field.COMPLETED)


@QUICKLY
@given(old=drafts, new=drafts, changed=st.sets(st.sampled_from(Field)), zone=zones)
def test_an_update_brings_what_changed_and_leaves_the_rest(old, new, changed, zone):
    old, new = (project(one, CAPABILITIES, {}).draft for one in (old, new))
    assume(all(isinstance(one.due, datetime) or exists(one.due, zone) for one in (old, new)))
    contact = old.contacts[0].ref.id
    sent = payloads.new_task(old, KEY, zone=zone)

    sent |= payloads.changed_task(new, KEY, changed=frozenset(changed), zone=zone)
    told = payloads.remote_task(over_the_wire(sent, contact), parent="", zone=zone)

    before, after = canonical(old), canonical(new)
    held = [name for name in HELD if name is not Field.CONTACTS]
    assert {name: told.holds[name] for name in held} == {
        name: (after if name in changed else before)[name] for name in held
    }
    assert told.key == str(KEY)


@QUICKLY
@given(due=st.one_of(days, moments), zone=zones)
def test_what_is_due_keeps_its_day_and_its_moment_through_every_change_of_clocks(due, zone):
    assume(isinstance(due, datetime) or exists(due, zone))
    shown = records.shown_due(payloads.due_text(due, zone))

    told = payloads.due_of(shown, zone=zone)

    assert canonical_moment(told) == canonical_moment(due)
    assert isinstance(told, datetime) == isinstance(due, datetime)
    assert canonical_moment(payloads.due_of(shown, zone=zone, sent=due)) == canonical_moment(due)


@QUICKLY
@given(day=days, zone=zones)
def test_a_day_is_shown_as_that_day_to_people_in_the_sub_account(day, zone):
    assume(exists(day, zone))

    shown = datetime.fromisoformat(payloads.due_text(day, zone)).astimezone(zone)

    assert (shown.date(), shown.hour, shown.minute) == (day, 9, 0)


@QUICKLY
@given(body=bodies, key=keys, note=st.text(max_size=30).map(lambda one: one.strip()))
def test_what_people_write_below_our_key_is_read_and_the_key_too(body, key, note):
    assume("[hub:" not in note)
    sent = with_marker(payloads.tidy(body), key)

    text, found = payloads.split_key(f"{sent}\n{note}")

    assert found == str(key)
    assert payloads.tidy(text) == payloads.tidy(f"{payloads.tidy(body)}\n{note}")


@QUICKLY
@given(text=bodies)
def test_tidying_is_done_once(text):
    assert payloads.tidy(payloads.tidy(text)) == payloads.tidy(text)


def test_a_text_of_blanks_is_read_as_quickly_as_any_other():
    started = time.monotonic()

    assert payloads.split_key(" " * 200_000 + "x") == (" " * 200_000 + "x", "")
    assert payloads.split_key(" " * 200_000 + KEY.marker) == ("", str(KEY))
    assert time.monotonic() - started < 1


@given(empty=st.sampled_from([{}, {"body": None, "assignedTo": None}, {"body": "", "assignedTo": ""}]))
def test_null_empty_and_absent_are_the_same_nothing(empty):
    row = {"id": "TSK1", "title": "x", "completed": False, "contactId": "CON1", **empty}

    holds = payloads.remote_task(row, parent="", zone=UTC).holds

    assert (holds[Field.BODY], holds[Field.ASSIGNEE]) == ("", "")


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60)
emails = st.from_regex(r"\A[A-Za-z0-9.]{1,20}@[a-z]{1,10}\.example\Z")
phones = st.from_regex(r"\A\+[1-9][0-9]{6,13}\Z")
people = st.builds(
    Person,
    first_name=names,
    last_name=names,
    emails=st.lists(emails, max_size=1).map(tuple),
    phones=st.lists(phones, max_size=1).map(tuple),
    company=names,
)


@QUICKLY
@given(person=people)
def test_a_new_contact_comes_back_as_it_was_sent(person):
    sent = json.loads(json.dumps(payloads.new_contact(person, location="LOC1")))
    contact = {name: value for name, value in sent.items() if name != "locationId"} | {
        "id": "CON1",
        "added": MADE_AT,
        "updated": MADE_AT + timedelta(hours=1),
    }

    told = payloads.remote_contact(records.shown_contact(contact, "LOC1")).person

    assert (told.first_name, told.last_name, told.company) == (
        person.first_name,
        person.last_name,
        person.company,
    )
    assert (told.email, told.phone) == (person.email, person.phone)


@QUICKLY
@given(old=people, new=people)
def test_a_changed_contact_comes_back_as_it_was_changed_but_for_its_company(old, new):
    sent = payloads.new_contact(old, location="LOC1") | payloads.changed_contact(new)
    row = {name: value for name, value in sent.items() if value is not None} | {"id": "CON1"}

    told = payloads.remote_contact(row).person

    assert (told.first_name, told.last_name, told.email, told.phone) == (
        new.first_name,
        new.last_name,
        new.email,
        new.phone,
    )
    assert told.company == old.company
