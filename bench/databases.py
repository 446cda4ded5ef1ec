"""The run's PostgreSQL: a template of each kind of database, and a copy of one for each experiment."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from config import keys
from tools import servers

ROOT = Path(__file__).resolve().parents[1]
# How a database of each kind gets its tables.
MIGRATE = {"hub": ["manage.py", "migrate", "--verbosity=0"], "naive": ["-m", "bench.naive", "migrate"]}


@contextmanager
def server() -> Iterator[None]:
    """Run a PostgreSQL with the templates; the processes of the run find it by `BENCH_POSTGRES`."""
    with servers.postgres() as url, tempfile.TemporaryDirectory(prefix="bench-") as folder:
        os.environ["BENCH_POSTGRES"] = url.rpartition("host=")[2]
        for kind, command in MIGRATE.items():
            name = _template(kind)
            _say(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            surroundings = {**os.environ, **settings(Path(folder), DATABASE_URL=url_of(name))}
            subprocess.run([sys.executable, *command], cwd=ROOT, env=surroundings, check=True)
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


def _say(statement: sql.Composed) -> None:
    place = os.environ["BENCH_POSTGRES"]
    with closing(
        psycopg.connect(host=place, user="postgres", dbname="postgres", autocommit=True)
    ) as connection:
        connection.execute(statement)
