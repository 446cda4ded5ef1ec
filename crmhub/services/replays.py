"""Replays of crowds: links are marked a part at a time, so that one can be watched, stopped, and gone on with."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from crmhub import wake
from crmhub.clock import database_now
from crmhub.models import ContactLink, Lane, PushedLink, Replay, TaskLink
from crmhub.queries.selection import Selection, in_words, shares
from crmhub.queries.sync import short_names
from crmhub.services.links import replay_links

AT_ONCE = 500  # links that are marked in one transaction; of a list, a quarter as many tasks, each with its links at all CRMs
ONE_TURN = 3.0  # seconds of marking after which a job lets others go first
KINDS: dict[str, type[PushedLink]] = {
    "contact": ContactLink,
    "task": TaskLink,
}  # in this order: a task may wait for its contact


def preview_replay(*, selection: Selection) -> Replay:
    """Return the replay that this would be, with its counts; nothing is stored."""
    parts = shares(selection)
    return Replay(
        selection=selection.as_json(),
        what=in_words(selection, names=short_names()),
        by_connection=[{**asdict(one), "connection": str(one.connection)} for one in parts],
        total=sum(one.total for one in parts),
        left_out=sum(one.left_out for one in parts),
    )


def begin_replay(
    *,
    selection: Selection,
    by: Any = None,
    origin: str = "system",
    is_in_background: bool = True,
    now: datetime | None = None,
) -> Replay:
    """Store what is to be sent again, and let workers mark it; returns it with its counts.

    Links whose outcome is not known or that are gone there are left out: somebody should look at each first. Out of the background nothing is
    marked before `go_on_with_replay` is called.
    """
    replay = preview_replay(selection=selection)
    replay.by, replay.origin, replay.is_in_background = by, origin, is_in_background
    replay.created_at = now or database_now()
    with transaction.atomic():
        replay.save(force_insert=True)
        if is_in_background:
            wake.replay_after_commit(replay.pk)
    return replay


def go_on_with_replay(*, replay_id: UUID, now: datetime | None = None, most: int = AT_ONCE) -> bool:
    """Mark the next links, about as many as `most`; returns whether there may be more. False too where it was stopped, or somebody else is at it."""
    with transaction.atomic():
        open_ones = Replay.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            pk=replay_id, ended_at__isnull=True, stopped_at__isnull=True
        )
        replay = open_ones.first()
        if replay is None:
            return False
        now = now or database_now()
        part = _next_part(replay, most)
        if part is None:
            # The ids of a list's tasks are of no use any more.
            _note(replay, ended_at=now, selection={**replay.selection, "tasks": []})
            return False
        kind, links, place = part
        count = replay_links(links=links, now=now, lane=Lane.RETRY)
        _note(replay, done=replay.done + count, place_kind=kind, place_id=place)
    return True


def _next_part(replay: Replay, most: int) -> tuple[str, list[Any], UUID] | None:
    """Return the kind of the next links, these links, and the place behind them; None at the end."""
    selection = Selection.of_json(replay.selection)
    if selection.tasks:
        left = sorted(one for one in selection.tasks if replay.place_id is None or one > replay.place_id)
        some = tuple(left[: max(most // 4, 1)])
        links = list(replace(selection, tasks=some).crowd(TaskLink).only("pk")) if some else []
        return ("task", links, some[-1]) if some else None
    kinds = list(KINDS)
    for kind in kinds[kinds.index(replay.place_kind or kinds[0]) :]:
        crowd = selection.crowd(KINDS[kind]).order_by("pk").only("pk")
        if kind == replay.place_kind:
            crowd = crowd.filter(pk__gt=replay.place_id)
        if links := list(crowd[:most]):
            return kind, links, links[-1].pk
    return None


def _note(replay: Replay, **changes: Any) -> None:
    Replay.objects.filter(pk=replay.pk).update(**changes)


def work_on_replay(*, replay_id: UUID, seconds: float = ONE_TURN) -> bool:
    """Mark links for some seconds; returns whether there may be more."""
    until = time.monotonic() + seconds
    while go_on_with_replay(replay_id=replay_id):
        if time.monotonic() > until:
            return True
    return False


def stop_replay(*, replay: Replay, now: datetime | None = None) -> bool:
    """Mark no more links of it; what is marked stays so. Returns False where it had ended."""
    # Waits for the part that is being marked, so that nothing is marked after this.
    with transaction.atomic():
        row = Replay.objects.select_for_update(of=("self",)).filter(pk=replay.pk, ended_at__isnull=True)
        if row.first() is None:
            return False
        row.filter(stopped_at__isnull=True).update(stopped_at=now or database_now())
    return True


def resume_replay(*, replay: Replay, is_in_background: bool = True) -> bool:
    """Go on where it was stopped; returns False where it had ended."""
    with transaction.atomic():
        row = Replay.objects.filter(pk=replay.pk, ended_at__isnull=True)
        is_open = bool(row.update(stopped_at=None, is_in_background=is_in_background))
        if is_open and is_in_background:
            wake.replay_after_commit(replay.pk)
    return is_open
