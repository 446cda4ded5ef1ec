"""Everything at once, for a while: kills, lost answers, errors, refusals for speed, a database that restarts and a broker that forgets.

A seed is always the same soak. `SOAK=2000` in the environment makes the long ones longer: so many tasks, and a kill for every hundred of them
(four at least); `SEEDS=50` soaks more often.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from crmhub import services
from crmhub.models import Task, TaskLink
from crmhub.tests.faults.hubs import LiveHub, creates, is_anything_owed, settled
from crmhub.tests.faults.processes import Processes, wait_until
from crmhub.tests.faults.servers import Broker, Database
from providers.capabilities import Limit
from providers.simulator.__main__ import simulator_class

pytestmark = [
    pytest.mark.faults,
    pytest.mark.postgres,
    pytest.mark.timeout(3600),
    pytest.mark.usefixtures("database"),
]

SOAK = int(os.environ.get("SOAK", "40"))  # tasks
SEEDS = int(os.environ.get("SEEDS", "20"))
KILLS = max(4, SOAK // 100)
LONGEST_LOOK = 15.0  # seconds that a round waits at most for the CRM to be asked for another task
ANSWER_DELAY = 0.1  # seconds between the CRM's write and its answer, in which many a kill falls
# What goes wrong with requests, and whether the CRM has done by then what it was asked for.
UNWELL = {"drop": True, "status": True, "rate_limited": False}


@dataclass
class Soak:
    """Tasks that are saved, changed and deleted while everything fails, in an order that the seed decides."""

    hub: LiveHub
    processes: Processes
    broker: Broker
    database: Database
    code: str
    seed: int
    share: float = 0.05  # of the requests, for each of the kinds above

    def run(self, *, tasks: int, kills: int) -> None:
        """Save so many tasks while workers are killed so often, the broker forgets once and the database restarts once; then let all be well."""
        self.chance = random.Random(f"{self.code} {self.seed}")
        self.simulator = simulator_class(self.code)(limits=[Limit(1000, 1.0)], seed=self.seed)
        self.hub.connect(self.code, simulator=self.simulator, settings={"limits": "1000/1"})
        grace = self.hub.save_contact()
        self.hub.bring(grace)
        self.simulator.before_answer = lambda _call: time.sleep(ANSWER_DELAY)
        self.tasks: list[Task] = []
        self.claims_killed = 0
        for kind, after_write in UNWELL.items():
            self.simulator.fail_next(kind, times=None, share=self.share, after_write=after_write, seconds=1)
        troubles = dict(
            zip(self.chance.sample(range(kills), 2), (self._forget, self.database.restart), strict=True)
        )
        for number in range(kills):
            self.processes.start()
            while len(self.tasks) < tasks * (number + 1) // kills:
                self._save(grace)
            if trouble := troubles.get(number):
                self._until_more_is_made()
                trouble()
            self._until_more_is_made()
            # The first that finds a request under way comes while the CRM still answers; those after it at any moment.
            latest = 2 * ANSWER_DELAY if self.claims_killed else ANSWER_DELAY / 4
            time.sleep(self.chance.uniform(0, latest))
            self.processes.kill()
            self.claims_killed += TaskLink.objects.filter(claim_token__isnull=False).count()
        self.processes.start()
        wait_until(lambda: self.faults_met() == set(UNWELL) or not is_anything_owed(), seconds=LONGEST_LOOK)
        self.simulator.faults.clear()
        self.simulator.before_answer = None

    def faults_met(self) -> set[str]:
        """Return what has gone wrong with requests so far."""
        return {entry["fault"] for entry in list(self.simulator.log) if entry["fault"]}

    def _save(self, grace) -> None:
        """Save a new task, and now and then change, complete or delete an older one."""
        self.tasks.append(self.hub.save_task(title=f"Task {len(self.tasks)}", contacts=[grace]))
        task = self.chance.choice(self.tasks)
        if task.is_deleted or self.chance.random() > 0.3:
            return
        change: Callable[[], object] = self.chance.choice(
            [
                lambda: self.hub.edit(task, title=f"{task.title}, edited"),
                lambda: self.hub.edit(task, status=Task.Status.COMPLETED),
                lambda: services.delete_task(task=task),
            ]
        )
        change()

    def _forget(self) -> None:
        self.broker.client.flushall()

    def _until_more_is_made(self) -> None:
        before = creates(self.simulator)
        wait_until(lambda: creates(self.simulator) > before or not is_anything_owed(), seconds=LONGEST_LOOK)


def soaked(soak: Soak, *, tasks: int, kills: int, seconds: float) -> None:
    """Assert that nothing is lost and nothing doubled, and that it was no fair-weather walk."""
    soak.run(tasks=tasks, kills=kills)

    settled(soak.hub, seconds=seconds)
    assert soak.claims_killed
    assert soak.faults_met()


def test_a_short_soak_loses_nothing_and_doubles_nothing(hub, processes, broker, database):
    """F56: at the CRM that shows a new task soonest, for each doubt waits that long."""
    soak = Soak(hub, processes, broker, database, "leadlex", seed=1, share=0.15)

    soaked(soak, tasks=30, kills=2, seconds=300)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("code", ["hubspot", "highlevel"])
def test_a_soak_loses_nothing_and_doubles_nothing(hub, processes, broker, database, code, seed):
    """F56: HubSpot takes each key once; HighLevel makes what it is told, as often as it is told."""
    soaked(Soak(hub, processes, broker, database, code, seed), tasks=SOAK, kills=KILLS, seconds=1800)
