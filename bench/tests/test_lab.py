"""What experiments stand on: a backlog that nobody sends before its time, and what is counted as wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.lab import make_backlog, owe_all, titles_wrong
from bench.processes import in_session, pss_kib
from bench.vendors import Vendor, writes
from crmhub import sync
from crmhub.models import TaskLink
from crmhub.tests.engine.conftest import Hub, hub, live  # noqa: F401 — the fixture


@pytest.mark.engine
def test_a_backlog_rests_until_it_is_owed_and_is_then_sent_once(hub: Hub):  # noqa: F811
    simulator = hub.connect("hubspot", scope="manual")
    connection = hub.connections["hubspot"]

    make_backlog([connection], 3)
    sync.sweep(now=hub.now, everything=True)
    hub.push()
    before = len(live(simulator))
    owe_all([connection])
    sync.push_due(connection.pk)

    assert before == 0
    assert sorted(one["title"] for one in live(simulator)) == ["Task 0", "Task 1", "Task 2"]
    assert not TaskLink.objects.filter(due_at__isnull=False).exists()


class Held(Vendor):
    """A vendor that holds what it is told to hold."""

    def tasks(self):
        return [{"title": title} for title in self.setting["titles"].split()]


@pytest.mark.parametrize(
    ("there", "wrong"), [("a b c", 0), ("a c", 1), ("a b c c", 1), ("a b c d", 1), ("a a d", 4), ("", 3)]
)
def test_what_is_lacking_doubled_or_strange_is_counted(there, wrong):
    vendor = Held("hubspot", "", {}, {"titles": there})

    assert titles_wrong(vendor, ["a", "b", "c"]) == wrong


def test_reads_and_searches_are_no_writes():
    log = [
        {"method": "GET", "path": "/crm/v3/objects/tasks/1"},
        {"method": "POST", "path": "/crm/v3/objects/tasks/search"},
        {"method": "POST", "path": "/crm/v3/objects/tasks/batch/create"},
        {"method": "POST", "path": "/crm/v3/objects/contacts"},
    ]

    assert [one["path"] for one in writes(log)] == ["/crm/v3/objects/tasks/batch/create"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the memory that processes share")
def test_a_worker_is_weighed_with_its_children():
    parent = subprocess.Popen(
        [sys.executable, "-c", "import os, time; os.fork(); print(flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert parent.stdout is not None
    parent.stdout.readline(), parent.stdout.readline()
    pids = in_session(parent.pid)
    weights = [pss_kib(pid) for pid in pids]
    subprocess.run(["kill", "-9", *map(str, pids)], check=True)
    parent.communicate()

    assert len(pids) == 2
    assert parent.pid in pids
    assert all(1_000 < weight < 100_000 for weight in weights)
