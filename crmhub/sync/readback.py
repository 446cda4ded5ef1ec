"""Reading a task once more, directly after a write whose answer left out what was asked."""

from __future__ import annotations

import logging
from datetime import datetime

from crmhub.models import Connection, ContactLink, Lane, TaskLink
from crmhub.sync.credentials import provider_for
from crmhub.sync.gate import SpareGate
from crmhub.sync.values import Create, LinkState, Remote, WantedTask
from crmhub.sync.verify import asked_by, untold
from providers.errors import ProviderError
from providers.http import Recorder
from providers.types import Exchange, RemoteTask

log = logging.getLogger(__name__)


def read_back(
    connection: Connection,
    link: LinkState,
    wanted: WantedTask,
    action: Remote,
    told: RemoteTask,
    *,
    gate: SpareGate,
) -> tuple[RemoteTask | None, tuple[Exchange, ...]]:
    """Return what a look told, and how it went over the wire; None and nothing where none was worth it.

    Never raises: whatever goes wrong with the look, the write stays what it is.
    """
    recorder: Recorder | None = None
    seen: RemoteTask | None = None
    try:
        if _is_worth_a_call(connection, link, wanted, action, told):
            provider, recorder = provider_for(connection, gate=gate)
            seen = provider.fetch_task(told.ref if told.ref.id else link.ref)
    except ProviderError as error:
        log.info("not_read_back: %s", error.detail)
    except Exception:
        log.exception("provider_failed: read back")
    return seen, tuple(recorder.exchanges if recorder else ())


def others_wait(connection: Connection, *, now: datetime) -> bool:
    """Return whether something is due there that no worker has taken yet: then the rate is not spare, and nobody looks."""
    return any(
        model._default_manager.filter(connection=connection, lane__in=Lane.values, due_at__lte=now).exists()
        for model in (TaskLink, ContactLink)
    )


def _is_worth_a_call(
    connection: Connection, link: LinkState, wanted: WantedTask, action: Remote, told: RemoteTask
) -> bool:
    can = connection.capabilities
    # A create has nothing before it: what the link remembers then is an earlier try.
    before = {} if isinstance(action, Create) else link.ancestor
    return bool(untold(wanted, told, asked=asked_by(action, can), can=can, before=before))
