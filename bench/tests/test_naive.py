"""The naive project runs and does what it says: a figure beside a peer that is broken would be worth nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def vendor():
    """The stub in a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stub", "--single=0"], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    yield json.loads(process.stdout.readline())["url"]
    process.kill()
    process.communicate()


@pytest.fixture
def settings_of_naive(tmp_path, vendor, redis_url):
    """The environment of the naive project, with tables."""
    surroundings = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "bench.naive.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path}/naive.sqlite3",
        "NAIVE_BROKER_URL": redis_url,
        "NAIVE_VENDOR_URL": vendor,
        "NAIVE_VENDOR_TOKEN": "token",
    }
    naive(surroundings, "migrate")
    return surroundings


def naive(surroundings, *words):
    done = subprocess.run(
        [sys.executable, "-m", "bench.naive", *words],
        cwd=ROOT,
        env=surroundings,
        capture_output=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("acks", ["early", "late"])
def test_each_save_of_the_naive_project_reaches_the_crm(settings_of_naive, acks):
    surroundings = {**settings_of_naive, "NAIVE_ACKS": acks, "NAIVE_RETRY": "1"}
    celery = [sys.executable, "-m", "celery", "-A", "bench.naive.celery", "worker", "--pool=solo"]
    worker = subprocess.Popen(
        celery, cwd=ROOT, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        told = naive(surroundings, "save", "3", "--wait=60")
    finally:
        worker.kill()
        worker.wait()

    assert (told["not_synced"], told["errors"]) == (0, [])
    assert told["drain_s"] > told["saves_s"] > 0


def test_what_no_worker_takes_is_told_as_not_synced(settings_of_naive):
    assert naive(settings_of_naive, "save", "2", "--wait=0.1")["not_synced"] == 2
