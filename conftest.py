"""What all tests stand on: a real Valkey, a real database, and settings that no `.env` of yours can change.

`TEST_DATABASE=postgres` runs them on a private PostgreSQL instead of SQLite (`make test-pg`). Everything here happens
on import, for the settings must be right before the first model is.
"""

from __future__ import annotations

import atexit
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import pytest
import redis

from tools import servers

ROOT = Path(__file__).resolve().parent
IS_POSTGRES = os.environ.get("TEST_DATABASE", "sqlite") == "postgres"

running = ExitStack()
atexit.register(running.close)
missing: str | None = None


def prepare_environment() -> None:
    """Replace every setting in the environment by the ones for tests."""
    for name in re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE):
        os.environ.pop(name, None)
        os.environ.pop(f"{name}_FILE", None)
    folder = running.enter_context(
        tempfile.TemporaryDirectory(prefix="hub-tests-", ignore_cleanup_errors=True)
    )
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "VAR_DIR": folder,
        "SECRET_KEY": "only-for-tests-" * 4,
        "CREDENTIALS_KEYS": "dGhpcyBrZXkgaXMga25vd24gdG8gZXZlcnkgcmVhZGU=",
        # Simulators live on this machine, not at the vendors' addresses.
        "ALLOW_CUSTOM_CRM_HOSTS": "1",
        "REDIS_URL": running.enter_context(servers.valkey()),
        # On a machine that is busy with tests a healthy broker may take longer than a save would wait for it.
        "WAKE_TIMEOUT_SECONDS": "0.5",
    }
    if IS_POSTGRES:
        os.environ["DATABASE_URL"] = postgres_url()


def postgres_url() -> str:
    """Return the address of one PostgreSQL for this run; each parallel process has its own database in it."""
    url = os.environ.get("TEST_DATABASE_URL") or running.enter_context(servers.postgres())
    os.environ["TEST_DATABASE_URL"] = url
    return url


try:
    prepare_environment()
except servers.NotFoundOnThisMachine as error:
    missing = str(error)
else:
    import django
    from django.conf import settings

    # The real ones are slow on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django.setup()
    # Parallel processes inherit this environment. With the name in it, their settings would be read before each has its own Valkey.
    del os.environ["DJANGO_SETTINGS_MODULE"]


# Elsewhere each run tries other values; a verdict on a change must not hang on chance.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
hypothesis.settings.register_profile("people", deadline=None)


def pytest_configure(config: pytest.Config) -> None:
    is_ci = os.environ.get("CI", "") not in {"", "0", "false"}
    hypothesis.settings.load_profile("ci" if is_ci else "people")
    if missing:
        pytest.exit(f"{'cannot run' if is_ci else 'left out'}: {missing}", returncode=1 if is_ci else 0)


def pytest_report_header() -> str:
    return f"hub: {'PostgreSQL' if IS_POSTGRES else 'SQLite'}, Valkey"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only the other database can do."""
    other = "sqlite" if IS_POSTGRES else "postgres"
    others = [item for item in items if item.get_closest_marker(other)]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The Valkey of this test process."""
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def redis_connection(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(autouse=True)
def empty_redis(redis_connection: redis.Redis) -> None:
    """Let no test find what another one left in Valkey."""
    redis_connection.flushall()
