"""Reading a task once more, directly after a write whose answer left out what was asked."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from crmhub.models import Connection, ContactLink, Lane, TaskLink
from crmhub.sync.values import Create, LinkState, Remote, WantedTask
from crmhub.sync.verify import asked_by, untold
from providers.base import Provider
from providers.capabilities import Capabilities
from providers.errors import ProviderError
from providers.http import Gate, Recorder
from providers.types import Exchange, RemoteTask

log = logging.getLogger(__name__)

# Makes the provider of one account for one operation, behind this gate, and the recorder of what it sends.
Opened = Callable[[Gate], tuple[Provider, Recorder]]


def read_back(
    opened: Opened,
    link: LinkState,
    wanted: WantedTask,
    action: Remote,
    told: RemoteTask,
    *,
    gate: Gate,
    can: Capabilities,
) -> tuple[RemoteTask | None, tuple[Exchange, ...]]:
    """Return what a look told, and how it went over the wire; None and nothing where none was worth it.

    Never raises: whatever goes wrong with the look, the write stays what it is.
    """
    recorder: Recorder | None = None
    seen: RemoteTask | None = None
    try:
        if _is_worth_a_call(link, wanted, action, told, can):
            provider, recorder = opened(gate)
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
    link: LinkState, wanted: WantedTask, action: Remote, told: RemoteTask, can: Capabilities
) -> bool:
    # A create has nothing before it: what the link remembers then is an earlier try.
    before = {} if isinstance(action, Create) else link.ancestor
    return bool(untold(wanted, told, asked=asked_by(action, can), can=can, before=before))
