"""`manage.py simulate`."""

from __future__ import annotations

import json
import subprocess
import sys
from urllib.request import urlopen

import pytest

from crmhub.tests.commands.conftest import ROOT, StartedHub
from providers.registry import codes


@pytest.mark.parametrize("code", codes())
def test_a_simulator_tells_first_what_connect_takes_and_needs_no_keys(tmp_path, code):
    command = [sys.executable, "manage.py", "simulate", code, "--port", "0"]
    environment = StartedHub(tmp_path).environment

    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        told = json.loads(process.stdout.readline())
        with urlopen(f"{told['url']}/_sim/tasks") as answer:
            held = json.load(answer)
        process.terminate()

    assert set(told) == {"url", "secret", "setting"}
    assert held == []
    assert process.returncode == 0


def test_a_crm_that_is_not_there_is_told_in_one_line(tmp_path):
    done = StartedHub(tmp_path).manage("simulate", "salesforce")

    assert done.returncode == 2
    assert done.stderr.startswith("error: argument provider: invalid choice: 'salesforce'")
    assert len(done.stderr.splitlines()) == 1
