"""How many calls a job may have under way, and how many links it claims for them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmhub.models import Connection, ContactLink, Lane, TaskLink
from crmhub.sync import circuit
from crmhub.sync.claim import Claim, Kind
from crmhub.sync.credentials import limits_of

MOST_CALLS = 100  # under way in one job
MOST_ROWS = 1000  # links that those calls may hold
BATCHES_AT_ONCE = 4  # that one claim is for; planning more would keep the first of them waiting
USUAL = 0.05  # seconds that a call takes where a vendor is quick
SHORT = 60.0  # seconds; limits over longer times say nothing about calls side by side


def left(connection: Connection, kind: Kind, *, under_way: Sequence[Claim[Any]], oldest_s: float) -> int:
    """Return how many calls may be begun for these links, while others are under way, the oldest for these seconds."""
    lane, model = kind
    # What the vendor says to contacts is heeded before the tasks that may wait for them.
    if model is TaskLink and any(claim.kind[1] is ContactLink for claim in under_way):
        return 0
    if circuit.is_probing(connection.failures) or any(claim.has_lapsed for claim in under_way):
        return 1 - len(under_way)
    allowed = at_once(connection, kind, oldest_s=oldest_s)
    # One place is kept for somebody who waits at a screen.
    kept = 1 if lane is not Lane.INTERACTIVE and allowed > 1 else 0
    return allowed - kept - len(under_way)


def at_once(connection: Connection, kind: Kind, *, oldest_s: float) -> int:
    """Return how many calls may be under way.

    `parallel` ones where the vendor is quick. Where it is slow, more are begun, as often as if each took no longer than usual, so that the rate is used
    up all the same.
    """
    windows = [one.calls for one in limits_of(connection) if one.budget == "all" and one.seconds <= SHORT]
    most = min(MOST_CALLS, MOST_ROWS // batch_size(connection, kind), *windows)
    return max(1, min(int(connection.capabilities.parallel * (1 + oldest_s / USUAL)), most))


def batch_size(connection: Connection, kind: Kind) -> int:
    """Return how many of these links go into one call."""
    return connection.capabilities.batch_size if kind[1] is TaskLink else 1


def claim_size(connection: Connection, kind: Kind, *, calls: int) -> int:
    """Return how many links to claim for this many calls."""
    if circuit.is_probing(connection.failures):
        return 1
    size = batch_size(connection, kind)
    if size == 1:
        return calls
    # Whoever saves meanwhile waits for no more than one batch of a back-fill.
    return size * (min(calls, BATCHES_AT_ONCE) if kind[0] is Lane.INTERACTIVE else 1)
