"""What the hub gives LeadLex comes back as it was given, or the loss was declared: by example of whatever a person can type."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.capabilities import Level
from providers.http import Response
from providers.leadlex.capabilities import CAPABILITIES
from providers.leadlex.provider import LeadLex
from providers.leadlex.simulator import LeadLexSimulator
from providers.projection import project
from providers.simulator import Call
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
)

WORLD = {
    "users": [{"name": "Ada Byron", "email": "ada@hub.example"}],
    "contacts": [
        {"first_name": "Grace", "last_name": "Hopper", "email": "grace@client.example"},
        {"first_name": "Edith", "last_name": "Clarke", "email": "edith@client.example"},
    ],
    "companies": [{"name": "Compilers Ltd"}],
    "deals": [{"name": "New compiler"}, {"name": "Old compiler"}],
    "events": [{"name": "Open day"}],
}
HELD = [name for name in Field if CAPABILITIES.supports(name).level is not Level.NONE]
# What cannot be emptied once it was given, or is given once.
CHANGED = frozenset(HELD) - {Field.CREATED}


class Direct:
    """A transport that hands each request to the simulated workspace, without a port between."""

    def __init__(self, simulator):
        self.simulator = simulator

    def send(self, request):
        parts = urlsplit(request.url)
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, parts.path, dict(parse_qsl(parts.query)), headers, request.body or b"")
        reply = self.simulator.answer(call)
        answered = {name.lower(): value for name, value in reply.headers.items()}
        return Response(reply.status, answered, reply.encoded()[0])


class Workspace:
    """One simulated workspace with people and records in it, and a provider on it."""

    def __init__(self, *, days_become_moments=False, **of_the_account):
        self.simulator = LeadLexSimulator(limits=())
        self.simulator.days_become_moments = days_become_moments
        self.ids = self.simulator.seed(WORLD)
        self.settings = {"plan": "org", **of_the_account}
        account = Account(secrets=self.simulator.secret, settings=self.settings, base_url="http://leadlex")
        self.provider = LeadLex(account, Direct(self.simulator))

    def linked(self, draft):
        """Return the draft with the numbers in its associations replaced by ids of this workspace."""
        changes = {
            part: tuple(
                Linked(RemoteRef(self.ids[part][int(one.ref.id) % len(self.ids[part])]))
                for one in getattr(draft, part)
            )
            for part in ("contacts", "companies", "deals", "events")
        }
        contacts = changes["contacts"] or (Linked(RemoteRef(self.ids["contacts"][0])),)
        assignee = self.ids["users"][0] if draft.assignee else ""
        return replace(draft, **{**changes, "contacts": contacts, "assignee": assignee})


TYPED = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=60)
LINES = st.lists(
    st.one_of(
        TYPED,
        st.sampled_from(
            [
                "",
                "    indented",
                "\ttab",
                "# head",
                "- item",
                "1. one",
                "> quote",
                "```",
                "---",
                "| a | b |",
                "*star* _under_ snake_case",
                "<b>bold</b> &amp; &lt;br&gt; R&D",
                "[x](https://x.example/a_b?c=d&e=f)",
                "[hub:aaaaaaaaaaaaaaaaaaaaaaaaaa.1]",
                "C:\\new \\* \\",
                "👩‍👩‍👧 😀 ½ ß",
                " trailing  ",
                "word " * 400,
            ]
        ),
    ),
    max_size=6,
).map("\n".join)
MOMENTS = st.datetimes(
    datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2200-01-01"), timezones=st.timezones()
)
LINKS = st.lists(st.integers(0, 1), max_size=2, unique=True).map(
    lambda numbers: tuple(Linked(RemoteRef(str(number))) for number in numbers)
)
DRAFTS = st.builds(
    TaskDraft,
    title=TYPED.filter(str.strip),
    created_at=st.integers(0, 4 * 365 * 86_400).map(
        lambda ago: datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago)
    ),
    body=LINES,
    status=st.sampled_from(TaskStatus),
    priority=st.sampled_from(Priority),
    type=st.sampled_from(["", "todo", "call", "email", "meeting"]) | TYPED.filter(str.strip),
    due=st.none() | st.dates(date(1971, 1, 1), date(2200, 1, 1)) | MOMENTS,
    end_at=st.none() | MOMENTS,
    reminder_at=st.none() | MOMENTS,
    notify_by_email=st.booleans(),
    assignee=st.sampled_from(["", "ada"]),
    queue=TYPED,
    location=TYPED,
    contacts=LINKS,
    companies=LINKS,
    deals=LINKS,
    events=LINKS,
)


def whole(world, draft):
    """Return the draft as LeadLex can hold it, once everything that is lost of it was declared."""
    draft = world.linked(draft)
    projection = project(draft, CAPABILITIES, world.settings)
    given, kept = canonical(draft), canonical(projection.draft)
    declared = {loss.field for loss in projection.losses}
    silent = {Field.CREATED, Field.COMPLETED, Field.LABELS, Field.PINS}
    assert {name for name in Field if given[name] != kept[name]} - silent <= declared
    return projection.draft


def held(world, ref, draft):
    """Return what is there. Midnight in UTC may be a day or a moment, so that nothing is said of it: then it is taken for what was asked."""
    return certain(world.provider.fetch_task(ref).holds, draft)


def certain(told, draft):
    holds = dict(told)
    if Field.DUE not in holds:
        assert str(canonical(draft)[Field.DUE]).endswith("T00:00:00Z")
        holds[Field.DUE] = canonical(draft)[Field.DUE]
    return holds


def wanted(draft, *names):
    values = canonical(draft)
    return {name: values[name] for name in names or HELD}


@settings(max_examples=60, deadline=None)
@given(DRAFTS)
def test_what_is_created_comes_back_or_was_declared_lost(draft):
    world = Workspace()
    draft = whole(world, draft)

    ref = world.provider.create_task(draft, key=HubKey(uuid.uuid4())).ref

    there = held(world, ref, draft)
    assert {name: there[name] for name in HELD} == wanted(draft)


@settings(max_examples=40, deadline=None)
@given(DRAFTS, DRAFTS)
def test_what_is_changed_comes_back_whatever_was_there_before(before, after):
    world, key = Workspace(), HubKey(uuid.uuid4())
    ref = world.provider.create_task(whole(world, before), key=key).ref
    after = whole(world, after)

    told = world.provider.update_task(ref, after, changed=CHANGED, key=key)

    there = held(world, ref, after)
    assert {name: there[name] for name in CHANGED} == wanted(after, *CHANGED)
    assert told.holds == there
    assert told.key == str(key)


@settings(max_examples=15, deadline=None)
@given(DRAFTS)
def test_a_store_that_knows_moments_only_changes_no_due_date(draft):
    world = Workspace(days_become_moments=True)
    draft = whole(world, draft)

    told = world.provider.create_task(draft, key=HubKey(uuid.uuid4()))

    fetched = world.provider.fetch_task(told.ref).holds
    assert told.holds[Field.DUE] == canonical(draft)[Field.DUE]
    assert fetched.get(Field.DUE, told.holds[Field.DUE]) == told.holds[Field.DUE]


@settings(max_examples=15, deadline=None)
@given(DRAFTS)
def test_a_listed_task_holds_the_same(draft):
    world, key = Workspace(), HubKey(uuid.uuid4())
    draft = replace(whole(world, draft), type="call")
    world.provider.create_task(draft, key=key)

    [listed] = world.provider.list_tasks().items

    there = certain(listed.holds, draft)
    assert {name: there[name] for name in HELD} == wanted(draft)
    assert world.provider.find_task(key, draft).holds == there


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(["call", "email", "meeting", "todo", "visit"]))
def test_a_type_in_the_workspaces_words_comes_back_in_ours(kind):
    world = Workspace(task_types="call=phone_call,email=send_email")
    draft = whole(world, TaskDraft("Call", datetime.now(UTC), type=kind))

    ref = world.provider.create_task(draft, key=HubKey(uuid.uuid4())).ref

    assert world.provider.fetch_task(ref).holds[Field.TYPE] == kind


# Spring forward, fall back, and both sides of the date line
@pytest.mark.parametrize(
    "due",
    [
        datetime.fromisoformat("2026-03-29T01:59:59+01:00"),
        datetime.fromisoformat("2026-03-29T03:00:00+02:00"),
        datetime.fromisoformat("2026-10-25T02:30:00+02:00"),
        datetime.fromisoformat("2026-10-25T02:30:00+01:00"),
        datetime.fromisoformat("2026-12-01T00:00:00+14:00"),
        datetime.fromisoformat("2026-12-01T23:59:59-11:00"),
        datetime(2026, 12, 1, tzinfo=UTC),
        date(2026, 3, 29),
        date(2026, 12, 31),
        None,
    ],
)
def test_a_due_date_stays_the_day_or_the_moment_that_it_is(due):
    world = Workspace()
    draft = whole(world, TaskDraft("Call", datetime.now(UTC), due=due))

    told = world.provider.create_task(draft, key=HubKey(uuid.uuid4()))

    assert told.holds[Field.DUE] == canonical(draft)[Field.DUE]


@settings(max_examples=20, deadline=None)
@given(st.integers(-86_000, 5 * 365 * 86_400))
def test_the_moment_of_creation_is_kept_within_the_bounds_of_the_page(ago):
    world = Workspace()
    draft = whole(world, TaskDraft("Call", datetime.now(UTC) - timedelta(seconds=ago)))

    ref = world.provider.create_task(draft, key=HubKey(uuid.uuid4())).ref

    assert world.provider.fetch_task(ref).holds[Field.CREATED] == canonical(draft)[Field.CREATED]


NAMES = TYPED.filter(str.strip)
PEOPLE = st.builds(
    Person,
    first_name=NAMES,
    last_name=NAMES,
    emails=st.sampled_from([(), ("ida@client.example",)]),
    phones=st.sampled_from([(), ("+12025550123",)]),
    company=TYPED,
    job_title=TYPED,
)


@settings(max_examples=20, deadline=None)
@given(PEOPLE, PEOPLE)
def test_a_contact_comes_back_as_the_person_that_was_given(before, after):
    world = Workspace()

    ref = world.provider.create_contact(before, key=HubKey(uuid.uuid4())).ref
    created = world.provider.fetch_contact(ref).person
    world.provider.update_contact(ref, after)

    assert created == before
    assert world.provider.fetch_contact(ref).person == after
