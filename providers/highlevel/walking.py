"""Walking through the task search page by page, so that nothing is skipped while others add and delete; pure.

Each row of the search tells its place in `searchAfter`, and the search goes on after the place it is given: rows that come and go before
it do not matter. That key stands in no published document (seen in live answers, 2026-07), so the documented `skip` is kept in hand: then
some rows are read twice, and the row that was last must be among them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from providers.errors import Permanent
from providers.highlevel.payloads import id_of

PAGE = 100  # rows; 500 was once accepted by the searches, 100 is what most integrators ask for
MOST_PAGES = 10_000  # of one walk: a million tasks; a walk that does not end is not waited for
READ_TWICE = 10  # rows; well below the 25 that the search gives to who does not ask for more
NOT_OURS = "The list cannot be read on from there: the cursor is not one of ours."

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk stands: behind `seen` rows, of which `last` was the last and `after` its place.

    `counts`: the search does not go on after a place, so rows are counted.
    """

    after: list[Any] | None = None
    seen: int = 0
    last: str = ""
    counts: bool = False

    @classmethod
    def of(cls, cursor: str | None) -> Place:
        """Return the place that a cursor of ours names; None is the beginning. Raises `Permanent` for a cursor that is not ours."""
        if cursor is None:
            return cls()
        after, seen, last, counts = _parts(cursor)
        kinds = (after is None or isinstance(after, list), type(seen) is int, isinstance(last, str))
        if not all((*kinds, isinstance(counts, bool))):
            raise Permanent(NOT_OURS)
        return cls(after, seen, last, counts)

    @property
    def cursor(self) -> str:
        """Return the place as text."""
        return json.dumps([self.after, self.seen, self.last, self.counts])

    @property
    def asks(self) -> dict[str, object]:
        """Return the part of a search that asks for the rows behind this place."""
        if self.after is not None and not self.counts:
            return {"limit": PAGE, "searchAfter": self.after}
        return {"limit": PAGE, "skip": max(self.seen - READ_TWICE, 0)}

    @property
    def counted(self) -> Place:
        """Return the same place for a search that does not go on after a place."""
        return replace(self, after=None, counts=True)


def step(place: Place, rows: Sequence[Row]) -> tuple[Sequence[Row], Place | None]:
    """Return which of the rows are new, and where the walk stands behind them; None at its end.

    Not a short page ends the walk but one without news: how long pages may be is not documented.
    """
    rows = [row for row in rows if id_of(row)]
    ids = [id_of(row) for row in rows]
    if place.after is not None and not place.counts:
        if place.last in ids:  # it does not go on after a place after all
            return (), place.counted
        new = rows
    elif not place.last:
        new = rows
    elif place.last in ids:
        new = rows[ids.index(place.last) + 1 :]
    else:
        # The last row is not where it was: so much was deleted that counting is in vain.
        return (), Place(counts=place.counts)
    if not new:
        return (), None
    after = new[-1].get("searchAfter")
    return new, Place(
        after=after if isinstance(after, list) and after else None,
        seen=place.seen + len(new),
        last=id_of(new[-1]),
        counts=place.counts,
    )


def _parts(cursor: str) -> list[Any]:
    try:
        parts = json.loads(cursor)
    except (ValueError, RecursionError) as error:
        raise Permanent(NOT_OURS) from error
    if not isinstance(parts, list) or len(parts) != 4:
        raise Permanent(NOT_OURS)
    return parts
