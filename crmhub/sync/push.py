"""Bringing one connection's due links into step: claim, plan, perform, settle, until nothing is due or the time is up."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from crmhub import wake
from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable
from crmhub.kill_points import reached
from crmhub.models import Attempt, Connection, ContactLink, Lane, Task, TaskLink
from crmhub.sync import circuit, pace, rows
from crmhub.sync.checkup import check_connection
from crmhub.sync.claim import STOPS_ITS_WORKER_AFTER, Claim, take, window_of
from crmhub.sync.credentials import limits_of, settings_of
from crmhub.sync.directory import know_owners
from crmhub.sync.doubt import heed_doubts
from crmhub.sync.gate import A_MOMENT, PaceGate
from crmhub.sync.health import has_lost_links, hold_back
from crmhub.sync.mapping import read_contacts, read_tasks
from crmhub.sync.perform import Answered, Call, Item, cost_of, group, perform
from crmhub.sync.plan import plan_link
from crmhub.sync.recorded import intent_of
from crmhub.sync.settle import Piece, settle
from crmhub.sync.tokens import ASK_AGAIN, keep_access
from crmhub.sync.values import Action, Create, Delete, LinkState, Remote, WantedContact, WantedTask
from providers.capabilities import Level
from providers.errors import NotSent, ProviderError
from providers.types import Field

log = logging.getLogger(__name__)

ONE_TURN = 3.0  # seconds of work after which a job lets the jobs of other connections go first
ROUNDS = 1000  # of claim to settle in one job; a guard, not a limit that is met
UNREADABLE_WAIT = timedelta(minutes=1)  # until a missing key is looked for again
STOPS_ITS_WORKER = "Workers stopped while they sent this. It is set aside; look at it, then send it again."


@dataclass
class Pushed:
    """What one call of `push_due` did: links settled, and the seconds after which more can be sent (None: nothing waits for a slot)."""

    settled: int = 0
    ask_again_in: float | None = None


def push_due(connection_id: UUID, *, now: datetime | None = None) -> Pushed:
    """Push what is due at this connection, interactive links first and contacts before tasks, for a few seconds.

    Without `now` the database's clock is read for each claim and each settling. Wakes itself for what waits for a slot less than a minute ahead.
    """
    done = Pushed()
    began = time.monotonic()
    for _ in range(ROUNDS):
        connection = Connection.objects.filter(pk=connection_id).first()
        moment = now or database_now()
        if connection is not None and connection.is_to_be_tested(moment):
            check_connection(connection, now=now)
            connection.refresh_from_db()
        if connection is None or not connection.may_be_called(moment) or not _can_be_read(connection, moment):
            break
        if has_lost_links(connection, now=moment):
            break
        # No call begins so late that it could outlive the job.
        left = began + settings.JOB_SOFT_LIMIT - settings.HTTP_DEADLINE_SECONDS - time.monotonic()
        if (held := keep_access(connection, now=now, left=left)) is not None:
            # Nothing is claimed: the links stay due, and nothing is counted.
            done.ask_again_in = ASK_AGAIN.total_seconds() if isinstance(held, NotSent) else None
            break
        if not connection.may_be_called(moment):
            break  # it was brought up to date: somebody gave it other credentials meanwhile
        # One kind at a time: what the CRM said to the first (a quota, refused credentials) is heeded before the second.
        if not any(
            _push_some(model, connection, done, lane=lane, left=left, now=now)
            for lane in Lane
            for model in (ContactLink, TaskLink)
        ):
            break
        if done.ask_again_in is not None:
            break
        if now is None and time.monotonic() - began > ONE_TURN:
            # The other connections wait for this worker too.
            done.ask_again_in = 0.0
            break
    if done.ask_again_in is not None and now is None:
        wake.push([connection_id], countdown=max(done.ask_again_in, 0.05))
    return done


def _can_be_read(connection: Connection, now: datetime) -> bool:
    """Return whether the credentials can be unsealed; if not, the connection waits and says why, and nothing is claimed."""
    try:
        connection.secrets  # noqa: B018 — unsealing is what raises
    except SecretsUnreadable as error:
        hold_back(connection, until=now + UNREADABLE_WAIT, why=str(error))
        return False
    return True


def _push_some(
    model: type[Any], connection: Connection, done: Pushed, *, lane: Lane, left: float, now: datetime | None
) -> bool:
    """Push one claim's worth of a kind and lane; returns whether there was any. `left` are the seconds in which the job may send."""
    can = connection.capabilities
    size = can.batch_size if can.batch_size > 1 and model is TaskLink else can.parallel
    if circuit.is_probing(connection.failures):
        size = 1
    window = window_of(connection, at_most=left)
    claim = take(model, connection, lane=lane, size=size, now=now or database_now(), window=window)
    if claim is None:
        return False
    reached("after_claim")
    if _stops_its_worker(claim, size=size):
        _set_aside(model, claim, now=now or database_now())
        return True
    refusal = _know_owners(connection, claim, now=now)
    pieces = _planned(connection, claim, now=now)
    if refusal is None:
        _send(connection, claim, pieces, done, now=now)
    else:
        _answer_all(pieces, refusal)
    settle(connection, claim, pieces, now=now or database_now())
    reached("after_record")
    heed_doubts(connection, pieces, now=now or database_now())
    done.settled += len(pieces)
    return True


def _stops_its_worker(claim: Claim[Any], *, size: int) -> bool:
    lapses = claim.links[0].lapses
    was_alone: bool = lapses > 0 and size // 4 ** (lapses - 1) <= 1
    return was_alone and lapses >= STOPS_ITS_WORKER_AFTER


def _set_aside(model: type[Any], claim: Claim[Any], *, now: datetime) -> None:
    """Park the one link of the claim. It may be tried again with the next save, so its lapses are forgotten; a save meanwhile is tried at once."""
    [link] = claim.links
    changes = {"claim_token": None, "claimed_at": None, "lapses": 0, "owed_again": False, "status_since": now}
    mine = model._default_manager.filter(pk=link.pk, claim_token=claim.token)
    parked = mine.filter(wanted_version=link.wanted_version, owed_again=False).update(
        **changes,
        due_at=None,
        sync_status="failed",
        last_error=STOPS_ITS_WORKER,
        last_error_code="stops_its_worker",
    )
    if not parked:
        mine.update(**changes, due_at=now, sync_status="pending")


# Claimed links, what is wanted of them, what to do


def _planned(connection: Connection, claim: Claim[Any], *, now: datetime | None) -> list[Piece]:
    # As of the claim: that moment is kept with the attempt, and an earlier one can only make a link wait.
    moment = now or claim.at
    wanted = _read(connection, claim)
    return [
        Piece(
            row=row,
            link=(state := LinkState.of(row)),
            wanted=wanted[row.pk],
            action=_plan(connection, state, wanted[row.pk], now=moment),
        )
        for row in claim.links
    ]


def _read(connection: Connection, claim: Claim[Any]) -> dict[UUID, WantedTask] | dict[UUID, WantedContact]:
    if isinstance(claim.links[0], ContactLink):
        return read_contacts(connection, claim.links)
    return read_tasks(connection, claim.links)


def _know_owners(connection: Connection, claim: Claim[Any], *, now: datetime | None) -> ProviderError | None:
    """Make sure that the owners of the claimed tasks are known there; returns an error that concerns the whole account."""
    is_held = connection.capabilities.supports(Field.ASSIGNEE).level is not Level.NONE
    if isinstance(claim.links[0], ContactLink) or not is_held:
        return None
    tasks = Task.objects.filter(pk__in=[link.task_id for link in claim.links], assignee__isnull=False)
    users = set(tasks.values_list("assignee_id", flat=True))
    gate = PaceGate(connection.pk, limits_of(connection), lane=claim.lane, window=claim.window, now=now)
    return know_owners(connection, users, gate=gate, now=claim.at) if users else None


def _answer_all(pieces: Sequence[Piece], error: ProviderError) -> None:
    for piece in pieces:
        piece.answer = Answered(error=error)


def _plan(
    connection: Connection, link: LinkState, wanted: WantedTask | WantedContact, *, now: datetime
) -> Action:
    return plan_link(
        link,
        wanted,
        capabilities=connection.capabilities,
        settings=settings_of(connection),
        switched_off=connection.switched_off,
        now=now,
    )


# Sending


def _send(
    connection: Connection, claim: Claim[Any], pieces: Sequence[Piece], done: Pushed, *, now: datetime | None
) -> None:
    """Make the calls whose slots are there; the rest of the claim is given back for when theirs come."""
    can = connection.capabilities
    by_id = {piece.link.id: piece for piece in pieces}
    items = [Item(one.link, one.wanted, one.action) for one in pieces if isinstance(one.action, Remote)]
    if not items:
        return
    calls = group(items, batch_size=can.batch_size, closes_by_update=can.closes_by_update)
    while calls:
        some, calls = calls[: can.parallel], calls[can.parallel :]
        held = _send_some(connection, claim, some, by_id, done, now=now)
        if held:
            for call in held + calls:
                _give_back(call, by_id, done.ask_again_in or 0.0)
            return


def _send_some(
    connection: Connection,
    claim: Claim[Any],
    calls: list[Call],
    by_id: dict[UUID, Piece],
    done: Pushed,
    *,
    now: datetime | None,
) -> list[Call]:
    """Make those calls side by side whose slots are there; returns the others."""
    costs = [sum(cost_of(item) for item in call.items[:1]) for call in calls]
    slots = pace.reserve(
        connection.pk,
        limits_of(connection),
        count=sum(costs),
        ahead=A_MOMENT,
        lane=claim.lane,
        last_sent_ago=_last_sent_ago(connection, claim.at),
        now=now,
    )
    reserved_at, delays = time.monotonic(), list(slots.delays)
    granted: list[Call] = []
    for call, cost in zip(calls, costs, strict=True):
        if len(delays) < cost:
            break
        call.delays, delays, call.reserved_at = delays[:cost], delays[cost:], reserved_at
        granted.append(call)
    held = calls[len(granted) :]
    if held:
        done.ask_again_in = slots.ask_again_in
    marked = _mark(connection, claim, granted, by_id)
    if marked:
        reached("after_mark")
        perform(connection, marked, lane=claim.lane, window=claim.window, now=now)
        reached("after_post")
    for call in marked:
        for number, item in enumerate(call.items, 1):
            piece = by_id[item.link.id]
            piece.answer = call.answers[item.link.id]
            piece.place, piece.call = (number, len(call.items)), call.items[0].link.id
    return held


def _give_back(call: Call, by_id: dict[UUID, Piece], ask_again_in: float) -> None:
    for item in call.items:
        error = NotSent("Waiting for a free slot in the rate of this account.")
        by_id[item.link.id].answer = Answered(error=error, ask_again_in=ask_again_in)


def _mark(
    connection: Connection, claim: Claim[Any], calls: Sequence[Call], by_id: dict[UUID, Piece]
) -> list[Call]:
    """Write the attempts and until when each write may land, before anything is sent; links that are no longer ours fall out.

    If the commit's answer is lost this raises, and nothing is sent.
    """
    model = type(claim.links[0])
    ids = [item.link.id for call in calls for item in call.items]
    with transaction.atomic():
        ours = set(
            model._default_manager.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=ids, claim_token=claim.token)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        writing = [one for one in ours if isinstance(by_id[one].action, Remote) and by_id[one].action.writes]  # type: ignore[attr-defined]
        rows.write(model, {one: _marks(by_id[one], claim.until) for one in writing})
        attempts = {one: _attempt(connection, claim, by_id[one]) for one in ours}
        rows.insert(list(attempts.values()))
    for one, attempt in attempts.items():
        by_id[one].attempt = attempt
    for one in writing:
        by_id[one].mark = claim.until
    for call in calls:
        call.items = [item for item in call.items if item.link.id in ours]
    return [call for call in calls if call.items]


def _marks(piece: Piece, until: datetime) -> dict[str, Any]:
    marks: dict[str, Any] = {"may_land_until": until}
    if isinstance(piece.action, Delete):
        marks["deletion_sent"] = True
    if isinstance(piece.action, Create) and isinstance(piece.wanted, WantedTask):
        # A later look searches where the task was sent, not where an edit has moved it meanwhile.
        marks["ancestor"] = piece.wanted.values
    return marks


def _attempt(connection: Connection, claim: Claim[Any], piece: Piece) -> Attempt:
    action = piece.action
    assert isinstance(action, Remote)
    side = "contact_link_id" if isinstance(piece.row, ContactLink) else "task_link_id"
    return Attempt(
        connection=connection,
        claim_token=claim.token,
        operation=str(action.operation),
        version=piece.wanted.version,
        started_at=claim.at,
        intent=intent_of(connection, piece.link, piece.wanted),
        **{side: piece.row.pk},
    )


def _last_sent_ago(connection: Connection, now: datetime) -> float | None:
    """Return the age of this connection's newest attempt in seconds, if it is younger than any short window."""
    newest = Attempt.objects.filter(connection=connection).values_list("started_at", flat=True).first()
    if newest is None:
        return None
    age = (now - newest).total_seconds()
    return max(age, 0.0) if age < pace.SHORT_WINDOW else None
