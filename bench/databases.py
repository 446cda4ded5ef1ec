"""The run's PostgreSQL: a template of each kind of database, and a copy of one for each experiment."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config import keys
from crmhub.launcher.children import end_with_parent
from tools import servers

ROOT = Path(__file__).resolve().parents[1]
LOOK_EVERY = 0.02  # seconds
MEMORY = {"shared_buffers": "1GB"}  # as a server has that holds a million tasks
# How a database of each kind gets its tables.
MIGRATE = {"hub": ["manage.py", "migrate", "--verbosity=0"], "naive": ["-m", "bench.naive", "migrate"]}


@contextmanager
def server() -> Iterator[None]:
    """Run a PostgreSQL with the templates; the processes of the run find it by `BENCH_POSTGRES`."""
    with servers.postgres_server(**MEMORY) as made, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        url = made.url
        os.environ["BENCH_POSTGRES"] = url.rpartition("host=")[2]
        for kind, command in MIGRATE.items():
            name = _template(kind)
            _say(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            surroundings = {**os.environ, **settings(Path(folder), DATABASE_URL=url_of(name))}
            subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL, check=True
            )
        yield


@contextmanager
def database(kind: str, name: str) -> Iterator[str]:
    """Give the address of a fresh database of this kind for as long as it is needed."""
    words = {"name": sql.Identifier(name), "template": sql.Identifier(_template(kind))}
    _say(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**words))
    try:
        yield url_of(name)
    finally:
        _say(sql.SQL("DROP DATABASE IF EXISTS {name} WITH (FORCE)").format(**words))


def url_of(name: str) -> str:
    """Return the address of a database."""
    return f"postgres://postgres@/{name}?host={os.environ['BENCH_POSTGRES']}"


def settings(folder: Path, **more: str) -> dict[str, str]:
    """Return the hub's settings for processes that live in this folder."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ENV_FILE": os.devnull,
        "VAR_DIR": str(folder),
        "ALLOW_CUSTOM_CRM_HOSTS": "1",
        "LOG_LEVEL": "WARNING",
        **{name: make() for name, make in keys.MAKERS.items()},
        **more,
    }


def _template(kind: str) -> str:
    return f"{kind}_template"


@contextmanager
def as_owner() -> Iterator[psycopg.Connection]:
    """Give a connection of the server's owner, for as long as it is needed."""
    place = os.environ["BENCH_POSTGRES"]
    with closing(psycopg.connect(host=place, user="postgres", dbname="postgres", autocommit=True)) as one:
        yield one


def restart(*, down_s: float) -> None:
    """Stop the server as an upgrade would, and start it again after so many seconds; it then ends with this process.

    Only for experiments that have a server of their own.
    """
    folder = Path(os.environ["BENCH_POSTGRES"])
    data = folder / "data"
    pid = int((data / "postmaster.pid").read_text().splitlines()[0])
    command = shlex.split((data / "postmaster.opts").read_text())
    os.kill(pid, signal.SIGINT)
    while Path(f"/proc/{pid}").exists():
        time.sleep(LOOK_EVERY)
    time.sleep(down_s)
    with (folder / "log").open("ab") as log:
        subprocess.Popen(
            command,
            **_as_owner_of(data),
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=end_with_parent,  # noqa: PLW1509 — it only makes one call
        )
    while not _takes_connections():
        time.sleep(LOOK_EVERY)


def _as_owner_of(data: Path) -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    owner = data.stat()
    return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}


def _takes_connections() -> bool:
    try:
        with as_owner():
            return True
    except psycopg.OperationalError:
        return False


def _say(statement: sql.Composed) -> None:
    with as_owner() as one:
        one.execute(statement)
