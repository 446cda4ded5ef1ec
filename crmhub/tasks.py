"""The Celery jobs: they wake, and everything else happens in `crmhub.sync`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task
from django.conf import settings

from crmhub import services, sync, wake

PILED_UP = 300.0  # seconds in which several of what comes each hour are one


@shared_task(name="crmhub.push_due")
def push_due(*, connection_id: str, **_: Any) -> None:
    """Push what is due at one connection. Unknown arguments of newer senders are ignored."""
    sync.push_due(UUID(connection_id))


@shared_task(name="crmhub.sweep")
def sweep(*, everything: bool = False, **_: Any) -> None:
    """Find what was missed and wake the connections that have something due; those that cannot be woken are pushed here and now."""
    is_first = (
        wake.is_first("sweep-everything", within=PILED_UP)
        if everything
        else wake.is_first("sweep", within=settings.SWEEP_SECONDS / 2)
    )
    if not is_first:
        return
    for connection_id in sync.sweep(everything=everything):
        sync.push_due(connection_id)


@shared_task(name="crmhub.prune")
def prune(**_: Any) -> None:
    """Forget old attempts, as many as a job has time for; the next hour goes on."""
    if not wake.is_first("prune", within=PILED_UP):
        return
    services.prune_attempts(seconds=settings.JOB_SOFT_LIMIT / 2)


@shared_task(name="crmhub.replay")
def replay(*, replay_id: str, **_: Any) -> None:
    """Go on with a replay of many links for a few seconds, then let others go first."""
    if services.work_on_replay(replay_id=UUID(replay_id)):
        wake.replay([UUID(replay_id)])
