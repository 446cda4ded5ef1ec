"""An app whose access token ends at the wrong moment, whose refresh token works once, or which is shut out of the account."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

import pytest

from crmhub import services, sync
from crmhub.models import Attempt, Connection, TaskLink
from crmhub.tests.engine.conftest import live, writing
from crmhub.tests.faults.hubs import LiveHub, creates, is_anything_owed, settled
from crmhub.tests.faults.processes import Processes, wait_until
from providers.simulator import Call, Server
from providers.simulator.__main__ import simulator_class

pytestmark = [pytest.mark.faults, pytest.mark.engine, pytest.mark.timeout(300)]

APP = "highlevel"  # its refresh tokens work once
UNHURRIED = (
    "30"  # seconds of a lease: nothing has to lapse here, and what a busy machine lets lapse is sent again
)
WORKERS = 2


@pytest.fixture(autouse=True)
def _reachable(settings: Any) -> None:
    settings.PUBLIC_URL = "https://hub.example.com"


@pytest.fixture
def simulator(hub: LiveHub) -> Any:
    """A CRM that has let our app in."""
    simulator: Any = simulator_class(APP)()
    server = hub.servers[APP] = Server(simulator).start()
    connection = services.connect_account(
        provider=APP, name=APP, secrets=simulator.app, settings=simulator.setting, base_url=server.url
    )
    hub.connections[APP] = connection
    authorise(simulator)
    return simulator


def authorise(simulator: Any) -> None:
    """Come back from the CRM's page with a code, as staff do who have agreed there; again where the rate was used up just then."""

    def is_let_in() -> bool:
        code = simulator.grants.agree(redirect_uri=sync.redirect_uri())
        with suppress(sync.NotLetIn):
            sync.let_in(stored(), code=code, verifier="v" * 64)
            return True
        return False

    assert wait_until(is_let_in)
    assert wait_until(passes_its_test)


def passes_its_test() -> bool:
    """Test the connection as staff do, and return whether all is well."""
    return sync.check_connection(stored()).is_well


def stored() -> Connection:
    """Return the connection as the database has it."""
    return Connection.objects.get()


def asked_for_tokens(simulator: Any) -> int:
    """Return how often the CRM was asked for tokens."""
    return sum(entry["path"].endswith("/token") for entry in list(simulator.log))


def refused(simulator: Any, status: int) -> int:
    return sum(entry["status"] == status for entry in list(simulator.log))


def test_a_token_that_ends_in_the_middle_of_many_tasks_is_renewed_once_and_none_is_lost(
    hub: LiveHub, processes: Processes, grace, simulator
):
    """F43: it ends before the seventh of twenty, while two workers send."""
    hub.bring(grace)
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(20)]
    before, numbers = asked_for_tokens(simulator), iter(range(1000))

    def end_at_the_seventh(call: Call) -> None:
        if call.path.endswith("/tasks") and next(numbers) == 5:
            simulator.grants.end_access()

    simulator.before_answer = end_at_the_seventh
    simulator.fail_next("delay", "POST .*/token", seconds=0.7)  # so that another worker has time to ask, too
    processes.start(size=WORKERS, LEASE_SECONDS=UNHURRIED)

    settled(hub)
    assert 0 < refused(simulator, 401) <= len(tasks)  # each was under way once
    assert asked_for_tokens(simulator) == before + 1
    assert len(live(simulator)) == len(tasks) + 1
    assert stored().reauthorise_since is None
    refusals = Attempt.objects.filter(outcome="unauthorized")
    assert {one.decision for one in refusals} == {"Sent again with renewed credentials."}


def test_two_workers_that_find_the_token_ended_renew_it_once(
    hub: LiveHub, processes: Processes, grace, simulator
):
    """F44: the refresh token works once, so a second use of it would lose the account."""
    hub.bring(grace)
    before = asked_for_tokens(simulator)
    simulator.grants.end_access()
    Connection.objects.update(token_expires_at=stored().token_obtained_at)
    simulator.fail_next("delay", "POST .*/token", seconds=0.7)
    for number in range(4):
        hub.save_task(title=f"Task {number}", contacts=[grace])

    processes.start(size=WORKERS, LEASE_SECONDS=UNHURRIED)
    processes.worker(size=WORKERS, LEASE_SECONDS=UNHURRIED)

    settled(hub)
    assert asked_for_tokens(simulator) == before + 1
    assert refused(simulator, 401) == 0
    assert (stored().reauthorise_since, stored().failures) == (None, 0)
    assert not Attempt.objects.filter(outcome="unauthorized").exists()
    assert simulator.grants.refresh(stored().secrets["refresh_token"])


def test_an_app_that_is_shut_out_waits_for_a_person_and_goes_on_when_it_is_let_in_again(
    hub: LiveHub, processes: Processes, grace, simulator, admin_client
):
    """F45: a renewal is asked for, at most once more at the token's end, and then no more; what is saved meanwhile is kept."""
    hub.bring(grace)
    before = asked_for_tokens(simulator)
    simulator.grants.revoke()
    tasks = [hub.save_task(title=f"Task {number}", contacts=[grace]) for number in range(10)]
    processes.start(size=WORKERS, LEASE_SECONDS=UNHURRIED)

    assert wait_until(lambda: stored().reauthorise_since), processes.said
    time.sleep(1)  # whatever was under way has arrived
    requests = len(simulator.log)
    hub.save_task(title="Saved meanwhile", contacts=[grace])
    time.sleep(2)
    quiet, asked = len(simulator.log), asked_for_tokens(simulator)
    page = admin_client.get("/admin/").content.decode()
    kept = TaskLink.objects.filter(sync_status="pending", failures=0, due_at__isnull=False).count()
    authorise(simulator)

    settled(hub)
    assert asked <= before + 2
    assert refused(simulator, 401) <= len(tasks) + 4  # each once, and the tests that workers make
    assert quiet == requests
    assert kept == len(tasks) + 1
    assert Connection.Health.REAUTHORISE.label in page
    assert len(live(simulator)) == len(tasks) + 2


def test_an_operation_that_is_forbidden_is_not_tried_for_each_task_and_goes_on_when_it_is_allowed(
    hub: LiveHub, processes: Processes, grace, admin_client
):
    """F45: the account took a scope from us; what does not need it goes on."""
    simulator = hub.connect("hubspot")
    done = hub.save_task(title="Made before")
    assert wait_until(hub.has_pushed_all)
    simulator.fail_next("status", writing(simulator, "POST"), status=403, times=None)
    processes.start(size=WORKERS, LEASE_SECONDS=UNHURRIED)
    for number in range(6):
        hub.save_task(title=f"Task {number}")
        assert wait_until(lambda: not is_anything_owed())
    hub.edit(done, title="Edited meanwhile")
    assert wait_until(lambda: not is_anything_owed())
    made, there = creates(simulator), [one["title"] for one in live(simulator)]
    page = admin_client.get("/admin/").content.decode()

    simulator.faults.clear()
    assert wait_until(passes_its_test)

    settled(hub)
    assert made == 2  # the one before, and the one that was refused
    assert there == ["Edited meanwhile"]
    assert "may not create (missing: a right)" in page
