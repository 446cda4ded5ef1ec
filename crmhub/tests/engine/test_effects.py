"""What was asked and what is there: found field by field after each write, at every CRM, and never where nothing is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmhub import services
from crmhub.models import Attempt, Record, Task, TaskLink
from crmhub.sync import pace
from crmhub.sync.credentials import limits_of
from crmhub.tests.engine.conftest import Hub, live
from providers.simulator import Call, Simulator
from providers.simulator.__main__ import simulator_class

pytestmark = pytest.mark.engine

DUE = datetime(2026, 12, 1, 14, 30, tzinfo=UTC)
HONEST = {"applied", "not_supported", "not_told"}
WHOLE: dict[str, Any] = {
    "title": "Call Grace about the compiler",
    "body": "Ask for the manual.\nThen thank her.  ",
    "priority": "high",
    "type": "call",
    "due_at": DUE,
    "end_at": DUE + timedelta(minutes=30),
    "reminder_at": DUE - timedelta(minutes=30),
    "notify_by_email": True,
    "queue": "support",
    "location": "Room 2",
}
KINDS = {"company": "companies", "deal": "deals", "ticket": "tickets", "event": "events"}


def records_known_there(hub: Hub, simulator: Simulator, code: str) -> list[Record]:
    """One record of each kind that the CRM has, linked to the one there."""
    ids = simulator.seed(
        {
            "users": [{"email": "ada@example.com", "name": "Ada"}],
            **{part: [{"name": "One"}] for part in KINDS.values()},
        }
    )
    records = []
    for kind, part in KINDS.items():
        record = services.save_record(record=Record(name=f"A {kind}", kind=kind), changed=[])
        for external_id in ids.get(part, ())[:1]:
            services.link_record(
                record=record, connection=hub.connections[code], external_id=external_id, now=hub.now
            )
            records.append(record)
    return records


def outcomes(hub: Hub, task: Task) -> dict[str, set[str]]:
    """What became of each field at the only CRM, by all attempts together."""
    found: dict[str, set[str]] = {}
    for attempt in Attempt.objects.filter(task_link__task=task):
        for row in attempt.effects:
            found.setdefault(row["field"], set()).add(row["outcome"])
    return found


def row_of(hub: Hub, task: Task, field: str) -> dict[str, Any]:
    """The line of the task's link about this field; there is one."""
    [row] = [row for row in hub.link(task).effects if row["field"] == field]
    return row


def test_an_honest_life_has_nothing_altered_and_nothing_dropped(hub: Hub, grace, ada, code):
    simulator = hub.connect(code)
    hub.settle()
    records = records_known_there(hub, simulator, code)
    edith = hub.save_contact(first_name="Edith", last_name="Clarke", email="edith@example.com")
    edits: list[dict[str, Any]] = [
        {"title": "Ring Grace"},
        {"body": ""},
        {"body": "<b>Bold</b> & 5 < 6 😀\r\nnext"},
        {"priority": "low", "type": "meeting"},
        {"priority": "none"},
        {"status": "in_progress"},
        {"status": "waiting"},
        {"due_at": datetime(2026, 12, 3, tzinfo=UTC), "due_is_date": True, "end_at": None},
        {"reminder_at": None, "notify_by_email": False},
        {"assignee": None, "location": "", "queue": ""},
        {"due_at": DUE, "due_is_date": False, "end_at": DUE + timedelta(hours=1)},
        {"assignee": ada},
    ]

    task = hub.save_task(**WHOLE, assignee=ada, contacts=[grace], records=records)
    hub.settle()
    for edit in edits:
        hub.edit(task, **edit)
        hub.settle()
    services.save_task(
        task=task,
        changed=[],
        associations=services.Associations(contacts=[services.Associated(one.pk) for one in (grace, edith)]),
        now=hub.now,
    )
    hub.settle()
    services.save_task(
        task=task,
        changed=[],
        associations=services.Associations(contacts=[services.Associated(grace.pk)], records=[]),
        now=hub.now,
    )
    hub.settle()
    services.complete_task(task=task, now=hub.now)
    hub.settle()
    services.complete_task(task=task, is_completed=False, now=hub.now)
    hub.settle()

    found = outcomes(hub, task)
    assert set().union(*found.values()) <= HONEST, found
    assert hub.link(task).sync_status == "in_sync"
    services.delete_task(task=task, now=hub.now)
    hub.settle()
    assert live(simulator) == []
    assert hub.link(task).effects == []


# CRMs that do something else than they were asked, and say "200 OK"


def careless(code: str, change: Callable[[Call], Call]) -> Simulator:
    """A CRM that understands something else than was sent, and tells truthfully what it holds then."""

    class Careless(simulator_class(code)):  # type: ignore[misc]
        def answer(self, call: Call) -> Any:
            return super().answer(change(call) if call.method in ("POST", "PUT", "PATCH") else call)

    return Careless()


def without(*names: str) -> Callable[[Call], Call]:
    """Understands requests as if these names were not in them, however deep."""

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: strip(one) for name, one in value.items() if name not in names}
        return [strip(one) for one in value] if isinstance(value, list) else value

    return lambda call: (
        replace(call, body=json.dumps(strip(call.json)).encode()) if call.json is not None else call
    )


def instead(old: str, new: str) -> Callable[[Call], Call]:
    """Understands one text for another."""
    return lambda call: replace(call, body=call.body.replace(old.encode(), new.encode()))


def undeclared(hub: Hub, task: Task) -> list[tuple[str, str, str, str]]:
    return [
        (row["field"], row["outcome"], row["asked"], row["there"])
        for row in hub.link(task).effects
        if row["outcome"] not in HONEST
    ]


def test_a_value_that_was_altered_there_is_found_and_it_alone(hub: Hub, grace, code):
    # Where the rate is nearly used up nobody looks a second time.
    hub.connect(
        code, simulator=careless(code, instead("Thank her", "THANK HER")), settings={"limits": "25/5"}
    )

    task = hub.save_task(title="Call Grace", body="Thank her", contacts=[grace])
    hub.settle()

    assert undeclared(hub, task) == [("body", "altered", "Thank her", "THANK HER")]
    assert hub.link(task).sync_status == "in_sync"
    assert [loss["note"] for loss in hub.link(task).losses if loss["field"] == "body"] == [
        "changed it to “THANK HER”"
    ]


@pytest.mark.parametrize(
    ("code", "name"),
    [("hubspot", "hubspot_owner_id"), ("highlevel", "assignedTo"), ("leadlex", "assignee_id")],
)
def test_a_field_that_was_dropped_there_is_found_and_it_alone(hub: Hub, grace, ada, code, name):
    simulator = hub.connect(code, simulator=careless(code, without(name)))
    records_known_there(hub, simulator, code)

    task = hub.save_task(title="Call Grace", assignee=ada, contacts=[grace])
    hub.settle()

    [(field, outcome, asked, there)] = undeclared(hub, task)
    assert (field, outcome, there) == ("assignee", "dropped", "")
    assert asked


@pytest.mark.parametrize(
    ("code", "change", "field"),
    [
        ("hubspot", without("associations"), "contacts"),
        ("leadlex", without("deal_id"), "deals"),
        ("leadsquared", without("RelatedEntity", "RelatedEntityId"), "deals"),
    ],
)
def test_an_association_that_was_dropped_there_is_found_and_it_alone(hub: Hub, grace, code, change, field):
    simulator = hub.connect(code, simulator=careless(code, change))
    hub.settle()
    deals = [
        one for one in records_known_there(hub, simulator, code) if one.kind == "deal" and field == "deals"
    ]
    hub.wait(60)

    task = hub.save_task(title="Call Grace", contacts=[grace], records=deals)
    hub.settle()

    assert [(name, outcome, there) for name, outcome, _, there in undeclared(hub, task)] == [
        (field, "dropped", "")
    ]


def test_an_edit_that_the_crm_ignores_is_dropped(hub: Hub, grace):
    hub.connect(
        "hubspot",
        simulator=careless(
            "hubspot", lambda call: without("hs_task_body")(call) if call.method == "PATCH" else call
        ),
    )
    task = hub.save_task(title="Call Grace", body="Thank her", contacts=[grace])
    hub.settle()

    hub.edit(task, body="Thank them")
    hub.settle()

    assert undeclared(hub, task) == [("body", "dropped", "Thank them", "Thank her")]


def test_what_was_found_stays_until_the_field_is_written_again(hub: Hub, grace):
    hub.connect("leadlex", simulator=careless("leadlex", instead("Thank her", "THANK HER")))
    task = hub.save_task(title="Call Grace", body="Thank her", contacts=[grace])
    hub.settle()

    hub.edit(task, title="Ring Grace")
    hub.settle()
    after_another_edit = undeclared(hub, task)
    hub.edit(task, body="Thank them")
    hub.settle()

    assert after_another_edit == [("body", "altered", "Thank her", "THANK HER")]
    assert undeclared(hub, task) == []
    assert [loss for loss in hub.link(task).losses if loss["field"] == "body"] == []


def test_a_record_that_the_hub_knows_no_id_of_counts_as_not_sent(hub: Hub, grace):
    hub.connect("hubspot")
    company = services.save_record(record=Record(name="Analytical Engines", kind="company"), changed=[])

    task = hub.save_task(contacts=[grace], records=[company])
    hub.settle()

    assert row_of(hub, task, "companies")["outcome"] == "not_sent"


# Looking again where an answer is silent


def reads(simulator: Simulator) -> list[str]:
    return [
        one["path"] for one in simulator.log if one["method"] == "GET" and "/objects/tasks/" in one["path"]
    ]


def test_a_silent_answer_costs_one_look_and_a_full_one_none(hub: Hub, grace):
    simulator = hub.connect("hubspot")

    task = hub.save_task(contacts=[grace])
    hub.settle()
    after_create = len(reads(simulator))
    hub.edit(task, title="Ring Grace")
    hub.settle()

    assert (after_create, len(reads(simulator))) == (1, 1)
    assert row_of(hub, task, "contacts")["outcome"] == "applied"


@pytest.mark.parametrize("fault", ["status", "garbage", "rate_limited", "drop", "html"])
def test_a_look_that_fails_leaves_the_write_what_it_is(hub: Hub, grace, fault):
    simulator = hub.connect("hubspot")
    hub.settle()
    simulator.fail_next(fault, "GET .*/objects/tasks/", status=500)

    task = hub.save_task(contacts=[grace])
    hub.settle()

    link = hub.link(task)
    assert (link.sync_status, link.failures, len(live(simulator))) == ("in_sync", 0, 1)
    assert row_of(hub, task, "contacts")["outcome"] == "not_told"
    assert {one.outcome for one in Attempt.objects.all()} == {"ok"}


@pytest.mark.parametrize("lapses", [0, 1])
def test_while_others_wait_nobody_looks(hub: Hub, grace, lapses):
    simulator = hub.connect("leadsquared", settings={"plan": "enterprise"})
    hub.settle()
    tasks = [hub.save_task(contacts=[grace], title=f"Call Grace, {number}") for number in range(8)]
    # Those of which a claim lapsed are claimed alone, however many others are due.
    TaskLink.objects.update(lapses=lapses)

    hub.push()

    created = Attempt.objects.filter(operation="create").order_by("pk")
    looked = [bool(dict(one.settled or {}).get("looks")) for one in created]
    assert len(live(simulator)) == len(tasks)
    assert True in looked[4:]
    assert looked[:4] == [False] * 4


def test_where_the_rate_is_nearly_used_up_nobody_looks(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    hub.settle()
    hub.wait(60)
    connection = hub.connections["hubspot"]
    pace.reserve(connection.pk, limits_of(connection), count=80, now=hub.now)

    task = hub.save_task(contacts=[grace])
    hub.settle()

    assert len(live(simulator)) == 1
    assert reads(simulator) == []
    assert row_of(hub, task, "contacts")["outcome"] == "not_told"


@pytest.mark.parametrize("code", ["hubspot", "leadsquared"])
def test_a_write_that_is_made_again_is_looked_at_like_the_first(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.settle()
    hub.wait(60)
    simulator.fail_next("status", "POST .*[tT]ask", status=503)

    task = hub.save_task(contacts=[grace])
    hub.settle()

    assert (hub.link(task).sync_status, len(live(simulator))) == ("in_sync", 1)
    assert undeclared(hub, task) == []
    assert row_of(hub, task, "contacts")["outcome"] == "applied"


def test_a_batch_is_not_read_back(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    hub.settle()

    for number in range(3):
        hub.save_task(title=f"Call {number}", contacts=[grace])
    hub.push()

    assert len(live(simulator)) == 3
    assert reads(simulator) == []
