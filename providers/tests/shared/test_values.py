"""The values between hub and vendors: keys and their marks, one spelling of everything, and what a vendor can hold."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from providers.capabilities import COMMON_SETTINGS, Capabilities, Level, Limit, Support
from providers.projection import project
from providers.types import (
    Account,
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
    split_marker,
    with_marker,
)

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
KEY = HubKey(uuid.UUID("01234567-89ab-7cde-8f01-23456789abcd"), 2)

# Keys and marks


def test_a_key_is_26_letters_and_digits_and_its_generation():
    assert str(KEY) == "aerukz4jvn6n5dybencwpcnlzu.2"
    assert KEY.marker == "[hub:aerukz4jvn6n5dybencwpcnlzu.2]"


def test_every_link_and_generation_has_a_key_of_its_own():
    keys = {
        str(HubKey(uuid.UUID(int=number), generation)) for number in range(40) for generation in (1, 2, 12)
    }

    assert len(keys) == 120


def test_a_key_is_read_back():
    assert HubKey.read(str(KEY)) == KEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "aerukz4jvn6n5dybencwpcnlzu",
        "aerukz4jvn6n5dybencwpcnlzu.0",
        "aerukz4jvn6n5dybencwpcnlzu.02",
        "aerukz4jvn6n5dybencwpcnlzv.2",  # its last letter says more than an id holds
        "AERUKZ4JVN6N5DYBENCWPCNLZU.2",
        " aerukz4jvn6n5dybencwpcnlzu.2",
        "aerukz4jvn6n5dybencwpcnlzu.99999999999",
    ],
)
def test_what_is_no_key_is_not_read_as_one(text):
    assert HubKey.read(text) is None


@pytest.mark.parametrize("body", ["", "About the quote", "One\n\nTwo\n", "See [hub:nobody.1] there"])
def test_a_mark_is_put_on_and_taken_off_again(body):
    marked = with_marker(body, KEY)

    assert marked.endswith(KEY.marker)
    assert split_marker(marked) == (body.rstrip(), str(KEY))


@pytest.mark.parametrize(
    ("text", "body", "key"),
    [
        ("About the quote", "About the quote", ""),
        (f"{KEY.marker} moved up", f"{KEY.marker} moved up", ""),
        (f"About  {KEY.marker}\n ", "About", str(KEY)),
        ("[hub:TOOLOUD.1]", "[hub:TOOLOUD.1]", ""),
        ("", "", ""),
    ],
)
def test_only_a_mark_at_the_end_counts(text, body, key):
    assert split_marker(text) == (body, key)


# One spelling


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (None, None),
        (date(2026, 3, 29), "2026-03-29"),
        (NOON, "2026-03-29T12:00:00Z"),
        (NOON.replace(microsecond=999_999), "2026-03-29T12:00:00Z"),
        (NOON.astimezone(timezone(timedelta(hours=5, minutes=30))), "2026-03-29T12:00:00Z"),
    ],
)
def test_a_moment_has_one_spelling_and_a_day_stays_a_day(moment, text):
    assert canonical_moment(moment) == text


def test_the_order_of_associations_makes_no_difference():
    there = [Linked(RemoteRef("2"), label="asked"), Linked(RemoteRef("1"), is_pinned=True)]

    one, other = draft(contacts=tuple(there)), draft(contacts=tuple(reversed(there)))

    assert canonical(one) == canonical(other)
    assert canonical(one)[Field.CONTACTS] == ("1", "2")


def test_every_field_has_a_spelling():
    assert set(canonical(draft())) == set(Field)


def test_a_person_is_known_by_the_first_e_mail_in_lower_case_and_the_first_phone():
    grace = Person("Grace", "Hopper", emails=("Grace@Example.com", "g@x.org"), phones=("+1", "+2"))

    assert (grace.name, grace.email, grace.phone) == ("Grace Hopper", "grace@example.com", "+1")
    assert (Person().name, Person().email, Person().phone) == ("", "", "")


def test_an_account_does_not_show_its_secrets():
    assert "hunter2" not in repr(Account(secrets={"key": "hunter2"}, base_url="https://x.example"))


def test_values_do_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        draft().title = "Other"


# What a vendor can hold


def draft(**values):
    return TaskDraft(**{"title": "Call Grace", "created_at": NOON, **values})


def vendor(fields=None, **values):
    every = {name: Support() for name in Field}
    return Capabilities(
        **{
            "label": "Vendor",
            "hosts": ("api.vendor.example",),
            "default_base_url": "https://api.vendor.example",
            "api_version": "1",
            "secrets": (),
            "settings": COMMON_SETTINGS,
            "limits": (Limit(10, 1.0),),
            "fields": {**every, **(fields or {})},
            "operations": {},
            "find_lag": timedelta(0),
            "landing": timedelta(seconds=10),
            **values,
        }
    )


def held(task, can, settings=None):
    projection = project(task, can, settings or {})
    return projection.draft, [(loss.field, loss.note) for loss in projection.losses]


def test_a_vendor_that_holds_all_loses_nothing():
    task = draft(body="About", due=NOON, priority=Priority.HIGH, location="Room 2")

    assert held(task, vendor()) == (task, [])


@pytest.mark.parametrize(
    ("name", "given", "empty"),
    [
        (Field.BODY, {"body": "About"}, {"body": ""}),
        (Field.PRIORITY, {"priority": Priority.HIGH}, {"priority": Priority.NONE}),
        (Field.DUE, {"due": NOON}, {"due": None}),
        (Field.NOTIFY, {"notify_by_email": True}, {"notify_by_email": False}),
        (Field.CONTACTS, {"contacts": (Linked(RemoteRef("1")),)}, {"contacts": ()}),
    ],
)
def test_a_field_that_a_vendor_has_not_is_emptied_and_said_to_be_lost(name, given, empty):
    can = vendor({name: Support(Level.NONE, "has no such thing")})

    assert held(draft(**given), can) == (draft(**empty), [(name, "has no such thing")])
    assert held(draft(**empty), can) == (draft(**empty), [])


def test_when_a_task_was_made_and_completed_is_not_a_loss_that_staff_must_read():
    can = vendor({Field.CREATED: Support(Level.NONE, "x"), Field.COMPLETED: Support(Level.NONE, "x")})
    task = draft(completed_at=NOON)

    assert held(task, can)[1] == []
    assert held(task, can)[0].created_at == NOON


def test_a_word_that_a_vendor_has_not_becomes_the_nearest_it_has():
    words = {TaskStatus.WAITING: TaskStatus.OPEN}
    can = vendor({Field.STATUS: Support(Level.LOSSY, "knows open and completed only", words=words)})

    waiting, lost = held(draft(status=TaskStatus.WAITING), can)

    assert (waiting.status, lost) == (TaskStatus.OPEN, [(Field.STATUS, "knows open and completed only")])
    assert held(draft(), can) == (draft(), [])


def test_a_text_that_the_vendor_changes_is_changed_before_and_said_so():
    can = vendor({Field.BODY: Support(Level.LOSSY, "takes no brackets", alter=lambda text: text.strip("<>"))})

    assert held(draft(body="<b>"), can) == (draft(body="b"), [(Field.BODY, "takes no brackets")])
    assert held(draft(body="b"), can)[1] == []


def test_a_vendor_that_takes_one_contact_gets_the_first():
    first, second = Linked(RemoteRef("2")), Linked(RemoteRef("1"))
    can = vendor({Field.CONTACTS: Support(Level.LOSSY, "takes one contact", most=1)})

    task, lost = held(draft(contacts=(first, second)), can)

    assert (task.contacts, lost) == ((first,), [(Field.CONTACTS, "takes one contact")])
    assert held(draft(contacts=(second,)), can)[1] == []


def test_of_associations_that_exclude_each_other_the_first_stays():
    can = vendor(only_one_of=(Field.CONTACTS, Field.DEALS))
    contact, deal = (Linked(RemoteRef("1")),), (Linked(RemoteRef("2")),)

    both, lost = held(draft(contacts=contact, deals=deal), can)

    assert (both.contacts, both.deals, [name for name, _ in lost]) == (contact, (), [Field.DEALS])
    assert held(draft(deals=deal), can)[0].deals == deal


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({}, TaskStatus.COMPLETED),
        ({"cancelled": "complete"}, TaskStatus.COMPLETED),
        ({"cancelled": "leave"}, TaskStatus.CANCELLED),
    ],
)
def test_a_cancelled_task_is_completed_there_unless_the_settings_say_otherwise(settings, status):
    assert held(draft(status=TaskStatus.CANCELLED), vendor(), settings)[0].status is status


def test_a_vendor_that_demands_a_due_date_gets_one_and_staff_are_told():
    can = vendor(needs_due=True)

    task, [(name, note)] = held(draft(), can)

    assert (task.due, name) == (date(2026, 4, 5), Field.DUE)
    assert "2026-04-05 stands in" in note
    assert held(draft(due=NOON), can) == (draft(due=NOON), [])


def test_the_limits_are_those_of_the_plan():
    can = vendor(plans={"pro": (Limit(50, 60.0),)})

    assert can.limits_for({"plan": "pro"}) == (Limit(50, 60.0),)
    assert can.limits_for({"plan": "unheard of"}) == can.limits_for({}) == (Limit(10, 1.0),)


def test_what_is_not_claimed_is_not_held():
    can = dataclasses.replace(vendor(), fields={})

    assert can.supports(Field.BODY).level is Level.NONE
    assert not can.can("reopen")
