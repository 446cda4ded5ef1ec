"""The Celery jobs: they wake, and everything else happens in `crmhub.sync`."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from celery import shared_task

from crmhub import services, sync, wake


@shared_task(name="crmhub.push_due")
def push_due(*, connection_id: str, **_: Any) -> None:
    """Push what is due at one connection. Unknown arguments of newer senders are ignored."""
    wake.heard(UUID(connection_id))
    sync.push_due(UUID(connection_id))


@shared_task(name="crmhub.sweep")
def sweep(*, everything: bool = False, **_: Any) -> None:
    """Find what was missed and wake the connections that have something due."""
    sync.sweep(everything=everything)


@shared_task(name="crmhub.replay")
def replay(*, replay_id: str, **_: Any) -> None:
    """Go on with a replay of many links for a few seconds, then let others go first."""
    if services.work_on_replay(replay_id=UUID(replay_id)):
        wake.replay([UUID(replay_id)])
