"""What an outcome means for its link and its connection. Pure: facts in, columns and words out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from crmhub.models import SyncStatus
from crmhub.sync.failure import failed
from crmhub.sync.success import succeeded
from crmhub.sync.values import (
    Action,
    AwaitContact,
    Impossible,
    Local,
    Nothing,
    OutcomeUnknown,
    Recreate,
    WaitUntil,
)
from crmhub.sync.verdict import Case, Verdict, in_step, losses_of, new_generation, parked, released
from providers.errors import NotSent


def judge(case: Case) -> Verdict:
    """Return what the outcome of this case means."""
    if isinstance(case.action, Local):
        return _LOCAL[type(case.action)](case)
    answer = case.answer
    if answer is None:
        return failed(case, NotSent("The request was not sent."))
    if answer.error is None:
        return succeeded(case, answer.remote)
    return failed(case, answer.error)


def _nothing(case: Case) -> Verdict:
    assert isinstance(case.action, Nothing)
    changes = in_step(case, losses=(*losses_of(case), *case.action.losses), external_id=case.link.external_id)
    if case.link.may_land_until is not None:
        # Nothing is to be done about a write whose answer is not known; but nothing is agreed either.
        changes["ancestor"] = {}
    return Verdict(changes, decision=case.action.why)


def _wait(case: Case) -> Verdict:
    assert isinstance(case.action, WaitUntil)
    status = SyncStatus.PENDING if case.link.external_id else SyncStatus.UNKNOWN
    return Verdict(
        {**released(), "due_at": case.action.moment, "sync_status": status}, decision=case.action.why
    )


def _await_contact(case: Case) -> Verdict:
    assert isinstance(case.action, AwaitContact)
    changes = {
        **released(),
        "due_at": case.now if case.is_owed else None,
        "sync_status": SyncStatus.PENDING,
        "awaits_contact_id": case.action.contact_link_id,
        "last_error": case.action.why[:1000],
        "last_error_code": "awaits_contact",
    }
    return Verdict(changes, decision=case.action.why)


def _impossible(case: Case) -> Verdict:
    assert isinstance(case.action, Impossible)
    changes = parked(case, SyncStatus.FAILED, case.action.code, case.action.why)
    return Verdict({**changes, "awaits_contact_id": case.action.awaits}, decision=case.action.why)


def _outcome_unknown(case: Case) -> Verdict:
    label = case.capabilities.label
    why = (
        f"{label} gave no answer when the task was created, and cannot be asked. Look there, then send again."
    )
    return Verdict(parked(case, SyncStatus.UNKNOWN, "unconfirmed", why), decision=why)


def _recreate(case: Case) -> Verdict:
    assert isinstance(case.action, Recreate)
    return Verdict(new_generation(case, keep_old=True), decision=case.action.why)


_LOCAL: Mapping[type[Action], Callable[[Case], Verdict]] = {
    Nothing: _nothing,
    WaitUntil: _wait,
    AwaitContact: _await_contact,
    Impossible: _impossible,
    OutcomeUnknown: _outcome_unknown,
    Recreate: _recreate,
}
