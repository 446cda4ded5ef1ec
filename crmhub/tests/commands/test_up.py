"""`manage.py up` with real processes."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
from urllib.request import urlopen

import pytest

from crmhub.tests.commands.conftest import is_alive, until

pytestmark = pytest.mark.slow

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")


@pytest.mark.parametrize("name", ["worker", "web", "valkey"])
def test_a_process_that_is_killed_is_started_again_and_the_terminal_says_so(hub, name):
    before = hub.pids[name]

    os.killpg(before, signal.SIGKILL)

    assert until(lambda: hub.pids.get(name, before) != before)
    assert f"{name} was killed (SIGKILL); starting it again" in hub.said


def test_a_second_hub_beside_the_first_is_refused(hub):
    done = hub.manage("demo")

    assert done.returncode == 2
    assert done.stderr.startswith("error: `make up` runs in this checkout already (process ")
    assert len(done.stderr.splitlines()) == 1


def test_a_command_beside_the_hub_finds_its_database_and_its_valkey(hub):
    until(lambda: hub.manage("doctor").returncode == 0)

    assert "All is well." in hub.manage("doctor").stdout


def test_the_file_for_tools_tells_where_the_hub_is_and_only_its_owner_may_read_it(hub):
    assert set(hub.told) == {"hub", "admin", "api_key"}
    assert set(hub.told["admin"]) == {"username", "password"}
    assert stat.S_IMODE((hub.folder / "demo.json").stat().st_mode) == 0o600
    with urlopen(f"{hub.told['hub']}/admin/login/") as answer:
        assert answer.status == 200


def test_keys_are_made_at_the_first_start_for_their_owner_only_and_a_backup_is_asked_for(hub):
    for name in ("secret_key", "credentials_key"):
        assert stat.S_IMODE((hub.folder / name).stat().st_mode) == 0o600
    assert "Back it up" in hub.said


def test_ctrl_c_stops_everything_and_a_new_start_tells_the_same_way_in(own_hub):
    own_hub.start("up", "--port", "0")
    told, pids = own_hub.told, own_hub.pids

    assert own_hub.signal(signal.SIGINT) == 0

    assert not [name for name, pid in pids.items() if is_alive(pid)]
    assert not list(own_hub.folder.glob("*.sock"))
    own_hub.start("up", "--port", "0")
    assert (own_hub.told["admin"], own_hub.told["api_key"]) == (told["admin"], told["api_key"])


@needs_linux
def test_nothing_outlives_a_launcher_that_is_killed_and_its_lock_counts_for_nothing(own_hub):
    own_hub.start("up", "--port", "0")
    pids = own_hub.pids

    own_hub.signal(signal.SIGKILL)

    until(lambda: not [name for name, pid in pids.items() if is_alive(pid)])
    own_hub.start("up", "--port", "0")


def test_a_port_that_was_asked_for_and_is_taken_is_refused_in_one_line(own_hub):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = own_hub.manage("up", "--port", str(taken.getsockname()[1]))

    assert done.returncode == 1
    assert "is taken by another program; choose another" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"REDIS_URL": "redis://:sesame@127.0.0.1:1/0"},
            "error: REDIS_URL: no answer from redis://127.0.0.1:1/0",
        ),
        ({"REDIS_URL": "http://127.0.0.1"}, "error: REDIS_URL must begin with redis://"),
        ({"DATABASE_URL": "postgres://ada:sesame@127.0.0.1:1/hub"}, "error: the database: connection failed"),
        ({"DATABASE_URL": "mysql://127.0.0.1/hub"}, "error: DATABASE_URL must begin with postgres://"),
    ],
)
def test_a_bad_address_is_told_in_one_line_without_its_password(own_hub, settings, line):
    done = own_hub.manage("up", "--port", "0", **settings)

    assert done.returncode in (1, 2)
    assert done.stderr.startswith(line)
    assert len(done.stderr.splitlines()) == 1
    assert "sesame" not in done.stderr
