"""A hub with simulated CRMs for engine tests: real HTTP, a real database, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connections

from crmhub import services, sync
from crmhub.clock import database_now
from crmhub.models import Connection, Contact, ContactLink, Record, Task, TaskLink
from providers.registry import codes
from providers.simulator import Call, Server, Simulator
from providers.simulator.__main__ import simulator_class


class Hub:
    """The hub as a test drives it. Time stands still until `push(later=…)` or `wait` moves it."""

    def __init__(self) -> None:
        self.now: datetime = database_now()
        self.servers: dict[str, Server] = {}
        self.connections: dict[str, Connection] = {}

    def connect(
        self,
        code: str,
        *,
        simulator: Simulator | None = None,
        through: Callable[[str], str] = lambda url: url,
        **options: Any,
    ) -> Simulator:
        """Connect a fresh simulator of this CRM, or this one; returns it. `through` puts something between, and returns where that is."""
        simulator = simulator or simulator_class(code)()
        server = Server(simulator).start()
        self.servers[code] = server
        settings = {**simulator.setting, **options.pop("settings", {})}
        connection = services.connect_account(
            provider=code,
            name=code,
            secrets=simulator.secret,
            settings=settings,
            base_url=through(server.url),
            now=self.now,
            **options,
        )
        checkup = sync.check_connection(connection, now=self.now)
        assert checkup.is_well, checkup.error
        self.connections[code] = connection
        return simulator

    def save_task(
        self, *, contacts: Sequence[Contact] = (), records: Sequence[Record] = (), **values: Any
    ) -> Task:
        """Save a new task about these contacts and records."""
        task = Task(**{"title": "Call Grace", "created_at": None, **values})
        associations = services.Associations(
            contacts=[services.Associated(one.pk) for one in contacts],
            records=[services.Associated(one.pk) for one in records],
        )
        return services.save_task(
            task=task, changed=list(values), associations=associations, now=self.now
        ).task

    def edit(self, task: Task, **values: Any) -> Task:
        """Change a task."""
        for name, value in values.items():
            setattr(task, name, value)
        return services.save_task(task=task, changed=list(values), now=self.now).task

    def save_contact(self, **values: Any) -> Contact:
        """Save a new contact; Grace by default."""
        grace = {"first_name": "Grace", "last_name": "Hopper", "email": "grace@example.com"}
        return services.save_contact(contact=Contact(**(values or grace)), changed=list(values), now=self.now)

    def push(self, code: str | None = None, *, later: float = 0) -> None:
        """Move the time and push what is due, everywhere or at one CRM."""
        self.wait(later)
        for name, connection in self.connections.items():
            if code in (None, name):
                sync.push_due(connection.pk, now=self.now)

    def settle(self, *, rounds: int = 12, step: float = 61) -> None:
        """Push and wait until nothing is owed any more."""
        for _ in range(rounds):
            self.push()
            owed = (
                TaskLink.objects.filter(due_at__isnull=False),
                ContactLink.objects.filter(due_at__isnull=False),
            )
            if not any(links.exists() for links in owed):
                return
            self.wait(step)

    def wait(self, seconds: float) -> None:
        """Let time pass, here and at the CRMs."""
        self.now += timedelta(seconds=seconds)
        for server in self.servers.values():
            server.simulator.move_clock(seconds)

    def link(self, task: Task, code: str | None = None) -> TaskLink:
        """Return the task's link, at the only CRM or at this one."""
        links = TaskLink.objects.filter(task=task)
        return links.get(connection__provider=code) if code else links.get()

    def contact_link(self, contact: Contact) -> ContactLink:
        """Return the contact's link at the only CRM."""
        return ContactLink.objects.get(contact=contact)

    def close(self) -> None:
        for server in self.servers.values():
            server.stop()


@pytest.fixture
def hub(transactional_db: None) -> Iterator[Hub]:
    """A hub with no connection yet."""
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def grace(hub: Hub) -> Contact:
    """Ada's contact; saved before any CRM is connected."""
    return hub.save_contact()


@pytest.fixture
def ada(transactional_db: None) -> Any:
    """A member of staff."""
    return get_user_model().objects.create_user("ada", "ada@example.com", first_name="Ada", is_staff=True)


@pytest.fixture(params=codes())
def code(request: pytest.FixtureRequest) -> str:
    """Each CRM in turn."""
    return str(request.param)


def meanwhile(simulator: Simulator, act: Callable[[], object]) -> None:
    """Let something happen here once, after the CRM's next request took effect and before it is answered."""

    def happen(call: Call) -> None:
        simulator.before_answer = None
        act()
        # This runs in a thread of the simulator, which has a database connection of its own now.
        connections.close_all()

    simulator.before_answer = happen


def writing(simulator: Simulator, methods: str = "POST|PUT|PATCH") -> str:
    """Return an expression that fits the requests with which this CRM is told of a task."""
    return f"({methods}) .*{simulator.task_path}"


def live(simulator: Simulator) -> list[dict[str, Any]]:
    """Return the tasks that the CRM holds and has not deleted."""
    return [task for task in simulator.tasks() if not task["deleted"]]


def writes(simulator: Simulator) -> list[str]:
    """Return the requests that could change something there, in order."""
    return [f"{entry['method']} {entry['path']}" for entry in simulator.log if entry["method"] != "GET"]
