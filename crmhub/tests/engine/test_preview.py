"""What a preview shows is what is sent; and it leaves no trace, here or there."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
from django.apps import apps
from django.core import serializers
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crmhub import services, sync
from crmhub.models import Contact, Task
from crmhub.sync.dry import DryRequest
from crmhub.sync.preview import Preview
from crmhub.tests.engine.conftest import Hub
from providers.registry import codes
from providers.simulator import Call, Simulator

pytestmark = pytest.mark.engine

STAND_IN = re.compile(r"\\\{id\\ .*?\\\}")  # as `re.escape` spells it


def preview(hub: Hub, task: Task) -> Preview:
    [one] = sync.preview_task(task, now=hub.now)
    return one


def requests_in(shown: Preview) -> list[DryRequest]:
    return [step.request for step in shown.steps if step.request is not None]


class Wire:
    """What really arrives at a CRM."""

    def __init__(self, simulator: Simulator) -> None:
        self.calls: list[Call] = []
        simulator.before_answer = self.calls.append

    def take(self) -> list[Call]:
        taken, self.calls[:] = list(self.calls), []
        return taken


def is_the_same(shown: DryRequest, call: Call, secrets: Any) -> bool:
    """Whether the request that arrived is the one that was shown, byte for byte but for secrets and ids that were not known yet."""
    url = shown.url.partition("://")[2].partition("/")[2]
    target = call.path + (f"?{urlencode(call.query)}" if call.query else "")
    if (shown.method, sorted(name.lower() for name, _ in shown.headers)) != (
        call.method,
        sorted(name for name in call.headers),
    ):
        return False
    for name, value in shown.headers:
        held = call.headers[name.lower()]
        if value == "•••":
            assert any(secret in held for secret in secrets.values())
        elif value != held and name != "Content-Length":
            return False
    has_stand_in = "{id " in shown.url + shown.body
    if not has_stand_in and dict(shown.headers)["Content-Length"] != call.headers["content-length"]:
        return False
    return _fits(f"/{url}", target) and _fits(shown.body, call.body.decode())


def _fits(shown: str, arrived: str) -> bool:
    if "{id " not in shown:
        return shown == arrived
    return re.fullmatch(STAND_IN.sub("[^/]+?", re.escape(shown)), arrived) is not None


def assert_shown_is_sent(shown: Preview, calls: list[Call], secrets: Any) -> None:
    """The first is the first; the others come in this order, with what depends on answers between them."""
    wanted = requests_in(shown)
    assert bool(wanted) == bool(calls), (shown, calls)
    if wanted:
        assert is_the_same(wanted[0], calls[0], secrets), (wanted[0], calls[0])
    rest = iter(calls)
    for one in wanted:
        assert any(is_the_same(one, call, secrets) for call in rest), (
            one.method,
            one.url,
            one.body,
            [(call.method, call.path, call.body) for call in calls],
        )


MOMENTS = st.integers(0, 60_000_000).map(
    lambda seconds: datetime(2026, 1, 2, tzinfo=UTC) + timedelta(seconds=seconds)
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "title": TEXTS.map(lambda text: f"Call {text}"),
        "body": TEXTS,
        "priority": st.sampled_from(Task.Priority.values),
        "type": st.sampled_from(Task.Type.values),
        "status": st.sampled_from(["open", "in_progress", "waiting", "completed"]),
        "due_at": st.none() | MOMENTS,
        "location": TEXTS,
    },
)


@pytest.mark.parametrize("code", codes())
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
    phases=[Phase.generate],  # an example takes seconds; made smaller it would take minutes
)
@given(
    first=EDITS,
    edits=st.lists(EDITS, min_size=1, max_size=3),
    is_known=st.booleans(),
    is_assigned=st.booleans(),
)
def test_what_is_shown_is_what_is_sent(hub: Hub, ada, code, first, edits, is_known, is_assigned):
    if code not in hub.connections:
        hub.connect(code).seed({"users": [{"email": "ada@example.com", "name": "Ada"}]})
    simulator = hub.servers[code].simulator
    simulator.before_answer = None
    hub.wait(600)
    number = Contact.objects.count()
    grace = hub.save_contact(
        first_name="Grace",
        last_name="Hopper",
        email=f"grace{number}@example.com",
        phone=f"+1202555{number:04}" if number % 2 else "",
    )
    if is_known:
        hub.settle()
    wire = Wire(simulator)
    task = hub.save_task(
        **{"title": "Call Grace", **first}, contacts=[grace], assignee=ada if is_assigned else None
    )

    for edit in [{}, *edits]:
        hub.wait(600)
        if edit:
            hub.edit(task, **edit)
        shown = preview(hub, task)
        hub.settle()
        assert_shown_is_sent(shown, wire.take(), simulator.secret)

    services.delete_task(task=task, now=hub.now)
    shown = preview(hub, task)
    hub.settle()
    assert_shown_is_sent(shown, wire.take(), simulator.secret)


def test_tasks_that_would_travel_in_one_call_are_told_of(hub: Hub, code):
    simulator = hub.connect(code)
    grace = hub.save_contact()
    hub.settle()
    first = hub.save_task(contacts=[grace])
    alone = preview(hub, first)
    hub.save_task(title="Call back", contacts=[grace])
    wire = Wire(simulator)

    shown = preview(hub, first)
    hub.push()

    calls = [call for call in wire.take() if "Call Grace" in call.body.decode()]
    travels = any("Call back" in call.body.decode() for call in calls)
    said = [note for note in shown.notes if "in one call" in note]
    assert travels == (code == "hubspot")
    assert bool(said) == travels
    assert not [note for note in alone.notes if "in one call" in note]
    assert requests_in(shown) == requests_in(alone)


def everything() -> list[str]:
    """All rows of all tables."""
    return [
        serializers.serialize("json", model._base_manager.order_by("pk"))
        for model in apps.get_models()
        if model._meta.managed
    ]


def test_a_preview_leaves_no_trace(hub: Hub, grace, ada, code, redis_connection: redis.Redis):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace], assignee=ada)
    before = (
        everything(),
        {key: redis_connection.type(key) for key in redis_connection.scan_iter()},
        len(simulator.log),
    )
    slots = {key: redis_connection.get(key) for key in redis_connection.keys("crmhub:pace:*")}

    shown = preview(hub, task)

    assert requests_in(shown)
    assert (
        everything(),
        {key: redis_connection.type(key) for key in redis_connection.scan_iter()},
        len(simulator.log),
    ) == before
    assert {key: redis_connection.get(key) for key in redis_connection.keys("crmhub:pace:*")} == slots


def test_no_secret_is_shown(hub: Hub, grace, code):
    simulator = hub.connect(code)
    shown = preview(hub, hub.save_task(contacts=[grace]))

    assert not [secret for secret in simulator.secret.values() if secret in repr(shown)]
    assert all("•••" in dict(one.headers).values() for one in requests_in(shown))


def test_the_chain_goes_on_with_stand_ins_for_ids_that_are_not_known(hub: Hub, grace):
    hub.connect("leadsquared")
    task = hub.save_task(contacts=[grace])
    services.complete_task(task=task, now=hub.now)

    shown = preview(hub, task)

    assert [(step.condition, step.what) for step in shown.steps] == [
        ("", "Look for the contact Grace Hopper"),
        ("If nobody is found:", "Create the contact Grace Hopper"),
        ("", "Create the task"),
        ("", "Complete the task"),
    ]
    create, complete = requests_in(shown)[2:]
    assert "{id LeadSquared gives the contact Grace Hopper}" in create.body
    assert "{id LeadSquared gives the task}" in complete.url


# Why nothing is sent


def in_step(hub: Hub, grace: Contact) -> Task:
    task = hub.save_task(contacts=[grace])
    hub.settle()
    return task


def test_nothing_owed_is_said(hub: Hub, grace):
    hub.connect("hubspot")

    shown = preview(hub, in_step(hub, grace))

    assert shown.notes == ("Nothing is owed: the CRM has the newest version.",)
    assert shown.steps == ()


def test_a_task_that_is_kept_out_gets_nothing(hub: Hub, grace):
    hub.connect("hubspot")
    task = hub.save_task(contacts=[grace])
    services.exclude_link(link=hub.link(task), now=hub.now)

    shown = preview(hub, task)

    assert (shown.notes, shown.steps) == (("The task is kept out of this CRM.",), ())


def test_a_paused_connection_is_said_and_what_would_go_out_is_shown(hub: Hub, grace):
    hub.connect("hubspot")
    task = hub.save_task(contacts=[grace])
    services.pause_connection(connection=hub.connections["hubspot"])

    shown = preview(hub, task)

    assert "The connection is paused: this goes out when it is resumed." in shown.notes
    assert requests_in(shown)


def test_a_parked_task_shows_why_and_what_sending_again_would_send(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    task = in_step(hub, grace)
    simulator.fail_next("status", "PATCH .*tasks", status=400)
    hub.edit(task, title="Ring Grace")
    hub.push()

    shown = preview(hub, task)
    wire = Wire(simulator)
    services.replay_links(links=[hub.link(task)], now=hub.now)
    hub.settle()

    assert shown.notes[0].startswith("It waits for a person: HubSpot refused")
    assert is_the_same(requests_in(shown)[0], wire.take()[0], simulator.secret)


def test_a_task_that_cannot_be_sent_says_what_it_lacks(hub: Hub):
    hub.connect("highlevel")

    shown = preview(hub, hub.save_task())

    assert shown.steps == ()
    assert "takes no task without a contact" in shown.notes[-1]


def test_a_contact_that_cannot_come_is_said(hub: Hub):
    hub.connect("highlevel")
    nameless = hub.save_contact(first_name="Grace")
    task = hub.save_task(contacts=[nameless])

    shown = preview(hub, task)

    assert "neither e-mail nor phone" in shown.notes[-1]


def test_secrets_that_cannot_be_read_are_said(hub: Hub, grace, settings):
    hub.connect("hubspot")
    task = hub.save_task(contacts=[grace])
    settings.CREDENTIALS_KEYS = ["b3RoZXIga2V5IG90aGVyIGtleSBvdGhlciBrZXkgb3Q="]

    shown = preview(hub, task)

    assert requests_in(shown) == []
    assert len(shown.notes) == 1
