"""What an error means: what waits and what ends the wait. The table at the end is the whole retry policy."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import timedelta

from crmhub.models import Lane, SyncStatus
from crmhub.sync.backoff import is_time_to_park, wait_after
from crmhub.sync.success import continued, succeeded
from crmhub.sync.values import (
    Complete,
    Create,
    Delete,
    DeleteRetired,
    EstablishContact,
    Look,
    Remote,
    Reopen,
    ReviewContact,
    Update,
    WantedContact,
    WantedTask,
)
from crmhub.sync.verdict import (
    Case,
    Verdict,
    answered,
    counted,
    given_back,
    is_missing_contact,
    losses_of,
    mark_before,
    new_generation,
    parked,
    released,
)
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
from providers.projection import Loss
from providers.types import Candidate, Field, RemoteRecord

NOT_AT_ONCE = timedelta(seconds=1)  # a link given back is not due at once, or its worker would spin on it


def failed(case: Case, error: ProviderError) -> Verdict:
    """Return what this error means for the link and its connection."""
    for kind, meaning in _ON_ERROR:
        if isinstance(error, kind):
            return meaning(case, error)
    return _may_pass(case, error)


def _not_sent(case: Case, error: ProviderError) -> Verdict:
    """Nothing went out: the claim is given back for when its slot comes, and nothing is counted."""
    wait = case.answer.ask_again_in if case.answer and case.answer.ask_again_in else 0.0
    changes = {**given_back(case), "due_at": case.now + max(timedelta(seconds=wait), NOT_AT_ONCE)}
    return Verdict(
        changes, outcome=error.code, detail=error.detail, decision="Given back until its slot comes."
    )


def _rate_limited(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, RateLimited)
    wait = timedelta(seconds=error.retry_after)
    changes = {
        **given_back(case),
        "due_at": case.now + wait,
        "last_error": error.detail,
        "last_error_code": error.code,
    }
    decision = f"The whole account is left alone for {error.retry_after:.0f} s."
    return Verdict(changes, outcome=error.code, detail=error.detail, decision=decision, leave_alone_for=wait)


def _unauthorized(case: Case, error: ProviderError) -> Verdict:
    changes = {
        **given_back(case),
        "due_at": case.now,
        "last_error": error.detail,
        "last_error_code": error.code,
    }
    decision = (
        "Sent again with renewed credentials."
        if case.is_renewed
        else "Waits until somebody renews the credentials of this connection."
    )
    return Verdict(
        changes, outcome=error.code, detail=error.detail, decision=decision, refused_credentials=True
    )


def _forbidden(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, Forbidden)
    assert isinstance(case.action, Remote)
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
        **released(),
        **counted(case, error),
        "may_land_until": mark,
        "due_at": due,
        "sync_status": SyncStatus.PENDING if case.link.external_id else SyncStatus.UNKNOWN,
    }
    decision = (
        "Will look whether it landed, then go on." if not case.link.external_id else "Will be sent again."
    )
    if is_time_to_park(case.first_failed_at, case.link.failures, now=case.now):
        changes = {**parked(case, SyncStatus.UNKNOWN, error.code, error.detail), "may_land_until": mark}
        decision = "Tried for a day: a person should look."
    return Verdict(
        changes, error.code, error.detail, decision, is_unwell=True, contact_moved=is_missing_contact(case)
    )


def _may_pass(case: Case, error: ProviderError) -> Verdict:
    """Nothing landed and it may pass by itself: back-off, and after a day a person is asked."""
    failures = case.link.failures + 1
    changes = {
        **released(),
        **counted(case, error),
        **mark_before(case),
        "due_at": case.now + wait_after(failures, chance=case.chance),
        "sync_status": SyncStatus.PENDING,
        "lane": Lane.RETRY,
    }
    decision = "Will be tried again."
    if is_time_to_park(case.first_failed_at, case.link.failures, now=case.now):
        changes = parked(case, SyncStatus.FAILED, error.code, error.detail)
        decision = "Tried for a day: a person should look."
    if case.is_owed:
        changes = {**changes, "due_at": case.now, "lane": Lane.INTERACTIVE}
    return Verdict(
        changes, error.code, error.detail, decision, is_unwell=True, contact_moved=is_missing_contact(case)
    )


def _not_found(case: Case, error: ProviderError) -> Verdict:
    if isinstance(case.action, Create | EstablishContact | Look):
        return _refused(case, _explained(case, error))
    if _is_too_young(case):
        return _may_pass(case, error)
    if isinstance(case.action, Delete | DeleteRetired):
        return succeeded(case, None)
    if case.settings.get("gone_there") == "recreate" or case.link.deletion_sent:
        return Verdict(
            new_generation(case, keep_old=False), error.code, error.detail, "Deleted there: it is made anew."
        )
    again = (
        "Send the contact again to make it anew there."
        if isinstance(case.wanted, WantedContact)
        else "Send it again to make it anew, or keep it out of this CRM."
    )
    why = f"It was deleted at {case.capabilities.label}. {again}"
    changes = parked(case, SyncStatus.GONE, error.code, why)
    if not isinstance(case.action, ReviewContact):
        return Verdict(changes, error.code, error.detail, why, is_well=True)
    nowhere = {"external_id": "", "external_url": "", "ancestor": {}}
    return Verdict({**changes, **nowhere}, error.code, error.detail, why, is_well=True, contact_moved=True)


def _is_too_young(case: Case) -> bool:
    """Return whether our own last write is so recent that the vendor may not show it yet."""
    written = case.link.last_write_at
    return written is not None and case.sent_at - written <= case.capabilities.find_lag


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
            **released(),
            **answered(),
            "external_id": error.existing_id,
            "ancestor": {},
            "due_at": case.now,
            "sync_status": SyncStatus.PENDING,
        }
        return Verdict(
            changes,
            error.code,
            error.detail,
            "It is there already: it is adopted.",
            is_well=True,
            contact_moved=is_missing_contact(case),
        )
    if case.link.failures == 0:
        return dataclasses.replace(_may_pass(case, error), is_well=True, is_unwell=False)
    return _refused(case, error, status=SyncStatus.CONFLICT)


def _ambiguous(case: Case, error: ProviderError) -> Verdict:
    assert isinstance(error, Ambiguous)
    verdict = _refused(case, error)
    candidates = [_told(one) for one in error.candidates]
    return dataclasses.replace(verdict, changes={**verdict.changes, "candidates": candidates})


def _told(one: Candidate) -> dict[str, str]:
    """Return a candidate as its link keeps it, for a person to choose from."""
    if isinstance(one, RemoteRecord):
        return {"kind": str(one.kind), "id": one.ref.id, "name": one.name, "url": one.url}
    person = one.person
    return {
        "kind": "contact",
        "id": one.ref.id,
        "name": person.name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "url": one.url,
    }


def _unsupported(case: Case, error: ProviderError) -> Verdict:
    """The CRM has no word for it: said once as a loss, and left out from then on."""
    kept = Update | Complete | Reopen
    if not isinstance(case.action, kept) or not isinstance(case.wanted, WantedTask):
        return _refused(case, error)
    changed = case.action.changed if isinstance(case.action, Update) else frozenset({Field.STATUS})
    values = case.wanted.values
    agreed = {**case.link.ancestor, **{str(name): values[name] for name in changed}}
    link = dataclasses.replace(case.link, ancestor=agreed, may_land_until=None)
    said = tuple(Loss(name, error.detail) for name in Field if name in changed)
    changes = {**continued(case, link, losses=(*losses_of(case), *said)), "ancestor": agreed}
    return Verdict(changes, error.code, error.detail, "Left out from now on.", is_well=True)


def _refused(case: Case, error: ProviderError, *, status: SyncStatus = SyncStatus.FAILED) -> Verdict:
    changes = parked(case, status, error.code, error.detail)
    decision = (
        "Sent again with the newer version."
        if case.is_owed
        else "Parked until the task or the account changes."
    )
    return Verdict(
        changes, error.code, error.detail, decision, is_well=True, contact_moved=is_missing_contact(case)
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
