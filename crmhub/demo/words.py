"""What a made-up task is made of, and the words in which its world names what each CRM must hold in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

CRMS = ("hubspot", "highlevel", "leadsquared", "leadlex")


@dataclass(frozen=True)
class Day:
    """A due day, counted from today."""

    days: int

    def on(self, today: date) -> date:
        """Return the day."""
        return today + timedelta(days=self.days)


@dataclass(frozen=True)
class At:
    """A due moment in UTC, its day counted from today."""

    days: int
    hour: int
    minute: int = 0

    def on(self, today: date) -> datetime:
        """Return the moment."""
        return datetime.combine(today + timedelta(days=self.days), time(self.hour, self.minute), UTC)


class Held(StrEnum):
    """How a CRM must hold a task in the end."""

    LIVE = "live"
    DELETED = "deleted"
    ABSENT = "absent"
    PARKED = "parked"


@dataclass(frozen=True)
class There:
    """What one CRM must hold: a live task of this status, a deleted one, none, or none and a link that is parked for this reason.

    `before` counts the deleted tasks that an earlier life of this one left there: it was restored, or filed anew under another contact.
    """

    held: Held = Held.LIVE
    status: str = "open"
    why: str = ""
    before: int = 0


Everywhere = Mapping[str, There]


def everywhere(**differs: There) -> Everywhere:
    """Return what each CRM must hold: an open task, where it is not said otherwise."""
    return {code: differs.get(code, There()) for code in CRMS}


def _status(hubspot: str, highlevel: str, leadsquared: str, leadlex: str) -> Everywhere:
    statuses = (hubspot, highlevel, leadsquared, leadlex)
    return {code: There(status=status) for code, status in zip(CRMS, statuses, strict=True)}


# HighLevel and LeadSquared know open and completed only; LeadLex also knows in progress.
OPEN = everywhere()
IN_PROGRESS = _status("in_progress", "open", "open", "in_progress")
WAITING = _status("waiting", "open", "open", "in_progress")
DEFERRED = _status("deferred", "open", "open", "open")
COMPLETED = _status("completed", "completed", "completed", "completed")
DELETED: Everywhere = {code: There(Held.DELETED) for code in CRMS}
# No CRM has cancelled tasks. Three connections complete them there; the one to LeadLex is set to delete them.
CANCELLED = {**COMPLETED, "leadlex": There(Held.DELETED)}
CANCELLED_AT_ONCE = {**COMPLETED, "leadlex": There(Held.ABSENT)}
# A task that was restored is a new one there: its deleted self stays behind.
RESTORED: Everywhere = {code: There(before=1) for code in CRMS}
# LeadSquared cannot open a completed task again.
REOPENED = everywhere(leadsquared=There(status="completed"))

NO_CONTACT = There(Held.PARKED, why="takes no task without a contact")
NO_PARENT = There(Held.PARKED, why="takes no task without a contact, a deal or an event")


def without_contact(there: Everywhere) -> Everywhere:
    """Return the same, but HighLevel, which files tasks under a contact, has none."""
    return {**there, "highlevel": NO_CONTACT}


def without_parent(there: Everywhere) -> Everywhere:
    """Return the same, but neither HighLevel nor LeadLex has it: there is nothing to file it under."""
    return {**there, "highlevel": NO_CONTACT, "leadlex": NO_PARENT}


def filed_anew(there: Everywhere) -> Everywhere:
    """Return the same, but HighLevel had to make it anew under another contact."""
    return {**there, "highlevel": replace(there["highlevel"], before=1)}


@dataclass(frozen=True)
class Story:
    """One task: how it is saved first, what happens to it once the CRMs have it, and what each must hold in the end.

    `contacts` and `records` are keys of `people`. `remind` and `lasts` are minutes before and after the due moment, `age` days since it
    was made. `then` is one of complete, reopen, delete, restore (deleted and taken back), cancel, or "" for nothing; `edit` are new
    values for fields, `moved_to` its contacts from then on.
    """

    title: str
    there: Everywhere = field(default_factory=everywhere)
    body: str = ""
    status: str = "open"
    priority: str = "none"
    type: str = "todo"
    due: Day | At | None = None
    lasts: int | None = None
    remind: int | None = None
    notify: bool = False
    assignee: str = ""
    queue: str = ""
    location: str = ""
    contacts: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    typed: tuple[str, str] = ("", "")
    age: int = 0
    then: str = ""
    edit: Mapping[str, str] = field(default_factory=dict)
    moved_to: tuple[str, ...] = ()

    @property
    def last_title(self) -> str:
        """Return the title in the end."""
        return self.edit.get("title", self.title)

    @property
    def last_body(self) -> str:
        """Return the body in the end."""
        return self.edit.get("body", self.body)

    @property
    def last_contacts(self) -> tuple[str, ...]:
        """Return the contacts in the end."""
        return self.moved_to or self.contacts
