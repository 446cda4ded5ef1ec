"""A CRM that is unwell, for a moment or for long: it is left in peace, the other CRMs go on, and what was saved arrives once it is well."""

from __future__ import annotations

import time

import pytest

from crmhub.models import Connection
from crmhub.sync.circuit import FIRST_REST, OPENS_AFTER
from crmhub.tests.engine.conftest import live, writing
from crmhub.tests.faults.hubs import LiveHub, settled
from crmhub.tests.faults.processes import QUICK, Processes, wait_until
from providers.registry import capabilities

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.timeout(300)]

UNWELL = (500, 502, 503)
WORKERS = 2
HTTP_DEADLINE = float(QUICK["LEASE_SECONDS"]) / 3


def test_edits_that_meet_a_crm_that_is_unwell_for_a_moment_arrive(hub: LiveHub, processes: Processes, grace):
    """F33: one such answer to each, and it may stand for an edit that has landed."""
    simulator = hub.connect("highlevel")
    tasks = [hub.save_task(title=str(status), contacts=[grace]) for status in UNWELL]
    assert wait_until(hub.has_pushed_all)
    for task, status in zip(tasks, UNWELL, strict=True):
        simulator.fail_next("status", writing(simulator, "PUT"), status=status)
        hub.edit(task, body="Now with words")

    worker = processes.start()

    settled(hub)
    assert [hub.operations(task) for task in tasks] == [["create", "update", "update"]] * len(UNWELL)
    assert worker.status is None


@pytest.mark.long
def test_a_crm_that_is_down_is_left_in_peace_and_the_others_go_on(
    hub: LiveHub, processes: Processes, grace, admin_client
):
    """F33: after a few failures in a row its account rests, and then one task at a time asks whether it is back."""
    down, well = hub.connect("leadlex"), hub.connect("highlevel")
    hub.bring(grace)
    before = len(down.log)
    for status in UNWELL:
        down.fail_next("status", status=status, share=0.4, times=None)
    down.fail_next("status", status=503, times=None)
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(30)]
    worker = processes.start(size=WORKERS)

    assert wait_until(lambda: "failures in a row" in why_held(hub, "leadlex")), processes.said
    page = admin_client.get("/admin/").content.decode()
    time.sleep(HTTP_DEADLINE)  # whatever was under way has arrived
    until_it_rested = len(down.log) - before
    time.sleep(FIRST_REST.total_seconds())
    probes = len(down.log) - before - until_it_rested
    assert wait_until(lambda: len(live(well)) == len(tasks) + 1), processes.said
    down.faults.clear()

    assert until_it_rested <= (OPENS_AFTER + WORKERS) * capabilities("leadlex").parallel
    assert probes <= WORKERS  # one task of each
    assert "failures in a row: it is tried again with one task." in page
    settled(hub, seconds=180)
    assert worker.status is None


def why_held(hub: LiveHub, code: str) -> str:
    return Connection.objects.get(pk=hub.connections[code].pk).wait_reason
