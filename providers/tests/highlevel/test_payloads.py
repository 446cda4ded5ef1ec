"""What goes to HighLevel and what is read from it, without any HTTP."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from providers.highlevel import payloads
from providers.types import Field, HubKey, Linked, Person, RemoteRef, TaskDraft, TaskStatus

CHICAGO = ZoneInfo("America/Chicago")
KEY = HubKey(uuid.UUID(int=7))
MADE_AT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
NINE = datetime(2026, 12, 1, 15, 0, tzinfo=UTC)  # 09:00 in Chicago


def draft(**changes):
    whole = {"title": "Call Grace", "created_at": MADE_AT, "due": date(2026, 12, 1)}
    return TaskDraft(**{**whole, "contacts": (Linked(RemoteRef("CON1")),), **changes})


def row(**changes):
    return {"id": "TSK1", "title": "Call Grace", "completed": False, "contactId": "CON1", **changes}


# Due moments


@pytest.mark.parametrize(
    ("due", "zone", "text"),
    [
        (date(2026, 12, 1), "UTC", "2026-12-01T09:00:00.001Z"),
        (date(2026, 12, 1), "America/Chicago", "2026-12-01T15:00:00.001Z"),
        (date(2026, 7, 1), "America/Chicago", "2026-07-01T14:00:00.001Z"),
        (date(2026, 3, 8), "America/Chicago", "2026-03-08T14:00:00.001Z"),
        (date(2026, 12, 1), "Pacific/Kiritimati", "2026-11-30T19:00:00.001Z"),
        (date(2026, 12, 1), "Asia/Kathmandu", "2026-12-01T03:15:00.001Z"),
        (NINE, "America/Chicago", "2026-12-01T15:00:00.000Z"),
        (datetime(2026, 12, 1, 10, 0, tzinfo=ZoneInfo("Europe/Berlin")), "UTC", "2026-12-01T09:00:00.000Z"),
    ],
)
def test_a_due_day_is_nine_in_the_accounts_zone_and_a_moment_is_itself(due, zone, text):
    assert payloads.due_text(due, payloads.zone_of(zone)) == text


@pytest.mark.parametrize(
    "zone", ["UTC", "America/Chicago", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]
)
@pytest.mark.parametrize("day", [date(2026, 3, 8), date(2026, 10, 25), date(2026, 12, 31), date(2028, 2, 29)])
def test_a_day_is_read_back_as_that_day(zone, day):
    zone = payloads.zone_of(zone)

    assert payloads.due_of(payloads.due_text(day, zone), zone=zone) == day


def test_an_appointment_at_nine_is_no_day():
    assert payloads.due_of(payloads.due_text(NINE, CHICAGO), zone=CHICAGO) == NINE


@pytest.mark.parametrize(
    "text", ["2026-12-01T15:00:00Z", "2026-12-01T15:00:00.000Z", "2026-12-01T15:00:00.001Z"]
)
@pytest.mark.parametrize("sent", [date(2026, 12, 1), NINE])
def test_the_answer_to_what_was_sent_is_what_was_sent(text, sent):
    assert payloads.due_of(text, zone=CHICAGO, sent=sent) == sent


@pytest.mark.parametrize("sent", [date(2026, 12, 1), NINE])
def test_another_moment_than_the_one_sent_is_told(sent):
    told = payloads.due_of("2026-12-02T15:00:00.000Z", zone=CHICAGO, sent=sent)

    assert told == NINE + timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-01T15:00:00", NINE),
        ("2026-12-01T16:00:00+01:00", NINE),
        ("2026-12-01T15:00Z", NINE),
        ("soon", None),
        ("", None),
        (None, None),
        (1796137200000, None),
        ("0001-01-01T00:00:00+14:00", None),
        ("0001-01-01T00:00:00Z", None),
    ],
)
def test_other_spellings_of_a_moment_are_read_and_nonsense_is_silence(text, moment):
    assert payloads.due_of(text, zone=CHICAGO) == moment


@pytest.mark.parametrize("name", ["Mars/Olympus", "", None, "America", "../etc/passwd", "\x00"])
def test_a_zone_that_nobody_knows_is_utc(name):
    assert payloads.due_text(date(2026, 12, 1), payloads.zone_of(name)) == "2026-12-01T09:00:00.001Z"


# Tasks outward


def test_a_new_task_has_the_documented_fields_and_the_key_as_its_last_line():
    body = payloads.new_task(draft(body="Ask for the plan", assignee="USR1"), KEY, zone=CHICAGO)

    assert body == {
        "title": "Call Grace",
        "body": f"Ask for the plan\n\n[hub:{KEY}]",
        "dueDate": "2026-12-01T15:00:00.001Z",
        "completed": False,
        "assignedTo": "USR1",
    }


def test_a_new_task_without_an_assignee_does_not_name_one():
    assert "assignedTo" not in payloads.new_task(draft(), KEY, zone=CHICAGO)


@pytest.mark.parametrize(
    ("changed", "body"),
    [
        ({Field.TITLE}, {"title": "Call Grace"}),
        ({Field.BODY}, {"body": f"[hub:{KEY}]"}),
        ({Field.DUE}, {"dueDate": "2026-12-01T15:00:00.001Z"}),
        ({Field.STATUS}, {"completed": True}),
        ({Field.ASSIGNEE}, {"assignedTo": ""}),
        ({Field.PRIORITY, Field.CONTACTS, Field.LOCATION}, {}),
    ],
)
def test_an_update_names_just_what_changed(changed, body):
    task = draft(status=TaskStatus.COMPLETED)

    assert payloads.changed_task(task, KEY, changed=frozenset(changed), zone=CHICAGO) == body


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("plain", "plain"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("end \n\n", "end"),
        ("  led in", "  led in"),
        (" ", ""),
    ],
)
def test_a_body_is_made_such_that_it_can_come_back(text, kept):
    sent = payloads.changed_task(draft(body=text), KEY, changed=frozenset({Field.BODY}), zone=CHICAGO)

    assert payloads.tidy(text) == kept
    assert payloads.remote_task(row(**sent), parent="", zone=CHICAGO).holds[Field.BODY] == kept


# Tasks inward


@pytest.mark.parametrize(
    ("text", "body", "key"),
    [
        (f"Ask\n\n[hub:{KEY}]", "Ask", str(KEY)),
        (f"[hub:{KEY}]", "", str(KEY)),
        (f"Ask\n\n[hub:{KEY}]\nGrace called back", "Ask\nGrace called back", str(KEY)),
        ("Ask", "Ask", ""),
        ("[hub:short.1]", "[hub:short.1]", ""),
        ("", "", ""),
    ],
)
def test_the_key_is_taken_out_of_the_body_wherever_it_stands(text, body, key):
    task = payloads.remote_task(row(body=text), parent="", zone=CHICAGO)

    assert (task.holds[Field.BODY], task.key) == (body, key)


def test_a_row_tells_what_it_holds():
    told = row(body="Ask", dueDate="2026-12-01T15:30:00.000Z", assignedTo="USR1", completed=True)

    task = payloads.remote_task(told, parent="CON9", zone=CHICAGO)

    assert task.ref == RemoteRef("TSK1", "CON1")
    assert task.holds == {
        Field.TITLE: "Call Grace",
        Field.BODY: "Ask",
        Field.STATUS: "completed",
        Field.DUE: "2026-12-01T15:30:00Z",
        Field.ASSIGNEE: "USR1",
        Field.CONTACTS: ("CON1",),
    }


def test_a_row_of_the_search_goes_by_its_other_id_and_tells_when_it_changed():
    task = payloads.remote_task(
        {"_id": "TSK1", "contactId": "CON1", "dateUpdated": "2026-12-01T15:00:00.000Z"},
        parent="",
        zone=CHICAGO,
    )

    assert (task.ref, task.modified_at) == (RemoteRef("TSK1", "CON1"), NINE)


def test_what_a_row_is_silent_about_is_absent():
    task = payloads.remote_task(
        {"id": "TSK1", "completed": None, "dueDate": None}, parent="CON1", zone=CHICAGO
    )

    assert task.holds == {Field.CONTACTS: ("CON1",)}


def test_what_is_not_set_there_is_left_out_of_a_whole_row_and_so_is_empty():
    holds = payloads.remote_task(row(assignedTo=None), parent="", zone=CHICAGO).holds

    assert (holds[Field.BODY], holds[Field.ASSIGNEE]) == ("", "")


@pytest.mark.parametrize(
    "body", [None, [], "text", {"task": None}, {"task": {}}, {"task": {"title": "x"}}, {"task": [1]}]
)
def test_an_answer_without_a_task_is_seen_as_one(body):
    assert payloads.record_in(body, "task") is None
    assert payloads.rows_in(body, "tasks") is None


# Contacts and users

GRACE = Person("Grace", "Hopper", ("Grace@Client.Example",), ("+12025550123",), "Compilers Ltd", "Admiral")


def test_a_new_contact_is_filed_in_the_sub_account_without_what_is_empty():
    assert payloads.new_contact(Person("Grace", emails=("Grace@Client.Example",)), location="LOC1") == {
        "locationId": "LOC1",
        "firstName": "Grace",
        "email": "grace@client.example",
    }


def test_an_update_of_a_contact_empties_with_null_and_names_nothing_that_is_refused():
    assert payloads.changed_contact(Person("Grace", "Hopper", company="Compilers Ltd")) == {
        "firstName": "Grace",
        "lastName": "Hopper",
        "email": None,
        "phone": None,
    }


@pytest.mark.parametrize(
    "further",
    [
        ["old@client.example"],
        [{"email": "old@client.example"}],
        [{"email": "old@client.example"}, None, 7, {}],
    ],
)
def test_a_contacts_further_e_mails_follow_the_primary_one(further):
    contact = payloads.remote_contact(
        {"id": "CON1", "email": "grace@client.example", "additionalEmails": further}
    )

    assert contact.person.emails == ("grace@client.example", "old@client.example")


@pytest.mark.parametrize(
    ("name", "value", "is_known"),
    [
        ("email", "grace@client.example", True),
        ("email", "race@client.example", False),
        ("phone", "+1 (202) 555-0123", True),
        ("phone", "+12025550124", False),
    ],
)
def test_a_contact_is_known_by_the_whole_address(name, value, is_known):
    contact = payloads.remote_contact({"id": "CON1", "email": GRACE.emails[0], "phone": GRACE.phone})

    assert payloads.is_known_by(contact, name, value) is is_known


def test_a_person_is_looked_up_by_every_e_mail_and_then_by_every_phone():
    person = Person(emails=("A@x.example", "a@x.example", " ", "b@x.example"), phones=("+1", "+2"))

    assert list(payloads.identities(person)) == [
        ("email", "a@x.example"),
        ("email", "b@x.example"),
        ("phone", "+1"),
        ("phone", "+2"),
    ]


def test_a_user_who_was_removed_is_not_active():
    owner = payloads.owner(
        {"id": "USR1", "email": "Ada@Hub.Example", "firstName": "Ada", "lastName": "Byron", "deleted": True}
    )

    assert (owner.email, owner.name, owner.is_active) == ("ada@hub.example", "Ada Byron", False)


@pytest.mark.parametrize(
    ("row", "serves"),
    [
        ({}, True),
        ({"roles": None}, True),
        ({"roles": {"locationIds": []}}, True),
        ({"roles": {"locationIds": ["LOC1", "LOC2"]}}, True),
        ({"roles": {"locationIds": ["LOC2"]}}, False),
    ],
)
def test_a_user_of_another_sub_account_only_cannot_be_assigned(row, serves):
    assert payloads.serves(row, "LOC1") is serves


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, ()),
        (
            {"x-ratelimit-remaining": "97", "x-ratelimit-max": "100"},
            ("97 of 100 requests left in these seconds",),
        ),
        ({"x-ratelimit-daily-remaining": "many", "x-ratelimit-limit-daily": "200000"}, ()),
    ],
)
def test_what_is_left_of_the_quota_is_said_in_words(headers, words):
    assert payloads.quota_words(headers) == words
