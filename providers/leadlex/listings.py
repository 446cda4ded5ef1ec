"""LeadLex's listings, a page to a call or two: what is there all the time is never missed, though pages are cut from live data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from providers.error_cases import Answer
from providers.errors import Rejected, Transient
from providers.json_api import JsonApi
from providers.leadlex.answers import listing_in

PER_PAGE = 100  # rows; the vendor's most
MOST_WALKS = 5  # through a listing that changes all the while
OF_A_ROW = 6  # letters by which a cursor knows it again

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk stands: the page to read next (0: the first one once more), the row that the walk began with, and how the page before
    it was: the total then, and a few letters of each row.
    """

    page: int = 1
    walk: int = 1
    top: str = ""
    total: int | None = None
    look: str = ""


@dataclass(frozen=True, slots=True)
class _Sheet:
    """One page as it was answered; `brought` counts the rows without an id too."""

    rows: list[Row]
    brought: int
    total: int | None
    size: int


def page_of(
    api: JsonApi, path: str, name: str, query: Mapping[str, str], cursor: str | None = None
) -> tuple[list[Row], str | None]:
    """Return some rows of a listing and the cursor for the next ones, None at the end; rows may be repeated.

    The order of rows is not documented. Where one goes, those behind it move over the edge of a page, past us; but the page before that
    edge looks different then. So each page is read again after the one that follows it, and where it has changed, other than by new rows
    in front, the walk begins again. A row that is changed may jump to the front: so the first page is read again at the end. That is one
    call for a listing of one page, and two for each page of a longer one. Holds for rows by when they were made, either way round, and
    for those changed last in front.

    Raises `Transient` when the listing is still changing after five walks, `Rejected` for a cursor that is none of ours.
    """
    place = _place(cursor)
    sheet = _sheet(api, path, name, query, place.page or 1)
    if place.page == 0:
        is_whole = place.top in _ids(sheet)
        return sheet.rows, _text(None if is_whole else _again(place, name))
    if place.page > 1:
        before = _sheet(api, path, name, query, place.page - 1)
        if not _is_as_it_was(before, sheet, place):
            return before.rows + sheet.rows, _text(_again(place, name))
    return sheet.rows, _text(_after(sheet, place))


def pages(api: JsonApi, path: str, name: str, query: Mapping[str, str]) -> Iterator[Row]:
    """Yield every row of a listing once. Raises `Transient` when it changes too much to be read."""
    seen: set[str] = set()
    cursor, is_more = None, True
    while is_more:
        rows, cursor = page_of(api, path, name, query, cursor)
        for row in rows:
            if str(row["id"]) not in seen:
                seen.add(str(row["id"]))
                yield row
        is_more = cursor is not None


def _sheet(api: JsonApi, path: str, name: str, query: Mapping[str, str], page: int) -> _Sheet:
    answer = api.call("GET", path, query={**query, "page": page, "per_page": PER_PAGE})
    listing = listing_in(answer, name)
    return _Sheet(listing.rows, listing.brought, listing.total, _size_of_pages(answer))


def _size_of_pages(answer: Answer) -> int:
    """Return how many rows the vendor says a page has: it may be fewer than were asked for."""
    meta = answer.json.get("meta") if isinstance(answer.json, Mapping) else None
    size = meta.get("per_page") if isinstance(meta, Mapping) else None
    return size if isinstance(size, int) and 0 < size <= PER_PAGE else PER_PAGE


def _is_as_it_was(before: _Sheet, sheet: _Sheet, place: _Place) -> bool:
    """Return whether no row can have crossed the end of that page towards us between its reading and that of the next one."""
    pushed = 0
    if place.total is not None and sheet.total is not None and before.total is not None:
        # One that went and one that came, in between the two readings, would leave the page as it was.
        if not place.total <= sheet.total <= before.total:
            return False
        # Where there are more now, they came in front: they push the others on, and we meet those twice.
        pushed = (before.total - place.total) * OF_A_ROW
    kept = len(_look(before)) - pushed
    return kept > 0 and _look(before)[pushed:] == place.look[:kept]


def _after(sheet: _Sheet, place: _Place) -> _Place | None:
    is_more = sheet.brought >= sheet.size if sheet.total is None else place.page * sheet.size < sheet.total
    if sheet.rows and is_more and place.page > 1 and _look(sheet) == place.look:
        # Without a total, a vendor that does not turn the page would be read for ever.
        raise Transient("LeadLex answers every page with the same rows; the list cannot be read.")
    if sheet.rows and is_more:
        return _Place(place.page + 1, place.walk, place.top or _ids(sheet)[0], sheet.total, _look(sheet))
    return None if place.page == 1 else _Place(0, place.walk, place.top)


def _again(place: _Place, name: str) -> _Place:
    if place.walk >= MOST_WALKS:
        raise Transient(f"The list of {name} in LeadLex changed each time it was read.")
    return _Place(walk=place.walk + 1)


def _ids(sheet: _Sheet) -> list[str]:
    return [str(row["id"]) for row in sheet.rows]


def _look(sheet: _Sheet) -> str:
    return "".join(hashlib.sha256(one.encode()).hexdigest()[:OF_A_ROW] for one in _ids(sheet))


def _text(place: _Place | None) -> str | None:
    return None if place is None else json.dumps(astuple(place))


def _place(cursor: str | None) -> _Place:
    if cursor is None:
        return _Place()
    try:
        page, walk, top, total, look = json.loads(cursor)
        place = _Place(page, walk, top, total, look)
        is_ours = place.page >= 0 and place.walk >= 1
    except (ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise Rejected("The cursor is none of LeadLex's listings; begin without one.")
    return place
