"""A vendor's rate as the hub meets it: shared with other apps, refused with and without a time, used up for the day."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest

from crmhub.models import Connection, TaskLink
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import PaceGate
from crmhub.tests.engine.conftest import Hub, live, writing
from providers.capabilities import Limit
from providers.errors import NotSent, RateLimited
from providers.http import Request
from providers.registry import codes
from providers.simulator.__main__ import simulator_class

pytestmark = pytest.mark.engine


def refusals(simulator, path: str = "") -> int:
    return sum(1 for entry in simulator.log if entry["status"] == 429 and path in entry["path"])


def connection_of(hub: Hub, code: str) -> Connection:
    return Connection.objects.get(pk=hub.connections[code].pk)


def connect(hub: Hub, code: str, *limits: Limit):
    """Connect a CRM that enforces these limits, to a hub that knows them."""
    setting = ",".join(f"{one.calls}/{one.seconds:g}" for one in limits)
    return hub.connect(code, simulator=simulator_class(code)(limits=limits), settings={"limits": setting})


def test_another_app_that_uses_half_of_the_rate_costs_hardly_a_refusal(hub: Hub, grace):
    simulator = connect(hub, "highlevel", Limit(20, 10.0))
    others, _ = provider_for(hub.connections["highlevel"])
    tasks = [hub.save_task(contacts=[grace], title=f"Call Grace, {number}") for number in range(40)]

    for _ in range(50):
        with contextlib.suppress(RateLimited):
            others.list_owners()
        hub.push(later=1)

    assert len(live(simulator)) == len(tasks)
    assert refusals(simulator, "/tasks") <= 1


def test_a_refusal_without_a_time_halves_the_rate_for_a_while(hub: Hub, grace):
    """F30: counted to the request."""
    simulator = connect(hub, "highlevel", Limit(20, 10.0))
    simulator.tells_wait = False
    hub.save_task(contacts=[grace], title="First")
    hub.settle()
    simulator.fail_next("rate_limited", writing(simulator, "POST"))
    for number in range(40):
        hub.save_task(contacts=[grace], title=f"Call Grace, {number}")
    hub.push(later=30)
    before = len(simulator.log)

    hub.push(later=11)
    halved = len(simulator.log) - before
    hub.settle()

    assert halved == 10
    assert len(live(simulator)) == 41


def test_a_refusal_holds_back_at_once_whoever_is_under_way(hub: Hub):
    hub.connect("highlevel")
    connection = hub.connections["highlevel"]
    first, second = (PaceGate(connection.pk, limits_of(connection), lane=0, now=hub.now) for _ in range(2))
    first.before_request(Request("GET", ""))
    second.before_request(Request("GET", ""))

    first.after_answer(Request("GET", ""), {}, RateLimited("Too many.", retry_after=30.0))

    with pytest.raises(NotSent, match="asked us to wait"):
        second.before_request(Request("GET", ""))
    assert second.ask_again_in == 30.0


@pytest.mark.parametrize("code", codes())
def test_a_wait_of_ten_days_is_asked_about_again_each_hour(hub: Hub, grace, code):
    """F31: at every CRM."""
    simulator = hub.connect(code)
    hub.save_task(contacts=[grace], title="First")
    hub.settle()
    simulator.fail_next("rate_limited", writing(simulator, "POST"), seconds=864_000)

    hub.save_task(contacts=[grace], title="Second")
    hub.push()
    held = connection_of(hub, code).wait_until
    hub.push(later=3601)
    hub.settle()

    assert held is not None
    assert held <= hub.now + timedelta(hours=1)
    assert len(live(simulator)) == 2


def test_a_day_that_is_used_up_holds_the_account_until_the_next_and_says_so(hub: Hub, grace):
    """F32: through the stroke of the day."""
    simulator = connect(hub, "leadlex", Limit(200, 60.0), Limit(30, 86_400.0, is_fixed=True))
    other = hub.connect("highlevel")
    hub.wait((hub.now.replace(hour=6, minute=0) - hub.now).total_seconds() + 86_400)
    for number in range(40):
        hub.save_task(contacts=[grace], title=f"Call Grace, {number}")

    for _ in range(10):
        hub.push(later=61)
    held, today = connection_of(hub, "leadlex"), len(live(simulator))
    waits = held.wait_until - hub.now  # type: ignore[operator]
    hub.wait((held.wait_until - hub.now).total_seconds())  # type: ignore[operator]
    hub.settle()

    assert refusals(simulator) == 0
    assert today < 30
    assert held.wait_reason == "The 30 calls a day that are ours are used up."
    assert timedelta(hours=17) < waits < timedelta(hours=18)
    assert held.wait_until.strftime("%H:%M") == "00:01"  # type: ignore[union-attr]
    assert len(live(other)) == 40
    assert TaskLink.objects.filter(connection=held, sync_status="failed").count() == 0
