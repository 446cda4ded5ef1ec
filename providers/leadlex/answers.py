"""What sits in LeadLex's answers: the record or the rows under `data`, one name deeper or not, and listings page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from providers.error_cases import Answer
from providers.errors import Transient, Unconfirmed
from providers.http import JsonApi

PER_PAGE = 100  # rows; the vendor's most


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


def pages(api: JsonApi, path: str, name: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Yield every row of a listing once, a hundred to a call.

    Pages are cut from live data in an order that is not documented, so a row can move while we walk: after more than one
    page the first is read again. Raises `Transient` when rows are missing all the same.
    """
    seen: set[str] = set()
    page, most, is_more = 1, 0, True
    while is_more:
        rows, total = _page(api, path, name, query, page)
        new = [row for row in rows if str(row["id"]) not in seen]
        seen |= {str(row["id"]) for row in new}
        yield from new
        most = max(most, total or 0)
        is_more = bool(new) and (len(rows) == PER_PAGE if total is None else len(seen) < total)
        page += 1
    if page > 2:
        rows, total = _page(api, path, name, query, 1)
        new = [row for row in rows if str(row["id"]) not in seen]
        yield from new
        # One that is gone by now still counts in `most`: its going has moved the rows behind it, past us.
        if len(seen) + len(new) < max(most, total or 0):
            raise Transient(f"The list of {name} in LeadLex changed while it was read.")


def _page(
    api: JsonApi, path: str, name: str, query: Mapping[str, str], page: int
) -> tuple[list[Mapping[str, Any]], int | None]:
    return rows_in(api.call("GET", path, query={**query, "page": page, "per_page": PER_PAGE}), name)


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
