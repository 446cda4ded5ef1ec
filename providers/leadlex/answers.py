"""What sits in LeadLex's answers: the record or the rows under `data`, one name deeper or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.error_cases import Answer
from providers.errors import Transient, Unconfirmed


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows of an answer that have an id, how many it brought with or without one, and how many there are in all, if it says so."""

    rows: list[Mapping[str, Any]]
    brought: int
    total: int | None


def record_in(answer: Answer, name: str, *, writes: bool) -> Mapping[str, Any]:
    """Return the record of an answer. One without it is no verdict: `Unconfirmed` for a write, else `Transient`."""
    record = _one_of(answer.json, name)
    if record is None:
        said = f"LeadLex answered {answer.status} without the {name}"
        if writes:
            raise Unconfirmed(f"{said}; the request may have landed.", status=answer.status)
        raise Transient(f"{said}.", status=answer.status)
    return record


def listing_in(answer: Answer, name: str) -> Listing:
    """Return the rows of a listing, under `data.<name>` or `data` itself.

    Raises `Transient` where it is none: without rows, or with nothing but rows that are no records.
    """
    body = answer.json if isinstance(answer.json, Mapping) else {}
    data, meta = body.get("data"), body.get("meta")
    told = data.get(name) if isinstance(data, Mapping) else data
    rows = (
        [row for row in told if isinstance(row, Mapping) and row.get("id")] if isinstance(told, list) else []
    )
    if not isinstance(told, list) or (told and not rows):
        raise Transient(f"LeadLex answered without its list of {name}.", status=answer.status)
    total = meta.get("total") if isinstance(meta, Mapping) else None
    return Listing(rows, len(told), total if isinstance(total, int) else None)


def _one_of(body: Any, name: str) -> Mapping[str, Any] | None:
    """Return the record in an answer, under `data.<name>` or `data` itself; None when there is none with an id."""
    data = body.get("data") if isinstance(body, Mapping) else None
    inner = data.get(name) if isinstance(data, Mapping) else None
    for record in (inner, data):
        if isinstance(record, Mapping) and record.get("id"):
            return record
    return None
