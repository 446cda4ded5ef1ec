"""What the hub says comes back from HubSpot's JSON as it was, or its loss was declared before."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.errors import Rejected
from providers.hubspot.capabilities import CAPABILITIES, one_kind_of_line_break
from providers.hubspot.html import from_html, to_html
from providers.hubspot.labels import Labels, LinkType, in_snake_case, told_labels
from providers.hubspot.payloads import (
    PROPERTY_OF,
    Spelling,
    from_due,
    remote_task,
    task_properties,
    to_moment,
)
from providers.projection import project
from providers.types import (
    Field,
    HubKey,
    Linked,
    Priority,
    RemoteRef,
    TaskDraft,
    TaskStatus,
    canonical,
    canonical_moment,
    with_marker,
)

QUEUES = {"support": "123456", "sales": "123457"}
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Africa/Casablanca",
    "Antarctica/Troll",
]
# Where a text is most likely to suffer: emoji and joined ones, markup that is none, marks that look like ours, blanks and line ends.
SNIPPETS = [
    "😀",
    "👩‍👩‍👧",
    "é",
    "<b>",
    "</p>",
    "<br>",
    "&amp;",
    "&#60;",
    "&lt",
    "<!--",
    "]]>",
    "*a*",
    "# b",
    "\r\n",
    "\r",
    "\n",
    "  ",
    "\t",
    "\u00a0",
    "\u2028",
    "[hub:",
    "<script>x</script>",
]
texts = st.lists(
    st.one_of(
        st.sampled_from(SNIPPETS),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    ),
    max_size=12,
).map("".join)
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
moments = st.integers(0, 40 * 365 * 86_400 * 1000).map(lambda ms: BEGINNING + timedelta(milliseconds=ms))
days = st.dates(date(2020, 1, 1), date(2060, 1, 1))
nines = st.builds(
    lambda day, zone, micro: datetime(
        day.year, day.month, day.day, 9, 0, 0, micro, tzinfo=ZoneInfo(zone)
    ).astimezone(UTC),
    days,
    st.sampled_from(ZONES),
    st.sampled_from([0, 1, 999, 1000, 1001]),
)
drafts = st.builds(
    TaskDraft,
    title=texts,
    created_at=moments,
    body=texts,
    status=st.sampled_from(TaskStatus),
    priority=st.sampled_from(Priority),
    type=st.sampled_from(
        ["", "todo", "call", "email", "linkedin", "meeting", "follow_up", "research", "other"]
    ),
    due=st.one_of(st.none(), days, moments, nines),
    end_at=st.one_of(st.none(), moments),
    reminder_at=st.one_of(st.none(), moments),
    notify_by_email=st.booleans(),
    assignee=st.sampled_from(["", "64000001"]),
    queue=st.sampled_from(["", "support", "sales", "unheard of"]),
    location=texts,
    completed_at=st.one_of(st.none(), moments),
)


def there_and_back(draft, spelling, *, body=None):
    """The task as HubSpot would tell it after it was given this draft: what was cleared is null."""
    sent = task_properties(
        draft, frozenset(PROPERTY_OF), body=draft.body if body is None else body, spelling=spelling
    )
    return remote_task(
        {"id": "9001", "properties": {name: value or None for name, value in sent.items()}}, spelling=spelling
    )


@given(drafts, st.sampled_from(ZONES))
@settings(max_examples=120, deadline=None)
def test_what_is_left_of_a_draft_comes_back_as_it_was(draft, zone):
    spelling = Spelling(zone, QUEUES)
    left = project(draft, CAPABILITIES, {}).draft

    holds = there_and_back(left, spelling).holds

    wanted = canonical(replace(left, queue=left.queue if left.queue in QUEUES else ""))
    assert holds == {name: wanted[name] for name in PROPERTY_OF}


@given(drafts, st.sampled_from(ZONES))
@settings(max_examples=120, deadline=None)
def test_what_does_not_come_back_was_declared(draft, zone):
    projection = project(draft, CAPABILITIES, {})

    holds = there_and_back(projection.draft, Spelling(zone, QUEUES)).holds

    wanted = canonical(draft)
    silent = {"", None, "none", False, ()}
    lost = {
        name
        for name in wanted
        if holds.get(name) != wanted[name]
        and wanted[name] not in silent
        and not (name is Field.TYPE and wanted[name] == "todo")
    }
    undeclared = {
        Field.CREATED,
        Field.COMPLETED,
    }  # HubSpot stamps these two itself, which no draft asks otherwise
    assert lost - undeclared <= {loss.field for loss in projection.losses}


@given(texts)
@settings(max_examples=120, deadline=None)
def test_a_text_is_shown_as_it_is_and_comes_back(text):
    assert from_html(to_html(text)) == one_kind_of_line_break(text)
    assert "<" not in to_html(text).replace("<br>", "")


@given(texts)
@settings(max_examples=120, deadline=None)
def test_what_people_wrote_there_is_read_the_same_after_we_wrote_it_back(html):
    read = from_html(html)

    assert from_html(to_html(read)) == one_kind_of_line_break(read)


@given(texts, st.integers(1, 99))
@settings(max_examples=120, deadline=None)
def test_a_key_in_the_body_comes_back_beside_the_body(text, generation):
    key, draft = (
        HubKey(uuid.UUID(int=7), generation),
        TaskDraft(title="t", created_at=datetime(2026, 1, 1, tzinfo=UTC)),
    )
    body = one_kind_of_line_break(text)

    task = there_and_back(replace(draft, body=body), Spelling(), body=with_marker(body, key))

    assert (task.holds[Field.BODY].rstrip(), task.key) == (body.rstrip(), str(key))


@given(st.one_of(days, moments, nines), st.sampled_from(ZONES))
@settings(max_examples=120, deadline=None)
def test_a_day_stays_a_day_and_a_moment_a_moment_in_every_zone(due, zone):
    back = from_due(to_moment(due, ZoneInfo(zone)), ZoneInfo(zone))

    assert canonical_moment(back) == canonical_moment(due)


@pytest.mark.parametrize(
    ("due", "zone"),
    [
        (date(1, 1, 1), "Asia/Tokyo"),
        (datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Pacific/Kiritimati"),
        (datetime(1, 1, 1, tzinfo=UTC), "America/New_York"),
    ],
)
def test_a_time_beyond_the_calendar_is_refused_in_words(due, zone):
    with pytest.raises(Rejected) as refusal:
        to_moment(due, ZoneInfo(zone))

    assert list(refusal.value.fields) == [Field.DUE]


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_a_time_at_the_edge_of_the_calendar_is_read_as_the_moment_that_it_is(value, zone):
    assert canonical_moment(from_due(value, ZoneInfo(zone))) == value[:19] + "Z"


labels = st.text(
    st.characters(categories=["L", "N", "P", "S"], include_characters=" "), min_size=1, max_size=30
).filter(in_snake_case)


@given(
    labels,
    st.integers(1, 2**31 - 1),
    st.sampled_from(["USER_DEFINED", "INTEGRATOR_DEFINED"]),
    st.integers(0, 3),
)
@settings(max_examples=120, deadline=None)
def test_a_label_comes_back_in_the_words_it_was_given_in(label, number, category, way):
    said = [
        {"label": label},
        {"label": in_snake_case(label)},
        {"type": str(number)},
        {"type": f"{category}:{number}"},
    ][way]
    linked = Linked(RemoteRef("101"), **said)
    kind = LinkType(category, number, label)
    account = Labels(lambda _name: [LinkType("HUBSPOT_DEFINED", 204), kind])

    wanted = account.types(Field.CONTACTS, linked)[1:]
    words = {(Field.CONTACTS, "101", one): linked.type or linked.label for one in wanted}
    told = told_labels({Field.CONTACTS: {"101": (LinkType("HUBSPOT_DEFINED", 204), kind)}}, words)

    draft = TaskDraft(title="t", created_at=datetime(2026, 1, 1, tzinfo=UTC), contacts=(linked,))
    assert (wanted, told) == ([kind], canonical(draft)[Field.LABELS])
