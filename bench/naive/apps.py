"""The naive project's one app: a save sends a job."""

# ruff: noqa: PLC0415 — models are imported once the apps are ready
from __future__ import annotations

from functools import partial
from typing import Any

from django.apps import AppConfig
from django.db import transaction
from django.db.models.signals import post_save


class NaiveConfig(AppConfig):
    """Connects the signal."""

    name = "bench.naive"
    label = "naive"

    def ready(self) -> None:
        """Send a job with each save of a task."""
        post_save.connect(send, sender="naive.Task")


def send(instance: Any, **_: Any) -> None:
    """Send the job after the commit, for before it the worker would not find the row."""
    from bench.naive.celery import push

    transaction.on_commit(partial(push.delay, instance.pk))
