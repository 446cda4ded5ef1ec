"""What happens when the CRM, the network or a worker fails: one remote task per hub task, whatever the fault."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from crmhub import services, sync
from crmhub.crypto import new_key
from crmhub.models import Attempt, Connection, Lane, Task, TaskLink
from crmhub.sync import circuit
from crmhub.sync.claim import take
from crmhub.sync.credentials import provider_for
from crmhub.tests.engine.conftest import Hub, live, meanwhile, writing
from providers.types import RemoteRef

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("kind", ["drop", "html", "empty", "garbage", "status"])
def test_a_create_without_a_usable_answer_is_looked_for_and_not_repeated(hub: Hub, grace, code, kind):
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next(kind, writing(simulator, "POST"), after_write=True, status=502)

    task = hub.save_task(title="Second", contacts=[grace])
    hub.push()
    waiting = hub.link(task)
    hub.settle()

    assert (waiting.sync_status, waiting.external_id) == ("unknown", "")
    assert sorted(there["title"] for there in live(simulator)) == ["First", "Second"]
    assert hub.link(task).sync_status == "in_sync"


@pytest.mark.parametrize(("after_write", "searches"), [(True, 0), (False, 5)])
def test_creates_of_a_batch_without_an_answer_are_looked_for_together(hub: Hub, grace, after_write, searches):
    simulator = hub.connect("hubspot")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(20)]
    simulator.fail_next("drop", "POST .*/batch/create", after_write=after_write)
    hub.push()
    since = len(simulator.log)

    hub.settle()

    asked = [one["path"].rpartition("/tasks")[2] for one in list(simulator.log)[since:]]
    assert (asked.count("/batch/read"), asked.count("/search")) == (1, searches)
    assert sorted(one["title"] for one in live(simulator)) == sorted(["First", *(one.title for one in tasks)])
    assert {hub.link(task).sync_status for task in tasks} == {"in_sync"}


def test_looks_without_a_slot_come_later_and_what_was_told_of_the_others_stays(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(50)]
    simulator.fail_next("drop", "POST .*/batch/create")
    hub.settle()

    asked = [(one["path"].rpartition("/tasks")[2], one["status"]) for one in simulator.log]
    assert asked.count(("/search", 200)) == 13  # four keys to each, five in a second
    assert 429 not in [status for _, status in asked]
    assert sorted(one["title"] for one in live(simulator)) == sorted(one.title for one in tasks)
    assert {hub.link(task).sync_status for task in tasks} == {"in_sync"}


def test_a_create_that_never_arrived_is_sent_again(hub: Hub, grace, code):
    simulator = hub.connect(code)
    simulator.fail_next("status", writing(simulator, "POST"), status=503)

    task = hub.save_task(contacts=[grace])
    hub.settle()

    assert len(live(simulator)) == 1
    assert hub.link(task).sync_status == "in_sync"


def test_an_edit_whose_answer_is_lost_arrives(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    simulator.fail_next("drop", writing(simulator), after_write=True)

    hub.edit(task, title="Ring Grace")
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_task_deleted_while_its_create_is_unknown_leaves_nothing_behind(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("drop", writing(simulator, "POST"), after_write=True)
    task = hub.save_task(title="Second", contacts=[grace])
    hub.push()

    services.delete_task(task=task, now=hub.now)
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["First"]


def test_a_quota_holds_back_the_whole_connection_and_nothing_is_counted(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("rate_limited", writing(simulator, "POST"), seconds=30)

    task = hub.save_task(title="Second", contacts=[grace])
    hub.push()
    held = Connection.objects.get(pk=hub.connections[code].pk)
    requests = len(simulator.log)
    hub.push(later=0.5)

    assert held.wait_until is not None
    assert held.wait_until > hub.now
    assert len(simulator.log) == requests
    assert hub.link(task).failures == 0
    hub.settle()
    assert len(live(simulator)) == 2


def test_refused_credentials_stop_the_connection_and_keep_the_queue(hub: Hub, grace, code):
    simulator = hub.connect(code)
    simulator.fail_next("status", status=401, times=None)

    task = hub.save_task(contacts=[grace])
    hub.push()
    hub.push(later=600)
    stopped = Connection.objects.get(pk=hub.connections[code].pk).health(hub.now)
    simulator.faults.clear()
    checkup = sync.check_connection(hub.connections[code], now=hub.now)
    hub.settle()

    assert stopped == Connection.Health.REAUTHORISE
    assert checkup.is_well
    assert hub.link(task).sync_status == "in_sync"


def test_a_refused_value_is_parked_and_the_next_save_sends_it_again(hub: Hub, grace, code):
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("status", writing(simulator, "POST"), status=400)
    task = hub.save_task(title="Second", contacts=[grace])
    hub.push()

    parked = hub.link(task)
    hub.push(later=7200)
    still_parked = hub.link(task)
    hub.edit(task, body="Now with words")
    hub.settle()

    assert (parked.sync_status, parked.due_at) == ("failed", None)
    assert still_parked.due_at is None
    assert parked.last_error
    assert hub.link(task).sync_status == "in_sync"


def test_an_outage_is_waited_out_with_few_probes(hub: Hub, grace, code):
    """F33: ten minutes of nothing but 503."""
    simulator = hub.connect(code)
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("status", status=503, times=None)
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(8)]
    while not circuit.is_probing(Connection.objects.get().failures):
        hub.push(later=5)
    began = len(simulator.log)

    for _ in range(360):
        hub.push(later=5)
    probes = len(simulator.log) - began
    simulator.faults.clear()
    hub.settle(rounds=60, step=120)

    assert 25 <= probes <= 31  # half an hour at one a minute, and the first after ten seconds
    assert len(live(simulator)) == 9
    assert {hub.link(task).sync_status for task in tasks} == {"in_sync"}


def test_what_fails_side_by_side_lets_the_account_rest_at_once_and_shortly(hub: Hub, grace):
    simulator = hub.connect("highlevel")
    hub.save_task(title="First", contacts=[grace])
    hub.settle()
    simulator.fail_next("status", writing(simulator), status=503, times=None)
    for number in range(8):
        hub.save_task(title=f"Task {number}", contacts=[grace])

    hub.push()
    hub.push()

    rests = Connection.objects.get()
    assert (rests.failures, rests.wait_until) == (8, hub.now + timedelta(seconds=10))


def test_what_somebody_deleted_there_waits_for_a_person(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    _delete_by_hand(hub, code, task)

    hub.wait(600)
    hub.edit(task, title="Ring Grace")
    hub.settle()
    gone = hub.link(task)
    services.replay_links(links=[gone], now=hub.now)
    hub.settle()

    assert (gone.sync_status, gone.due_at) == ("gone", None)
    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]
    assert hub.link(task).sync_status == "in_sync"


def test_what_somebody_deleted_there_is_made_anew_where_the_connection_says_so(hub: Hub, grace, code):
    simulator = hub.connect(code, settings={"gone_there": "recreate"})
    task = hub.save_task(contacts=[grace])
    hub.settle()
    _delete_by_hand(hub, code, task)

    hub.wait(600)
    hub.edit(task, title="Ring Grace")
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]


def _delete_by_hand(hub: Hub, code: str, task: Task) -> None:
    """Delete the task at the CRM as a person there would: behind the hub's back."""
    link = hub.link(task)
    provider, _ = provider_for(hub.connections[code])
    provider.delete_task(RemoteRef(link.external_id, link.external_parent_id))


def test_a_worker_that_dies_after_its_claim_gives_it_back_by_doing_nothing(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.push()
    hub.edit(task, title="Ring Grace")

    take(TaskLink, hub.connections[code], lane=Lane.INTERACTIVE, size=1, now=hub.now)
    hub.push(later=59)
    during = [there["title"] for there in live(simulator)]
    hub.settle()

    assert during == ["Call Grace"]
    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]
    assert hub.link(task).lapses == 0


def test_a_worker_that_comes_back_late_does_not_overwrite_what_came_after(hub: Hub, grace, code):
    """Its claim is gone; what it sent is not known any more, so the newest content is sent again."""
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.edit(task, title="Ring Grace")

    meanwhile(simulator, lambda: TaskLink.objects.filter(task=task).update(claim_token=uuid4()))
    hub.push()
    late = hub.link(task)
    TaskLink.objects.filter(task=task).update(due_at=hub.now)
    hub.settle()

    assert late.pushed_version == -1
    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_link_that_stops_its_workers_is_set_aside_and_its_neighbours_pass(hub: Hub, grace, code):
    simulator = hub.connect(code)
    poison = hub.save_task(title="Poison", contacts=[grace])
    hub.save_task(title="Neighbour", contacts=[grace])
    hub.push()
    for task in (poison,):
        hub.edit(task, title="Poison, edited")
    TaskLink.objects.filter(task=poison).update(lapses=7, claim_token=uuid4(), claimed_at=hub.now)

    hub.settle()

    link = hub.link(poison)
    assert (link.sync_status, link.last_error_code, link.due_at) == ("failed", "stops_its_worker", None)
    assert sorted(there["title"] for there in live(simulator)) == ["Neighbour", "Poison"]


def test_every_attempt_is_kept_with_request_answer_and_decision_and_without_secrets(hub: Hub, grace, code):
    simulator = hub.connect(code)
    task = hub.save_task(contacts=[grace])
    simulator.fail_next("status", writing(simulator, "POST"), status=400)
    hub.settle()
    hub.edit(task, body="words")
    hub.settle()

    attempts = list(Attempt.objects.filter(task_link__task=task).order_by("id"))
    kept = "".join(one.request + one.response + one.detail for one in Attempt.objects.all())
    assert {"ok"} < {one.outcome for one in attempts}
    assert all(one.ended_at and one.request and one.decision for one in attempts)
    assert not any(secret in kept for secret in simulator.secret.values())
    assert all(one.started_at <= one.ended_at for one in attempts if one.ended_at)


def test_credentials_that_cannot_be_unsealed_hold_the_connection_and_lose_nothing(hub: Hub, grace, settings):
    simulator = hub.connect("highlevel")
    task = hub.save_task(contacts=[grace])
    good = settings.CREDENTIALS_KEYS
    settings.CREDENTIALS_KEYS = [new_key()]

    hub.push()
    held = Connection.objects.get()
    health = held.health(hub.now)
    settings.CREDENTIALS_KEYS = good
    hub.settle()

    assert "CREDENTIALS_KEYS" in held.wait_reason
    assert health == Connection.Health.DEGRADED
    assert [there["title"] for there in live(simulator)] == ["Call Grace"]
    assert hub.link(task).lapses == 0


def test_a_task_refused_for_want_of_the_hubs_own_property_goes_when_the_doctor_has_made_it(hub: Hub, grace):
    simulator = hub.connect("hubspot")
    del simulator.records.properties["0-27"]["hub_task_key"]  # type: ignore[attr-defined]
    task = hub.save_task(contacts=[grace])
    hub.settle()
    parked = hub.link(task)

    sync.check_connection(hub.connections["hubspot"], install=True, now=hub.now)
    services.replay_links(links=[parked], now=hub.now)
    hub.settle()

    assert parked.sync_status == "failed"
    assert "doctor --fix makes it again" in parked.last_error
    assert hub.link(task).sync_status == "in_sync"
    assert [there["title"] for there in live(simulator)] == ["Call Grace"]
