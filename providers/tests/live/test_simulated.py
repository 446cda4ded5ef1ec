"""The live tests can pass: with every vendor's simulator in the place of its sandbox."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from providers.registry import codes
from providers.simulator import Server
from providers.simulator.__main__ import simulator_class
from providers.tests.live.conftest import variable

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def code() -> str:
    """None of them: all are run together."""
    return ""


def test_the_live_tests_pass_at_every_simulator():
    with ExitStack() as running:
        given = {}
        for code in codes():
            server = running.enter_context(Server(simulator_class(code)(limits=())))
            values = {**server.simulator.secret, **server.simulator.setting, "base_url": server.url}
            given |= {variable(code, name): str(value) for name, value in values.items()}
        kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "LIVE_"))}
        tests = Path(__file__).with_name("test_life.py")
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)]

        done = subprocess.run(command, cwd=ROOT, env={**kept, **given}, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-3000:]
    assert "no HubSpot sandbox" not in done.stdout


def test_without_keys_they_skip_and_say_which_are_missing():
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("PYTEST_", "LIVE_"))}
    tests = Path(__file__).with_name("test_life.py")
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(tests)]

    done = subprocess.run(command, cwd=ROOT, env=kept, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout[-3000:]
    assert "LIVE_HUBSPOT_ACCESS_TOKEN not in the environment" in done.stdout
