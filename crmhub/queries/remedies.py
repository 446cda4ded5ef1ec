"""The failure catalogue: what each reason for not being in step means, what is to be done about it, and by which button.

One table for the task page, the attempt's page, the API and `doctor`; docs/failures.md shows it, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Q

from crmhub.models import Attempt, PushedLink, SyncStatus
from crmhub.queries.sync import Standing, standing
from providers import errors
from providers.errors import ProviderError


class Act(StrEnum):
    """What a person does about it; the value is the API's word."""

    NOTHING = "nothing"
    SEND_AGAIN = "send_again"
    TEST_CONNECTION = "check_connection"
    REAUTHORISE = "reauthorise"
    CHOOSE_CONTACT = "choose_contact"
    MATCH = "match"
    EDIT_TASK = "edit_task"

    @property
    def button(self) -> str:
        """Return what is on the button, "" where there is none to press."""
        return _BUTTONS[self]


_BUTTONS = {
    Act.NOTHING: "",
    Act.SEND_AGAIN: "Send again",
    Act.TEST_CONNECTION: "Test connection",
    Act.REAUTHORISE: "Renew the credentials",
    Act.CHOOSE_CONTACT: "Choose the contact",
    Act.MATCH: "Say which one it is",
    Act.EDIT_TASK: "Edit the task",
}


@dataclass(frozen=True)
class Remedy:
    """One row of the catalogue. `kind` is the error behind it, None for a reason of the hub's own."""

    code: str
    kind: type[ProviderError] | None
    means: str
    remedy: str
    act: Act


# By the code of an error, or of what parked the link.
CATALOGUE: tuple[Remedy, ...] = (
    Remedy(
        "transient",
        errors.Transient,
        "The CRM or the way to it was unwell; nothing arrived there.",
        "It is tried again by itself. After a day of that it waits for you: look whether the CRM works, then send again.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "rate_limited",
        errors.RateLimited,
        "The account was over the CRM's limit; nothing arrived there.",
        "It goes on by itself when the CRM allows it.",
        Act.NOTHING,
    ),
    Remedy(
        "not_sent",
        errors.NotSent,
        "It was not sent: its turn in the rate of this account had not come.",
        "It goes on by itself.",
        Act.NOTHING,
    ),
    Remedy(
        "unconfirmed",
        errors.Unconfirmed,
        "It was sent and no answer came, so it may be there already.",
        "Look in the CRM: if it is not there, send again; if it is, keep it out or delete one.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "permanent",
        errors.Permanent,
        "The CRM, or the hub before it, refused this for good.",
        "Put right what is said here, test the connection, then send again.",
        Act.TEST_CONNECTION,
    ),
    Remedy(
        "rejected",
        errors.Rejected,
        "The CRM refused what is in it.",
        "Change what the CRM refused and save the task; it is sent again by itself.",
        Act.EDIT_TASK,
    ),
    Remedy(
        "unauthorized",
        errors.Unauthorized,
        "The CRM does not accept the credentials of the connection.",
        "Renew the credentials of the connection; everything that waits is sent then.",
        Act.REAUTHORISE,
    ),
    Remedy(
        "forbidden",
        errors.Forbidden,
        "Our credentials may not do this there.",
        "Grant our credentials the missing right at the CRM, then test the connection and send again.",
        Act.TEST_CONNECTION,
    ),
    Remedy(
        "not_found",
        errors.NotFound,
        "The CRM does not have what this is about.",
        "Send again to make it anew there, or keep the task out of this CRM.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "conflict",
        errors.Conflict,
        "Something else there is in the way.",
        "Look at the other one there, then send again to bring ours there.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "ambiguous",
        errors.Ambiguous,
        "Several there fit.",
        "Several there fit: choose the right one, on the contact's page, or on the task's where a name was typed.",
        Act.CHOOSE_CONTACT,
    ),
    Remedy(
        "unsupported",
        errors.Unsupported,
        "This CRM has no way to do that.",
        "This CRM has no way to do that. Keep the task out of it, or leave it as it is.",
        Act.NOTHING,
    ),
    Remedy(
        "impossible",
        None,
        "The task cannot be sent as it is.",
        "Add what is missing and save the task; it is sent again by itself.",
        Act.EDIT_TASK,
    ),
    Remedy(
        "awaits_contact",
        None,
        "The contact is not at the CRM yet.",
        "Put the contact right: the task goes out as soon as it is there.",
        Act.CHOOSE_CONTACT,
    ),
    Remedy(
        "taken",
        None,
        "The one there belongs to another one here.",
        "Merge the two here, or change this one; then send again.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "stops_its_worker",
        None,
        "Workers stopped again and again while they sent this.",
        "Tell whoever runs the hub; once the cause is found, send again.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "unmatched",
        None,
        "It may be there already, as one of several that are alike or under a key that nobody knows.",
        "Say which one it is. If it is none of them, send again: it is looked for once more, then made there.",
        Act.MATCH,
    ),
    Remedy(
        "missing",
        None,
        "It should be there, and was not found when the links were rebuilt.",
        "If it is to be there, send again: it is looked for once more, then made. If not, keep it out.",
        Act.SEND_AGAIN,
    ),
    Remedy(
        "differs",
        None,
        "It was found there, and is another one there than here.",
        "Send again to bring ours there, or change ours to what is there.",
        Act.SEND_AGAIN,
    ),
)
BY_CODE = {row.code: row for row in CATALOGUE}

# What a link's sync status says goes before the code of its last error.
BY_STATUS: dict[str, Remedy] = {
    SyncStatus.UNKNOWN: Remedy(
        "unknown",
        errors.Unconfirmed,
        "No answer came, so it may be there already.",
        "No answer came, so it may be there already. Look in the CRM: if it is not there, send again; if it is, keep it out or delete one.",
        Act.SEND_AGAIN,
    ),
    SyncStatus.GONE: Remedy(
        "gone",
        errors.NotFound,
        "It was deleted there.",
        "It was deleted there. Send again to make it anew, or keep the task out of this CRM.",
        Act.SEND_AGAIN,
    ),
    SyncStatus.CONFLICT: Remedy(
        "conflict",
        errors.Conflict,
        "It was changed there as well.",
        "It was changed there as well. Send again to bring our side there.",
        Act.SEND_AGAIN,
    ),
}
OTHERWISE = Remedy(
    "other",
    None,
    "It is not in step.",
    "Put right what is said here and save, or send again.",
    Act.SEND_AGAIN,
)


# Why a link waits for a person, by one word: a sync status that says it, else the code of an error.
# Codes that say more than the sync status that they come with.
_MORE_EXACT = frozenset({"taken", "unmatched", "missing", "differs"})
REASONS: dict[str, Remedy] = {**BY_CODE, **BY_STATUS, OTHERWISE.code: OTHERWISE}


def reason_of(status: str, code: str) -> str:
    """Return the word in `REASONS` for a parked link with this sync status and code."""
    return _chosen(status, code).code


def because(reason: str) -> Q:
    """Return the condition that parked links meet whose reason is this word."""
    by_status = Q(sync_status__in=BY_STATUS) & ~Q(last_error_code__in=_MORE_EXACT)
    known = {code: remedy_for(code).code for code in (*BY_CODE, *map(code_of, _kinds()))}
    codes = [code for code, row in known.items() if row == reason]
    by_code = Q(last_error_code__in=codes)
    if reason == OTHERWISE.code:
        by_code |= ~Q(last_error_code__in=known)
    found = ~by_status & by_code
    return found | (by_status & Q(sync_status=reason)) if reason in BY_STATUS else found


def reasons_called(word: str) -> tuple[str, ...]:
    """Return the reasons that a word names: itself, or those of a class of errors (`Transient`). Raises `ValueError` for another word."""
    if word in REASONS:
        return (word,)
    kinds = [kind for kind in _kinds() if kind.__name__ == word]
    found = [one for one, row in REASONS.items() if kinds and row.kind and issubclass(row.kind, kinds[0])]
    if not found:
        classes = sorted({row.kind.__name__ for row in CATALOGUE if row.kind})
        raise ValueError(f"{word[:60]} is not one of: {', '.join(REASONS)}, {', '.join(classes)}")
    return tuple(found)


def remedy_for(code: str) -> Remedy:
    """Return the row for the code of an error or of a reason; a CRM's own kind of error has the row of the kind above it."""
    return BY_CODE.get(code) or _of_kind(code) or OTHERWISE


def remedy_of(link: PushedLink) -> Remedy | None:
    """Return what to do about a counterpart that waits for a person; None when nothing is asked of anybody."""
    if standing(link) is not Standing.NEEDS_A_PERSON:
        return None
    return _chosen(link.sync_status, link.last_error_code)


def remedy_of_attempt(attempt: Attempt) -> Remedy | None:
    """Return what the attempt's outcome means; None for one that went well or is out."""
    return None if attempt.outcome in (Attempt.OK, Attempt.SENDING) else remedy_for(attempt.outcome)


def code_of(kind: type[ProviderError]) -> str:
    """Return the code that errors of this kind have."""
    return kind.__new__(kind).code


def _chosen(status: str, code: str) -> Remedy:
    if code in _MORE_EXACT:
        return BY_CODE[code]
    return BY_STATUS.get(status) or remedy_for(code)


def _kinds() -> list[type[ProviderError]]:
    """Return every kind of error that is loaded, those of the CRMs too."""
    found: list[type[ProviderError]] = [ProviderError]
    for kind in found:
        found += kind.__subclasses__()
    return found


def _of_kind(code: str) -> Remedy | None:
    for kind in _kinds():
        if code_of(kind) == code:
            above = (BY_CODE.get(code_of(one)) for one in kind.__mro__ if issubclass(one, ProviderError))
            return next((row for row in above if row is not None), None)
    return None
