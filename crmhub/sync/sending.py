"""Letting calls out: each has a slot in the pace and is written down before it leaves. What has no slot is given back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection as database
from django.db import transaction

from crmhub.models import Attempt, ContactLink
from crmhub.sync import pace, rows
from crmhub.sync.claim import Claim
from crmhub.sync.credentials import limits_of
from crmhub.sync.gate import A_MOMENT
from crmhub.sync.perform import Answered, Call, Item, cost_of, group, perform
from crmhub.sync.pieces import Piece
from crmhub.sync.recorded import intent_of
from crmhub.sync.values import Create, Delete, Remote, WantedTask
from providers.errors import NotSent


@dataclass
class Outgoing:
    """One call of a claim, and the pieces that it is for."""

    claim: Claim[Any]
    call: Call
    pieces: list[Piece]


@dataclass
class LetOut:
    """What became of some calls: `leaving` have a slot and are written down, and `others` are pieces that end without a call.

    `ask_again_in` are the seconds after which those that had no slot may have one; None when all had.
    """

    leaving: list[Outgoing]
    others: list[Piece]
    ask_again_in: float | None = None


def outgoing(claim: Claim[Any], pieces: Sequence[Piece]) -> list[Outgoing]:
    """Return the calls that these pieces take, each for a batch or for one; none for what has its answer already."""
    can = claim.connection.capabilities
    by_id = {piece.link.id: piece for piece in pieces}
    items = [
        Item(one.link, one.wanted, one.action)
        for one in pieces
        if isinstance(one.action, Remote) and one.answer is None
    ]
    calls = group(items, batch_size=can.batch_size, closes_by_update=can.closes_by_update)
    return [Outgoing(claim, call, [by_id[item.link.id] for item in call.items]) for call in calls]


def let_out(calls: Sequence[Outgoing], *, last_sent_ago: float | None = None, now: datetime | None) -> LetOut:
    """Reserve slots for the calls, which are of one claim, and write down those that have one. `last_sent_ago` is what `pace.reserve` asks for.

    Must not be called inside a transaction: what the vendor does cannot be rolled back, and a lock would be held over the network.
    """
    if database.in_atomic_block:
        raise RuntimeError("A vendor must not be called inside a transaction.")
    claim = calls[0].claim
    connection = claim.connection
    costs = [sum(cost_of(item) for item in one.call.items[:1]) for one in calls]
    slots = pace.reserve(
        connection.pk,
        limits_of(connection),
        count=sum(costs),
        ahead=A_MOMENT,
        lane=claim.lane,
        last_sent_ago=last_sent_ago,
        now=now,
    )
    reserved_at, delays = time.monotonic(), list(slots.delays)
    granted: list[Outgoing] = []
    for one, cost in zip(calls, costs, strict=True):
        if len(delays) < cost:
            break
        one.call.delays, delays, one.call.reserved_at = delays[:cost], delays[cost:], reserved_at
        granted.append(one)
    held = [piece for one in calls[len(granted) :] for piece in one.pieces]
    give_back(held, slots.ask_again_in or 0.0)
    lost = _write_down(claim, granted)
    return LetOut(
        leaving=[one for one in granted if one.pieces],
        others=held + lost,
        ask_again_in=slots.ask_again_in if held else None,
    )


def give_back(pieces: Sequence[Piece], ask_again_in: float) -> None:
    """Let these wait for a slot."""
    for piece in pieces:
        error = NotSent("Waiting for a free slot in the rate of this account.")
        piece.answer = Answered(error=error, ask_again_in=ask_again_in)


def make(one: Outgoing, *, is_quiet: bool, now: datetime | None) -> None:
    """Make the call; touches no row. `is_quiet`: nobody else needs the rate, so that a single write may be looked at afterwards."""
    perform(
        one.claim.connection,
        one.call,
        lane=one.claim.lane,
        window=one.claim.window,
        is_quiet=is_quiet,
        now=now,
    )


def take_answers(one: Outgoing) -> None:
    """Hand each piece what the vendor said to it."""
    for number, piece in enumerate(one.pieces, 1):
        piece.answer = one.call.answers[piece.link.id]
        piece.place, piece.call = (number, len(one.pieces)), one.pieces[0].row.pk


def last_sent_ago(last_sent_at: datetime | None, now: datetime) -> float | None:
    """Return how many seconds ago that was, if fewer than any short window has."""
    if last_sent_at is None:
        return None
    age = (now - last_sent_at).total_seconds()
    return max(age, 0.0) if age < pace.SHORT_WINDOW else None


def _write_down(claim: Claim[Any], calls: Sequence[Outgoing]) -> list[Piece]:
    """Write the attempts and until when each write may land, before anything is sent; links that are no longer ours fall out and are returned.

    If the commit's answer is lost this raises, and nothing is sent.
    """
    model = type(claim.links[0])
    pieces = {piece.row.pk: piece for one in calls for piece in one.pieces}
    if not pieces:
        return []
    with transaction.atomic():
        ours = set(
            model._default_manager.select_for_update(of=("self",), no_key=True)
            .filter(pk__in=list(pieces), claim_token=claim.token)
            .order_by("pk")
            .values_list("pk", flat=True)
        )
        marked = [pieces[one] for one in ours if _writes(pieces[one])]
        rows.write(model, {piece.row.pk: _marks(piece, claim.until) for piece in marked})
        attempts = {one: _attempt(claim, pieces[one]) for one in ours}
        rows.insert(list(attempts.values()))
    for one, attempt in attempts.items():
        pieces[one].attempt = attempt
    for piece in marked:
        piece.mark = claim.until
    for call in calls:
        call.call.items = [item for item in call.call.items if item.link.id in ours]
        call.pieces = [piece for piece in call.pieces if piece.row.pk in ours]
    return [piece for pk, piece in pieces.items() if pk not in ours]


def _writes(piece: Piece) -> bool:
    return isinstance(piece.action, Remote) and piece.action.writes


def _marks(piece: Piece, until: datetime) -> dict[str, Any]:
    marks: dict[str, Any] = {"may_land_until": until}
    if isinstance(piece.action, Delete):
        marks["deletion_sent"] = True
    if isinstance(piece.action, Create) and isinstance(piece.wanted, WantedTask):
        # A later look searches where the task was sent, not where an edit has moved it meanwhile.
        marks["ancestor"] = piece.wanted.values
    return marks


def _attempt(claim: Claim[Any], piece: Piece) -> Attempt:
    action = piece.action
    assert isinstance(action, Remote)
    side = "contact_link_id" if isinstance(piece.row, ContactLink) else "task_link_id"
    return Attempt(
        connection=claim.connection,
        claim_token=claim.token,
        operation=str(action.operation),
        version=piece.wanted.version,
        started_at=claim.at,
        intent=intent_of(claim.connection, piece.link, piece.wanted),
        **{side: piece.row.pk},
    )
