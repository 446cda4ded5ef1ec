"""What a hub in this checkout runs with, decided before Django reads its settings.

`up` runs on the settings of the environment and `.env`, and adds what is missing: keys in `var`, an embedded Valkey. `demo` keeps to
itself: its own database and Valkey, and nothing that points to the outside.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from config import environment, keys
from config.running import Running, RunsAlready
from crmhub.launcher import valkey

DEMO_DATABASE = "demo.sqlite3"
# What a demo must not take from the settings of a real hub: they name its data, its address, its mail server.
NOT_FOR_A_DEMO = (
    "ALLOWED_HOSTS",
    "CACHE_URL",
    "CELERY_BROKER_URL",
    "CSRF_TRUSTED_ORIGINS",
    "DATABASE_URL",
    "EMAIL_URL",
    "PUBLIC_URL",
    "REDIS_URL",
    "SECURE_PROXY_SSL_HEADER",
    "STATIC_ROOT",
)


class CannotStart(Exception):
    """The hub cannot be started; the message says why and what to do, in one line."""


@dataclass
class Surroundings:
    """What was decided: the `var` folder, the hold on it, the socket of our own Valkey (None: REDIS_URL was given)."""

    command: str
    folder: Path
    running: Running
    socket: Path | None
    left_aside: tuple[str, ...] = ()


_decided: list[Surroundings] = []


def prepare(command: str, root: Path) -> None:
    """Take hold of the checkout and set the environment for `command`, up or demo, and all its processes.

    Raises `ImproperlyConfigured` when another hub runs here or `var` cannot be written.
    """
    # A hub that runs here already must not lend its settings to the one that is then refused.
    folder = environment.load(root).absolute()
    # What the hub and its processes write holds people's data: nobody else on this machine may read it.
    os.umask(0o077)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        running = Running(folder, command)
    except RunsAlready as error:
        raise ImproperlyConfigured(str(error)) from error
    except OSError as error:
        raise ImproperlyConfigured(f"cannot write into {folder}: {error.strerror}") from error
    os.environ["VAR_DIR"] = str(folder)
    left_aside = _leave_aside(folder) if command == "demo" else ()
    socket = _choose_socket(command, folder)
    _keep_local_keys(folder)
    _decided.append(Surroundings(command, folder, running, socket, left_aside))
    running.note(settings=_settings_for_others(command, socket))


def current() -> Surroundings:
    """Return what `prepare` decided. Raises `CannotStart` when the command was not started by manage.py."""
    if not _decided:
        raise CannotStart("start it as `manage.py up` or `manage.py demo`")
    return _decided[-1]


def _leave_aside(folder: Path) -> tuple[str, ...]:
    """Take out of the environment what is a real hub's; return the names that had a value."""
    # Where no Valkey can be run, the one that was named has to do.
    names = [name for name in NOT_FOR_A_DEMO if name != "REDIS_URL" or valkey.can_be_run()]
    had = tuple(name for name in names if environment.text(name))
    for name in names:
        # Empty and not deleted, or `.env` would bring it back.
        os.environ[name] = os.environ[f"{name}_FILE"] = ""
    os.environ["DATABASE_URL"] = f"sqlite:///{quote(str(folder / DEMO_DATABASE))}"
    # The simulated CRMs live on this machine, not at the vendors' addresses.
    os.environ["ALLOW_CUSTOM_CRM_HOSTS"] = "1"
    return had


def _choose_socket(command: str, folder: Path) -> Path | None:
    if environment.text("REDIS_URL"):
        return None
    socket = valkey.socket_path(folder, command)
    os.environ["REDIS_URL"] = f"unix://{quote(str(socket))}"
    return socket


def _keep_local_keys(folder: Path) -> None:
    missing = [name for name in keys.FILES if not environment.text(name)]
    try:
        made = keys.keep_local_keys(folder, names=missing)
    except OSError as error:
        raise ImproperlyConfigured(f"cannot keep keys in {folder}: {error.strerror}") from error
    if "CREDENTIALS_KEYS" in made:
        path = folder / keys.FILES["CREDENTIALS_KEYS"]
        print(f"Made {path}. Back it up: without it no stored CRM credential can be read again.", flush=True)


def _settings_for_others(command: str, socket: Path | None) -> dict[str, str]:
    names = ["REDIS_URL"] if socket else []
    if command == "demo":
        names = [*NOT_FOR_A_DEMO, "ALLOW_CUSTOM_CRM_HOSTS"]
    return {name: os.environ.get(name, "") for name in names}
