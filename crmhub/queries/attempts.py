"""Reading the journal of attempts."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from crmhub.models import Attempt


def attempt_rows(attempts: QuerySet[Attempt], *, with_wire: bool) -> QuerySet[Attempt]:
    """Return the attempts with their connection and whose they are; request and answer only where asked for."""
    attempts = attempts.select_related("connection", "task_link__task", "contact_link__contact").defer(
        "connection__sealed_secrets",
        "task_link__ancestor",
        "task_link__effects",
        "task_link__task__body",
        "task_link__task__search_text",
        "contact_link__ancestor",
    )
    return attempts if with_wire else attempts.defer("effects", "request", "response")


def latest_attempts_of_task(task_id: UUID, *, most: int = 20) -> list[Attempt]:
    """Return the newest attempts at the task's links, each with its connection."""
    return list(
        Attempt.objects.filter(task_link__task_id=task_id)
        .select_related("connection")
        .defer("effects", "request", "response", "connection__sealed_secrets")
        .order_by("-id")[:most]
    )
