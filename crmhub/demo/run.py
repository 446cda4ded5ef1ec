"""The demo from beginning to end: an empty hub, four simulated CRMs, a made-up world, everything sent, and a look at what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections
from django.db.models import Q

from crmhub.demo import build, simulated
from crmhub.demo.build import World
from crmhub.demo.words import CRMS
from crmhub.launcher import access, ports
from crmhub.launcher.hub import Hub
from crmhub.launcher.surroundings import DEMO_DATABASE, CannotStart
from crmhub.models import Connection, ContactLink, SyncStatus, TaskLink
from crmhub.sync import check_connection

SETTLED_WITHIN = 120.0  # seconds, for each of the three times that everything is sent
TELL_EVERY = 2.0
LOOK_EVERY = 0.1


class Unsettled(Exception):
    """The CRMs were not in step in time; the message says what was still owed."""


@dataclass
class Demo:
    """A demo that runs: its processes, its world, its simulators, how to come in."""

    hub: Hub
    world: World
    say: Callable[[str], None]
    began: float = field(default_factory=time.monotonic)
    simulators: dict[str, dict[str, Any]] = field(default_factory=dict)
    way_in: access.Access | None = None

    @contextmanager
    def stage(self, what: str) -> Iterator[None]:
        """Tell what is done, and, when it is done, since when the demo runs and how long this took."""
        began = time.monotonic()
        yield
        now = time.monotonic()
        self.say(f"{now - self.began:6.1f} s  {what} ({now - began:.1f} s)")


def run(hub: Hub, *, port: int | None, say: Callable[[str], None]) -> Demo:
    """Build the demo and send everything; returns when every CRM is in step. Leaves the processes running."""
    demo = Demo(hub, World(today=datetime.now(UTC).date()), say)
    folder = hub.surroundings.folder
    access.tell_nothing(folder)
    listener, remark = ports.bind(port)
    if remark:
        say(remark)
    with demo.stage("Valkey started"):
        hub.start_valkey()
    # They take a moment to start, and the database takes one to be made.
    simulators = simulated.start_simulators(hub, CRMS)
    hub.start_web(listener)
    with demo.stage("an empty database"):
        _empty_database(folder)
        demo.way_in = access.make_access()
    hub.start_workers()
    with demo.stage("four simulated CRMs started"):
        demo.simulators = simulated.wait_for(simulators)
    with demo.stage("four accounts connected"):
        build.save_people(demo.world)
        _connect(demo)
    with demo.stage("contacts and tasks saved"):
        build.save_contacts(demo.world)
        build.save_tasks(demo.world)
    with demo.stage("all sent"):
        _wait_until_settled(demo)
    with demo.stage("tasks completed, edited, moved, called off, deleted: the CRMs followed"):
        build.change_tasks(demo.world)
        _wait_until_settled(demo)
    with demo.stage("a deleted task restored"):
        build.restore_tasks(demo.world)
        _wait_until_settled(demo)
    with demo.stage("the web server answers"):
        hub.wait_for_web()
    return demo


def _empty_database(folder: Path) -> None:
    connections.close_all()
    for suffix in ("", "-wal", "-shm", "-journal"):
        (folder / f"{DEMO_DATABASE}{suffix}").unlink(missing_ok=True)
    call_command("migrate", verbosity=0, interactive=False)


def _connect(demo: Demo) -> None:
    seeds = build.seeds()
    for code, told in demo.simulators.items():
        ids = simulated.seed(told["url"], seeds)
        connection = build.connect(demo.world, code, told)
        checkup = check_connection(connection)
        if not checkup.is_well:
            raise CannotStart(f"{connection.name} is not well: {checkup.error}")
        build.link_records(demo.world, code, ids)


def _wait_until_settled(demo: Demo) -> None:
    """Wait until nothing is owed. Raises `Unsettled` when that takes too long."""
    began = told = time.monotonic()
    while True:
        owed, total = _count_owed()
        now = time.monotonic()
        if not owed:
            return
        if now - began > SETTLED_WITHIN:
            raise Unsettled(
                f"not everything was sent within {SETTLED_WITHIN:g} s: {owed} of {total} are still owed\n{_owed_in_words()}"
            )
        if now - told >= TELL_EVERY:
            told = now
            demo.say(f"{now - demo.began:6.1f} s    {total - owed} of {total} in step")
        demo.hub.look()
        time.sleep(LOOK_EVERY)


_OWED = Q(due_at__isnull=False) | Q(sync_status=SyncStatus.PENDING)


def _count_owed() -> tuple[int, int]:
    """Return how many links are owed a push, and how many there are, of tasks and contacts together."""
    owed = sum(model._default_manager.filter(_OWED).count() for model in (TaskLink, ContactLink))
    return owed, sum(model._default_manager.count() for model in (TaskLink, ContactLink))


def _owed_in_words() -> str:
    lines = []
    for connection in Connection.objects.all():
        links = [
            link
            for model in (ContactLink, TaskLink)
            for link in model._default_manager.filter(_OWED, connection=connection)
        ]
        if links:
            why = next(
                (link.last_error for link in links if link.last_error),
                connection.wait_reason or "no reason known",
            )
            lines.append(f"    {connection.name}: {len(links)}, such as {str(links[0])!r}: {why}")
    return "\n".join(lines)
