"""What people change here and there while workers send: contacts and tasks that are deleted there, saves in the middle of a request, odd texts."""

from __future__ import annotations

import pytest

from crmhub import services
from crmhub.models import Attempt, ContactLink
from crmhub.sync.credentials import provider_for
from crmhub.tests.engine.conftest import live, writes
from crmhub.tests.faults.hubs import Held, LiveHub, creates, settled
from crmhub.tests.faults.processes import Processes, wait_until
from providers.simulator import Simulator
from providers.types import RemoteRef

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.timeout(300)]

SOONEST = "leadlex"  # it shows what is new after five seconds, the others after ten
GRACE = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}


@pytest.fixture
def simulator(hub: LiveHub, grace) -> Simulator:
    """A CRM that knows Grace and a task about her."""
    simulator = hub.connect(SOONEST, settings={"limits": "50/1"})
    hub.bring(grace)
    return simulator


def delete_by_hand(hub: LiveHub, external_id: str, parent_id: str = "") -> None:
    """Delete a task at the CRM as a person there would, behind the hub's back."""
    provider, _ = provider_for(hub.connections[SOONEST])
    provider.delete_task(RemoteRef(external_id, parent_id))


def test_a_contact_that_was_deleted_and_made_anew_there_is_found_while_workers_send(
    hub: LiveHub, processes: Processes, simulator: Simulator, grace
):
    """F46: the tasks are refused for the contact that is gone."""
    simulator.remove_contact(hub.contact_link(grace).external_id)
    [new] = simulator.seed({"contacts": [GRACE]})["contacts"]
    processes.start()
    for number in range(4):
        hub.save_task(title=f"Task {number}", contacts=[grace])

    assert wait_until(lambda: ContactLink.objects.get().external_id == new), processes.said
    settled(hub)
    made = [there["contact"] for there in live(simulator) if there["title"].startswith("Task")]
    assert made == ["grace@example.com"] * 4


@pytest.mark.parametrize(("gone_there", "parked"), [("detach", 1), ("recreate", 0)])
def test_a_task_that_somebody_deleted_there_is_made_anew_once_or_waits_for_a_person(
    hub: LiveHub, processes: Processes, grace, gone_there, parked
):
    """F47: an edit finds it gone, and nothing goes round in circles."""
    simulator = hub.connect(SOONEST, settings={"limits": "50/1", "gone_there": gone_there})
    hub.bring(grace)
    task = hub.save_task(title="Call Grace", contacts=[grace])
    processes.start()
    settled(hub)
    link = hub.link(task)
    delete_by_hand(hub, link.external_id, link.external_parent_id)

    hub.edit(task, title="Ring Grace")
    settled(hub, parked=parked)

    requests = len(simulator.log)
    assert not wait_until(lambda: len(simulator.log) > requests, seconds=2)
    assert [there["title"] for there in live(simulator)] == ["The first", "Ring Grace"][: 2 - parked]
    assert hub.link(task).sync_status == ("gone" if parked else "in_sync")


@pytest.mark.long
def test_a_look_waits_until_the_crm_shows_what_may_have_landed_late(
    hub: LiveHub, processes: Processes, simulator: Simulator, grace
):
    """F48: it shows the task three seconds after the lease of the worker that died."""
    simulator.find_lag = 9.0
    before = creates(simulator)
    task = hub.save_task(title="Call Grace", contacts=[grace])

    processes.beat()
    processes.doomed("after_post").wait()
    lands_until = hub.link(task).may_land_until
    assert lands_until is not None
    processes.worker()

    settled(hub)
    assert creates(simulator) == before + 1
    [look] = Attempt.objects.filter(task_link=hub.link(task), operation="find")
    assert look.started_at >= lands_until + hub.connections[SOONEST].capabilities.find_lag


def test_ten_saves_while_the_first_is_on_its_way_are_two_writes(
    hub: LiveHub, processes: Processes, simulator: Simulator, grace
):
    """F49: the newest wins."""
    before = len(writes(simulator))
    held = Held(simulator)
    processes.start()
    task = hub.save_task(title="Save 1", contacts=[grace])
    assert wait_until(lambda: held.count), processes.said

    for number in range(2, 11):
        hub.edit(task, title=f"Save {number}")
    held.let_go()

    settled(hub)
    assert len(writes(simulator)) == before + 2


@pytest.mark.parametrize("is_restored", [False, True])
def test_a_task_that_is_deleted_while_it_is_created_leaves_no_orphan(
    hub: LiveHub, processes: Processes, simulator: Simulator, grace, is_restored
):
    """F49: the delete goes out once the id is known; taken out of the bin again in time, the task stays."""
    held = Held(simulator)
    processes.start()
    task = hub.save_task(title="Call Grace", contacts=[grace])
    assert wait_until(lambda: held.count), processes.said

    services.delete_task(task=task)
    if is_restored:
        services.restore_task(task=task)
    held.let_go()

    settled(hub)
    titles = [there["title"] for there in live(simulator)]
    assert titles == ["The first", *["Call Grace"] * is_restored]


@pytest.mark.parametrize("code", [SOONEST, "hubspot"])
def test_four_kilobytes_of_emoji_arrive_as_they_are_or_say_what_is_lost(
    hub: LiveHub, processes: Processes, grace, code
):
    """F57: a title of a thousand signs of four bytes each."""
    simulator = hub.connect(code, settings={"limits": "50/1"})
    title = "📞" * 1000
    processes.start()
    task = hub.save_task(title=title, contacts=[grace])

    assert wait_until(lambda: hub.link(task).sync_status == "in_sync"), processes.said
    [there] = live(simulator)
    link = hub.link(task)
    assert there["title"] == title or (title.startswith(there["title"].rstrip("…")) and link.losses)
    assert not wait_until(lambda: len(live(simulator)) > 1, seconds=1)
