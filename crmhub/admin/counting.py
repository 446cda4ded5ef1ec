"""Counting rows for the page numbers without reading a million of them."""

from __future__ import annotations

import json
from typing import Any

from django.core.paginator import EmptyPage, Page, Paginator
from django.db import connections
from django.utils.functional import cached_property

DEEP = 5_000  # rows; to pass over so many rows one by one takes a moment
NEAR_THE_END = 1_000  # rows; of a long list, these are counted from its end
EXACT_UP_TO = 10_000  # rows; above, the planner's estimate is as good for a page number


class EstimatingPaginator(Paginator):
    """A paginator that counts small results and takes PostgreSQL's estimate for large ones; other databases count."""

    @cached_property
    def count(self) -> int:
        """Return the number of rows, about right where there are many."""
        estimate = self._estimate()
        if estimate > EXACT_UP_TO:
            return estimate
        return super().count

    def validate_number(self, number: Any) -> int:
        """Return the number of a page that there is. Behind the last one that an estimate knows of, all are counted."""
        try:
            return super().validate_number(number)
        except EmptyPage:
            estimated = self.count
            if super().count <= estimated:  # it is counted, and kept in place of the estimate
                raise
            vars(self).pop("num_pages", None)
            return super().validate_number(number)

    def page(self, number: Any) -> Page:
        """Return one page. What lies before a late one is passed over in the index alone, with no row read; the last ones are read from the end.

        So the last page has the last rows although their number is an estimate. Where that is off by some, the last pages lie by as many rows
        further, or less far, from those before them.
        """
        page = super().page(number)
        start = page.start_index() - 1
        if start >= DEEP and hasattr(self.object_list, "filter"):
            is_at_the_end = self.count - start <= NEAR_THE_END
            rows: Any = self._from_the_end(start) if is_at_the_end else page.object_list
            page.object_list = self.object_list.filter(pk__in=list(rows.values_list("pk", flat=True)))
        return page

    def _from_the_end(self, start: int) -> Any:
        rows: Any = self.object_list
        return rows.reverse()[max(self.count - start - self.per_page, 0) : self.count - start]

    def _estimate(self) -> int:
        rows: Any = self.object_list
        if not hasattr(rows, "explain") or connections[rows.db].vendor != "postgresql":
            return 0
        plan = json.loads(rows.order_by().explain(format="json"))
        return int(plan[0]["Plan"]["Plan Rows"])
