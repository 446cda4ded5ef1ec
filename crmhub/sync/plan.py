"""Deciding what one link needs next. Pure: a state, a wish and the vendor's capabilities in, an action out.

One claim makes at most one write. What a task needs beyond that is found by planning again after the write is settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

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
    Look,
    Nothing,
    OutcomeUnknown,
    Recreate,
    Remote,
    Reopen,
    ReviewContact,
    Update,
    UpdateContact,
    WaitUntil,
    WantedContact,
    WantedTask,
)
from providers.capabilities import Capabilities, Level, Operation
from providers.projection import Loss
from providers.types import FIELDS, Field, Person, TaskDraft, TaskStatus

# Known to the vendor at creation only, or kept by the vendor itself.
NEVER_UPDATED = frozenset({Field.CREATED, Field.COMPLETED})
NOT_NEEDED = "The task is not wanted there."


def plan_link(
    link: LinkState,
    wanted: WantedTask | WantedContact,
    *,
    capabilities: Capabilities,
    settings: Mapping[str, object],
    switched_off: Mapping[str, str] | None = None,
    now: datetime,
) -> Action:
    """Return what to do with a link now, be it a task's or a contact's."""
    if isinstance(wanted, WantedContact):
        return plan_contact(link, wanted, capabilities=capabilities, now=now)
    return plan_task(
        link, wanted, capabilities=capabilities, settings=settings, switched_off=switched_off, now=now
    )


def plan_task(
    link: LinkState,
    wanted: WantedTask,
    *,
    capabilities: Capabilities,
    settings: Mapping[str, object],
    switched_off: Mapping[str, str] | None = None,
    now: datetime,
) -> Action:
    """Return what to do with a task's link now."""
    action = _resolve_unknown(link, capabilities, now=now) or _converge(
        _without_assumptions(link), wanted, capabilities, settings
    )
    if isinstance(action, Remote) and action.operation in (switched_off or {}):
        scope = (switched_off or {})[action.operation]
        return Impossible(
            f"Our credentials at {capabilities.label} may not {action.operation} tasks"
            + (f" (missing scope: {scope})." if scope else "."),
            code="forbidden",
        )
    return action


def _resolve_unknown(link: LinkState, can: Capabilities, *, now: datetime) -> Action | None:
    """Return what an unknown outcome asks for first; None when every write so far has a known answer or may be repeated."""
    if link.may_land_until is None:
        return None
    if now < link.may_land_until:
        return WaitUntil(link.may_land_until, "A request without an answer may still take effect.")
    if link.external_id or can.is_upsert:
        return None
    if not can.can_find:
        return OutcomeUnknown()
    if now < link.may_land_until + can.find_lag:
        return WaitUntil(link.may_land_until + can.find_lag, f"{can.label} may not show a new task yet.")
    return Look()


def _without_assumptions(link: LinkState) -> LinkState:
    """Return the link without an ancestor where a write has no answer: what is there now may be what was sent, or gone."""
    return link if link.may_land_until is None else replace(link, ancestor={})


def _converge(
    link: LinkState, wanted: WantedTask, can: Capabilities, settings: Mapping[str, object]
) -> Action:
    cancelled = str(settings.get("cancelled") or "complete") if wanted.is_cancelled else ""
    if wanted.is_deleted or cancelled == "delete":
        return _remove(link)
    if cancelled == "leave":
        return Nothing("Cancelled tasks are left as they are at this CRM.")
    if not link.external_id:
        return _bring(wanted, can, settings)
    # Strays first: a counterpart that is given up must be gone before another one can be.
    if (strays := _strays(link)) is not None:
        return strays
    if _has_moved(link, wanted, can):
        return Recreate("The task now belongs to another contact there.")
    return _follow(link, wanted, can)


def _remove(link: LinkState) -> Action:
    if link.external_id:
        return Delete()
    return _strays(link) or Nothing(NOT_NEEDED)


def _strays(link: LinkState) -> DeleteRetired | None:
    # A late worker may have reported as a stray what a look has adopted since; that one is not to be deleted.
    others = [ref for ref in link.retired if ref.id != link.external_id]
    return DeleteRetired(others[0]) if others else None


def _bring(wanted: WantedTask, can: Capabilities, settings: Mapping[str, object]) -> Action:
    is_lacking = lacks_parent(wanted.draft, can, settings)
    for contact in wanted.awaited:
        if contact.link_id and contact.is_coming and (is_lacking or not contact.has_failed):
            why = f"Waiting for the contact {contact.name} at {can.label}"
            return AwaitContact(contact.link_id, f"{why}: {contact.why}" if contact.why else f"{why}.")
    if is_lacking:
        return _without_parent(wanted, can)
    return Create()


def lacks_parent(draft: TaskDraft, can: Capabilities, settings: Mapping[str, object]) -> bool:
    """Return whether the CRM takes no task like this: it has none of the associations that it needs one of, nor what stands in."""
    if not can.needs_one_of or settings.get("default_parent"):
        return False
    return not any(getattr(draft, name) for name in can.needs_one_of) and not _is_named(draft, can, settings)


def _is_named(draft: TaskDraft, can: Capabilities, settings: Mapping[str, object]) -> bool:
    """Return whether the CRM is to look for the contact by the name that somebody typed."""
    names_are_sent = str(settings.get(can.parent_by_name) or "never") != "never"
    return bool(can.parent_by_name) and names_are_sent and bool(draft.contact_name.strip())


def _without_parent(wanted: WantedTask, can: Capabilities) -> Impossible:
    needs = one_of(can.needs_one_of)
    kept = [f"{contact.name}: {contact.why}" for contact in wanted.awaited if contact.why]
    because = f" ({'; '.join(kept)})" if kept else ""
    why = f"{can.label} takes no task without {needs}. Add one to the task{because}."
    return Impossible(why, awaits=next((one.link_id for one in wanted.awaited if one.link_id), None))


def one_of(names: Sequence[Field]) -> str:
    """Return these associations as a choice in words: "a contact, a deal or an event"."""
    *others, last = [_SINGULAR[name] for name in names]
    return " or ".join(filter(None, [", ".join(others), last]))


_SINGULAR = {
    Field.CONTACTS: "a contact",
    Field.COMPANIES: "a company",
    Field.DEALS: "a deal",
    Field.TICKETS: "a ticket",
    Field.EVENTS: "an event",
}


def _has_moved(link: LinkState, wanted: WantedTask, can: Capabilities) -> bool:
    if can.filed_under is None:
        return False
    parents = getattr(wanted.draft, can.filed_under)
    return bool(parents) and parents[0].ref.id != link.external_parent_id


def _follow(link: LinkState, wanted: WantedTask, can: Capabilities) -> Action:
    changed = differing(link, wanted, can)
    content = changed - {Field.STATUS}
    if not changed:
        return Nothing()
    if content and not can.closes_by_update:
        return Update(frozenset(content))
    if content or Field.STATUS not in changed:
        return Update(frozenset(changed))
    return _change_status(link, wanted, can)


def _change_status(link: LinkState, wanted: WantedTask, can: Capabilities) -> Action:
    if wanted.draft.status is TaskStatus.COMPLETED:
        return Complete()
    was_completed = link.ancestor.get(Field.STATUS, TaskStatus.COMPLETED) == TaskStatus.COMPLETED
    if can.closes_by_update and not (was_completed and wanted.draft.status is TaskStatus.OPEN):
        return Update(frozenset({Field.STATUS}))
    if not was_completed:
        return Nothing()
    if can.can(Operation.REOPEN):
        return Reopen()
    return Nothing(losses=(stays_completed(can),))


def stays_completed(can: Capabilities) -> Loss:
    """Return what is lost when a task is opened again at a CRM that cannot do so."""
    claim = can.operations.get(Operation.REOPEN)
    note = (claim.note if claim else "") or "cannot reopen a completed task: it stays completed there"
    return Loss(Field.STATUS, note)


def differing(link: LinkState, wanted: WantedTask, can: Capabilities) -> set[Field]:
    """Return the fields that the CRM can hold, can change, and does not hold as wanted."""
    values = wanted.values
    return {
        name
        for name in FIELDS
        if name not in NEVER_UPDATED
        and (name not in link.ancestor or not _is_same(link.ancestor[name], values[name]))
        and can.supports(name).level is not Level.NONE
        and not can.supports(name).is_fixed
    }


def _is_same(kept: object, value: object) -> bool:
    return (tuple(kept) if isinstance(kept, list) else kept) == value


def plan_contact(
    link: LinkState, wanted: WantedContact, *, capabilities: Capabilities, now: datetime
) -> Action:
    """Return what to do with a contact's link now."""
    if link.may_land_until is not None and now < link.may_land_until:
        return WaitUntil(link.may_land_until, "A request without an answer may still take effect.")
    if not link.external_id:
        return _bring_contact(link, wanted, capabilities, now=now)
    if link.is_doubted:
        return ReviewContact()
    link = _without_assumptions(link)
    if wanted.is_followed and person_values(wanted.person) != dict(link.ancestor):
        return UpdateContact()
    return Nothing()


def _bring_contact(link: LinkState, wanted: WantedContact, can: Capabilities, *, now: datetime) -> Action:
    if link.may_land_until is not None and now < link.may_land_until + can.find_lag:
        return WaitUntil(link.may_land_until + can.find_lag, f"{can.label} may not show a new contact yet.")
    if not wanted.person.email and not wanted.person.phone:
        return Impossible(
            "This contact has neither e-mail nor phone: it cannot be told from others of the same name there. Add one."
        )
    return EstablishContact()


def person_values(person: Person) -> dict[str, object]:
    """Return a contact's values as its link remembers them."""
    return {
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "company": person.company,
        "job_title": person.job_title,
    }
