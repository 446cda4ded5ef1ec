"""Pages and claims over a million tasks, four million links and ten million attempts.

Pages are asked for by Django's test client, in process, as a signed-in person; so a figure is the time of the queries and of drawing, without
the network. The peer is what Django's admin does by default, on the same rows, without drawing.
"""

# ruff: noqa: PLC0415 — Django is set up before what needs it is imported
from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.databases import settings
from bench.experiments import Size
from bench.figures import (
    Figure,
    as_json,
    at_most,
    figure,
    from_json,
    median,
    number,
    percentile,
    ratio,
    spread,
)

if TYPE_CHECKING:
    from bench.lab import Lab

ROOT = Path(__file__).resolve().parents[1]
LIST = "/admin/crmhub/task/"
LOOKS = 9  # at each page; the first is not counted
LOOKS_AT_THE_API = 60  # of which 95 of 100 are asked for
CLAIMS = 200
FILLED, GO_ON = "filled", "go on\n"  # said between the process of PostgreSQL and that of SQLite


def million(lab: Lab) -> Iterator[Figure]:
    """Measure claims (T17), pages (T18) and the API's lists (T20) on PostgreSQL, then pages on SQLite (T19); both are filled at the same time."""
    with _on_sqlite(lab.size) as figures_of_sqlite:
        filled = _fill(lab.size)
        figures_of_sqlite.wait_until_filled()
        yield from _claims(filled)
        _be_a_web_process()
        yield from _pages(filled, most=(30, 45, 20, 40), name="T18")
        yield from _api()
        yield from figures_of_sqlite.measured()


@dataclass
class OnSqlite:
    """A process that fills a SQLite, says so, and measures when it is told to: a process knows one database."""

    process: subprocess.Popen[str]
    file: Path

    def wait_until_filled(self) -> None:
        """Wait for its word."""
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != FILLED:
            raise RuntimeError("SQLite could not be filled")

    def measured(self) -> list[Figure]:
        """Let it measure and return what it found."""
        self.process.communicate(input=GO_ON)
        if self.process.returncode:
            raise RuntimeError("the pages on SQLite could not be measured")
        return from_json(self.file.read_text())


@contextmanager
def _on_sqlite(size: Size) -> Iterator[OnSqlite]:
    with tempfile.TemporaryDirectory(prefix="bench-") as place:
        file = Path(place) / "figures.json"
        surroundings = {
            **os.environ,
            **settings(
                Path(place), DATABASE_URL=f"sqlite:///{place}/hub.sqlite3", REDIS_URL=os.environ["REDIS_URL"]
            ),
        }
        command = [sys.executable, "-m", "bench.scale", size, str(file)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, cwd=ROOT, env=surroundings, text=True, **pipes) as process:  # type: ignore[call-overload]
            try:
                yield OnSqlite(process, file)
            finally:
                process.kill()


def _sqlite(size: Size) -> Iterator[Figure]:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    filled = _fill(size)
    print(FILLED, flush=True)
    sys.stdin.readline()
    _be_a_web_process()
    yield from _pages(filled, most=(30, 60, 60, 60), name="T19")


def _fill(size: Size) -> str:
    """Fill the database; returns in words with what."""
    from django.db import connection

    from bench import million

    is_postgres = connection.vendor == "postgresql"
    rows = {
        (True, True): million.QUICK,
        (True, False): million.QUICK_ON_SQLITE,
        (False, True): million.FULL,
        (False, False): million.ON_SQLITE,
    }[size is Size.QUICK, is_postgres]
    began = time.monotonic()
    million.fill(rows)
    return f"{rows.tasks:,} tasks, {rows.links:,} links, {rows.attempts:,} attempts, filled in {time.monotonic() - began:.0f} s"


# Claims


def _claims(filled: str) -> Iterator[Figure]:
    from django.utils import timezone

    from bench.million import CRMS
    from crmhub.models import Connection, Lane, TaskLink
    from crmhub.sync.claim import take

    busy, idle = (Connection.objects.get(provider=code) for code in (CRMS[0], CRMS[-1]))
    TaskLink.objects.filter(connection=idle, due_at__isnull=False).update(due_at=None, sync_status="failed")
    claim = partial(take, TaskLink, lane=Lane.INTERACTIVE, size=100)
    claims = [_milliseconds(partial(claim, busy, now=timezone.now())) for _ in range(CLAIMS)]
    polls = [_milliseconds(partial(claim, idle, now=timezone.now())) for _ in range(CLAIMS)]
    yield figure(
        "T17",
        "claiming 100 of the links that are due, 99 of 100",
        percentile(claims, 99),
        unit="ms",
        target=at_most(3),
        note=f"half {number(median(claims))} ms; {filled}",
    )
    yield figure(
        "T17",
        "looking where nothing is due, half",
        median(polls),
        unit="ms",
        target=at_most(0.2),
        note=f"99 of 100 {number(percentile(polls, 99))} ms",
    )


# Pages


def _be_a_web_process() -> None:
    """Load what a process of the web server has loaded, and as it does."""
    import config.wsgi  # noqa: F401


def _pages(filled: str, *, most: tuple[float, float, float, float], name: str) -> Iterator[Figure]:
    from django.contrib.auth import get_user_model
    from django.test import Client

    from bench.million import RARE
    from crmhub.admin.counting import EstimatingPaginator
    from crmhub.queries.tasks import tasks_in_use

    reader = Client(headers={"Host": "localhost"})
    reader.force_login(get_user_model()._default_manager.create_superuser("reader", "reader@hub.example"))
    # As far as the list offers, whatever the estimate of its length; a few pages before that.
    last = EstimatingPaginator(tasks_in_use(), 50).num_pages - 5
    page, narrowed, searched, deep = most
    asked = [
        ("the list of all tasks, its first page", "?status=all", page),
        ("the list of unfinished tasks", "", page),
        ("tasks that need a person (0.55 of 100)", "?sync=needs_a_person", narrowed),
        ("completed tasks (half of all)", "?status=completed", narrowed),
        ("a search for a word of ten titles", f"?q={RARE.lower()}", searched),
        ("a search for a contact's name and a number", "?q=grace+1234", searched),
        (f"the list of all tasks, page {last:,}", f"?status=all&p={last}", deep),
        ("the first page after sign-in", None, 100),
    ]
    peers = _peers(last)
    for what, query, bound in asked:
        url = "/admin/" if query is None else LIST + query
        took, queries, in_database = _looked_at(reader, url)
        yield figure(
            name,
            what,
            median(took),
            unit="ms",
            target=at_most(bound),
            peer=peers.get(what.partition(" page ")[0], ""),
            note=f"{spread(took)}; {queries} queries, {number(in_database)} ms; {filled if query == '?status=all' else ''}".rstrip(
                "; "
            ),
        )


def _looked_at(reader: Any, url: str, *, looks: int = LOOKS) -> tuple[list[float], int, float]:
    """Return how long each look took in milliseconds, how many queries a look is, and how long the database takes for these."""
    from django.core.signals import request_started
    from django.db import connection, reset_queries

    with suppress(ValueError):
        request_started.disconnect(reset_queries)
    assert reader.get(url).status_code == 200, url
    connection.force_debug_cursor = True
    connection.queries_log.clear()
    reader.get(url)
    spent = [float(one["time"]) * 1000 for one in connection.queries_log]
    connection.force_debug_cursor = False
    return [_milliseconds(partial(reader.get, url)) for _ in range(looks)], len(spent), sum(spent)


def _peers(last: int) -> dict[str, str]:
    """Return what Django's admin takes for the same rows, without drawing them."""
    from django.contrib import admin
    from django.contrib.auth import get_user_model
    from django.test import RequestFactory

    from bench.million import RARE
    from crmhub.models import Task

    class Plain(admin.ModelAdmin):
        list_display = ("title", "due_at", "status", "assignee")
        list_filter = ("status", "priority", "queue", "assignee")
        search_fields = ("title", "contacts__last_name", "contacts__email")
        list_per_page = 50

    plain, reader = (
        Plain(Task, admin.AdminSite("plain")),
        get_user_model()._default_manager.get(username="reader"),
    )

    def look(query: dict[str, Any]) -> None:
        request = RequestFactory().get(LIST, query)
        request.user = reader
        list(plain.get_changelist_instance(request).result_list)

    asked = {
        "the list of all tasks, its first page": {},
        "completed tasks (half of all)": {"status__exact": "completed"},
        "a search for a word of ten titles": {"q": RARE},
        "the list of all tasks,": {"p": last},
    }
    return {
        what: f"Django's own {number(median(_milliseconds(partial(look, query)) for _ in range(3)))} ms, undrawn"  # type: ignore[arg-type]
        for what, query in asked.items()
    }


# The API


def _api() -> Iterator[Figure]:
    from django.test import Client

    from crmhub import services
    from crmhub.api.paging import Order, Place, write_cursor
    from crmhub.models import Task

    _, key = services.create_key(name="bench", scopes=["tasks:read"])
    reader = Client(headers={"Host": "localhost", "Authorization": f"Bearer {key}"})
    rows = Task.objects.filter(deleted_at=None).order_by("-created_at", "-id")
    row = rows[int(rows.count() * 0.95)]
    cursor = write_cursor(Place(row.created_at, row.pk), Order("created_at", is_descending=True))
    address = "/api/v1/tasks?page_size=50&ordering=-created_at"
    first, *_ = _looked_at(reader, address, looks=LOOKS_AT_THE_API)
    deep, *_ = _looked_at(reader, f"{address}&cursor={cursor}", looks=LOOKS_AT_THE_API)
    yield figure(
        "T20",
        "50 tasks from the API, 95 of 100",
        percentile(first, 95),
        unit="ms",
        target=at_most(8),
        note=spread(first),
    )
    yield figure(
        "T20",
        "the same at row 950,000 ÷ the first",
        ratio(median(deep), median(first)),
        target=at_most(1.2),
        note=f"{spread(deep)} ms",
    )


def _milliseconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    import django

    django.setup()
    Path(sys.argv[2]).write_text(as_json(_sqlite(Size(sys.argv[1]))))
