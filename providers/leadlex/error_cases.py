"""What LeadLex's answers mean: its error codes as rows. Codes count also in a 2xx, and never in a 5xx."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from providers.error_cases import Answer, Case
from providers.errors import (
    Ambiguous,
    Conflict,
    Forbidden,
    NotFound,
    Permanent,
    ProviderError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
    Unsupported,
)
from providers.types import (
    Candidate,
    Field,
    Person,
    RecordKind,
    RemoteContact,
    RemoteRecord,
    RemoteRef,
)
from providers.waiting import LONGEST_WAIT, retry_after, server_time

READ_ON = date(2026, 11, 22)
_PAGES = "https://docs.leadlex.com"
MINUTE = 60.0  # seconds; the shorter of the two stretches that the quota is counted in

OUR_FIELDS: Mapping[str, Field] = {
    "title": Field.TITLE,
    "description": Field.BODY,
    "status": Field.STATUS,
    "priority": Field.PRIORITY,
    "task_type": Field.TYPE,
    "due_date": Field.DUE,
    "assignee_id": Field.ASSIGNEE,
    "assigned_to_user_id": Field.ASSIGNEE,
    "contact_id": Field.CONTACTS,
    "contact_name": Field.CONTACTS,
    "company_id": Field.COMPANIES,
    "company_name": Field.COMPANIES,
    "deal_id": Field.DEALS,
    "event_id": Field.EVENTS,
    "created_date": Field.CREATED,
}
_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
# Which of the two typed names fitted several; the text is not documented (2026-11), so the word that comes first in it decides.
_NAMED = re.compile(r"contact|compan(?:y|ies)", re.IGNORECASE)
_UNIX_TIME = re.compile(r"[0-9]{1,12}")
_PERMISSION = re.compile(r"\b[a-z_]+:[a-z_]+\b")


def _error(answer: Answer) -> Mapping[str, Any]:
    error = answer.json.get("error") if isinstance(answer.json, Mapping) else None
    return error if isinstance(error, Mapping) else {}


def _details(answer: Answer) -> Mapping[str, Any]:
    details = _error(answer).get("details")
    return details if isinstance(details, Mapping) else {}


def _has_code(*codes: str) -> Callable[[Answer], bool]:
    return lambda answer: answer.status < 500 and _error(answer).get("code") in codes


def _is_error_in_2xx(answer: Answer) -> bool:
    return 200 <= answer.status < 300 and isinstance(answer.json, Mapping) and bool(answer.json.get("error"))


def _is_unwell(answer: Answer) -> bool:
    return answer.status >= 500


def _said(words: str) -> str:
    return f": {words}" if words else ""


def _unauthorized(answer: Answer, words: str) -> ProviderError:
    return Unauthorized(
        f"LeadLex does not accept the key{_said(words)}. It is wrong, expired or revoked; put a new one in.",
        status=answer.status,
    )


def _forbidden(answer: Answer, words: str) -> ProviderError:
    named = _PERMISSION.search(words)
    return Forbidden(
        f"The key lacks a permission in LeadLex{_said(words)}. Make a key with it there, put it in, and test the connection.",
        scope=named.group() if named else "",
        status=answer.status,
    )


def _no_credits(answer: Answer, words: str) -> ProviderError:
    return Permanent(
        f"The LeadLex workspace has no credits left{_said(words)}. Buy some there.", status=answer.status
    )


def _not_found(answer: Answer, words: str) -> ProviderError:
    return NotFound(
        f"LeadLex has no such record in this workspace{_said(words)}. It was deleted or merged there, or the key is another workspace's.",
        status=answer.status,
    )


def _no_such_call(answer: Answer, words: str) -> ProviderError:
    return Unsupported(
        f"This LeadLex workspace has no such call{_said(words)}. Do it there by hand.", status=answer.status
    )


def _too_large(answer: Answer, words: str) -> ProviderError:
    return Rejected(
        f"LeadLex takes no request of this size{_said(words)}. Shorten the text.", status=answer.status
    )


def _unwell_read(answer: Answer, words: str) -> ProviderError:
    return Transient(
        f"LeadLex is unwell ({answer.status}){_said(words)}. The hub asks again by itself.",
        status=answer.status,
    )


def _unwell_write(answer: Answer, words: str) -> ProviderError:
    return Unconfirmed(
        f"LeadLex is unwell ({answer.status}){_said(words)}. The request may have landed; the hub finds out by itself.",
        status=answer.status,
    )


def _is_orphan(answer: Answer) -> bool:
    return "parent link" in str(_error(answer).get("message", "")).lower()


def _orphan(answer: Answer, words: str) -> ProviderError:
    return Rejected(
        f"LeadLex takes no task without a contact, deal or event{_said(words)}. Add one to the task, or name a default parent in the connection.",
        fields={Field.CONTACTS: "needs a contact, deal or event"},
        status=answer.status,
    )


def _rejected(answer: Answer, words: str) -> ProviderError:
    told = _details(answer).get("fields")
    reasons = {str(name): str(reason) for name, reason in told.items()} if isinstance(told, Mapping) else {}
    spelled = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
    return Rejected(
        f"LeadLex refused the values{_said(words)}{f' ({spelled})' if spelled else ''}. Correct them and save again.",
        fields={OUR_FIELDS[name]: reason for name, reason in reasons.items() if name in OUR_FIELDS},
        status=answer.status,
    )


def _ambiguous(answer: Answer, words: str) -> ProviderError:
    listed, message = _details(answer).get("candidates"), str(_error(answer).get("message", ""))
    told = [*(listed if isinstance(listed, list) else []), *_UUID.findall(message)]
    named = _NAMED.search(message)
    are_companies = named is not None and named.group().lower().startswith("compan")
    candidates: dict[str, Candidate] = {}
    for one in told:
        candidate = _candidate(one, is_company=are_companies)
        candidates.setdefault(candidate.ref.id, candidate)
    return Ambiguous(
        f"Several records in LeadLex have that name{_said(words)}. Choose the one that is meant.",
        candidates=tuple(candidates.values()),
        status=answer.status,
    )


def _candidate(told: Any, *, is_company: bool) -> Candidate:
    """Return a candidate, told as a bare id or as an object with a name."""
    told = told if isinstance(told, Mapping) else {"id": told}
    ref, name = RemoteRef(str(told.get("id", ""))), str(told.get("full_name") or told.get("name") or "")
    if is_company:
        return RemoteRecord(ref, RecordKind.COMPANY, name)
    return RemoteContact(ref, Person(last_name=name))


def _conflict(answer: Answer, words: str) -> ProviderError:
    named = _details(answer).get("id") or _details(answer).get("existing_id")
    found = _UUID.search(str(_error(answer).get("message", "")))
    return Conflict(
        f"LeadLex reports a conflict{_said(words)}. Look there for who is in the way.",
        existing_id=str(named or (found.group() if found else "")),
        status=answer.status,
    )


def _rate_limited(answer: Answer, words: str) -> ProviderError:
    return RateLimited(
        f"The LeadLex workspace has used up its quota{_said(words)}. The hub goes on when it is counted anew; after a change of plan there, name it in the connection.",
        retry_after=wait_after(answer.headers),
        is_told=retry_after(answer.headers) is not None or answer.headers.get("x-ratelimit-remaining") == "0",
        status=answer.status,
    )


def wait_after(headers: Mapping[str, str]) -> float:
    """Return the seconds to leave the workspace alone after a 429, at most `LONGEST_WAIT`.

    `Retry-After` counts where it comes (it is not documented). Else the headers tell only what is left of the *day*: with
    nothing left it is over at `X-RateLimit-Reset` (seconds of Unix time), with some left it is the minute that is used up.
    `headers` has lower-case names. Source: https://docs.leadlex.com/authentication (read 2026-11).
    """
    asked = retry_after(headers)
    if asked is not None:
        return asked
    now = server_time(headers) or datetime.now(UTC)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and _UNIX_TIME.fullmatch(reset):
        return min(max(int(reset) - now.timestamp(), 1.0), LONGEST_WAIT)
    return MINUTE - now.timestamp() % MINUTE + 1.0


def _case(
    page: str,
    means: Callable[[Answer, str], ProviderError],
    when: Callable[[Answer], bool] = lambda _answer: True,
    *,
    status: int | None = None,
    writes: bool | None = None,
) -> Case:
    return Case(means, f"{_PAGES}/{page}", READ_ON, status=status, when=when, writes=writes)


CASES: tuple[Case, ...] = (
    _case("authentication", _unauthorized, _has_code("invalid_key")),
    _case("authentication", _unauthorized, status=401),
    _case("authentication", _rate_limited, _has_code("rate_limited")),
    _case("authentication", _rate_limited, status=429),
    _case("authentication", _forbidden, _has_code("insufficient_permissions")),
    _case("authentication", _forbidden, status=403),
    _case("api-reference/enrich/company", _no_credits, _has_code("insufficient_credits")),
    _case("api-reference/enrich/company", _no_credits, status=402),
    _case("api-reference/tasks/create", _ambiguous, _has_code("ambiguous_reference")),
    _case("api-reference/tasks/create", _orphan, lambda answer: answer.status < 500 and _is_orphan(answer)),
    _case("api-reference/contacts/get", _not_found, _has_code("not_found")),
    _case("api-reference/tasks/create", _rejected, _has_code("validation_error")),
    _case("api-reference/import/contacts", _too_large, _has_code("payload_too_large")),
    _case("api-reference/import/contacts", _too_large, status=413),
    _case("api-reference/contacts/get", _not_found, status=404),
    # Not documented; the pages on tasks show neither PATCH nor DELETE.
    _case("authentication", _no_such_call, status=405),
    # Codes at 409 differ from page to page (no_match, sync_in_progress); none is documented for tasks or contacts.
    _case("api-reference/email/sync", _conflict, status=409),
    # Not documented and not trusted: a good status around an error body.
    _case("data-integrity", _rejected, _is_error_in_2xx),
    # The one 5xx on its pages is a research that took too long; the others come from the functions' host, often as plain text.
    _case("api-reference/lexi/autoresearch", _unwell_read, _is_unwell, writes=False),
    _case("api-reference/lexi/autoresearch", _unwell_write, _is_unwell, writes=True),
)
