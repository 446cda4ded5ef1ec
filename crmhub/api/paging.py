"""Pages that begin where the last one ended, by value and id: nothing is skipped or shown twice, however many rows share a time."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, Model, Q, QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

PAGE_SIZE = 50
LARGEST_PAGE = 200
LONGEST_CURSOR = 4000  # characters
PARAMETERS = ("cursor", "page_size", "ordering")


@dataclass(frozen=True)
class Order:
    """The column that rows are in the order of, and the direction; the id decides between equals.

    Empty values come last, and first when descending, so that each direction is the other one read backwards.
    """

    column: str
    is_descending: bool = False

    @classmethod
    def named(cls, name: str) -> Order:
        """Return the order that `column` or `-column` names."""
        return cls(name.removeprefix("-"), name.startswith("-"))

    def __str__(self) -> str:
        return f"-{self.column}" if self.is_descending else self.column

    def turned(self) -> Order:
        """Return the opposite order."""
        return Order(self.column, not self.is_descending)


@dataclass(frozen=True)
class Place:
    """A place between rows: just after the row with this value and id, or just before it when reading backwards."""

    value: Any
    id: UUID
    is_backwards: bool = False


def read_rows(rows: QuerySet[Any], order: Order, place: Place | None, count: int) -> list[Any]:
    """Return up to `count` rows that come after the place in this order.

    Rows with and without a value are read one after the other: an index serves each, and not both at once.
    """
    column = rows.model._meta.get_field(order.column)
    parts = [False, True] if getattr(column, "null", False) else [False]
    if order.is_descending:
        parts.reverse()
    if place is not None:
        parts = parts[parts.index(place.value is None) :]
    found: list[Any] = []
    for number, is_empty in enumerate(parts):
        part = (
            rows.filter(**{f"{order.column}__isnull": is_empty}) if getattr(column, "null", False) else rows
        )
        if place is not None and number == 0:
            part = part.filter(_after(order, place))
        sign = "-" if order.is_descending else ""
        part = part.order_by(*([] if is_empty else [f"{sign}{order.column}"]), f"{sign}id")
        found += part[: count - len(found)]
        if len(found) >= count:
            break
    return found


def _after(order: Order, place: Place) -> Q:
    beyond = "lt" if order.is_descending else "gt"
    by_id = Q(**{f"id__{beyond}": place.id})
    if place.value is None:
        return by_id
    # The first condition follows from the second; it is the one that an index can begin at.
    reach = Q(**{f"{order.column}__{beyond}e": place.value})
    return reach & (Q(**{f"{order.column}__{beyond}": place.value}) | by_id)


class KeysetPagination(BasePagination):
    """Pages of a view's `orderings`, the first of which is the default."""

    rows: list[Any]

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Return the rows of the page that was asked for. Raises `ValidationError` by parameter."""
        self.request = request
        self.order = _order(request, view.orderings)
        size = _page_size(request)
        self.place = read_cursor(request.query_params.get("cursor", ""), self.order, queryset.model)
        is_backwards = self.place is not None and self.place.is_backwards
        order = self.order.turned() if is_backwards else self.order
        rows = read_rows(queryset, order, self.place, size + 1)
        self.has_more = len(rows) > size
        self.rows = rows[:size]
        if is_backwards:
            self.rows.reverse()
        return self.rows

    def get_paginated_response(self, data: Any) -> Response:
        """Return the answer: addresses of the neighbouring pages, and the rows."""
        return Response({"next": self._next(), "previous": self._previous(), "results": data})

    def _next(self) -> str | None:
        is_backwards = self.place is not None and self.place.is_backwards
        return (
            self._link(self.rows[-1], is_backwards=False)
            if self.rows and (is_backwards or self.has_more)
            else None
        )

    def _previous(self) -> str | None:
        if self.place is None or not self.rows or (self.place.is_backwards and not self.has_more):
            return None
        return self._link(self.rows[0], is_backwards=True)

    def _link(self, row: Model, *, is_backwards: bool) -> str:
        place = Place(getattr(row, self.order.column), row.pk, is_backwards)
        return replace_query_param(
            self.request.build_absolute_uri(), "cursor", write_cursor(place, self.order)
        )

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return the shape of a page for the OpenAPI description."""
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {"next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        """Return the parameters for the OpenAPI description."""
        orders = [sign + name for name in view.orderings for sign in ("", "-")]
        sizes = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE, "default": PAGE_SIZE}
        return [
            _parameter(
                "cursor", {"type": "string"}, "Where the page begins; taken from `next` or `previous`."
            ),
            _parameter("page_size", sizes, "The most rows of a page."),
            _parameter(
                "ordering", {"type": "string", "enum": orders, "default": orders[0]}, "Ties go by id."
            ),
        ]


def write_cursor(place: Place, order: Order) -> str:
    """Return the place as text for an address."""
    value = place.value.isoformat() if isinstance(place.value, datetime) else place.value
    text = json.dumps([str(order), value, place.id.hex, int(place.is_backwards)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str, order: Order, model: type[Model]) -> Place | None:
    """Return the place that a cursor names; None for "". Raises `ValidationError` for one that we did not write."""
    if not text:
        return None
    try:
        if len(text) > LONGEST_CURSOR:
            raise ValueError("too long")
        name, value, key, is_backwards = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        place = (
            None
            if name != str(order)
            else Place(_value(value, order, model), UUID(hex=key), bool(is_backwards))
        )
    except (ValueError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ValidationError({"cursor": ["This is not a cursor of ours."]}) from error
    if place is None:
        raise ValidationError({"cursor": ["This cursor belongs to another ordering."]})
    return place


def _value(value: Any, order: Order, model: type[Model]) -> Any:
    column = model._meta.get_field(order.column)
    if value is None and getattr(column, "null", False):
        return None
    if not isinstance(value, str) or "\x00" in value:
        raise ValueError("not a value of the column")
    value.encode()  # refuses half characters
    if not isinstance(column, DateTimeField):
        return value
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone")
    return moment


def _order(request: Request, orderings: tuple[str, ...]) -> Order:
    name = request.query_params.get("ordering") or orderings[0]
    if name.removeprefix("-") not in orderings:
        known = ", ".join(sign + one for one in orderings for sign in ("", "-"))
        raise ValidationError({"ordering": [f"This must be one of: {known}."]})
    return Order.named(name)


def _page_size(request: Request) -> int:
    text = request.query_params.get("page_size") or str(PAGE_SIZE)
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= LARGEST_PAGE):
        raise ValidationError({"page_size": [f"This must be a whole number from 1 to {LARGEST_PAGE}."]})
    return int(text)


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}
