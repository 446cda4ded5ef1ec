"""Random walks over the real engine, with a stepped clock: whatever happens in whatever order, the CRM ends up as the hub.

Each walk mixes saves, deletions, restorations, lost answers, refusals, workers that die at each point of a push, and time that passes.
Afterwards everything is allowed to settle, and each live task must have exactly one counterpart with its newest title. The seeds are fixed; `WALKS=500` in
the environment walks longer.
"""

from __future__ import annotations

import os
import random

import pytest

from crmhub import services, sync
from crmhub.models import ContactLink, Lane, Task, TaskLink
from crmhub.sync import push
from crmhub.sync.claim import take
from crmhub.tests.engine.conftest import Hub, live, meanwhile, writing

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

WALKS = int(os.environ.get("WALKS", "6"))
STEPS = 45


class Walk:
    """One walk: a hub, one CRM, and chance."""

    def __init__(self, hub: Hub, code: str, seed: int) -> None:
        self.hub, self.code = hub, code
        self.chance = random.Random(f"{code}-{seed}")
        self.simulator = hub.connect(code, settings={"limits": "1000/1"})
        self.simulator._windows = []
        self.simulator.find_lag = self.chance.choice([0.0, 3.0])
        self.contacts = [
            hub.save_contact(first_name=name, email=f"{name.lower()}@example.com")
            for name in ("Grace", "Katherine")
        ]
        self.number = 0

    def step(self) -> None:
        steps = {
            self.save: 4,
            self.edit: 6,
            self.move: 2,
            self.finish: 2,
            self.delete: 2,
            self.restore: 2,
            self.push: 8,
            self.lose_an_answer: 3,
            self.refuse: 1,
            self.die_after_claim: 1,
            self.die_before_settling: 2,
            self.save_during_a_push: 2,
            self.pass_time: 6,
            self.sweep: 1,
        }
        self.chance.choices(list(steps), weights=list(steps.values()))[0]()

    def save(self) -> None:
        self.number += 1
        self.hub.save_task(title=f"Task {self.number}", contacts=[self.chance.choice(self.contacts)])

    def edit(self) -> None:
        if task := self._some(deleted_at__isnull=True):
            self.number += 1
            self.hub.edit(task, title=f"Edit {self.number}")

    def move(self) -> None:
        """Give a task to the other contact, or to both."""
        if task := self._some(deleted_at__isnull=True):
            people = self.chance.choice([self.contacts[:1], self.contacts[1:], self.contacts])
            about = services.Associations(contacts=[services.Associated(one.pk) for one in people])
            services.save_task(task=task, changed=[], associations=about, now=self.hub.now)

    def finish(self) -> None:
        if task := self._some(deleted_at__isnull=True):
            services.complete_task(task=task, now=self.hub.now)

    def delete(self) -> None:
        if task := self._some(deleted_at__isnull=True):
            services.delete_task(task=task, now=self.hub.now)

    def restore(self) -> None:
        if task := self._some(deleted_at__isnull=False):
            services.restore_task(task=task, now=self.hub.now)

    def push(self) -> None:
        self.hub.push()

    def lose_an_answer(self) -> None:
        kind = self.chance.choice(["drop", "html", "garbage", "status", "empty"])
        self.simulator.fail_next(
            kind,
            f"{writing(self.simulator, 'POST|PUT|PATCH|DELETE')}|GET .*MarkComplete",
            after_write=True,
            status=502,
        )
        self.hub.push()

    def refuse(self) -> None:
        kind, status = self.chance.choice([("status", 503), ("rate_limited", 429), ("drop", 0)])
        self.simulator.fail_next(kind, status=status, seconds=7)
        self.hub.push()

    def die_after_claim(self) -> None:
        take(TaskLink, self.hub.connections[self.code], lane=Lane.INTERACTIVE, size=4, now=self.hub.now)

    def die_before_settling(self) -> None:
        connection = self.hub.connections[self.code]
        connection.refresh_from_db()
        for model in (ContactLink, TaskLink):
            if claim := take(model, connection, lane=Lane.INTERACTIVE, size=4, now=self.hub.now):
                pieces = push._planned(connection, claim, now=self.hub.now)
                push._send(connection, claim, pieces, push.Pushed(), now=self.hub.now)

    def save_during_a_push(self) -> None:
        meanwhile(self.simulator, self.edit)
        self.hub.push()
        self.simulator.before_answer = None

    def pass_time(self) -> None:
        self.hub.wait(self.chance.choice([1, 5, 20, 61, 130]))

    def sweep(self) -> None:
        sync.sweep(now=self.hub.now)

    def _some(self, **conditions: object) -> Task | None:
        tasks = list(Task.objects.filter(**conditions).order_by("id"))
        return self.chance.choice(tasks) if tasks else None

    def come_to_rest(self) -> None:
        self.simulator.faults.clear()
        self.simulator.before_answer = None
        for _ in range(12):
            self.hub.wait(700)
            sync.sweep(now=self.hub.now)
            self.hub.settle(rounds=30)


@pytest.mark.parametrize("seed", range(WALKS))
def test_after_any_walk_the_crm_is_as_the_hub(hub: Hub, code, seed):
    walk = Walk(hub, code, seed)
    for _ in range(STEPS):
        walk.step()

    walk.come_to_rest()

    wanted = sorted(Task.objects.filter(deleted_at__isnull=True).values_list("title", flat=True))
    assert sorted(there["title"] for there in live(walk.simulator)) == wanted
    assert set(TaskLink.objects.values_list("sync_status", flat=True)) <= {"in_sync"}
