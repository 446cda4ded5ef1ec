"""What an experiment stands on: a database and a Valkey of its own, vendors, workers, and a hub that is connected and driven.

Import it once Django is set up (`bench.child` does that).
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.db.models import Q
from django.utils import timezone

from bench.experiments import Size
from bench.processes import READY_WITHIN, ROOT, Valkey, Workers
from bench.vendors import Vendor
from config.celery import app as celery_app
from crmhub import services, wake
from crmhub.launcher.children import Child
from crmhub.models import Connection, Contact, ContactLink, SyncStatus, Task, TaskContact, TaskLink
from crmhub.sync import check_connection

LOOK_EVERY = 0.02  # seconds between two looks whether all is in step
ROWS = 1000  # in one INSERT
LAST_LINES = 40  # of a log
MOST_TOLD = 1000  # links that are looked at when not all was sent
# A rate that no experiment reaches, for those that are not about rates.
NO_LIMIT = "2000/1"

# With the Redis transport, gossip stumbles over a broker that comes back; the launcher leaves it out as well.
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


class Unsettled(Exception):
    """What was to be in step in time was not; the message says what was still owed."""


class Lab:
    """One experiment's own world. Use it as a context manager; leaving it ends every process that it started."""

    def __init__(self, folder: Path, size: Size, broker: Valkey) -> None:
        """Keep what `bench.child` made: the folder, how much to do, the Valkey that the settings name."""
        self.folder = folder
        self.size = size
        self.valkey = broker
        self._running = contextlib.ExitStack()
        self._count = 0

    def __enter__(self) -> Lab:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """End every process; when something went wrong, say what they said last."""
        self._running.close()
        if kind is not None:
            for log in sorted((self.folder / "log").glob("*.log")):
                lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
                print(f"-- {log.name}", *lines, sep="\n", file=sys.stderr)

    # Processes

    def child(self, name: str, command: Iterable[str], settings: Mapping[str, str] | None = None) -> Child:
        """Start a process that ends with the lab; its log is in the lab's folder."""
        self._count += 1
        log = self.folder / "log" / f"{self._count}-{name}.log"
        child = Child(name, [sys.executable, *command], log=log, settings=settings or {})
        child.start(ROOT)
        self._running.callback(child.kill_the_rest)
        return child

    def stub(self, *options: str) -> Vendor:
        """Start the stub of HubSpot; `options` are its command's."""
        return self._vendor("hubspot", self.child("stub", ["-m", "bench.stub", *options]))

    def simulator(self, code: str, *options: str) -> Vendor:
        """Start the simulator of this CRM; `options` are those of `bench.vendors`."""
        return self._vendor(code, self.child(code, ["-m", "bench.vendors", code, *options]))

    def _vendor(self, code: str, child: Child) -> Vendor:
        child.wait_until(lambda: child.has_written("{"), within_s=READY_WITHIN)
        return Vendor(code, **json.loads(child.line_with("{")))

    @contextlib.contextmanager
    def workers(
        self, *, pool: str = "prefork", concurrency: int = 2, groups: int = 1, **settings: Any
    ) -> Iterator[Workers]:
        """Run Celery workers and beat of the hub; `settings` are the hub's, in lower case."""
        wanted = {name.upper(): str(value) for name, value in settings.items()}
        celery = ["-m", "celery", "-A", "config"]
        command = [*celery, "worker", f"--pool={pool}", f"--concurrency={concurrency}", *QUIET]
        workers = Workers(
            [
                self.child("worker", [*command, f"--hostname=w{number}@%h"], wanted)
                for number in range(groups)
            ],
            [self.child("beat", [*celery, "beat", "--pidfile="], wanted)],
        )
        try:
            answer_pings(celery_app, groups)
            yield workers
        finally:
            workers.stop()

    # The hub

    def connect(
        self, vendor: Vendor, *, limits: str = NO_LIMIT, name: str = "", scope: str = "all", **settings: str
    ) -> Connection:
        """Connect the hub to this vendor; `limits` as the connection's setting, "" for the vendor's own."""
        connection = services.connect_account(
            provider=vendor.code,
            name=name or vendor.code,
            secrets=vendor.secret,
            settings={**vendor.setting, **({"limits": limits} if limits else {}), **settings},
            base_url=vendor.url,
            scope=scope,
        )
        # On a machine that is busy the store of the pace may seem to be away, and the rate counts as used up for a moment.
        for _ in range(5):
            if (checkup := check_connection(connection)).is_well:
                break
            time.sleep(2)
        else:
            raise RuntimeError(f"{vendor.code} is not well: {checkup.error}")
        connection.refresh_from_db()
        return connection

    def save_task(self, title: str, *, contact: Contact | None = None) -> Task:
        """Save a new task as the admin and the API do."""
        about = services.Associations(contacts=[services.Associated(contact.pk)]) if contact else None
        return services.save_task(task=Task(title=title), changed=(), associations=about).task

    def edit(self, task: Task, title: str) -> None:
        """Give the task another title, as the admin and the API do."""
        task.title = title
        services.save_task(task=task, changed=["title"])

    def warm_up(self, *, count: int = 20) -> None:
        """Send some tasks and wait until they are there: processes have then imported, connected and spoken once."""
        for number in range(count):
            self.save_task(f"Warm {number}")
        self.settle()

    def settle(self, *, seconds: float = 120) -> float:
        """Wait until nothing is owed; returns the monotonic time at which it was so. Raises `Unsettled` after so many seconds."""
        if (at := settled_at(seconds=seconds)) is None:
            raise Unsettled(f"not all was sent within {seconds:g} s: {_owed_in_words()}")
        return at


_OWED = Q(due_at__isnull=False) | Q(sync_status=SyncStatus.PENDING)


def settled_at(*, seconds: float) -> float | None:
    """Return the monotonic time at which nothing was owed any more, None where that took longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(model._default_manager.filter(_OWED).exists() for model in (TaskLink, ContactLink)):
            return time.monotonic()
        time.sleep(LOOK_EVERY)
    return None


def _owed_in_words() -> str:
    links = TaskLink.objects.filter(_OWED).select_related("connection")
    told = Counter(
        f"{link.connection} {link.sync_status}, due {link.due_at and link.due_at - timezone.now()}, "
        f"lapses {link.lapses}, failures {link.failures}: {link.last_error or link.connection.wait_reason}"
        for link in links[:MOST_TOLD]
    )
    return f"{links.count()} are owed; " + "; ".join(
        f"{count} × {what}" for what, count in told.most_common(5)
    )


def answer_pings(app: Any, groups: int) -> None:
    """Wait until so many worker groups answer."""
    wait_until(lambda: len(app.control.ping(timeout=0.3)) >= groups, "the workers are not ready")


def wait_until(is_so: Callable[[], bool], otherwise: str, *, seconds: float = READY_WITHIN) -> None:
    """Wait until it is so. Raises `Unsettled` with these words after so many seconds."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise Unsettled(f"{otherwise} after {seconds:g} s")
        time.sleep(LOOK_EVERY)


# A backlog, made without the services: how fast it is made is not measured


def link_contact(connection: Connection, vendor: Vendor) -> Contact:
    """Let Grace be known on both sides and linked, without a call that would count against the vendor's rate; returns her."""
    now = timezone.now()
    grace = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}
    [external_id] = vendor.ask("POST", "seed", {"contacts": [grace]})["contacts"]
    contact, _ = Contact.objects.get_or_create(
        **grace, defaults={"version": 1, "created_at": now, "updated_at": now}
    )
    ContactLink.objects.create(
        contact=contact,
        connection=connection,
        external_id=external_id,
        wanted_version=1,
        pushed_version=1,
        status_since=now,
        sync_status=SyncStatus.IN_SYNC,
    )
    return contact


def make_backlog(connections: Iterable[Connection], count: int, *, contact: Contact | None = None) -> None:
    """Make tasks, of this contact where there is one, with a link to each of these connections; nothing is due until `owe_all`."""
    now = timezone.now()
    tasks = [
        Task(title=f"Task {number}", version=1, created_at=now, updated_at=now) for number in range(count)
    ]
    Task.objects.bulk_create(tasks, batch_size=ROWS)
    if contact is not None:
        TaskContact.objects.bulk_create(
            [TaskContact(task=task, contact=contact, position=0) for task in tasks], batch_size=ROWS
        )
    TaskLink.objects.bulk_create(
        [
            TaskLink(
                task=task,
                connection=connection,
                # In step, or the sweep would take them for forgotten.
                wanted_version=1,
                pushed_version=1,
                status_since=now,
                sync_status=SyncStatus.IN_SYNC,
            )
            for connection in connections
            for task in tasks
        ],
        batch_size=ROWS,
    )


def owe_all(connections: Iterable[Connection]) -> None:
    """Let every link be as if it had just been made and nothing of it sent, and wake its connection."""
    connections = list(connections)
    now = timezone.now()
    # Else they would be taken for accounts whose links were lost, and held.
    Connection.objects.filter(pk__in=[one.pk for one in connections]).update(linked_at=None)
    TaskLink.objects.filter(connection__in=connections).update(
        due_at=now,
        status_since=now,
        sync_status=SyncStatus.PENDING,
        external_id="",
        external_url="",
        pushed_version=0,
        ancestor={},
        effects=[],
        losses=[],
        last_write_at=None,
        last_success_at=None,
    )
    wake.push([one.pk for one in connections])


def titles_wrong(vendor: Vendor, titles: Iterable[str]) -> int:
    """Return how many tasks the vendor lacks, has twice, or should not have."""
    there = sorted(one["title"] for one in vendor.tasks())
    wanted = sorted(titles)
    if there == wanted:
        return 0
    lacking = set(wanted) - set(there)
    return len(lacking) + len(there) - (len(wanted) - len(lacking))
