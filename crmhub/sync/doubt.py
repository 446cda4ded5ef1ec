"""Telling from how a task's push went that its contact may have been merged or deleted there. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from crmhub.sync.settle import Piece
from crmhub.sync.values import Complete, Create, Reopen, Update, WantedTask
from crmhub.sync.verify import UNDECLARED, Effect
from providers.errors import NotFound, Rejected
from providers.types import Field


def doubted_contacts(pieces: Iterable[Piece]) -> set[str]:
    """Return the ids there of the contacts that are to be asked after."""
    return {
        id_
        for piece in pieces
        if isinstance(piece.wanted, WantedTask) and (_is_refused(piece) or _is_altered(piece))
        for id_ in (piece.link.external_parent_id, *(one.ref.id for one in piece.wanted.draft.contacts))
        if id_
    }


def _is_refused(piece: Piece) -> bool:
    """Return whether the CRM does not take the task for its contact, or has lost it together with that."""
    error = piece.answer.error if piece.answer else None
    if isinstance(error, NotFound):
        is_filed = isinstance(piece.action, Update | Complete | Reopen) and piece.link.external_parent_id
        return isinstance(piece.action, Create) or bool(is_filed)
    return isinstance(error, Rejected) and str(Field.CONTACTS) in error.fields


def _is_altered(piece: Piece) -> bool:
    return any(map(_is_missing, piece.verdict.effects if piece.verdict else ()))


def _is_missing(effect: Effect) -> bool:
    """Return whether a contact that was asked for is not among those of the task."""
    return effect.field == Field.CONTACTS and bool(effect.asked) and effect.outcome in UNDECLARED
