"""Reading the journal of attempts."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Max, Min, Q, QuerySet

from crmhub.models import Attempt, Connection

# Attempts of one claim are written together; with others in between their ids lie no further apart than this.
NEAR = 1_000
# An attempt has the moment of its claim and is written a little later, so ids and moments are not in quite the same order.
ASTRAY = timedelta(minutes=10)
ONLY_TO_RERUN = ("intent", "settled")  # long, and nobody reads them


def attempt_rows(attempts: QuerySet[Attempt], *, with_wire: bool) -> QuerySet[Attempt]:
    """Return the attempts with their connection and whose they are; request and answer only where asked for."""
    attempts = attempts.select_related("connection", "task_link__task", "contact_link__contact").defer(
        *ONLY_TO_RERUN,
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
        .defer(*ONLY_TO_RERUN, "effects", "request", "response", "connection__sealed_secrets")
        .order_by("-id")[:most]
    )


def attempts_of_task(task_id: UUID) -> QuerySet[Attempt]:
    """Return the attempts at the task's links with all that they keep, and those that shared a batch with one of them; in order."""
    own = Q(task_link__task_id=task_id)
    wanted = own
    for pk, claim, call in Attempt.objects.filter(own).values_list("pk", "claim_token", "settled__call"):
        if call is not None:
            wanted |= Q(pk__range=(pk - NEAR, pk + NEAR), claim_token=claim, settled__call=call)
    return _whole(Attempt.objects.filter(wanted))


def attempts_between(
    since: datetime, until: datetime | None = None, *, connection: Connection | None = None
) -> QuerySet[Attempt]:
    """Return the attempts whose claims lie from `since` until just before `until`, with all that they keep; in order."""
    attempts = Attempt.objects.filter(pk__gte=_first_id(since - ASTRAY), started_at__gte=since)
    if until is not None:
        attempts = attempts.filter(started_at__lt=until)
    return _whole(attempts if connection is None else attempts.filter(connection=connection))


def _whole(attempts: QuerySet[Attempt]) -> QuerySet[Attempt]:
    return attempts.select_related("connection").order_by("pk")


def _first_id(moment: datetime) -> int:
    """Return the id from which on attempts are as young as this. Found by halving: no index knows the moments, and the journal is long."""
    ends = Attempt.objects.aggregate(low=Min("pk"), high=Max("pk"))
    low, high = ends["low"] or 0, (ends["high"] or 0) + 1
    while low < high:
        middle = (low + high) // 2
        next_one = (
            Attempt.objects.filter(pk__gte=middle).order_by("pk").values_list("pk", "started_at").first()
        )
        if next_one is None or next_one[1] >= moment:
            high = middle
        else:
            low = next_one[0] + 1
    return low
