"""The values of a verdict, the columns that verdicts are built from, and nothing that decides."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from crmhub.models import SyncStatus
from crmhub.sync.perform import Answered
from crmhub.sync.values import Action, LinkState, WantedContact, WantedTask
from crmhub.sync.verify import Effect, losses_in, standing
from providers.capabilities import Capabilities
from providers.errors import ProviderError
from providers.projection import Loss


@dataclass(frozen=True)
class Case:
    """All that a verdict is made from. `is_owed` says that the task changed since it was read, or is owed for another reason.

    `effects` is what became of the fields that were written. `previous_mark` is `may_land_until` as it was before this claim; `mark` as
    this claim set it (None: it set none). `sent_at` and `ended_at` are when the call began and was over, by the database's clock.
    A version that arrived meanwhile is due after `linger`, for others may follow it closely. `is_renewed`: credentials that were refused are
    others by now, or are renewed without a person. `status_before` is the link's sync status when this is settled; `is_forgotten` says that what
    was agreed was forgotten while the claim was out.
    """

    link: LinkState
    wanted: WantedTask | WantedContact
    action: Action
    answer: Answered | None
    is_owed: bool
    previous_mark: datetime | None
    mark: datetime | None
    first_failed_at: datetime | None
    sent_at: datetime
    ended_at: datetime
    now: datetime
    capabilities: Capabilities
    settings: Mapping[str, object]
    switched_off: Mapping[str, str]
    landing: timedelta
    linger: timedelta = timedelta()
    is_renewed: bool = False
    chance: random.Random | None = None
    effects: tuple[Effect, ...] = ()
    status_before: str = ""
    is_forgotten: bool = False

    @cached_property
    def lines(self) -> tuple[Effect, ...]:
        """Return what was asked and what is there, of the whole task of this case as it is afterwards."""
        assert isinstance(self.wanted, WantedTask)
        old = [Effect.of_row(row) for row in self.link.effects]
        return standing(old, self.effects, self.wanted, self.capabilities)


@dataclass(frozen=True)
class Verdict:
    """What to write. `changes` are columns of the link; `outcome`, `detail`, `decision` and `effects` go into the attempt.

    The rest concerns the connection: whether the vendor answered, was unwell, wants to be left alone, refused our credentials, or an operation.
    `contact_moved`: a contact arrived there or failed to, so the tasks that point at it are to be looked at again.
    """

    changes: Mapping[str, Any]
    outcome: str = "ok"
    detail: str = ""
    decision: str = ""
    effects: tuple[Effect, ...] = ()
    is_well: bool = False
    is_unwell: bool = False
    leave_alone_for: timedelta | None = None
    refused_credentials: bool = False
    lacks_scope: Mapping[str, str] = field(default_factory=dict)
    contact_moved: bool = False


def chance_of(claim: UUID, link: UUID) -> random.Random:
    """Return the chance of one link in one claim: another for each, and the same again when it is run again."""
    return random.Random(f"{claim}.{link}")


def columns(case: Case, verdict: Verdict) -> dict[str, Any]:
    """Return what is to be written into the link's row."""
    changes = dict(verdict.changes)
    if changes.get("sync_status", case.status_before) != case.status_before:
        changes["status_since"] = case.now
    if isinstance(case.wanted, WantedContact):
        for name in ("awaits_contact_id", "effects"):
            changes.pop(name, None)
    if case.is_forgotten:
        changes["ancestor"] = {}
    return changes


def released() -> dict[str, Any]:
    # Lapses stay: a wait or a look says nothing about a write that stops its worker.
    return {"claim_token": None, "claimed_at": None, "owed_again": False}


def forgiven() -> dict[str, Any]:
    forgotten: dict[str, Any] = {"first_failed_at": None, "last_error": "", "last_error_code": ""}
    return {"failures": 0, "lapses": 0, "candidates": [], **forgotten}


def answered() -> dict[str, Any]:
    return {"may_land_until": None, "deletion_sent": False}


def mark_before(case: Case) -> dict[str, Any]:
    return {"may_land_until": case.previous_mark, "deletion_sent": case.link.deletion_sent}


def given_back(case: Case) -> dict[str, Any]:
    return {**released(), **mark_before(case)}


def counted(case: Case, error: ProviderError) -> dict[str, Any]:
    return {
        "lapses": 0,
        "failures": case.link.failures + 1,
        "first_failed_at": case.first_failed_at or case.now,
        "last_error": error.detail[:1000],
        "last_error_code": error.code,
    }


def in_step(case: Case, *, losses: tuple[Loss, ...], external_id: str) -> dict[str, Any]:
    changes: dict[str, Any] = {
        **released(),
        **forgiven(),
        **answered(),
        "pushed_version": case.wanted.version,
        "due_at": case.now + case.linger if case.is_owed else None,
        "sync_status": SyncStatus.PENDING if case.is_owed else SyncStatus.IN_SYNC,
        "last_success_at": case.now,
    }
    if isinstance(case.wanted, WantedTask):
        seen = case.lines if external_id else ()
        losses = (*losses, *losses_in(seen))
        changes["effects"] = [effect.as_row() for effect in seen]
        # A contact that is still to come would be added to the task: its arrival owes a push.
        coming = [one.link_id for one in case.wanted.awaited if one.link_id] if external_id else []
        changes["awaits_contact_id"] = coming[0] if coming else None
    changes["losses"] = [{"field": str(loss.field), "note": loss.note} for loss in losses]
    return changes


def parked(case: Case, status: SyncStatus, code: str, why: str) -> dict[str, Any]:
    """Park, unless a newer version has arrived meanwhile: that one is tried. What parks waits for a person, not for a contact."""
    return {
        **released(),
        **mark_before(case),
        "lapses": 0,
        "awaits_contact_id": None,
        "due_at": case.now if case.is_owed else None,
        "sync_status": SyncStatus.PENDING if case.is_owed else status,
        "last_error": why[:1000],
        "last_error_code": code,
        "candidates": [],
        "failures": case.link.failures + 1,
    }


def taken(case: Case, verdict: Verdict, external_id: str, *, whose: str) -> Verdict:
    """Return what it means that the external id is that of another one here: two hub rows for one record there."""
    why = f"The record {external_id} there belongs to {whose} already: merge the two, or change this one."
    changes = parked(case, SyncStatus.CONFLICT, "taken", why)
    # One that was merged into another one's stays where it was, and so do its tasks.
    moved = verdict.contact_moved and not case.link.external_id
    return Verdict(changes, "conflict", why, why, is_well=True, contact_moved=moved)


def new_generation(case: Case, *, keep_old: bool) -> dict[str, Any]:
    retired = [{"id": ref.id, "parent_id": ref.parent_id} for ref in case.link.retired]
    if keep_old and case.link.external_id:
        retired.append({"id": case.link.external_id, "parent_id": case.link.external_parent_id})
    return {
        **released(),
        **answered(),
        "external_id": "",
        "external_parent_id": "",
        "external_url": "",
        "generation": case.link.generation + 1,
        "ancestor": {},
        "retired": retired,
        "last_write_at": None,
        "effects": [],
        "due_at": case.now,
        "sync_status": SyncStatus.PENDING,
    }


def losses_of(case: Case) -> tuple[Loss, ...]:
    return case.wanted.losses if isinstance(case.wanted, WantedTask) else ()


def is_missing_contact(case: Case) -> bool:
    """Return whether tasks may be waiting for this: a contact that is not there yet."""
    return isinstance(case.wanted, WantedContact) and not case.link.external_id
