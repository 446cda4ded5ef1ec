"""A task between the hub's words and LeadLex's JSON."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import Rejected
from providers.leadlex import payloads, people
from providers.leadlex.markdown import escaped, tidy, unescaped
from providers.types import (
    Field,
    HubKey,
    Linked,
    Person,
    Priority,
    RecordKind,
    RemoteRef,
    TaskDraft,
    TaskStatus,
    with_marker,
)

MADE_AT = datetime(2026, 11, 20, 8, 0, 0, 123456, tzinfo=UTC)
KEY = HubKey(uuid.UUID("7d0f0c1e-0000-4000-8000-000000000001"))
GRACE = (Linked(RemoteRef("bbbbbbbb-0000-4000-8000-000000000002")),)
DEAL = (Linked(RemoteRef("cccccccc-0000-4000-8000-000000000003")),)
INBOX = "dddddddd-0000-4000-8000-000000000004"
TASK = {"id": "t-1", "title": "Call Grace"}


def draft(**changes):
    return replace(TaskDraft(title="Call Grace", created_at=MADE_AT, contacts=GRACE), **changes)


def created(settings=None, **changes):
    return payloads.task_to_create(draft(**changes), key=KEY, settings=settings or {})


def changed(*fields, settings=None, **changes):
    return payloads.task_changes(
        draft(**changes), changed=frozenset(fields), key=KEY, settings=settings or {}
    )


def read(settings=None, asked=None, **told):
    return payloads.read_task({**TASK, **told}, settings=settings or {}, asked=asked)


# Outwards


def test_a_new_task_sends_what_it_has_and_nothing_else():
    assert created() == {
        "title": "Call Grace",
        "description": KEY.marker,
        "status": "open",
        "contact_id": GRACE[0].ref.id,
        "created_date": "2026-11-20T08:00:00.123Z",
    }


@pytest.mark.parametrize(
    ("ours", "name", "theirs"),
    [
        ({"body": "Bring the chart."}, "description", f"Bring the chart.\n\n{KEY.marker}"),
        ({"status": TaskStatus.IN_PROGRESS}, "status", "in_progress"),
        ({"status": TaskStatus.COMPLETED}, "status", "completed"),
        ({"priority": Priority.HIGH}, "priority", "high"),
        ({"type": "call"}, "task_type", "call"),
        ({"due": date(2026, 3, 29)}, "due_date", "2026-03-29"),
        ({"due": datetime(2026, 12, 1, 14, 30, tzinfo=UTC)}, "due_date", "2026-12-01T14:30:00Z"),
        ({"assignee": "user-001"}, "assignee_id", "user-001"),
        ({"deals": DEAL}, "deal_id", DEAL[0].ref.id),
        ({"events": DEAL}, "event_id", DEAL[0].ref.id),
    ],
)
def test_a_field_of_ours_has_one_of_theirs(ours, name, theirs):
    assert created(**ours)[name] == theirs


def test_our_types_are_sent_in_the_workspaces_words():
    settings = {"task_types": "call=phone_call, email=send_email"}

    assert created(settings, type="call")["task_type"] == "phone_call"
    assert created(settings, type="visit")["task_type"] == "visit"
    assert created({"task_types": {"call": "ring"}}, type="call")["task_type"] == "ring"


def test_a_task_without_a_parent_is_refused_before_it_is_sent():
    with pytest.raises(Rejected) as caught:
        created(contacts=())

    assert caught.value.fields == {Field.CONTACTS: "LeadLex needs a contact, deal or event"}


@pytest.mark.parametrize(
    ("kind", "name"), [("contact", "contact_id"), ("deal", "deal_id"), ("Deal", "deal_id")]
)
def test_the_default_parent_stands_in(kind, name):
    body = created({"default_parent": f"{kind}:{INBOX}"}, contacts=())

    assert body[name] == INBOX


@pytest.mark.parametrize("text", ["event:x", INBOX, "contact:", ":x"])
def test_a_misspelled_default_parent_is_said_so(text):
    with pytest.raises(Rejected, match="default_parent"):
        created({"default_parent": text}, contacts=())


def test_a_misspelled_default_parent_hinders_no_task_that_has_a_parent():
    settings = {"default_parent": "inbox"}

    assert created(settings)["contact_id"] == GRACE[0].ref.id
    assert read(settings, contact_id=INBOX).holds[Field.CONTACTS] == (INBOX,)


def test_an_update_sends_the_changed_fields_alone():
    assert changed(Field.TITLE, title="Write to Grace", priority=Priority.LOW) == {"title": "Write to Grace"}


@pytest.mark.parametrize(
    ("field", "name"),
    [
        (Field.PRIORITY, "priority"),
        (Field.TYPE, "task_type"),
        (Field.DUE, "due_date"),
        (Field.ASSIGNEE, "assignee_id"),
        (Field.DEALS, "deal_id"),
    ],
)
def test_an_emptied_field_is_sent_as_null(field, name):
    assert changed(field) == {name: None}


def test_an_emptied_body_still_carries_the_key():
    assert changed(Field.BODY) == {"description": KEY.marker}


def test_what_cannot_be_changed_there_is_not_sent():
    assert changed(Field.CREATED, Field.COMPLETED, Field.END, Field.COMPANIES) == {}


def test_the_stand_in_comes_when_the_last_parent_goes():
    settings = {"default_parent": f"deal:{INBOX}"}

    assert changed(Field.CONTACTS, settings=settings, contacts=()) == {"contact_id": None, "deal_id": INBOX}


def test_the_stand_in_goes_when_a_real_parent_comes():
    settings = {"default_parent": f"deal:{INBOX}"}

    assert changed(Field.CONTACTS, settings=settings) == {"contact_id": GRACE[0].ref.id, "deal_id": None}


def test_the_idempotency_key_is_a_uuid_of_the_hub_key_and_of_nothing_else():
    again = HubKey(KEY.link, 2)

    assert payloads.idempotency_key(KEY) == payloads.idempotency_key(HubKey(KEY.link))
    assert payloads.idempotency_key(KEY) != payloads.idempotency_key(again)
    assert uuid.UUID(payloads.idempotency_key(KEY)).version == 5


# Inwards


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("open", "open"),
        ("pending", "open"),
        ("approved", "open"),
        ("failed", "open"),
        ("whatever", "open"),
        ("in_progress", "in_progress"),
        ("completed", "completed"),
        ("dismissed", "cancelled"),
    ],
)
def test_each_pages_word_for_a_status_is_understood(word, status):
    assert read(status=word).holds[Field.STATUS] == status


@pytest.mark.parametrize(
    ("word", "priority"),
    [("low", "low"), ("medium", "medium"), ("high", "high"), ("urgent", "high"), (None, "none")],
)
def test_each_pages_word_for_a_priority_is_understood(word, priority):
    assert read(priority=word).holds[Field.PRIORITY] == priority


def test_an_answer_holds_only_what_it_tells():
    assert read().holds == {Field.TITLE: "Call Grace"}


def test_what_is_null_there_is_empty_here():
    told = dict.fromkeys(
        ["description", "task_type", "due_date", "assigned_to_user_id", "contact_id", "deal_id", "event_id"]
    )

    assert read(**told).holds == {
        Field.TITLE: "Call Grace",
        Field.BODY: "",
        Field.TYPE: "",
        Field.DUE: None,
        Field.ASSIGNEE: "",
        Field.CONTACTS: (),
        Field.DEALS: (),
        Field.EVENTS: (),
    }


def test_the_key_is_taken_out_of_the_body():
    task = read(description=with_marker("Bring the chart\\.", KEY))

    assert (task.holds[Field.BODY], task.key) == ("Bring the chart.", str(KEY))


def test_the_assignee_is_read_under_its_other_name():
    assert read(assigned_to_user_id="user-001").holds[Field.ASSIGNEE] == "user-001"


def test_types_come_back_in_our_words():
    settings = {"task_types": {"call": "contact", "email": "contact"}}

    assert read(settings, task_type="contact").holds[Field.TYPE] == "call"
    assert read(settings, asked=draft(type="email"), task_type="contact").holds[Field.TYPE] == "email"
    assert read(settings, task_type="visit").holds[Field.TYPE] == "visit"


DAY_DRAFT = draft(due=date(2026, 12, 1))
MIDNIGHT_DRAFT = draft(due=datetime(2026, 12, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("told", "asked", "due"),
    [
        ("2026-12-01", None, "2026-12-01"),
        ("2026-12-01", DAY_DRAFT, "2026-12-01"),
        ("2026-12-01T14:30:00Z", None, "2026-12-01T14:30:00Z"),
        ("2026-12-01T14:30:00.000+00:00", None, "2026-12-01T14:30:00Z"),
        ("2026-12-01T14:30:00", None, "2026-12-01T14:30:00Z"),
        ("2026-12-01T15:30:00+01:00", None, "2026-12-01T14:30:00Z"),
        ("2026-12-01T00:00:00+00:00", DAY_DRAFT, "2026-12-01"),
        ("2026-12-01T00:00:00Z", MIDNIGHT_DRAFT, "2026-12-01T00:00:00Z"),
        ("2026-12-02T00:00:00Z", DAY_DRAFT, "2026-12-02T00:00:00Z"),
    ],
)
def test_a_due_date_is_a_day_or_a_moment_and_never_turns_into_the_other(told, asked, due):
    assert read(due_date=told, asked=asked).holds[Field.DUE] == due


@pytest.mark.parametrize("told", ["2026-12-01T00:00:00Z", "next week"])
def test_a_due_date_that_could_be_either_counts_as_not_told(told):
    assert Field.DUE not in read(due_date=told).holds


def test_the_stand_in_is_not_mistaken_for_a_contact_of_the_task():
    settings = {"default_parent": f"contact:{INBOX}"}
    told = {"contact_id": INBOX, "deal_id": None}

    assert read(settings, asked=draft(contacts=()), **told).holds[Field.CONTACTS] == ()
    assert read(settings, asked=draft(), **told).holds[Field.CONTACTS] == (INBOX,)
    assert Field.CONTACTS not in read(settings, **told).holds
    assert read(settings, contact_id=INBOX, deal_id="d-1").holds[Field.CONTACTS] == (INBOX,)


# Markdown


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("plain, with a comma.", "plain, with a comma."),
        ("*star* and `code`", "\\*star\\* and \\`code\\`"),
        ("[link](https://x.example/a_b?c=d&e=f)", "\\[link\\](https://x.example/a_b?c=d&e=f)"),
        ("snake_case but _under_", "snake_case but \\_under\\_"),
        (
            "# head\n- item\n+ item\n1. one\n> quote",
            "\\# head\\\n\\- item\\\n\\+ item\\\n1\\. one\\\n\\> quote",
        ),
        ("one\n\ntwo", "one\n\ntwo"),
        ("&amp; & co", "\\&amp; & co"),
        ("    indented", "&#32;   indented"),
        ("C:\\new", "C:\\\\new"),
    ],
)
def test_plain_text_is_written_so_that_markdown_shows_it_letter_by_letter(text, markdown):
    assert escaped(text) == markdown
    assert unescaped(markdown) == text


@given(st.text())
def test_any_text_comes_back_as_it_was(text):
    assert unescaped(escaped(text)) == text


@given(st.text(alphabet="a1 \n\\`*_[]<|~&;#+-=.):!\t"))
def test_any_markup_comes_back_as_it_was(text):
    assert unescaped(escaped(text)) == text


def test_markup_of_other_people_stays_as_they_typed_it():
    assert unescaped("**Urgent**: call R&amp;D") == "**Urgent**: call R&D"


def test_a_body_is_tidied_as_it_would_come_back():
    assert tidy("one\r\ntwo \n\n") == "one\ntwo"


# People and records


def test_a_person_is_sent_with_separate_names_and_without_what_is_not_known():
    assert people.contact_to_create(
        Person("Grace", "Hopper", ("grace@client.example",), company="Compilers Ltd")
    ) == {
        "first_name": "Grace",
        "last_name": "Hopper",
        "email": "grace@client.example",
        "company": "Compilers Ltd",
    }


def test_an_update_of_a_person_empties_what_is_gone_and_names_the_company_otherwise():
    assert people.contact_changes(Person("Grace", "Hopper", company="Compilers Ltd")) == {
        "first_name": "Grace",
        "last_name": "Hopper",
        "email": None,
        "phone": None,
        "job_title": None,
        "company_name": "Compilers Ltd",
    }


@pytest.mark.parametrize(
    ("told", "first", "last", "company"),
    [
        (
            {"first_name": "Anna", "last_name": "van der Berg", "company_name": "Mills"},
            "Anna",
            "van der Berg",
            "Mills",
        ),
        ({"full_name": "Anna van der Berg", "company": "Mills"}, "Anna van der", "Berg", "Mills"),
        ({"full_name": "Plato", "company": {"id": "c", "name": "Academy"}}, "Plato", "", "Academy"),
        ({"full_name": None}, "", "", ""),
    ],
)
def test_a_contact_is_read_from_either_spelling(told, first, last, company):
    person = people.read_contact({"id": "c-1", **told}).person

    assert (person.first_name, person.last_name, person.company) == (first, last, company)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("+12025550123", "+1 (202) 555-0123", True),
        ("+442079460958", "0044 20 7946 0958", True),
        ("+12025550123", "+12025550124", False),
        ("", "", False),
    ],
)
def test_phones_are_compared_by_their_digits(one, other, is_same):
    assert people.same_phone(one, other) is is_same


def test_owners_and_records_are_read():
    assert (
        people.read_owner({"id": "u", "email": "Ada@Hub.example", "full_name": "Ada"}).email
        == "ada@hub.example"
    )
    assert people.read_record({"id": "d", "name": "New compiler"}, RecordKind.DEAL).name == "New compiler"
