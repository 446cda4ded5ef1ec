"""The rules of `docs/sync.md` that no test of the engine holds by itself: one situation each."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine

from crmhub import services, sync
from crmhub.clock import database_now
from crmhub.models import Attempt, Connection, Lane, TaskLink
from crmhub.sync import pace, sending
from crmhub.sync.claim import take
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import SendWindow
from crmhub.sync.pieces import planned
from crmhub.sync.settle import settle
from crmhub.tests.engine.conftest import Hub, live, meanwhile, writes, writing
from providers.types import RemoteRef

pytestmark = pytest.mark.engine


@pytest.fixture
def simulator(hub: Hub, code):
    """One CRM, in each of the four in turn."""
    return hub.connect(code)


@pytest.fixture
def task(hub: Hub, simulator, grace):
    """A task that is in step."""
    task = hub.save_task(contacts=[grace])
    hub.settle()
    hub.wait(600)
    return task


def claimed(hub: Hub, code):
    """A claim on what is due, planned but not sent."""
    connection = Connection.objects.get(pk=hub.connections[code].pk)
    claim = take(TaskLink, connection, lane=Lane.INTERACTIVE, size=4, now=hub.now)
    return claim, planned(claim, now=hub.now)


def carry_on(hub: Hub, claim, pieces) -> None:
    for one in sending.let_out(sending.outgoing(claim, pieces), now=hub.now).leaving:
        sending.make(one, is_quiet=False, now=hub.now)
        sending.take_answers(one)
    settle(pieces, now=hub.now)


def test_a_save_leaves_the_due_time_alone_while_a_worker_holds_the_link(hub: Hub, code, task):
    hub.edit(task, title="Ring Grace")
    claim, _ = claimed(hub, code)

    hub.edit(task, title="Visit Grace")

    assert hub.link(task).due_at == claim.until
    assert hub.link(task).wanted_version == task.version


def test_a_save_does_not_end_an_unknown_outcome(hub: Hub, simulator, grace, task):
    simulator.fail_next("drop", writing(simulator, "POST"), after_write=True)
    second = hub.save_task(title="Second", contacts=[grace])
    hub.push()
    waits_until = hub.link(second).due_at

    hub.edit(second, title="Second, edited")

    assert (hub.link(second).sync_status, hub.link(second).due_at) == ("unknown", waits_until)


def test_the_clock_of_the_worker_decides_nothing(hub: Hub, simulator, code, task):
    hub.edit(task, title="Ring Grace")
    TaskLink.objects.filter(task=task).update(due_at=database_now() + timedelta(hours=1))
    before = writes(simulator)

    with time_machine.travel(timedelta(days=1)):
        sync.push_due(hub.connections[code].pk)

    assert writes(simulator) == before
    assert hub.link(task).claim_token is None


def test_what_a_look_finds_is_brought_up_to_date(hub: Hub, simulator, grace, task):
    simulator.fail_next("drop", writing(simulator, "POST"), after_write=True)
    second = hub.save_task(title="Second", contacts=[grace])
    hub.push()
    hub.edit(second, title="Second, edited")

    hub.settle()

    operations = (
        Attempt.objects.filter(task_link__task=second).order_by("id").values_list("operation", flat=True)
    )
    assert list(operations)[:3] == ["create", "find", "update"]
    assert sorted(there["title"] for there in live(simulator)) == ["Call Grace", "Second, edited"]


def test_what_is_about_to_be_sent_is_written_down_first(hub: Hub, simulator, task):
    seen = []
    meanwhile(
        simulator,
        lambda: seen.append((hub.link(task).may_land_until, Attempt.objects.latest("id").outcome)),
    )

    hub.edit(task, title="Ring Grace")
    hub.push()

    [(mark, outcome)] = seen
    assert mark == hub.now + timedelta(seconds=60)
    assert outcome == Attempt.SENDING


def test_a_link_that_is_no_longer_ours_is_not_sent(hub: Hub, simulator, code, task):
    hub.edit(task, title="Ring Grace")
    mine = claimed(hub, code)
    TaskLink.objects.filter(task=task).update(claim_token=uuid4())
    before = writes(simulator)

    carry_on(hub, *mine)

    assert writes(simulator) == before


def test_what_would_be_sent_too_late_is_given_back(hub: Hub, simulator, code, task):
    hub.edit(task, title="Ring Grace")
    claim, pieces = claimed(hub, code)
    before = writes(simulator)

    carry_on(hub, dataclasses.replace(claim, window=SendWindow(0.0)), pieces)

    link = hub.link(task)
    assert writes(simulator) == before
    assert (link.claim_token, link.failures, link.may_land_until) == (None, 0, None)


def test_a_task_that_is_saved_while_it_is_sent_is_sent_again(hub: Hub, simulator, task):
    hub.edit(task, title="Ring Grace")
    meanwhile(simulator, lambda: hub.edit(task, title="Visit Grace"))

    hub.push()
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Visit Grace"]
    assert hub.link(task).pushed_version == task.version


def test_a_known_refusal_does_not_make_an_earlier_unknown_outcome_known(hub: Hub, simulator, task):
    simulator.fail_next("drop", writing(simulator), after_write=True)
    hub.edit(task, title="Ring Grace")
    hub.push()
    mark = hub.link(task).may_land_until
    simulator.fail_next("rate_limited", writing(simulator), seconds=5)

    hub.push(later=120)

    assert mark is not None
    assert hub.link(task).may_land_until == mark


def test_a_refusal_of_an_older_version_does_not_park_a_newer_one(hub: Hub, simulator, task):
    simulator.fail_next("status", writing(simulator), status=400)
    hub.edit(task, title="Ring Grace")
    meanwhile(simulator, lambda: hub.edit(task, title="Visit Grace"))

    hub.push()
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Visit Grace"]
    assert hub.link(task).sync_status == "in_sync"


def test_a_task_that_is_missing_moments_after_our_write_is_not_taken_for_deleted_yet(
    hub: Hub,
    code,
    simulator,
    grace,
):
    task = hub.save_task(contacts=[grace])
    hub.settle()
    link = hub.link(task)
    provider_for(hub.connections[code])[0].delete_task(RemoteRef(link.external_id, link.external_parent_id))

    hub.edit(task, title="Ring Grace")
    hub.push()
    young = hub.link(task)
    hub.settle()

    assert (young.sync_status, young.last_error_code) == ("pending", "not_found")
    assert hub.link(task).sync_status == "gone"


def test_a_claim_without_a_slot_is_given_back_and_nothing_is_counted(hub: Hub, simulator, code, task):
    connection = hub.connections[code]
    services.change_connection(connection=connection, settings={**connection.settings, "limits": "5/3600"})
    connection.refresh_from_db()
    pace.reserve(connection.pk, limits_of(connection), count=5, now=hub.now)
    before = writes(simulator)

    hub.edit(task, title="Ring Grace")
    hub.push()

    link = hub.link(task)
    assert writes(simulator) == before
    assert (link.claim_token, link.lapses, link.failures, link.may_land_until) == (None, 0, 0, None)
    assert link.due_at > hub.now


def test_a_refusal_of_old_credentials_does_not_stop_renewed_ones(hub: Hub, simulator, code, task):
    connection = hub.connections[code]
    simulator.fail_next("status", status=401)
    hub.edit(task, title="Ring Grace")
    meanwhile(simulator, lambda: services.change_connection(connection=connection, secrets=simulator.secret))

    hub.push()
    hub.settle()

    assert Connection.objects.get(pk=connection.pk).reauthorise_since is None
    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]


def test_the_sweep_owes_what_a_save_left_unmarked(hub: Hub, simulator, task):
    hub.edit(task, title="Ring Grace")
    TaskLink.objects.filter(task=task).update(wanted_version=1, due_at=None, sync_status="in_sync")

    sync.sweep(now=hub.now)
    hub.settle()

    assert [there["title"] for there in live(simulator)] == ["Ring Grace"]


def test_the_sweep_makes_a_link_that_is_missing(hub: Hub, simulator, task):
    second = hub.save_task(title="Second")
    TaskLink.objects.filter(task=second).delete()

    sync.sweep(now=hub.now)

    assert hub.link(second).due_at is not None
