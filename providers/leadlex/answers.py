"""What sits in LeadLex's answers: the record or the rows under `data`, one name deeper or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.error_cases import Answer
from providers.errors import Transient, Unconfirmed


def record_in(answer: Answer, name: str, *, writes: bool) -> Mapping[str, Any]:
    """Return the record of an answer. One without it is no verdict: `Unconfirmed` for a write, else `Transient`."""
    record = _one_of(answer.json, name)
    if record is None:
        said = f"LeadLex answered {answer.status} without the {name}"
        if writes:
            raise Unconfirmed(f"{said}; the request may have landed.", status=answer.status)
        raise Transient(f"{said}.", status=answer.status)
    return record


def rows_in(answer: Answer, name: str) -> tuple[list[Mapping[str, Any]], int | None]:
    """Return the rows of a listing and, where it says so, how many there are in all. Raises `Transient` where it is none."""
    rows, total = _many_of(answer.json, name)
    if rows is None:
        raise Transient(f"LeadLex answered without its list of {name}.", status=answer.status)
    return rows, total


def _one_of(body: Any, name: str) -> Mapping[str, Any] | None:
    """Return the record in an answer, under `data.<name>` or `data` itself; None when there is none with an id."""
    data = body.get("data") if isinstance(body, Mapping) else None
    inner = data.get(name) if isinstance(data, Mapping) else None
    for record in (inner, data):
        if isinstance(record, Mapping) and record.get("id"):
            return record
    return None


def _many_of(body: Any, name: str) -> tuple[list[Mapping[str, Any]] | None, int | None]:
    """Return the rows of a listing, under `data.<name>` or `data` itself, and how many there are in all, if it says so.

    The rows are None when the answer is not a listing, nor one of records.
    """
    data = body.get("data") if isinstance(body, Mapping) else None
    rows = data.get(name) if isinstance(data, Mapping) else data
    if not isinstance(rows, list):
        return None, None
    records = [row for row in rows if isinstance(row, Mapping) and row.get("id")]
    if rows and not records:
        return None, None
    meta = body.get("meta")
    total = meta.get("total") if isinstance(meta, Mapping) else None
    return records, total if isinstance(total, int) else None
