"""Hub → LeadSquared → hub is the identity on what the projection leaves, or the claims say what is lost.

The way leads through the real requests and the simulated account, without a socket between them.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.capabilities import Level
from providers.leadsquared import leads, moments, payloads
from providers.leadsquared.account import Rules
from providers.leadsquared.capabilities import CAPABILITIES
from providers.leadsquared.simulator import LeadSquaredSimulator
from providers.projection import project
from providers.simulator import Call
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
)

FEW = settings(max_examples=40, deadline=None)
ZONES = ("UTC", "Asia/Kolkata", "America/New_York", "Europe/Berlin", "America/Asuncion", "Pacific/Apia")
KEY = HubKey(uuid.UUID(int=7), 3)
CREATED = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

# What the hub keeps in a text: anything but what its own database and its line ends leave out.
texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=120
) | st.sampled_from(
    [
        "<p>one</p> &amp; <script>alert(1)</script> 1 < 2 > 0",
        "# head\n\n- *item*\n> quote\n```\ncode\n```",
        "Käthe 😀 👩‍👩‍👧 \u202eright to left",
        "[hub:not a key]",
        " blanks around \n\n",
        "ä" * 4000,
    ]
)
titles = texts.map(lambda text: text.replace("\n", " ")).filter(bool)
instants = st.integers(1_000_000_000, 4_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
# Around the changes of the clocks, where days are shorter and longer.
near_changes = st.sampled_from([date(2026, 3, 8), date(2026, 3, 29), date(2026, 10, 25), date(2011, 12, 31)])
days = st.dates(date(2000, 1, 2), date(2099, 12, 30)) | near_changes


class There:
    """A simulated account in a zone, spoken to without a socket."""

    def __init__(self, zone):
        self.simulator = LeadSquaredSimulator(limits=[])
        self.simulator.zone = ZoneInfo(zone)
        ids = self.simulator.seed(
            {
                "users": [{"email": "ada@hub.example", "name": "Ada Byron"}],
                "contacts": [{"first_name": "Grace", "email": "grace@client.example"}],
                "deals": [{"name": "Renewal"}],
            }
        )
        self.ada, self.grace, self.deal = ids["users"][0], ids["contacts"][0], ids["deals"][0]
        self.rules = Rules(
            zone=ZoneInfo(zone),
            appointment_type="Meeting",
            mapped={"call": "Phone Call"},
            known={"Follow-Up": 1, "Phone Call": 1, "Document Collection": 1, "Meeting": 0},
            key_user=self.simulator.me.id,
        )

    def ask(self, method, path, body=None, **query):
        headers = {
            "content-type": "application/json",
            "x-lsq-accesskey": self.simulator.secret["access_key"],
            "x-lsq-secretkey": self.simulator.secret["secret_key"],
        }
        # Through real JSON both ways, as over the wire.
        reply = self.simulator.answer(Call(method, "/v2/" + path, query, headers, json.dumps(body).encode()))
        assert reply.status == 200, reply.body
        return json.loads(json.dumps(reply.body))

    def create(self, draft):
        body = payloads.create_body(draft, KEY, self.rules)
        return self.ask("POST", "Task.svc/Create", body)["Message"]["Id"]

    def fetch(self, id_):
        [record] = self.ask("GET", "Task.svc/Retrieve.GetById", id=id_)
        return payloads.read_task(record, self.rules)


@st.composite
def drafts(draw, there):
    """A task as the hub's services let it be: the end never lies before the due time."""
    due = draw(st.none() | days | instants | days.map(lambda day: moments.start_of(day, there.rules.zone)))
    begins = due if isinstance(due, datetime) else datetime.combine(due or CREATED, datetime.min.time(), UTC)
    longer = st.integers(0, 3 * 86_400).map(lambda seconds: begins + timedelta(seconds=seconds))
    grace, deal = Linked(RemoteRef(there.grace)), Linked(RemoteRef(there.deal))
    whole = TaskDraft(
        title=draw(titles),
        created_at=CREATED,
        body=draw(texts),
        status=draw(st.sampled_from(TaskStatus)),
        priority=draw(st.sampled_from(Priority)),
        type=draw(st.sampled_from(["", "todo", "call", "Document Collection", "lunch"])),
        due=due,
        end_at=draw(st.none() | longer) if due else None,
        notify_by_email=draw(st.booleans()),
        assignee=draw(st.sampled_from(["", there.ada])),
        location=draw(st.sampled_from(["", "Room 2", "<Room> 3"])),
        contacts=draw(st.sampled_from([(), (grace,)])),
        deals=draw(st.sampled_from([(), (deal,)])),
    )
    return project(whole, CAPABILITIES, {})


def declared(draft, rules):
    """Return what a projected task may come back as otherwise, each as the notes on the fields have it."""
    start, end = moments.span_of(draft, rules.zone)
    day = start.astimezone(rules.zone).date()
    last = moments.end_of(day, rules.zone)
    is_midnight = start == moments.start_of(day, rules.zone)
    told = {}
    if isinstance(draft.due, datetime) and is_midnight and end > start:
        told[Field.DUE] = day.isoformat()
    if draft.end_at is not None and (draft.end_at <= start or (is_midnight and end == last)):
        told[Field.END] = None
    return told


def assert_whole(held, draft, losses, rules):
    wanted = {**canonical(draft), **declared(draft, rules)}
    lost = {loss.field for loss in losses}
    assert {name: value for name, value in held.items() if value != wanted[name] and name not in lost} == {}


@FEW
@given(zone=st.sampled_from(ZONES), data=st.data())
def test_a_created_task_comes_back_as_it_was_left_by_the_projection(zone, data):
    there = There(zone)
    projection = data.draw(drafts(there))
    draft = projection.draft

    id_ = there.create(draft)
    if draft.status is TaskStatus.COMPLETED:
        there.ask("GET", "Task.svc/MarkComplete", id=id_)
    task = there.fetch(id_)

    assert task.key == str(KEY)
    assert_whole(task.holds, draft, projection.losses, there.rules)
    # What is called full is told, but for the user of the keys, who stands for nobody.
    full = {name for name in Field if CAPABILITIES.supports(name).level is Level.FULL}
    assert full - set(task.holds) <= ({Field.ASSIGNEE} if not draft.assignee else set())


@FEW
@given(zone=st.sampled_from(ZONES), data=st.data())
def test_an_updated_task_comes_back_as_it_was_left_by_the_projection(zone, data):
    there = There(zone)
    before, after = data.draw(drafts(there)), data.draw(drafts(there))
    id_ = there.create(before.draft)
    # What is fixed stays as it was made, and the two words of a span are written together.
    draft = replace(
        after.draft, type=before.draft.type, location=before.draft.location, status=before.draft.status
    )

    changed = frozenset(
        {Field.TITLE, Field.BODY, Field.DUE, Field.END, Field.NOTIFY, Field.ASSIGNEE, Field.CONTACTS}
    )
    body = payloads.update_body(draft, changed, KEY, there.rules)
    there.ask("POST", "Task.svc/Update", {"UserTaskId": id_, **body})
    held = {name: value for name, value in there.fetch(id_).holds.items() if name in changed}

    assert_whole(held, draft, [*before.losses, *after.losses], there.rules)


@FEW
@given(zone=st.sampled_from(ZONES), data=st.data())
def test_what_was_just_written_is_read_without_any_exception(zone, data):
    there = There(zone)
    draft = data.draw(drafts(there)).draft
    [record] = there.ask("GET", "Task.svc/Retrieve.GetById", id=there.create(draft))

    held = payloads.read_task(record, there.rules, draft=draft).holds

    wanted = canonical(draft)
    assert {name: held[name] for name in (Field.DUE, Field.END, Field.ASSIGNEE)} == {
        name: wanted[name] for name in (Field.DUE, Field.END, Field.ASSIGNEE)
    }


@FEW
@given(zone=st.sampled_from(ZONES), day=days, minutes=st.integers(1, 30 * 24 * 60))
def test_an_appointments_reminder_comes_back_to_the_minute(zone, day, minutes):
    there = There(zone)
    due = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    draft = TaskDraft(
        "Call Grace",
        CREATED,
        due=due,
        end_at=due + timedelta(hours=1),
        reminder_at=due - timedelta(minutes=minutes),
    )

    held = there.fetch(there.create(draft)).holds

    assert held[Field.REMINDER] == canonical(draft)[Field.REMINDER]


@FEW
@given(
    zone=st.sampled_from(ZONES), due=instants, days_before=st.integers(0, 60), seconds=st.integers(0, 86_399)
)
def test_a_to_dos_reminder_is_the_same_moment_where_it_is_told(zone, due, days_before, seconds):
    rules = Rules(zone=ZoneInfo(zone))
    reminder = due - timedelta(days=days_before, seconds=seconds)
    body = payloads.create_body(TaskDraft("Call Grace", CREATED, due=due, reminder_at=reminder), KEY, rules)

    told = payloads.read_task({"Category": 1, **body}, rules).holds[Field.REMINDER]

    # An hour that happens twice has one name: the first of the two is read.
    apart = reminder - datetime.fromisoformat(str(told))
    assert apart in (timedelta(), timedelta(hours=1), timedelta(minutes=30))


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@FEW
@given(
    first=names,
    last=names,
    company=names,
    job=names,
    email=st.sampled_from(["", "ida+crm@client.example", "Ida@Client.example"]),
    phones=st.lists(st.from_regex(r"\+[1-9][0-9]{7,13}", fullmatch=True), max_size=2, unique=True),
)
def test_a_person_comes_back_as_they_were_sent(first, last, company, job, email, phones):
    there = There("Asia/Kolkata")
    person = Person(first, last, (email,) if email else (), tuple(phones), company, job)
    if not (first or last or email or phones):
        return
    attributes = leads.attributes(person, with_empty=False)

    id_ = there.ask("POST", "LeadManagement.svc/Lead.Create", attributes)["Message"]["Id"]
    [record] = there.ask("GET", "LeadManagement.svc/Leads.GetById", id=id_)

    assert leads.read_lead(record).person == person


@FEW
@given(first=names.filter(bool), keep=st.booleans())
def test_emptying_a_person_empties_all_but_the_second_phone(first, keep):
    there = There("Asia/Kolkata")
    full = Person("Ida", "Rhodes", ("ida@client.example",), ("+12025550177", "+12025550178"), "NBS", "Coder")
    id_ = there.ask("POST", "LeadManagement.svc/Lead.Create", leads.attributes(full, with_empty=False))[
        "Message"
    ]["Id"]
    bare = Person(first, emails=full.emails if keep else ())

    there.ask("POST", "LeadManagement.svc/Lead.Update", leads.attributes(bare, with_empty=True), leadId=id_)
    [record] = there.ask("GET", "LeadManagement.svc/Leads.GetById", id=id_)

    assert leads.read_lead(record).person == replace(bare, phones=("+12025550178",))


@pytest.mark.parametrize(
    ("field", "words"),
    [
        (Field.DUE, "a moment at its midnight with an end is told as one"),
        (Field.END, "not after the due time, or the last second of its day, is told as none"),
        (Field.REMINDER, "tells it again of appointments only; one at the due time is told as none"),
        (Field.ASSIGNEE, "gives a task without assignee to the user whose keys the hub uses"),
    ],
)
def test_every_exception_to_the_law_is_declared(field, words):
    assert words in CAPABILITIES.supports(field).note
