"""What the tests of faults are given; the package's docstring tells how to use it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from crmhub import services
from crmhub.models import Contact
from crmhub.tests.faults.hubs import LiveHub
from crmhub.tests.faults.processes import Processes
from crmhub.tests.faults.proxy import Proxy
from crmhub.tests.faults.servers import Broker, Database, Lab, forget_connections, own_database


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """What the tests of this process share."""
    lab = Lab()
    yield lab
    lab.close()


@pytest.fixture
def broker(lab: Lab, settings) -> Iterator[Broker]:
    """The broker of this test and its processes."""
    settings.REDIS_URL = settings.CELERY_BROKER_URL = lab.broker.url
    lab.broker.mend()
    forget_connections()
    yield lab.broker
    lab.broker.mend()
    forget_connections()


@pytest.fixture
def hub(transactional_db: None, broker: Broker) -> Iterator[LiveHub]:
    """A hub with no connection yet."""
    hub = LiveHub()
    yield hub
    hub.close()


@pytest.fixture
def grace(hub: LiveHub) -> Contact:
    """A contact that is saved before any CRM is connected."""
    return hub.save_contact()


@pytest.fixture
def processes(transactional_db: None, lab: Lab, broker: Broker, tmp_path: Path) -> Iterator[Processes]:
    """Processes on the test's own database and broker; what is left of them at the end is killed."""
    lab.lead_to_the_database()
    processes = Processes(lab, tmp_path)
    yield processes
    processes.kill()


@pytest.fixture(scope="module")
def database(django_db_setup: None, django_db_blocker) -> Iterator[Database]:
    """A PostgreSQL of the module's own."""
    with django_db_blocker.unblock(), own_database() as database:
        yield database


@pytest.fixture
def database_proxy(lab: Lab, processes: Processes) -> Proxy:
    """The way of the processes to the database; the test itself has another one."""
    return lab.database_proxy


@pytest.fixture
def key(transactional_db: None) -> str:
    """What a service calls the API with."""
    return services.create_key(name="billing", scopes=["tasks:read", "tasks:write"])[1]


@pytest.fixture
def proxy_to() -> Iterator[Callable[[str], Proxy]]:
    """Stand a proxy before an address."""
    with ExitStack() as running:
        yield lambda url: running.enter_context(Proxy(url))
