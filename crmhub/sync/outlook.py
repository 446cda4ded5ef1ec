"""Whether anything would go out for a link, and in words why not, or not now. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime

from crmhub.models import SyncStatus, TaskLink
from crmhub.models.links import OFF
from crmhub.queries.lost import LINKS_LOST
from crmhub.sync.values import LinkState


def as_replayed(link: TaskLink) -> LinkState:
    """Return the link's state; of one that waits for a person, as *Send again* would leave it."""
    state = LinkState.of(link)
    if not link.is_parked:
        return state
    if link.sync_status == SyncStatus.GONE:
        state = dataclasses.replace(
            state, external_id="", generation=state.generation + 1, last_write_at=None
        )
    if link.sync_status == SyncStatus.UNKNOWN and not link.connection.capabilities.can_find:
        state = dataclasses.replace(state, may_land_until=None)
    return dataclasses.replace(state, ancestor={}) if state.external_id else state


def is_owed(link: TaskLink) -> bool:
    """Return whether anything would go out for the link, now or when somebody sends it again."""
    if not link.connection.is_live or link.sync_status in OFF:
        return False
    return link.due_at is not None or link.is_parked or link.sync_status != SyncStatus.IN_SYNC


def why_not_now(link: TaskLink, now: datetime) -> Iterator[str]:
    """Yield why nothing is sent, or not at this moment."""
    connection = link.connection
    if not connection.is_live:
        yield "The account is disconnected: nothing is sent there any more."
        return
    if link.sync_status in OFF:
        yield "The task is kept out of this CRM."
        return
    if link.is_parked:
        yield f"It waits for a person: {link.last_error or 'no reason was noted'} If it is sent again, this goes out:"
    elif not is_owed(link):
        yield "Nothing is owed: the CRM has the newest version."
        return
    if connection.links_lost_at is not None:
        yield LINKS_LOST
    if connection.paused_at is not None:
        yield "The connection is paused: this goes out when it is resumed."
    if connection.reauthorise_since is not None:
        yield "The CRM refuses our credentials: this goes out when they are renewed."
    elif connection.untested_since is not None:
        yield "The credentials are new: this goes out when a test of the connection has passed."
    if connection.wait_until is not None and connection.wait_until > now:
        yield f"The account is left alone until {connection.wait_until:%H:%M:%S} UTC: {connection.wait_reason}"
    if link.is_sending(now):
        yield "It is being sent at this moment."
    elif link.due_at is not None and link.due_at > now:
        yield f"The next try is at {link.due_at:%Y-%m-%d %H:%M:%S} UTC. {link.last_error}".strip()
