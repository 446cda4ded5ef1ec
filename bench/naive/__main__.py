"""Driving the naive project: `python -m bench.naive migrate`, `python -m bench.naive save 2000 --wait 90`. Prints JSON."""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

# ruff: noqa: E402, PLC0415 — Django is set up before models are imported
os.environ["DJANGO_SETTINGS_MODULE"] = "bench.naive.settings"

import django

django.setup()

from django.db import connection

from bench.naive.models import Task

LOOK_EVERY = 0.02  # seconds
READY_WITHIN = 60.0
BLOCK = 25  # posts of one kind before the other kind's turn


def main() -> None:
    """Do what the command line says and print what came of it."""
    parser = argparse.ArgumentParser(prog="bench.naive")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("migrate")
    commands.add_parser("prepare").add_argument("groups", type=int)
    rest = commands.add_parser("rest")
    rest.add_argument("--wait", type=float, required=True)
    rest.add_argument("--idle", type=float, required=True)
    save = commands.add_parser("save")
    save.add_argument("count", type=int)
    save.add_argument("--wait", type=float, default=0.0, help="seconds to wait for all of them to be synced")
    save.add_argument(
        "--idle", type=float, default=0.0, help="seconds without any progress after which it waits no longer"
    )
    save.add_argument("--every", type=float, default=0.0, help="seconds between two saves")
    save.add_argument("--flag", type=Path, help="a file; once it is gone no more is saved")
    save.add_argument("--again", action="store_true", help="save one task so many times")
    commands.add_parser("post").add_argument("count", type=int)
    options = vars(parser.parse_args())
    known = {
        "migrate": migrate,
        "prepare": prepare,
        "save": save_tasks,
        "rest": rest_of_it,
        "post": post_tasks,
    }
    command = known[options.pop("command")]
    print(json.dumps(command(**options)), flush=True)


def migrate() -> dict[str, Any]:
    """Make the tables."""
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    return {}


def prepare(groups: int) -> dict[str, Any]:
    """Wait until so many workers answer."""
    from bench.naive.celery import app

    end = time.monotonic() + READY_WITHIN
    while len(app.control.ping(timeout=0.3)) < groups:
        if time.monotonic() > end:
            raise TimeoutError(f"not all workers answer after {READY_WITHIN:g} s")
    return {}


def rest_of_it(wait: float, idle: float) -> dict[str, Any]:
    """Wait until all are synced, so long, or until nothing has moved for so long."""
    return {"synced": _wait(wait, idle) is not None}


def save_tasks(
    count: int, wait: float, idle: float, every: float, flag: Path | None, again: bool
) -> dict[str, Any]:
    """Save so many tasks and wait until the CRM has them; returns times in seconds and what is not synced."""
    began = time.monotonic()
    one = Task(title="Task 0")
    spent: list[float] = []
    errors: list[str] = []
    for number in range(count):
        task = one if again else Task()
        task.title = f"Task {number}"
        before = time.monotonic()
        try:
            task.save()
        except Exception as error:  # whatever becomes of a save is what is to be known
            errors.append(type(error).__name__)
            connection.close_if_unusable_or_obsolete()
        spent.append(time.monotonic() - before)
        if flag is not None and not flag.exists():
            break
        time.sleep(every)
    saved = time.monotonic()
    synced_at = _wait(wait, idle or wait)
    return {
        "saves_s": saved - began,
        "drain_s": None if synced_at is None else synced_at - began,
        "waited_s": time.monotonic() - began,
        "not_synced": Task.objects.exclude(sync_status="synced").count(),
        "errors": errors,
        "save_s": spent,
    }


def _wait(seconds: float, idle: float) -> float | None:
    """Return when all were synced; None after so many seconds, or after fewer in which nothing moved."""
    end, left, moved_at = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < min(end, moved_at + idle):
        now_left = Task.objects.exclude(sync_status="synced").count()
        if not now_left:
            return time.monotonic()
        if now_left != left:
            left, moved_at = now_left, time.monotonic()
        time.sleep(LOOK_EVERY)
    return None


def post_tasks(count: int) -> dict[str, Any]:
    """Add so many tasks on the page of the admin with the job and as many without; returns the seconds of each."""
    from django.contrib.auth import get_user_model
    from django.db.models.signals import post_save
    from django.test import Client

    from bench.naive.apps import send

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ada", "ada@example.com"))
    found: dict[str, list[float]] = {"sending": [], "plain": []}
    for _ in range(count // BLOCK + 1):
        found["sending"] += [_posted(client) for _ in range(BLOCK)]
        post_save.disconnect(send, sender=Task)
        found["plain"] += [_posted(client) for _ in range(BLOCK)]
        post_save.connect(send, sender=Task)
    return found


def _posted(client: Any) -> float:
    began = time.perf_counter()
    answer = client.post("/admin/naive/task/add/", {"title": "Call Grace", "body": "", "status": "open"})
    if answer.status_code != 302:
        raise RuntimeError(f"the page was not saved: {answer.status_code}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
    connection.close()
