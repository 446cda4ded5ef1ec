"""What a good answer means: what both sides agree on now, and whether something is left to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from crmhub.models import SyncStatus
from crmhub.sync.plan import person_values, plan_link
from crmhub.sync.values import (
    Action,
    Complete,
    Create,
    Delete,
    DeleteRetired,
    EstablishContact,
    LinkState,
    Look,
    Nothing,
    Remote,
    Reopen,
    ReviewContact,
    Update,
    UpdateContact,
    WantedContact,
    WantedTask,
)
from crmhub.sync.verdict import (
    Case,
    Verdict,
    answered,
    forgiven,
    in_step,
    losses_of,
    released,
)
from crmhub.sync.verify import Effect, asked_by, effects
from providers.projection import Loss
from providers.types import FIELDS, Field, RemoteContact, RemoteTask, TaskStatus


def succeeded(case: Case, remote: RemoteTask | RemoteContact | None) -> Verdict:
    case = dataclasses.replace(case, effects=_effects(case, remote))
    changes = _SUCCESS[type(case.action)](case, remote)
    # A contact that was established may have been there before: what it holds is not known, so it was not written.
    moved = isinstance(case.action, EstablishContact) or _is_elsewhere(case, remote)
    return Verdict(
        changes, effects=case.effects, is_well=True, contact_moved=moved, decision=_what_next(changes)
    )


def _effects(case: Case, remote: RemoteTask | RemoteContact | None) -> tuple[Effect, ...]:
    if not isinstance(case.wanted, WantedTask) or not isinstance(case.action, Remote):
        return ()
    asked = asked_by(case.action, case.capabilities)
    if not asked or not isinstance(remote, RemoteTask):
        return ()
    return effects(
        case.wanted,
        remote,
        asked=asked,
        can=case.capabilities,
        before={} if isinstance(case.action, Create) else case.link.ancestor,
        read_back=case.answer.read_back if case.answer else None,
    )


def _what_next(changes: Mapping[str, Any]) -> str:
    if changes.get("due_at") is not None:
        return "More is to be sent."
    return "In step." if changes.get("sync_status") == SyncStatus.IN_SYNC else ""


def _created(case: Case, remote: Any) -> dict[str, Any]:
    return _written(case, remote, asked=frozenset(Field))


def _updated(case: Case, remote: Any) -> dict[str, Any]:
    changed = case.action.changed if isinstance(case.action, Update) else frozenset({Field.STATUS})
    return _written(case, remote, asked=changed)


def _completed(case: Case, remote: Any) -> dict[str, Any]:
    return _written(case, remote, asked=frozenset({Field.STATUS}), status=TaskStatus.COMPLETED)


def _reopened(case: Case, remote: Any) -> dict[str, Any]:
    return _written(case, remote, asked=frozenset({Field.STATUS}), status=TaskStatus.OPEN)


def _written(
    case: Case,
    remote: RemoteTask,
    *,
    asked: frozenset[Field],
    status: TaskStatus | None = None,
) -> dict[str, Any]:
    assert isinstance(case.wanted, WantedTask)
    values = case.wanted.values
    agreed: dict[str, Any] = dict(case.link.ancestor)
    agreed.update({str(name): values[name] for name in FIELDS if name in asked})
    if status is not None:
        agreed[Field.STATUS] = str(status)
    elif not case.capabilities.closes_by_update:
        before = case.link.ancestor.get(Field.STATUS, TaskStatus.OPEN)
        agreed[Field.STATUS] = str(remote.holds.get(Field.STATUS, before))
    link = dataclasses.replace(
        case.link,
        external_id=remote.ref.id or case.link.external_id,
        external_parent_id=remote.ref.parent_id or case.link.external_parent_id,
        may_land_until=None,
        ancestor=agreed,
    )
    changes = {
        "external_id": link.external_id,
        "external_parent_id": link.external_parent_id,
        "ancestor": agreed,
        "last_write_at": case.ended_at,
        "effects": [effect.as_row() for effect in case.lines],
    }
    if remote.url:
        changes["external_url"] = remote.url
    return {**continued(case, link, losses=losses_of(case)), **changes}


def continued(case: Case, link: LinkState, *, losses: tuple[Loss, ...]) -> dict[str, Any]:
    """Return the columns after a success: in step, or due again when planning finds something left to do."""
    left = _plan_again(case, link)
    if isinstance(left, Nothing):
        return in_step(case, losses=(*losses, *left.losses), external_id=link.external_id)
    return {
        **released(),
        **forgiven(),
        **answered(),
        "due_at": case.now,
        "sync_status": SyncStatus.PENDING,
        "last_success_at": case.now,
    }


def _plan_again(case: Case, link: LinkState) -> Action:
    return plan_link(
        link,
        case.wanted,
        capabilities=case.capabilities,
        settings=case.settings,
        switched_off=case.switched_off,
        now=case.now,
    )


def _deleted(case: Case, _remote: Any) -> dict[str, Any]:
    link = dataclasses.replace(
        case.link, external_id="", generation=case.link.generation + 1, may_land_until=None, ancestor={}
    )
    changes = {
        "external_id": "",
        "external_parent_id": "",
        "external_url": "",
        "generation": link.generation,
        "ancestor": {},
        "last_write_at": case.ended_at,
    }
    return {**continued(case, link, losses=()), **changes}


def _deleted_retired(case: Case, _remote: Any) -> dict[str, Any]:
    assert isinstance(case.action, DeleteRetired)
    gone = case.action.ref.id
    left = tuple(ref for ref in case.link.retired if ref.id != gone)
    link = dataclasses.replace(case.link, retired=left, may_land_until=None)
    retired = [{"id": ref.id, "parent_id": ref.parent_id} for ref in left]
    return {
        **continued(case, link, losses=losses_of(case)),
        "retired": retired,
        "last_write_at": case.ended_at,
    }


def _looked(case: Case, remote: Any) -> dict[str, Any]:
    """What landed may be an older version, so what is found is owed an update; what is not found, a create."""
    found = {
        **released(),
        **answered(),
        "ancestor": {},
        "due_at": case.now,
        "sync_status": SyncStatus.PENDING,
    }
    if remote is None:
        return found
    return {
        **found,
        "external_id": remote.ref.id,
        "external_parent_id": remote.ref.parent_id,
        "external_url": remote.url,
        "last_write_at": case.ended_at,
    }


def _contact_established(case: Case, remote: Any) -> dict[str, Any]:
    link = dataclasses.replace(case.link, external_id=remote.ref.id, may_land_until=None)
    changes = {
        "external_id": remote.ref.id,
        "external_url": remote.url,
        "last_write_at": case.ended_at,
    }
    return {**continued(case, link, losses=()), **changes}


def _contact_updated(case: Case, remote: Any) -> dict[str, Any]:
    assert isinstance(case.wanted, WantedContact)
    values = person_values(case.wanted.person)
    link = dataclasses.replace(case.link, ancestor=values, may_land_until=None)
    changes = {"ancestor": values, "last_write_at": case.ended_at, **_whereabouts(case, remote)}
    return {**continued(case, link, losses=()), **changes}


def _contact_reviewed(case: Case, remote: Any) -> dict[str, Any]:
    """It is there. What it holds is another question: after a write without an answer nothing is agreed, now as before."""
    agreed = dict(case.link.ancestor) if case.link.may_land_until is None else {}
    link = dataclasses.replace(
        case.link, external_id=remote.ref.id, is_doubted=False, may_land_until=None, ancestor=agreed
    )
    changes = {"ancestor": agreed, **_whereabouts(case, remote)}
    return {"pushed_version": 0, **continued(case, link, losses=()), **changes}


def _whereabouts(case: Case, remote: RemoteContact) -> dict[str, Any]:
    """Return the new id of a contact that was merged: the answer to the old one names who lives on."""
    return {"external_id": remote.ref.id, "external_url": remote.url} if _is_elsewhere(case, remote) else {}


def _is_elsewhere(case: Case, remote: RemoteTask | RemoteContact | None) -> bool:
    known = case.link.external_id
    return isinstance(remote, RemoteContact) and remote.ref.id not in ("", known) and bool(known)


_SUCCESS: Mapping[type[Action], Callable[[Case, Any], dict[str, Any]]] = {
    Create: _created,
    Update: _updated,
    Complete: _completed,
    Reopen: _reopened,
    Delete: _deleted,
    DeleteRetired: _deleted_retired,
    Look: _looked,
    EstablishContact: _contact_established,
    UpdateContact: _contact_updated,
    ReviewContact: _contact_reviewed,
}
