"""What LeadSquared is sent for a task, and what its answers are read as."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.leadsquared import leads, moments, payloads
from providers.leadsquared.account import Rules, pairs
from providers.leadsquared.capabilities import CAPABILITIES
from providers.projection import project
from providers.types import Account, Field, HubKey, Linked, Person, RemoteRef, TaskDraft

KEY = HubKey(uuid.UUID(int=7), 2)
INDIA = ZoneInfo("Asia/Kolkata")
RULES = Rules(
    zone=INDIA,
    mapped={"call": "Phone Call", "talk": "Phone Call", "meeting": "Meeting"},
    known={"Follow-Up": 1, "Phone Call": 1, "Meeting": 0, "Document Collection": 1},
    key_user="key-user",
)
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
DRAFT = TaskDraft(title="Call Grace", created_at=datetime(2026, 3, 1, 9, 0, tzinfo=UTC), due=NOON)
GRACE, RENEWAL = Linked(RemoteRef("grace")), Linked(RemoteRef("renewal"))


def at(hour, minute=0, day=10):
    return datetime(2026, 3, day, hour, minute, tzinfo=UTC)


# Due dates


@pytest.mark.parametrize(
    ("due", "end", "zone", "sent"),
    [
        (date(2026, 3, 10), None, INDIA, ("2026-03-09 18:30:00", "2026-03-10 18:29:59")),
        (date(2026, 3, 10), None, ZoneInfo("UTC"), ("2026-03-10 00:00:00", "2026-03-10 23:59:59")),
        # Clocks go forward on this day in New York and at midnight of that one in Asunción.
        (
            date(2026, 3, 8),
            None,
            ZoneInfo("America/New_York"),
            ("2026-03-08 05:00:00", "2026-03-09 03:59:59"),
        ),
        (
            date(2024, 10, 6),
            None,
            ZoneInfo("America/Asuncion"),
            ("2024-10-06 04:00:00", "2024-10-07 02:59:59"),
        ),
        (date(2026, 3, 10), at(12), INDIA, ("2026-03-09 18:30:00", "2026-03-10 12:00:00")),
        (date(2026, 3, 10), at(1, day=9), INDIA, ("2026-03-09 18:30:00", "2026-03-10 18:29:59")),
        (NOON, None, INDIA, ("2026-03-10 12:00:00", "2026-03-10 12:00:00")),
        (NOON, at(13, 30), INDIA, ("2026-03-10 12:00:00", "2026-03-10 13:30:00")),
        (None, None, INDIA, ("2026-02-28 18:30:00", "2026-03-01 18:29:59")),
    ],
)
def test_due_and_end_are_always_sent_and_a_day_is_one_of_the_account(due, end, zone, sent):
    body = payloads.create_body(replace(DRAFT, due=due, end_at=end), KEY, replace(RULES, zone=zone))

    assert (body["DueDate"], body["EndDate"]) == sent


@pytest.mark.parametrize(
    ("due", "end", "due_at", "end_at"),
    [
        ("2026-03-09 18:30:00.000", "2026-03-10 18:29:59.000", "2026-03-10", None),
        ("2026-03-09 18:30:00", "2026-03-10 12:00:00", "2026-03-10", "2026-03-10T12:00:00Z"),
        ("2026-03-09 18:30:00", "2026-03-09 18:30:00", "2026-03-09T18:30:00Z", None),
        ("2026-03-10 12:00:00.123", "2026-03-10 13:00:00", "2026-03-10T12:00:00Z", "2026-03-10T13:00:00Z"),
        ("2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z", "2026-03-10T12:00:00Z", None),
    ],
)
def test_an_answer_is_a_day_where_it_is_what_a_day_would_be_sent_as(due, end, due_at, end_at):
    holds = payloads.read_task({"DueDate": due, "EndDate": end}, RULES).holds

    assert (holds[Field.DUE], holds[Field.END]) == (due_at, end_at)


def test_an_answer_without_an_end_does_not_tell_the_end():
    holds = payloads.read_task({"DueDate": "2026-03-09 18:30:00"}, RULES).holds

    assert holds == {Field.DUE: "2026-03-10"}


def test_what_was_just_written_settles_whether_midnight_is_a_day_or_a_moment():
    record = {"DueDate": "2026-03-09 18:30:00", "EndDate": "2026-03-10 12:00:00"}
    draft = replace(DRAFT, due=at(18, 30, day=9), end_at=at(12))

    assert payloads.read_task(record, RULES, draft=draft).holds[Field.DUE] == "2026-03-09T18:30:00Z"
    assert payloads.read_task(record, RULES).holds[Field.DUE] == "2026-03-10"


@given(
    st.dates(date(1971, 1, 1), date(2100, 1, 1)),
    st.sampled_from(
        ["UTC", "Asia/Kolkata", "America/Asuncion", "Pacific/Apia", "Africa/Cairo", "Asia/Beirut"]
    ),
)
def test_every_day_comes_back_as_that_day_in_every_zone(day, zone):
    rules = replace(RULES, zone=ZoneInfo(zone))
    body = payloads.create_body(replace(DRAFT, due=day), KEY, rules)

    holds = payloads.read_task(body, rules).holds

    assert (holds[Field.DUE], holds[Field.END]) == (day.isoformat(), None)


@pytest.mark.parametrize("text", ["0001-01-01 00:00:00.000", "", None, "soon"])
def test_never_and_nonsense_are_no_moment(text):
    assert moments.moment_of(text) is None


# Texts and the hub's key


def test_brackets_are_replaced_and_the_key_is_the_last_line():
    body = payloads.create_body(replace(DRAFT, title="a < b", body="<b>bold</b>"), KEY, RULES)

    assert body["Name"] == "a ‹ b"
    assert body["Description"] == f"‹b›bold‹/b›\n\n{KEY.marker}"


@pytest.mark.parametrize(
    ("text", "body", "key"),
    [
        (f"Ask her.\n\n{KEY.marker}", "Ask her.", str(KEY)),
        (f"blanks stay \n\n\n{KEY.marker}", "blanks stay \n", str(KEY)),
        (f"Ask her.\r\n\r\n{KEY.marker}\r\n", "Ask her.", str(KEY)),
        (f"Ask her.\n\n{KEY.marker}\nShe agreed.", "Ask her.\nShe agreed.", str(KEY)),
        (KEY.marker, "", str(KEY)),
        (f"not a line of its own: {KEY.marker} see", f"not a line of its own: {KEY.marker} see", ""),
        ("", "", ""),
    ],
)
def test_the_key_is_taken_out_of_a_description(text, body, key):
    assert payloads.split_description(text) == (body, key)


# What a task points at


@pytest.mark.parametrize(
    ("contacts", "deals", "sent", "held"),
    [
        ((), (), (0, ""), {Field.CONTACTS: (), Field.DEALS: ()}),
        ((GRACE,), (), (1, "grace"), {Field.CONTACTS: ("grace",), Field.DEALS: ()}),
        ((), (RENEWAL,), (5, "renewal"), {Field.DEALS: ("renewal",)}),
        ((GRACE,), (RENEWAL,), (5, "renewal"), {Field.DEALS: ("renewal",)}),
    ],
)
def test_a_task_has_one_related_record_the_deal_before_the_contact(contacts, deals, sent, held):
    body = payloads.create_body(replace(DRAFT, contacts=contacts, deals=deals), KEY, RULES)

    holds = payloads.read_task(
        {name: body[name] for name in ("RelatedEntity", "RelatedEntityId")}, RULES
    ).holds

    assert (body["RelatedEntity"], body["RelatedEntityId"]) == sent
    assert holds == held


def test_a_contact_beside_a_deal_is_told_as_lost():
    projection = project(replace(DRAFT, contacts=(GRACE,), deals=(RENEWAL,)), CAPABILITIES, {})

    assert (projection.draft.contacts, projection.draft.deals) == ((), (RENEWAL,))
    assert [loss.field for loss in projection.losses] == [Field.CONTACTS]


def test_a_task_without_a_due_date_gets_a_stand_in():
    projection = project(replace(DRAFT, due=None), CAPABILITIES, {})

    assert projection.draft.due == date(2026, 3, 8)
    assert [loss.field for loss in projection.losses] == [Field.DUE]


# Assignees


@pytest.mark.parametrize(
    ("owner", "assignee", "told"),
    [
        ("ada", None, {Field.ASSIGNEE: "ada"}),
        ("key-user", None, {}),
        ("key-user", "", {Field.ASSIGNEE: ""}),
        ("key-user", "key-user", {Field.ASSIGNEE: "key-user"}),
        ("key-user", "ada", {}),
    ],
)
def test_the_user_of_the_keys_may_stand_for_nobody(owner, assignee, told):
    draft = None if assignee is None else replace(DRAFT, assignee=assignee)

    assert payloads.read_task({"OwnerId": owner}, RULES, draft=draft).holds == told


def test_an_assignee_who_is_taken_away_leaves_the_task_to_the_user_of_the_keys():
    body = payloads.update_body(DRAFT, frozenset({Field.ASSIGNEE}), KEY, RULES)

    assert body == {"OwnerId": "key-user"}


def test_an_assignee_whom_the_account_does_not_know_is_not_sent():
    assert "OwnerEmailAddress" not in payloads.create_body(
        replace(DRAFT, assignee_email="ada@hub.example"), KEY, RULES
    )


def test_an_assignee_is_named_by_id():
    body = payloads.create_body(replace(DRAFT, assignee="ada", assignee_email="ada@hub.example"), KEY, RULES)

    assert (body["OwnerId"], "OwnerEmailAddress" in body) == ("ada", False)


@pytest.mark.parametrize(("notify", "code"), [(True, "1100"), (False, "1000")])
def test_the_owner_is_notified_by_mail_or_not_at_all(notify, code):
    draft = replace(DRAFT, notify_by_email=notify)

    body = payloads.create_body(draft, KEY, RULES)

    assert body["NotifyBy"] == code
    assert payloads.read_task({"NotifyBy": code}, RULES).holds == {Field.NOTIFY: notify}


def test_an_assignee_may_be_given_by_email():
    draft = replace(DRAFT, assignee="Ada@hub.example", assignee_email="ada@hub.example")
    record = {"OwnerId": "ada", "OwnerEmailAddress": "ada@hub.example"}

    body = payloads.create_body(draft, KEY, RULES)

    assert (body["OwnerEmailAddress"], "OwnerId" in body) == ("Ada@hub.example", False)
    assert payloads.read_task(record, RULES, draft=draft).holds == {Field.ASSIGNEE: "Ada@hub.example"}
    assert payloads.read_task(record, RULES).holds == {Field.ASSIGNEE: "ada"}


@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        ({}, [(10, 5)]),
        ({"plan": "lite"}, [(2, 5)]),
        ({"plan": "pro"}, [(10, 5), (10_000, 86_400)]),
        ({"plan": "super"}, [(20, 5), (100_000, 86_400)]),
        ({"plan": "basic"}, [(10, 5)]),
        ({"plan": "standard"}, [(15, 5)]),
        ({"plan": "enterprise"}, [(25, 5)]),
    ],
)
def test_a_plan_decides_how_often_an_account_may_be_called(plan, limits):
    assert [(one.calls, one.seconds) for one in CAPABILITIES.limits_for(plan)] == limits


# Task types


@pytest.mark.parametrize(
    ("type", "end", "name"),
    [
        ("", None, "Follow-Up"),
        ("Call", None, "Phone Call"),
        ("document collection", None, "Document Collection"),
        ("lunch", None, "Follow-Up"),
        ("", at(13), "Meeting"),
        ("call", at(13), "Phone Call"),
    ],
)
def test_the_task_type_is_mapped_known_or_the_default(type, end, name):
    rules = replace(RULES, appointment_type="Meeting")

    assert payloads.create_body(replace(DRAFT, type=type, end_at=end), KEY, rules)["TaskType"] == {
        "Name": name
    }


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Meeting", {Field.TYPE: "meeting"}),
        ("Document Collection", {Field.TYPE: "Document Collection"}),
        ("Phone Call", {}),
        ("Follow-Up", {}),
    ],
)
def test_a_task_type_is_told_where_it_can_mean_one_thing_only(name, told):
    assert payloads.read_task({"TaskType": {"Name": name}}, RULES).holds == told


@pytest.mark.parametrize(
    "setting", ["call=Phone Call, Meeting = Visit ,=,x", {"call": "Phone Call", "MEETING": "Visit", "x": ""}]
)
def test_the_map_of_types_is_read_from_text_or_from_a_mapping(setting):
    assert pairs(setting) == {"call": "Phone Call", "meeting": "Visit"}


def test_an_account_is_read_with_what_was_learned_of_it():
    account = Account(
        secrets={}, learned={"time_zone": "Nowhere/Land", "task_types": {"Visit": 0, "Errand": 1}}
    )

    rules = Rules.of(account)

    assert (rules.zone.key, rules.default_type) == ("UTC", "Errand")


# Reminders


@pytest.mark.parametrize(
    ("type", "due", "reminder", "sent"),
    [
        ("", NOON, at(4, 30, day=9), {"ReminderBeforeDays": "1", "ReminderTime": "10:00:00"}),
        ("", date(2026, 3, 10), at(4), {"ReminderBeforeDays": "0", "ReminderTime": "09:30:00"}),
        ("", NOON, at(4, day=11), {}),
        ("meeting", NOON, at(11, 15), {"Reminder": 45}),
        ("meeting", NOON, at(13), {"Reminder": 0}),
        ("meeting", NOON, None, {"Reminder": 0}),
        ("", NOON, None, {}),
    ],
)
def test_a_to_do_reminds_at_a_time_of_day_and_an_appointment_by_minutes(type, due, reminder, sent):
    body = payloads.create_body(replace(DRAFT, type=type, due=due, reminder_at=reminder), KEY, RULES)

    assert {name: value for name, value in body.items() if name.startswith("Reminder")} == sent


@pytest.mark.parametrize(
    ("changed", "reminder", "sent"),
    [
        ({Field.REMINDER}, at(11, 15), {"Reminder": 45}),
        ({Field.REMINDER}, None, {"Reminder": 0}),
        ({Field.DUE}, at(11, 15), {"Reminder": 45}),
        ({Field.DUE}, None, {}),
        ({Field.TITLE}, at(11, 15), {}),
    ],
)
def test_a_reminder_moves_with_the_due_date(changed, reminder, sent):
    body = payloads.update_body(replace(DRAFT, reminder_at=reminder), frozenset(changed), KEY, RULES)

    assert {name: value for name, value in body.items() if name.startswith("Reminder")} == sent


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"Category": 0, "Reminder": 45}, "2026-03-10T11:15:00Z"),
        ({"Category": 0, "Reminder": 0}, None),
        ({"Category": 1, "ReminderBeforeDays": 1, "ReminderTime": "10:00:00"}, "2026-03-09T04:30:00Z"),
        ({"Category": 1, "Reminder": 15, "ReminderBeforeDays": 0}, None),
    ],
)
def test_a_reminder_is_told_where_the_answer_is_certain(record, told):
    holds = payloads.read_task({**record, "DueDate": "2026-03-10 12:00:00"}, RULES).holds

    assert holds.get(Field.REMINDER) == told


# Other fields


@pytest.mark.parametrize(
    ("record", "status"),
    [
        ({"StatusCode": 0}, "open"),
        ({"StatusCode": "1"}, "completed"),
        ({"StatusCode": 7}, "open"),
        ({"Status": "Pending"}, "open"),
        ({"Status": "Overdue"}, "open"),
        ({"Status": "Completed"}, "completed"),
    ],
)
def test_only_what_is_known_to_mean_completed_is_read_as_completed(record, status):
    assert payloads.read_task(record, RULES).holds == {Field.STATUS: status}


def test_an_update_holds_the_changed_fields_only():
    body = payloads.update_body(
        replace(DRAFT, notify_by_email=True), frozenset({Field.TITLE, Field.NOTIFY}), KEY, RULES
    )

    assert body == {"Name": "Call Grace", "NotifyBy": "1100"}


@pytest.mark.parametrize("name", [Field.STATUS, Field.TYPE, Field.LOCATION, Field.PRIORITY])
def test_what_an_update_cannot_write_is_not_sent(name):
    assert payloads.update_body(DRAFT, frozenset({name}), KEY, RULES) == {}


# People


def test_a_person_becomes_the_attributes_of_a_lead():
    person = Person("Grace", "", ("Grace@client.example",), ("+12025550123", "+12025550124"))

    assert {one["Attribute"]: one["Value"] for one in leads.attributes(person, with_empty=False)} == {
        "FirstName": "Grace",
        "EmailAddress": "Grace@client.example",
        "Phone": "+12025550123",
        "Mobile": "+12025550124",
    }
    assert {"Attribute": "LastName", "Value": ""} in leads.attributes(person, with_empty=True)


@pytest.mark.parametrize(
    "record",
    [
        {"ProspectID": "7", "FirstName": "Grace", "Phone": "+1-2025550123", "Mobile": None},
        {
            "LeadPropertyList": [
                {"Attribute": "ProspectID", "Value": "7"},
                {"Attribute": "FirstName", "Value": "Grace"},
                {"Attribute": "Phone", "Value": "+1-2025550123"},
            ]
        },
    ],
)
def test_a_lead_is_read_flat_or_as_a_list_of_attributes(record):
    contact = leads.read_lead(record)

    assert (contact.ref.id, contact.person) == ("7", Person(first_name="Grace", phones=("+12025550123",)))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("+91-9876543210", "+919876543210", True),
        ("9876543210", "+919876543210", True),
        ("09876543210", "+919876543210", True),
        ("+1 9876543210", "+919876543210", False),
        ("43210", "+919876543210", False),
        ("", "+919876543210", False),
    ],
)
def test_phones_are_compared_by_their_digits(one, other, is_same):
    assert leads.is_same_phone(one, other) is is_same
