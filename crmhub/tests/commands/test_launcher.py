"""The parts of the launcher, with small processes in place of the hub's."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from config import running
from config.running import Running, RunsAlready
from crmhub.launcher import access, ports, valkey
from crmhub.launcher.children import Child, DidNotStart
from crmhub.launcher.surroundings import CannotStart
from crmhub.tests.commands.conftest import is_alive, until

SLEEPS = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"
PARENT = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {SLEEPS!r}]).pid, flush=True); {SLEEPS}"


@pytest.fixture
def child(tmp_path):
    """A function that starts a Python process; whatever still runs at the end is killed."""
    started = []

    def start(code):
        started.append(Child("helper", [sys.executable, "-c", code], tmp_path / "log" / "helper.log"))
        started[-1].start(tmp_path)
        return started[-1]

    yield start
    for one in started:
        one.kill_the_rest()


# One process


def test_a_process_that_ends_at_its_start_is_told_with_the_end_of_its_log(child):
    helper = child("import sys; sys.exit('no such setting')")

    with pytest.raises(
        DidNotStart, match=r"helper ended \(exit status 1\) at its start\n    no such setting"
    ):
        helper.wait_until(lambda: False, within_s=30)


def test_a_process_that_keeps_silent_is_told_too(child):
    with pytest.raises(DidNotStart, match=r"was not ready within 0\.2 s"):
        child(SLEEPS).wait_until(lambda: False, within_s=0.2)


def test_only_lines_since_the_last_start_are_shown(child):
    helper = child("print('first life')")
    helper.wait(30)
    helper.command[-1] = "print('second life')"

    helper.start(Path.cwd())
    helper.wait(30)

    assert helper.last_lines() == "    second life"


def test_a_process_that_will_not_stop_is_killed(child):
    helper = child(STUBBORN)
    helper.wait_until(lambda: helper.has_written("ready"), within_s=30)

    helper.ask_to_stop()
    assert not helper.wait(0.3)
    helper.kill_the_rest()

    assert helper.how_it_ended() == "was killed (SIGKILL)"


def test_what_a_process_started_is_killed_with_it(child):
    helper = child(PARENT)
    helper.wait_until(lambda: helper.has_written("ready"), within_s=30)
    grandchild = int(helper.log.read_text().split()[0])

    helper.kill_the_rest()

    until(lambda: not is_alive(grandchild), within_s=10)


def test_one_that_dies_at_once_is_started_again_ever_later(child):
    helper = child(SLEEPS)

    waits = [helper.plan_restart() for _ in range(8)]

    assert waits == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_one_that_lived_long_is_started_again_at_once(child):
    helper = child(SLEEPS)
    helper.deaths, helper.started = 5, helper.started - 60

    assert helper.plan_restart() == 0.0


# Signals


def test_a_signal_that_is_lost_in_a_finaliser_is_heard_all_the_same(tmp_path):
    code = f"""
import os, signal, sys, time
from pathlib import Path
os.environ["VAR_DIR"] = {str(tmp_path)!r}
from config.running import Running
from crmhub.launcher.hub import Hub
from crmhub.launcher.surroundings import Surroundings

class Finalised:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

folder = Path({str(tmp_path)!r})
try:
    with Hub(Surroundings("up", folder, Running(folder, "up"), None), print):
        Finalised()
        time.sleep(30)
except KeyboardInterrupt:
    sys.exit(42)
"""
    helper = Child("helper", [sys.executable, "-c", code], tmp_path / "helper.log")
    helper.start(Path(__file__).resolve().parents[3])

    assert helper.wait(20)

    assert "exit status 42" in helper.how_it_ended(), helper.last_lines()


# One hub in a checkout


def test_the_second_hold_on_a_checkout_is_refused_with_who_has_the_first(tmp_path):
    first = Running(tmp_path, "demo")
    first.note(url="http://127.0.0.1:8000")

    with pytest.raises(
        RunsAlready, match=rf"`make demo` runs .*process {os.getpid()}, http://127.0.0.1:8000"
    ):
        Running(tmp_path, "up")

    first.release()
    Running(tmp_path, "up").release()


def test_what_a_dead_hub_wrote_counts_for_nothing(tmp_path):
    notes = {"pid": 1, "command": "up", "settings": {"REDIS_URL": "unix:///gone.sock"}}
    (tmp_path / running.FILE).write_text(json.dumps(notes))

    assert running.settings_of_the_running_hub(tmp_path) == {}
    Running(tmp_path, "up").release()


def test_commands_beside_a_hub_get_its_settings(tmp_path):
    hub = Running(tmp_path, "demo")
    hub.note(settings={"DATABASE_URL": "sqlite:////demo.sqlite3"}, processes={"web": 4711})
    hub.note(processes={})

    assert running.settings_of_the_running_hub(tmp_path) == {"DATABASE_URL": "sqlite:////demo.sqlite3"}
    hub.release()
    assert running.settings_of_the_running_hub(tmp_path) == {}


# Ports and sockets


def test_a_port_that_is_taken_is_refused():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        with pytest.raises(CannotStart, match="is taken by another program"):
            ports.bind(taken.getsockname()[1])


def test_the_next_free_port_is_taken_when_none_was_asked_for(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        first = taken.getsockname()[1]
        monkeypatch.setattr(ports, "FIRST", first)

        bound, remark = ports.bind(None)

    port = bound.getsockname()[1]
    bound.close()
    assert port > first
    assert remark == f"Port {first} is taken; using {port}."


def test_a_socket_whose_path_is_too_long_lies_in_the_temporary_folder(tmp_path):
    deep = tmp_path / ("deep" * 40)

    assert valkey.socket_path(Path("/srv/hub/var"), "up") == Path("/srv/hub/var/up.valkey.sock")
    assert len(os.fsencode(valkey.socket_path(deep, "up"))) <= valkey.LONGEST_SOCKET_PATH
    assert valkey.socket_path(deep, "up") != valkey.socket_path(deep, "demo")


# The way in


@pytest.mark.django_db
def test_the_way_in_is_remembered(tmp_path):
    first = access.keep_access(tmp_path)

    again = access.keep_access(tmp_path)

    assert first.is_new
    assert (again.username, again.password, again.api_key) == (first.username, first.password, first.api_key)


@pytest.mark.django_db
def test_a_password_that_somebody_changed_is_not_told(tmp_path):
    access.keep_access(tmp_path)
    admin = get_user_model().objects.get(username="admin")
    admin.set_password("mine alone now")
    admin.save()

    assert access.keep_access(tmp_path).password == ""


@pytest.mark.django_db
def test_a_key_that_nobody_remembers_is_replaced(tmp_path):
    first = access.keep_access(tmp_path)
    (tmp_path / access.REMEMBERED).unlink()

    again = access.keep_access(tmp_path)

    assert again.api_key not in ("", first.api_key)
    assert not access._if_valid(first.api_key)


def test_what_tools_are_told_is_for_the_owner_only(tmp_path):
    way_in = access.Access("admin", "secret", "key")

    path = access.tell(tmp_path, hub="http://127.0.0.1:8000", access=way_in, simulators={"hubspot": {}})

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == {
        "hub": "http://127.0.0.1:8000",
        "admin": {"username": "admin", "password": "secret"},
        "api_key": "key",
        "simulators": {"hubspot": {}},
    }


def test_signals_have_the_names_that_people_know(child):
    helper = child(SLEEPS)
    os.kill(helper.pid, signal.SIGTERM)
    helper.wait(10)

    assert helper.how_it_ended() == "was killed (SIGTERM)"
