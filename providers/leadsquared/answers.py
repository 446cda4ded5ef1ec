"""Reading LeadSquared's answers: an answer that is not what was asked for is never taken for "nothing found".

The readers raise `Transient` for a read, `Unconfirmed` for a write, whose outcome is then not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.error_cases import Answer
from providers.errors import Ambiguous, Transient, Unconfirmed
from providers.leadsquared import leads
from providers.types import RemoteContact


def object_in(answer: Answer) -> Mapping[str, Any]:
    """Return the object that is the answer."""
    if not isinstance(answer.json, Mapping):
        raise Transient("LeadSquared answered with something that was not asked for.", status=answer.status)
    return answer.json


def list_in(answer: Answer) -> list[Mapping[str, Any]]:
    """Return the list of objects that is the answer."""
    if not isinstance(answer.json, list):
        raise Transient("LeadSquared answered with something that is not a list.", status=answer.status)
    return [one for one in answer.json if isinstance(one, Mapping)]


def rows_in(answer: Answer, name: str) -> list[Mapping[str, Any]]:
    """Return the list inside an answer. Raises `Transient` where there is none: an empty answer is not "nothing found"."""
    rows = object_in(answer).get(name)
    if not isinstance(rows, list):
        raise Transient("LeadSquared answered with something that is not a listing.", status=answer.status)
    return [one for one in rows if isinstance(one, Mapping)]


def id_made(answer: Answer, what: str) -> str:
    """Return the id of the record that was made. Raises `Unconfirmed` where the answer names none."""
    message = answer.json.get("Message") if isinstance(answer.json, Mapping) else None
    made = message.get("Id") if isinstance(message, Mapping) else None
    if not made:
        raise Unconfirmed(f"LeadSquared did not say whether it made the {what}.", status=answer.status)
    return str(made)


def only_one(found: list[Mapping[str, Any]], by: str) -> RemoteContact:
    """Return the one contact that was found. Raises `Ambiguous` where there are several."""
    candidates = [leads.read_lead(one) for one in found]
    if len(candidates) > 1:
        raise Ambiguous(f"LeadSquared has {len(candidates)} contacts with {by}.", candidates=candidates)
    return candidates[0]
