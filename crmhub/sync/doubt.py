"""What a push casts doubt on: contacts and users whom a CRM does not know any more by the ids that the hub has for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from crmhub.models import Connection
from crmhub.services.doubts import doubt_contacts, send_refused_again
from crmhub.sync.directory import forget_owners
from crmhub.sync.pieces import Piece
from crmhub.sync.values import Complete, Create, Reopen, Update, WantedTask
from crmhub.sync.verify import UNDECLARED, Effect
from providers.errors import NotFound, Rejected
from providers.types import Field


def heed_doubts(connection: Connection, pieces: Sequence[Piece], *, now: datetime) -> None:
    """Have asked after whoever these settled pieces give a reason to doubt.

    A hint, in a transaction of its own: what is lost here, the next push of the same task gives again.
    """
    if contacts := doubted_contacts(pieces):
        doubt_contacts(connection=connection, external_ids=contacts, now=now)
    refused = refused_assignees(pieces)
    if refused and forget_owners(connection, refused.values(), now=now):
        send_refused_again(connection=connection, link_ids=refused, now=now)


def doubted_contacts(pieces: Iterable[Piece]) -> set[str]:
    """Return the ids there of the contacts that are to be asked after."""
    return {
        id_
        for piece in pieces
        if isinstance(piece.wanted, WantedTask) and (_is_without_contact(piece) or _is_altered(piece))
        for id_ in (piece.link.external_parent_id, *(one.ref.id for one in piece.wanted.draft.contacts))
        if id_
    }


def refused_assignees(pieces: Iterable[Piece]) -> Mapping[UUID, str]:
    """Return the ids there of assignees for whom a task was refused, by the task's link."""
    return {
        piece.row.pk: piece.wanted.draft.assignee
        for piece in pieces
        if isinstance(piece.wanted, WantedTask) and piece.wanted.draft.assignee
        if _is_refused_for(piece, Field.ASSIGNEE)
    }


def _is_without_contact(piece: Piece) -> bool:
    """Return whether the CRM does not take the task for its contact, or has lost it together with that."""
    if piece.answer and isinstance(piece.answer.error, NotFound):
        is_filed = isinstance(piece.action, Update | Complete | Reopen) and piece.link.external_parent_id
        return isinstance(piece.action, Create) or bool(is_filed)
    return _is_refused_for(piece, Field.CONTACTS)


def _is_refused_for(piece: Piece, name: Field) -> bool:
    error = piece.answer.error if piece.answer else None
    return isinstance(error, Rejected) and str(name) in error.fields


def _is_altered(piece: Piece) -> bool:
    return any(map(_is_missing, piece.verdict.effects if piece.verdict else ()))


def _is_missing(effect: Effect) -> bool:
    """Return whether a contact that was asked for is not among those of the task."""
    return effect.field == Field.CONTACTS and bool(effect.asked) and effect.outcome in UNDECLARED
