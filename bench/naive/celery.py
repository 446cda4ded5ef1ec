"""The Celery app of the naive project and its one job."""

# ruff: noqa: PLC0415 — models are imported once the apps are ready
from __future__ import annotations

import os
from functools import cache
from typing import Any

import httpx2
from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.naive.settings")

app = Celery("naive")
app.config_from_object("django.conf:settings", namespace="CELERY")

RETRIES: dict[str, Any] = (
    {"autoretry_for": (httpx2.HTTPError,), "retry_backoff": True, "max_retries": 5} if settings.RETRY else {}
)


@app.task(name="naive.push", **RETRIES)
def push(pk: int) -> None:
    """Post the task, or what changed of it, and note that it is there."""
    from bench.naive.models import Task

    task = Task.objects.get(pk=pk)
    body = {
        "properties": {
            "hs_task_subject": task.title,
            "hs_task_body": task.body,
            "hs_timestamp": "2026-12-01T09:00:00Z",
        }
    }
    if task.external_id:
        answer = vendor().patch(f"/crm/v3/objects/tasks/{task.external_id}", json=body)
    else:
        answer = vendor().post("/crm/v3/objects/tasks", json=body)
    answer.raise_for_status()
    # An update, for a save would send a job again.
    Task.objects.filter(pk=pk).update(external_id=answer.json()["id"], sync_status="synced")


@cache
def vendor() -> httpx2.Client:
    """Return the client of this process, whose connections stay open."""
    headers = {"Authorization": f"Bearer {settings.VENDOR_TOKEN}"}
    return httpx2.Client(base_url=settings.VENDOR_URL, headers=headers, timeout=20)
