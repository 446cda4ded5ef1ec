"""Counting only as far as anybody reads: beyond some thousands a number is "many", and the database need not look at each."""

from __future__ import annotations

from typing import Any

from django.db.models import IntegerField, QuerySet, Subquery

MANY = 1000  # rows; a page that stands beside other things counts no further
VERY_MANY = 100_000  # rows; a page about nothing else may take a tenth of a second for it


class AtLeast(int):
    """A number at which counting stopped; shown as `1,000+`."""

    def __str__(self) -> str:
        return f"{int(self):,}+"

    def __format__(self, spec: str) -> str:
        return str(self)


class CountUpTo(Subquery):
    """How many rows there are for each outer row, one more than `most` at most; read it through `as_count`."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"

    def __init__(self, rows: QuerySet[Any], *, most: int) -> None:
        """Count rows that refer to the outer one by `OuterRef`."""
        super().__init__(rows.order_by().values("pk")[: most + 1], output_field=IntegerField())


def as_count(number: int, *, most: int) -> int:
    """Return the number, or that it is more than `most`."""
    return AtLeast(most) if number > most else number
