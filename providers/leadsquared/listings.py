"""Reading all tasks and all leads of an account, page by page.

LeadSquared pages by position, so whatever is taken away before the place that was reached moves the rest forward. Both listings
are sorted by the moment of creation, which nothing changes, and begin each page with the last second of the one before: it is read
again rather than missed. A page of tasks begins one row earlier still: where that row is not older, rows have moved, and the listing
steps back. More rows within one second than a page holds are read on trust.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from itertools import takewhile
from typing import Any

from providers.errors import Rejected
from providers.json_api import JsonApi
from providers.leadsquared import answers, leads, payloads, people
from providers.leadsquared.account import Rules
from providers.types import Page, RemoteContact, RemoteTask

FIRST, LAST = "2000-01-01 00:00:00", "2100-01-01 00:00:00"


# Tasks


@dataclass(frozen=True, slots=True)
class TaskPlace:
    """Where a listing of tasks stands: at which owner, at which of the two states, behind how many rows, made until when."""

    owner: str
    status: int = 0
    offset: int = 0
    made_on: str = ""


def task_page(api: JsonApi, rules: Rules, cursor: str | None, *, size: int) -> Page[RemoteTask]:
    """Return the next tasks: owner by owner, those that are open first.

    One call a page, one more wherever an owner begins.
    Source: https://apidocs.leadsquared.com/retrieve-tasks/ (read 2026-11).
    """
    place = TaskPlace(*_read(cursor, (str, int, int, str))) if cursor else _next_owner(api, "")
    if place is None:
        return Page(())
    rows, count = _tasks_at(api, place, size)
    if _has_moved(rows, count, place):
        back = replace(place, offset=max(0, place.offset - size))
        return Page((), _written(back))
    following = _after(rows, count, place)
    if following is None and place.status == 0:
        following = TaskPlace(place.owner, payloads.COMPLETED)
    elif following is None:
        following = _next_owner(api, place.owner)
    items = tuple(payloads.read_task(row, rules) for row in rows)
    return Page(items, _written(following) if following else None)


def _next_owner(api: JsonApi, after: str) -> TaskPlace | None:
    ids = [one.id for one in people.list_owners(api) if one.id > after]
    return TaskPlace(min(ids)) if ids else None


def _tasks_at(api: JsonApi, place: TaskPlace, size: int) -> tuple[list[Mapping[str, Any]], int | None]:
    body = {
        "Parameter": {
            "LookupName": "OwnerId",
            "LookupValue": place.owner,
            # Which date they are about is not documented (2026-11); these two hold either.
            "FromDate": FIRST,
            "ToDate": LAST,
            "StatusCode": place.status,
        },
        "Sorting": {"ColumnName": "CreatedOn", "Direction": "0"},
        "Paging": {"Offset": place.offset, "RowCount": size},
    }
    answer = api.call("POST", "/v2/Task.svc/Retrieve", json_body=body, writes=False)
    count = answers.object_in(answer).get("RecordCount")
    return answers.rows_in(answer, "List"), count if isinstance(count, int) else None


def _has_moved(rows: Sequence[Mapping[str, Any]], count: int | None, place: TaskPlace) -> bool:
    """Return whether rows before this place were taken away since the last page, so that some behind it were never read.

    All that was made before `made_on` has been read, and the page was to begin with the last of it.
    """
    if place.offset == 0 or not place.made_on:
        return False
    return _made_on(rows[0]) >= place.made_on if rows else bool(count)


def _after(rows: Sequence[Mapping[str, Any]], count: int | None, place: TaskPlace) -> TaskPlace | None:
    """Return the place of the next page of this owner and state, None behind the last one."""
    if not rows or (count is not None and place.offset + len(rows) >= count):
        return None
    last = _made_on(rows[-1])
    again = len(list(takewhile(lambda row: _made_on(row) == last, reversed(rows))))
    step = len(rows) - again - 1
    if step <= 0:  # one second fills the page: nothing is left to see a move by
        return replace(place, offset=place.offset + len(rows), made_on="")
    return replace(place, offset=place.offset + step, made_on=last)


# Leads


def lead_page(api: JsonApi, cursor: str | None, *, size: int) -> Page[RemoteContact]:
    """Return the next leads, oldest first, from the second on in which the last one was made.

    One call a page. Source: https://apidocs.leadsquared.com/search-by-lead-criteria/ (read 2026-11).
    """
    made_on, number = _read(cursor, (str, int)) if cursor else (FIRST, 1)
    rows = people.search(api, "CreatedOn", ">=", made_on, size=size, page=number)
    if not rows:
        return Page(())
    last = _made_on(leads.as_object(rows[-1])).partition(".")[0]
    # A page within one second is followed by the next page of that second.
    following = (last, 1) if last > made_on else (made_on, number + 1)
    return Page(tuple(leads.read_lead(row) for row in rows), json.dumps(following))


# Cursors


def _made_on(row: Mapping[str, Any]) -> str:
    return str(row.get("CreatedOn") or "")


def _written(place: TaskPlace) -> str:
    return json.dumps(astuple(place))


def _read(cursor: str, kinds: tuple[type, ...]) -> tuple[Any, ...]:
    try:
        parts = json.loads(cursor)
    except ValueError:
        parts = None
    if not isinstance(parts, list) or [type(one) for one in parts] != list(kinds):
        raise Rejected("This is no place in a listing of LeadSquared's; begin the listing again.")
    return tuple(parts)
