"""Writing down how it went: the fourth step. One short transaction, guarded by each claim's token."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import IntegrityError, transaction

from crmhub.kill_points import reached
from crmhub.models import Attempt, Connection, ContactLink, Lane, PushedLink, TaskLink
from crmhub.models.links import NOT_KNOWN
from crmhub.services.doubts import seek_tasks_filed_under
from crmhub.services.owing import HELD, owe, owe_tasks_of_contact
from crmhub.sync import rows
from crmhub.sync.claim import landing_of
from crmhub.sync.credentials import settings_of
from crmhub.sync.health import hold_back, is_tried_again, note_refused, note_unwell
from crmhub.sync.judge import judge
from crmhub.sync.pieces import Piece
from crmhub.sync.recorded import settled_of, shown
from crmhub.sync.values import Create, Remote
from crmhub.sync.verdict import Case, Verdict, chance_of, columns, taken
from providers.errors import Unauthorized
from providers.types import Field

Row = Any  # what is looked at of a link as it stands now; the rest is known from the claim
LOOKED_AT = (
    "pk",
    "claim_token",
    "wanted_version",
    "pushed_version",
    "owed_again",
    "sync_status",
    "first_failed_at",
    "ancestor",
)
AT_ONCE = timedelta()


def settle(pieces: Sequence[Piece], *, now: datetime, linger: timedelta = AT_ONCE) -> None:
    """Write what the outcomes mean to links, attempts and connection.

    The pieces are links of one model at one connection, from any claims that used the same credentials. A task that was saved again meanwhile
    is due after `linger`.

    A link whose token is gone belongs to another worker by now: it keeps its state, and only what we may have done there is noted.
    """
    model, connection = type(pieces[0].row), pieces[0].claim.connection
    here = time.monotonic()  # together with `now`, before any lock is waited for
    with transaction.atomic():
        held = _held(model, pieces)
        case_of = _cases(connection, now=now, linger=linger, here=here)
        for piece in pieces:
            row = held.get(piece.row.pk)
            piece.case = case_of(piece, row or piece.row)
            piece.verdict = judge(piece.case)
            if row is None:
                _note_late(model, piece, now=now)
        ours = [(held[piece.row.pk], piece) for piece in pieces if piece.row.pk in held]
        _refuse_taken_ids(connection, model, [piece for _, piece in ours])
        _write(model, ours, now=now)
        reached("in_record")
        _finish_attempts(pieces, now=now)
        _note_connection(connection, pieces, now=now)
        linked = any(piece.verdict and piece.verdict.changes.get("external_id") for piece in pieces)
        if model is TaskLink and linked:
            _note_linked(connection, now=now)


def _held(model: Any, pieces: Sequence[Piece]) -> dict[Any, Row]:
    """Lock the links and return, by id, those that are still ours."""
    tokens = {piece.row.pk: piece.claim.token for piece in pieces}
    locked = model._default_manager.select_for_update(of=("self",), no_key=True)
    found = locked.filter(pk__in=list(tokens)).order_by("pk").values_list(*LOOKED_AT, named=True)
    return {row.pk: row for row in found if row.claim_token == tokens[row.pk]}


def _cases(
    connection: Connection, *, now: datetime, linger: timedelta, here: float
) -> Callable[[Piece, Row], Case]:
    """Return what makes the case of a piece and its row as it is now; what all of them share is read once."""
    case = partial(
        Case,
        now=now,
        linger=linger,
        capabilities=connection.capabilities,
        settings=settings_of(connection),
        switched_off=connection.switched_off,
        landing=landing_of(connection),
    )

    def case_of(piece: Piece, row: Row) -> Case:
        answer = piece.answer
        started, ended = (answer.started, answer.ended) if answer and answer.ended else (here, here)
        is_refused = answer is not None and isinstance(answer.error, Unauthorized)
        return case(
            link=piece.link,
            wanted=piece.wanted,
            action=piece.action,
            answer=answer,
            is_owed=row.wanted_version > piece.wanted.version or row.owed_again,
            previous_mark=piece.link.may_land_until,
            mark=piece.mark,
            first_failed_at=row.first_failed_at,
            sent_at=now - timedelta(seconds=here - started),
            ended_at=now - timedelta(seconds=here - ended),
            is_renewed=is_refused and is_tried_again(connection),
            chance=chance_of(piece.claim.token, piece.link.id),
            status_before=row.sync_status,
            # A late worker or a replay forgot what was agreed while this claim was out: it stays forgotten.
            is_forgotten=row.owed_again
            and (row.pushed_version == NOT_KNOWN or bool(piece.link.ancestor and not row.ancestor)),
        )

    return case_of


def _refuse_taken_ids(connection: Connection, model: Any, pieces: Sequence[Piece]) -> None:
    """Park a link that would get an external id which another link here has already: two hub rows for one record there."""
    news = [piece for piece in pieces if piece.verdict and piece.verdict.changes.get("external_id")]
    ids = {piece.verdict.changes["external_id"] for piece in news if piece.verdict}
    owners = {
        link.external_id: link
        for link in model._default_manager.filter(connection=connection, external_id__in=ids)
    }
    for piece in news:
        assert piece.verdict is not None
        external_id = piece.verdict.changes["external_id"]
        owner = owners.setdefault(external_id, piece.row)
        if owner.pk != piece.row.pk:
            piece.verdict = _taken(piece, piece.verdict, external_id, owner)


def _taken(piece: Piece, verdict: Verdict, external_id: str, owner: PushedLink | None) -> Verdict:
    piece.taken_by = f"“{_subject(owner)}”" if owner else "another one here"
    return taken(piece.case, verdict, external_id, whose=piece.taken_by)


def _subject(link: PushedLink) -> str:
    return str(link.contact if isinstance(link, ContactLink) else link.task)  # type: ignore[attr-defined]


def _write(model: Any, ours: Sequence[tuple[Row, Piece]], *, now: datetime) -> None:
    changes = {row.pk: _changes(piece) for row, piece in ours}
    try:
        with transaction.atomic():
            rows.write(model, changes)
    except IntegrityError:
        _write_one_by_one(model, ours, changes)
    for row, piece in ours:
        if piece.verdict and piece.verdict.contact_moved and isinstance(piece.row, ContactLink):
            _owe_its_tasks(piece.row, piece, changes[row.pk], now=now)


def _changes(piece: Piece) -> dict[str, Any]:
    assert piece.verdict is not None
    piece.written = columns(piece.case, piece.verdict)
    return piece.written


def _owe_its_tasks(link: ContactLink, piece: Piece, changes: Mapping[str, Any], *, now: datetime) -> None:
    before, after = piece.link.external_id, changes.get("external_id", piece.link.external_id)
    if before and after and before != after:
        if piece.case.capabilities.filed_under is Field.CONTACTS:
            seek_tasks_filed_under(link, before, now=now)
        owe_tasks_of_contact(link, now=now, lane=Lane.RETRY)
        return
    # Where a contact is gone, only the tasks that cannot do without are looked at again.
    owe_tasks_of_contact(
        link, now=now, lane=Lane.INTERACTIVE if after else Lane.RETRY, only_parked=bool(before)
    )


def _write_one_by_one(
    model: Any, ours: Sequence[tuple[Row, Piece]], changes: Mapping[Any, dict[str, Any]]
) -> None:
    """Write the columns; an external id that another settling has taken this very moment is a conflict."""
    for row, piece in ours:
        try:
            with transaction.atomic():
                rows.write(model, {row.pk: changes[row.pk]})
        except IntegrityError:
            assert piece.verdict is not None
            piece.verdict = _taken(piece, piece.verdict, str(changes[row.pk].get("external_id")), None)
            rows.write(model, {row.pk: _changes(piece)})


def _note_late(model: Any, piece: Piece, *, now: datetime) -> None:
    """Our claim was lost while we were out. If something was sent, nobody knows what is there now: owe it again."""
    if piece.answer is None or not piece.answer.exchanges or not isinstance(piece.action, Remote):
        return
    row = model._default_manager.select_for_update(of=("self",), no_key=True).filter(pk=piece.row.pk).first()
    if row is None or not piece.action.writes:
        return
    mine = model._default_manager.filter(pk=row.pk)
    owe(mine.exclude(sync_status__in=HELD), now=now, pushed_version=NOT_KNOWN, ancestor={})
    made = piece.answer.remote.ref.id if piece.answer.remote and isinstance(piece.action, Create) else ""
    if made and made != row.external_id:
        # If a look finds and adopts it, it is no stray any more.
        parent = piece.answer.remote.ref.parent_id if piece.answer.remote else ""
        stray = {"id": made, "parent_id": parent}
        model._default_manager.filter(pk=row.pk).update(retired=[*row.retired, stray])


def _finish_attempts(pieces: Sequence[Piece], *, now: datetime) -> None:
    rows.write(
        Attempt,
        {
            piece.attempt.pk: {"ended_at": now, **_told(piece, piece.verdict)}
            for piece in pieces
            if piece.attempt is not None and piece.verdict is not None
        },
    )


def _told(piece: Piece, verdict: Verdict) -> dict[str, Any]:
    """Return what an attempt keeps of how it went."""
    kept = {
        "outcome": verdict.outcome,
        "detail": verdict.detail[:1000],
        "decision": verdict.decision[:300],
        "effects": [effect.as_row() for effect in verdict.effects],
    }
    if piece.answer is None:
        return kept
    asked, answered, status = shown(piece.answer, piece.place)
    return {
        **kept,
        "request": asked,
        "response": answered,
        "status_code": status,
        "settled": settled_of(piece),
    }


def _note_linked(connection: Connection, *, now: datetime) -> None:
    if connection.linked_at is None:
        Connection.objects.filter(pk=connection.pk, linked_at__isnull=True).update(linked_at=now)


def _note_connection(connection: Connection, pieces: Sequence[Piece], *, now: datetime) -> None:
    row = Connection.objects.filter(pk=connection.pk)
    verdicts = [piece.verdict for piece in pieces if piece.verdict]
    if any(verdict.is_well for verdict in verdicts):
        row.update(failures=0, last_error="", last_success_at=now)
    elif unwell := next((verdict for verdict in verdicts if verdict.is_unwell), None):
        # The items of one call have its start in common.
        calls = {
            piece.answer.started
            for piece in pieces
            if piece.answer and piece.verdict and piece.verdict.is_unwell
        }
        note_unwell(connection, unwell.detail, calls=len(calls), now=now)
    if waits := [verdict for verdict in verdicts if verdict.leave_alone_for]:
        longest = max(waits, key=lambda verdict: verdict.leave_alone_for or timedelta())
        hold_back(connection, until=now + (longest.leave_alone_for or timedelta()), why=longest.detail)
    if refused := next((verdict for verdict in verdicts if verdict.refused_credentials), None):
        note_refused(connection, refused.detail, now=now)
    lacking = {name: scope for verdict in verdicts for name, scope in verdict.lacks_scope.items()}
    if lacking:
        fresh = row.select_for_update(no_key=True).get()
        row.update(switched_off={**fresh.switched_off, **lacking})
