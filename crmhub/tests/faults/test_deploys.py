"""Two versions of the code at once, as in a deployment: workers of the old one meet what only the new one knows. And a database that was restored."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from crmhub import wake
from crmhub.models import Connection, Task, TaskLink
from crmhub.tests.faults.hubs import Held, LiveHub, creates, is_anything_owed, settled
from crmhub.tests.faults.processes import Processes, wait_until
from crmhub.tests.faults.servers import Database

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TABLES = ["tasklink", "contactlink", "attempt", "task", "connection"]


@pytest.mark.engine
@pytest.mark.long
def test_messages_of_a_newer_version_do_not_stop_a_worker(hub: LiveHub, processes: Processes, broker):
    """F52: a job that it does not have, and more words to one that it has; there is no beat to help."""
    simulator = hub.connect("hubspot")
    hub.save_task()
    broker.client.flushall()
    words: dict[str, Any] = {"connection_id": str(hub.connections["hubspot"].pk), "because": {"of": "a save"}}
    wake._publisher().send_task("crmhub.reconcile", kwargs=words)
    wake._publisher().send_task("crmhub.push_due", kwargs=words)

    worker = processes.worker(pool="solo", size=1)

    settled(hub)
    assert "crmhub.reconcile" in worker.said
    assert creates(simulator) == 1
    assert worker.status is None


def is_in_step(hub: LiveHub, task: Task) -> bool:
    return hub.link(task, "hubspot").sync_status == "in_sync"


@pytest.mark.engine
@pytest.mark.parametrize(
    ("rows", "newer", "older"),
    [
        pytest.param(Connection, {"provider": "newcrm"}, {"provider": "leadlex"}, id="a CRM"),
        pytest.param(TaskLink, {"lane": 9}, {"lane": 0}, id="a lane"),
    ],
)
def test_what_a_worker_does_not_know_waits_for_a_newer_one_and_holds_nothing_else_up(
    hub: LiveHub, processes: Processes, grace, rows, newer, older
):
    """F52: rows of a newer version among those that the old one knows."""
    hub.connect("hubspot")
    simulator = hub.connect("leadlex")
    hub.bring(grace)
    before = len(simulator.log)
    first = hub.save_task(title="Before", contacts=[grace])
    theirs = {"provider": "leadlex"} if rows is Connection else {"connection__provider": "leadlex"}
    rows.objects.filter(**theirs).update(**newer)
    worker = processes.start()
    second = hub.save_task(title="After", contacts=[grace])

    assert wait_until(lambda: is_in_step(hub, first) and is_in_step(hub, second)), processes.said
    if rows is Connection:
        assert len(simulator.log) == before
        assert is_anything_owed()
    assert worker.status is None
    rows.objects.filter(**newer).update(**older)
    settled(hub)


@pytest.mark.engine
def test_columns_are_added_while_workers_of_the_older_version_send(hub: LiveHub, processes: Processes, grace):
    """F52: a migration of the newer version, which only adds, runs under claims and requests."""
    simulator = hub.connect("leadlex", settings={"limits": "50/1"})
    hub.bring(grace)
    for number in range(8):
        hub.save_task(title=f"Task {number}", contacts=[grace])
    held = Held(simulator)
    worker = processes.start()
    assert wait_until(lambda: held.count >= 4), processes.said

    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"ALTER TABLE crmhub_{table} ADD COLUMN newer integer NOT NULL DEFAULT 7")
    held.let_go()
    hub.save_task(title="After", contacts=[grace])

    try:
        settled(hub)
        assert creates(simulator) == 10
        assert worker.status is None
    finally:
        processes.kill()
        with connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(f"ALTER TABLE crmhub_{table} DROP COLUMN newer")


@pytest.mark.postgres
@pytest.mark.usefixtures("database")
def test_a_database_that_was_restored_makes_nothing_twice(
    hub: LiveHub, processes: Processes, grace, database: Database
):
    """F58: the CRM holds tasks that the restored links do not know of; `relink` comes before the workers."""
    simulator = hub.connect("leadlex", settings={"limits": "50/1"})
    hub.bring(grace)
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(4)]
    database.back_up()
    processes.start()
    hub.edit(tasks[0], title="Lost with the database")
    settled(hub)
    processes.kill()
    made = creates(simulator)

    database.restore()
    call_command("relink", "leadlex", "--send", verbosity=0)
    processes.start()

    settled(hub)
    assert creates(simulator) == made
