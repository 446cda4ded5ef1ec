"""What an outcome means for its link and its connection. Pure: facts in, columns and words out.

The table of outcomes is `_ON_ERROR`; what waits and what ends the wait stands in each of its functions.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from crmhub.models import Lane, SyncStatus
from crmhub.sync.backoff import is_time_to_park, wait_after
from crmhub.sync.perform import Answered
from crmhub.sync.plan import person_values, plan_contact, plan_task
from crmhub.sync.values import (
    Action,
    AwaitContact,
    Complete,
    Create,
    Delete,
    DeleteRetired,
    EstablishContact,
    Impossible,
    LinkState,
    Local,
    Look,
    Nothing,
    OutcomeUnknown,
    Recreate,
    Remote,
    Reopen,
    Update,
    UpdateContact,
    WaitUntil,
    WantedContact,
    WantedTask,
)
from crmhub.sync.verify import effects
from providers.capabilities import Capabilities, Loss
from providers.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    NotFound,
    NotSent,
    Permanent,
    ProviderError,
    RateLimited,
    Transient,
    Unauthorized,
    Unconfirmed,
    Unsupported,
)
from providers.types import Field, RemoteContact, RemoteTask, TaskStatus, canonical

STARTS_FROM_SCHEDULE = timedelta(seconds=1)  # a link given back is not due at once, or its worker would spin on it


@dataclass(frozen=True)
class Case:
    """All that a verdict is made from. `is_owed` says that the task changed since it was read, or is owed for another reason.

    `previous_mark` is `may_land_until` as it was before this claim; `mark` as this claim set it (None: it set none). `ended_at` is when the call was over,
    by the database's clock.
    """

    link: LinkState
    wanted: WantedTask | WantedContact
    action: Action
    answer: Answered | None
    is_owed: bool
    previous_mark: datetime | None
    mark: datetime | None
    first_failed_at: datetime | None
    ended_at: datetime
    now: datetime
    capabilities: Capabilities
    settings: Mapping[str, object]
    switched_off: Mapping[str, str]
    landing: timedelta
    contacts_are_followed: bool = False
    chance: random.Random | None = None


@dataclass(frozen=True)
class Verdict:
    """What to write. `changes` are columns of the link; `outcome`, `detail` and `decision` go into the attempt.

    The rest concerns the connection: whether the vendor answered, was unwell, wants to be left alone, refused our credentials, or an operation.
    `contact_moved`: a contact arrived there or failed to, so the tasks that point at it are to be looked at again.
    """

    changes: Mapping[str, Any]
    outcome: str = "ok"
    detail: str = ""
    decision: str = ""
    is_well: bool = False
    is_unwell: bool = False
    leave_alone_for: timedelta | None = None
    refused_credentials: bool = False
    lacks_scope: Mapping[str, str] = field(default_factory=dict)
    contact_moved: bool = False


def judge(case: Case) -> Verdict:
    """Return what the outcome of this case means."""
    if isinstance(case.action, Local):
        return _LOCAL[type(case.action)](case)
    answer = case.answer
    if answer is None:
        return _not_sent(case, NotSent("The request was not sent."))
    if answer.error is None:
        return _succeeded(case, answer.remote)
    for kind, meaning in _ON_ERROR:
        if isinstance(answer.error, kind):
            return meaning(case, answer.error)
    return _may_pass(case, answer.error)


# What ends a claim without a call


def _nothing(case: Case) -> Verdict:
    assert isinstance(case.action, Nothing)
    losses = (*_losses(case), *case.action.losses)
    return Verdict(_in_step(case, losses=losses, external_id=case.link.external_id), decision=case.action.why)


def _wait(case: Case) -> Verdict:
    assert isinstance(case.action, WaitUntil)
    status = SyncStatus.PENDING if case.link.external_id else SyncStatus.UNKNOWN
    return Verdict(
        {**_released(), "due_at": case.action.moment, "sync_status": status}, decision=case.action.why
    )


def _await_contact(case: Case) -> Verdict:
    assert isinstance(case.action, AwaitContact)
    changes = {
        **_released(),
        "due_at": case.now if case.is_owed else None,
        "sync_status": SyncStatus.PENDING,
        "awaits_contact_id": case.action.contact_link_id,
        "last_error": case.action.why[:1000],
        "last_error_code": "awaits_contact",
    }
    return Verdict(changes, decision=case.action.why)


def _impossible(case: Case) -> Verdict:
    assert isinstance(case.action, Impossible)
    return Verdict(_parked(case, SyncStatus.FAILED, "impossible", case.action.why), decision=case.action.why)


def _outcome_unknown(case: Case) -> Verdict:
    label = case.capabilities.label
    why = f"{label} gave no answer when the task was created, and cannot be asked. Look there, then send again."
    return Verdict(_parked(case, SyncStatus.UNKNOWN, "unconfirmed", why), decision=why)


def _recreate(case: Case) -> Verdict:
    assert isinstance(case.action, Recreate)
    return Verdict(_new_generation(case, keep_old=True), decision=case.action.why)


_LOCAL: Mapping[type[Action], Callable[[Case], Verdict]] = {
    Nothing: _nothing,
    WaitUntil: _wait,
    AwaitContact: _await_contact,
    Impossible: _impossible,
    OutcomeUnknown: _outcome_unknown,
    Recreate: _recreate,
}


# Success


def _succeeded(case: Case, remote: RemoteTask | RemoteContact | None) -> Verdict:
    changes = _SUCCESS[type(case.action)](case, remote)
    # A contact that was established may have been there before: what it holds is not known, so it was not written.
    moved = isinstance(case.action, EstablishContact)
    return Verdict(changes, is_well=True, contact_moved=moved, decision=_what_next(changes))


def _what_next(changes: Mapping[str, Any]) -> str:
    if changes.get("due_at") is not None:
        return "More is to be sent."
    return "In step." if changes.get("sync_status") == SyncStatus.IN_SYNC else ""


def _created(case: Case, remote: Any) -> dict[str, Any]:
    return _written(case, remote, asked=frozenset(Field), is_new=True)


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
    is_new: bool = False,
    status: TaskStatus | None = None,
) -> dict[str, Any]:
    assert isinstance(case.wanted, WantedTask)
    values = canonical(case.wanted.draft)
    agreed: dict[str, Any] = dict(case.link.ancestor)
    agreed.update({str(name): values[name] for name in Field if name in asked})
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
    seen = effects(case.wanted.draft, remote, asked=asked, capabilities=case.capabilities)
    changes = {
        "external_id": link.external_id,
        "external_parent_id": link.external_parent_id,
        "ancestor": agreed,
        "last_write_at": case.ended_at,
    }
    if remote.url:
        changes["external_url"] = remote.url
    return {**_continued(case, link, losses=(*_losses(case), *seen)), **changes}


def _continued(case: Case, link: LinkState, *, losses: tuple[Loss, ...]) -> dict[str, Any]:
    """Return the columns after a success: in step, or due again when planning finds something left to do."""
    left = _plan_again(case, link)
    if isinstance(left, Nothing):
        return _in_step(case, losses=(*losses, *left.losses), external_id=link.external_id)
    return {
        **_released(),
        **_forgiven(),
        **_answered(),
        "due_at": case.now,
        "sync_status": SyncStatus.PENDING,
        "last_success_at": case.now,
    }


def _plan_again(case: Case, link: LinkState) -> Action:
    if isinstance(case.wanted, WantedTask):
        return plan_task(
            link,
            case.wanted,
            capabilities=case.capabilities,
            settings=case.settings,
            switched_off=case.switched_off,
            now=case.now,
        )
    return plan_contact(link, case.wanted, capabilities=case.capabilities, now=case.now)


def _deleted(case: Case, remote: Any) -> dict[str, Any]:
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
    return {**_continued(case, link, losses=()), **changes}


def _deleted_retired(case: Case, remote: Any) -> dict[str, Any]:
    assert isinstance(case.action, DeleteRetired)
    gone = case.action.ref.id
    left = tuple(ref for ref in case.link.retired if ref.id != gone)
    link = dataclasses.replace(case.link, retired=left, may_land_until=None)
    retired = [{"id": ref.id, "parent_id": ref.parent_id} for ref in left]
    return {**_continued(case, link, losses=_losses(case)), "retired": retired, "last_write_at": case.ended_at}


def _looked(case: Case, remote: Any) -> dict[str, Any]:
    """What landed may be an older version, so what is found is owed an update; what is not found, a create."""
    found = {**_released(), **_answered(), "ancestor": {}, "due_at": case.now, "sync_status": SyncStatus.PENDING}
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
    changes = {"external_id": remote.ref.id, "external_url": remote.url, "candidates": [], "last_write_at": case.ended_at}
    return {**_continued(case, link, losses=()), **changes}


def _contact_updated(case: Case, remote: Any) -> dict[str, Any]:
    assert isinstance(case.wanted, WantedContact)
    values = person_values(case.wanted)
    link = dataclasses.replace(case.link, ancestor=values, may_land_until=None)
    return {**_continued(case, link, losses=()), "ancestor": values, "last_write_at": case.ended_at}


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
}


# Errors


def _not_sent(case: Case, error: ProviderError) -> Verdict:
    """Nothing went out: the claim is given back for when its slot comes, and nothing is counted."""
    wait = case.answer.ask_again_in if case.answer and case.answer.ask_again_in else 0.0
    changes = {**_given_back(case), "due_at": case.now + max(timedelta(seconds=wait), STARTS_FROM_SCHEDULE)}
    return Verdict(changes, outcome=error.code, detail=error.detail, decision="Given back until its slot comes.")


def _rate_limited(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, RateLimited)
    wait = timedelta(seconds=error.retry_after)
    changes = {**_given_back(case), "due_at": case.now + wait, "last_error": error.detail, "last_error_code": error.code}
    decision = f"The whole account is left alone for {error.retry_after:.0f} s."
    return Verdict(
        changes, outcome=error.code, detail=error.detail, decision=decision, leave_alone_for=wait
    )


def _unauthorized(case: Case, error: ProviderError) -> Verdict:
    changes = {**_given_back(case), "due_at": case.now, "last_error": error.detail, "last_error_code": error.code}
    decision = "Waits until somebody renews the credentials of this connection."
    return Verdict(changes, outcome=error.code, detail=error.detail, decision=decision, refused_credentials=True)


def _forbidden(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, Forbidden) and isinstance(case.action, Remote)
    verdict = _refused(case, error)
    return dataclasses.replace(verdict, lacks_scope={str(case.action.operation): error.scope})


def _unconfirmed(case: Case, error: ProviderError) -> Verdict:
    """The write may have landed: nothing is repeated before it is known, or can no longer happen."""
    if isinstance(case.action, Look):
        return _may_pass(case, error)
    # The mark may be drawn in to the end of the call plus the landing time, never counted from its start.
    mark = min(case.mark or case.now, case.ended_at + case.landing)
    due = mark + case.capabilities.find_lag if not case.link.external_id else mark
    failures = case.link.failures + 1
    due = max(due, case.now + wait_after(failures, chance=case.chance)) if failures > 1 else due
    changes = {
        **_released(),
        **_counted(case, error),
        "may_land_until": mark,
        "due_at": due,
        "sync_status": SyncStatus.PENDING if case.link.external_id else SyncStatus.UNKNOWN,
    }
    decision = "Will look whether it landed, then go on." if not case.link.external_id else "Will be sent again."
    if is_time_to_park(case.first_failed_at, now=case.now):
        changes = {**_parked(case, SyncStatus.UNKNOWN, error.code, error.detail), "may_land_until": mark}
        decision = "Tried for a day: a person should look."
    return Verdict(changes, error.code, error.detail, decision, is_unwell=True, contact_moved=_is_contact(case))


def _may_pass(case: Case, error: ProviderError) -> Verdict:
    """Nothing landed and it may pass by itself: back-off, and after a day a person is asked."""
    failures = case.link.failures + 1
    changes = {
        **_released(),
        **_counted(case, error),
        **_mark_before(case),
        "due_at": case.now + wait_after(failures, chance=case.chance),
        "sync_status": SyncStatus.PENDING,
        "lane": Lane.RETRY,
    }
    decision = "Will be tried again."
    if is_time_to_park(case.first_failed_at, now=case.now):
        changes = _parked(case, SyncStatus.FAILED, error.code, error.detail)
        decision = "Tried for a day: a person should look."
    if case.is_owed:
        changes = {**changes, "due_at": case.now, "lane": Lane.INTERACTIVE}
    return Verdict(changes, error.code, error.detail, decision, is_unwell=True, contact_moved=_is_contact(case))


def _not_found(case: Case, error: ProviderError) -> Verdict:
    if isinstance(case.action, Create | EstablishContact | Look):
        return _refused(case, _explained(case, error))
    if _is_too_young(case):
        return _may_pass(case, error)
    if isinstance(case.action, Delete | DeleteRetired):
        return _succeeded(case, None)
    if case.settings.get("gone_there") == "recreate" or case.link.deletion_sent:
        return Verdict(
            _new_generation(case, keep_old=False), error.code, error.detail, "Deleted there: it is made anew."
        )
    why = f"It was deleted at {case.capabilities.label}. Send it again to make it anew, or keep it out of this CRM."
    return Verdict(_parked(case, SyncStatus.GONE, error.code, why), error.code, error.detail, why, is_well=True)


def _is_too_young(case: Case) -> bool:
    """Return whether our own last write is so recent that the vendor may not show it yet."""
    written = case.link.last_write_at
    return written is not None and case.ended_at - written <= case.capabilities.find_lag


def _explained(case: Case, error: ProviderError) -> ProviderError:
    if not isinstance(case.action, EstablishContact) or not isinstance(case.wanted, WantedContact):
        return error
    if case.wanted.may_create:
        return error
    return NotFound(
        f"{case.capabilities.label} has no contact with this e-mail or phone, and this connection only looks contacts up."
    )


def _conflict(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, Conflict)
    if error.existing_id and isinstance(case.action, Create | EstablishContact):
        changes = {
            **_released(),
            **_answered(),
            "external_id": error.existing_id,
            "ancestor": {},
            "due_at": case.now,
            "sync_status": SyncStatus.PENDING,
        }
        return Verdict(changes, error.code, error.detail, "It is there already: it is adopted.", is_well=True)
    if case.link.failures == 0:
        return _may_pass(case, error)
    return _refused(case, error, status=SyncStatus.CONFLICT)


def _ambiguous(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, Ambiguous)
    verdict = _refused(case, error)
    candidates = [
        {"id": one.ref.id, "name": one.person.name, "email": one.person.email, "phone": one.person.phone, "url": one.url}
        for one in error.candidates
    ]
    if not isinstance(case.wanted, WantedContact):
        return verdict
    return dataclasses.replace(verdict, changes={**verdict.changes, "candidates": candidates})


def _unsupported(case: Case, error: ProviderError) -> Verdict:
    """The CRM has no word for it: said once as a loss, and left out from then on."""
    if isinstance(case.action, Create | EstablishContact | Look) or not isinstance(case.wanted, WantedTask):
        return _refused(case, error)
    changed = case.action.changed if isinstance(case.action, Update) else frozenset({Field.STATUS})
    values = canonical(case.wanted.draft)
    agreed = {**case.link.ancestor, **{str(name): values[name] for name in changed}}
    link = dataclasses.replace(case.link, ancestor=agreed, may_land_until=None)
    said = tuple(Loss(name, error.detail) for name in Field if name in changed)
    changes = {**_continued(case, link, losses=(*_losses(case), *said)), "ancestor": agreed}
    return Verdict(changes, error.code, error.detail, "Left out from now on.", is_well=True)


def _refused(case: Case, error: ProviderError, *, status: SyncStatus = SyncStatus.FAILED) -> Verdict:
    changes = _parked(case, status, error.code, error.detail)
    decision = "Sent again with the newer version." if case.is_owed else "Parked until the task or the account changes."
    return Verdict(
        changes, error.code, error.detail, decision, is_well=True, contact_moved=_is_contact(case)
    )


# Asked from the top; the more special kinds stand before the more general ones.
_ON_ERROR: tuple[tuple[type[ProviderError], Callable[[Case, ProviderError], Verdict]], ...] = (
    (NotSent, _not_sent),
    (RateLimited, _rate_limited),
    (Transient, _may_pass),
    (Unconfirmed, _unconfirmed),
    (Unauthorized, _unauthorized),
    (Forbidden, _forbidden),
    (NotFound, _not_found),
    (Conflict, _conflict),
    (Ambiguous, _ambiguous),
    (Unsupported, _unsupported),
    (Permanent, _refused),
)


# Columns


def _released() -> dict[str, Any]:
    return {"claim_token": None, "claimed_at": None, "owed_again": False, "lapses": 0}


def _forgiven() -> dict[str, Any]:
    return {"failures": 0, "first_failed_at": None, "last_error": "", "last_error_code": ""}


def _answered() -> dict[str, Any]:
    return {"may_land_until": None, "deletion_sent": False}


def _mark_before(case: Case) -> dict[str, Any]:
    return {"may_land_until": case.previous_mark, "deletion_sent": case.link.deletion_sent}


def _given_back(case: Case) -> dict[str, Any]:
    return {**_released(), **_mark_before(case)}


def _counted(case: Case, error: ProviderError) -> dict[str, Any]:
    return {
        "failures": case.link.failures + 1,
        "first_failed_at": case.first_failed_at or case.now,
        "last_error": error.detail[:1000],
        "last_error_code": error.code,
    }


def _in_step(case: Case, *, losses: tuple[Loss, ...], external_id: str) -> dict[str, Any]:
    changes: dict[str, Any] = {
        **_released(),
        **_forgiven(),
        **_answered(),
        "pushed_version": case.wanted.version,
        "due_at": case.now if case.is_owed else None,
        "sync_status": SyncStatus.PENDING if case.is_owed else SyncStatus.IN_SYNC,
        "last_success_at": case.now,
        "losses": [{"field": str(loss.field), "note": loss.note} for loss in losses],
    }
    if isinstance(case.wanted, WantedTask):
        # A contact that is still to come would be added to the task: its arrival owes a push.
        coming = [one.link_id for one in case.wanted.awaited if one.link_id] if external_id else []
        changes["awaits_contact_id"] = coming[0] if coming else None
    return changes


def _parked(case: Case, status: SyncStatus, code: str, why: str) -> dict[str, Any]:
    """Park, unless a newer version has arrived meanwhile: that one is tried."""
    return {
        **_released(),
        **_mark_before(case),
        "due_at": case.now if case.is_owed else None,
        "sync_status": SyncStatus.PENDING if case.is_owed else status,
        "last_error": why[:1000],
        "last_error_code": code,
        "failures": case.link.failures + 1,
    }


def _new_generation(case: Case, *, keep_old: bool) -> dict[str, Any]:
    retired = [{"id": ref.id, "parent_id": ref.parent_id} for ref in case.link.retired]
    if keep_old and case.link.external_id:
        retired.append({"id": case.link.external_id, "parent_id": case.link.external_parent_id})
    return {
        **_released(),
        **_answered(),
        "external_id": "",
        "external_parent_id": "",
        "external_url": "",
        "generation": case.link.generation + 1,
        "ancestor": {},
        "retired": retired,
        "last_write_at": None,
        "due_at": case.now,
        "sync_status": SyncStatus.PENDING,
    }


def _losses(case: Case) -> tuple[Loss, ...]:
    return case.wanted.losses if isinstance(case.wanted, WantedTask) else ()


def _is_contact(case: Case) -> bool:
    return isinstance(case.wanted, WantedContact)
