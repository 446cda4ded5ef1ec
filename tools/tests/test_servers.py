"""Throw-away servers end with whoever started them, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import servers

ROOT = Path(__file__).resolve().parent.parent.parent
HOLD = "from tools import servers; import time; holder = servers.{}(); print(holder.__enter__(), flush=True); time.sleep(60)"


def is_there(path):
    """Return whether a server listens on this socket."""
    with servers.socket.socket(servers.socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def wait_until(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_ends_when_its_owner_is_killed(how):
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD.format("valkey")], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    path = Path(owner.stdout.readline().strip().removeprefix("unix://"))
    assert is_there(path)

    os.kill(owner.pid, how)
    owner.communicate()

    assert wait_until(lambda: not is_there(path))
    assert wait_until(lambda: not path.parent.exists())


def test_valkey_answers_and_leaves_nothing_behind():
    with servers.valkey() as url:
        path = Path(url.removeprefix("unix://"))
        assert is_there(path)

    assert not path.parent.exists()


@pytest.mark.postgres
def test_postgresql_leaves_nothing_behind():
    with servers.postgres() as url:
        folder = Path(url.rpartition("host=")[2])
        assert is_there(folder / ".s.PGSQL.5432")

    assert not folder.exists()
