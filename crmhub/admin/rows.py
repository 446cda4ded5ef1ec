"""The rows of a list, drawn as the theme draws them: the templates' library `rows`.

For each row the theme would find the headings, the classes and what follows a link's address anew; that was half of the time of a page with fifty
tasks. Here each is found once for the list. What no list of the hub has is not drawn: labels, headings and menus of the theme for a column, columns
of moments and of other rows, what `list_editable`, `actions_row`, `list_sections` and `ordering_field` add to a row, a second scroll bar.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.contrib.admin.templatetags.admin_list import _coerce_field_name  # type: ignore[attr-defined]
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from unfold.templatetags.unfold_list import CHECKBOX_CLASSES, LINK_CLASSES, ROW_CLASSES, result_headers
from unfold.utils import display_for_field, display_for_value

register = template.Library()

CHECKBOX = "action_checkbox"


@register.inclusion_tag("admin/crmhub/rows.html", takes_context=True)
def rows(context: Mapping[str, Any], cl: ChangeList) -> dict[str, Any]:
    """Draw the list's headings and its rows."""
    headers = list(result_headers(cl))
    return {
        "cl": cl,
        "result_headers": headers,
        "num_sorted_fields": sum(bool(one["sortable"] and one["sorted"]) for one in headers),
        "rows": list(drawn(cl, [one["text"] for one in headers])),
        "has_add_permission": cl.model_admin.has_add_permission(context["request"]),
    }


def drawn(cl: ChangeList, headings: list[Any]) -> Iterator[SafeString]:
    """Yield the cells of each row as HTML."""
    columns = [
        Column.of(cl, place, name, heading)
        for place, (name, heading) in enumerate(zip(cl.list_display, headings, strict=True))
    ]
    link = Link(cl)
    for row in cl.result_list:
        yield format_html_join("", "{}", ((column.cell(row, link),) for column in columns))


class Link:
    """What leads from a row to its page, and from there back to the list as it is narrowed now; in a popup it chooses the row."""

    def __init__(self, cl: ChangeList) -> None:
        self._cl = cl
        self._key = str(cl.to_field) if cl.to_field else cl.lookup_opts.pk.attname
        self._way_back: str | None = None

    def around(self, shown: SafeString, row: Model) -> SafeString:
        """Return the row's link with this in it."""
        chooses = (
            format_html(' data-popup-opener="{}"', row.serializable_value(self._key))
            if self._cl.is_popup
            else ""
        )
        return format_html(
            '<a href="{}" class="{}"{}>{}</a>', self._address(row), " ".join(LINK_CLASSES), chooses, shown
        )

    def _address(self, row: Model) -> str:
        address = str(self._cl.url_for_result(row))
        if self._way_back is None:
            context: Any = {"preserved_filters": self._cl.preserved_filters, "opts": self._cl.opts}
            self._way_back = str(add_preserved_filters(context, address)).removeprefix(address)
        return address + self._way_back


@dataclass(frozen=True)
class Column:
    """One column of a list: what stands in its cells, and what around it."""

    name: Any  # as in `list_display`
    admin: Any
    is_link: bool
    opening: SafeString
    closing: SafeString

    @classmethod
    def of(cls, cl: ChangeList, place: int, name: Any, heading: Any) -> Column:
        """Return the column at this place of the list."""
        is_link = name in (cl.list_display_links or ())
        tag = "th" if is_link else "td"
        opening = format_html(
            '<{} class="{}" data-label="{}">',
            tag,
            " ".join(
                CHECKBOX_CLASSES
                if name == CHECKBOX
                else [f"field-{_coerce_field_name(name, place)}", *ROW_CLASSES]
            ),
            heading if place or is_link else gettext("Select record"),
        )
        return cls(name, cl.model_admin, is_link, opening, format_html("</{}>", tag))

    def cell(self, row: Model, link: Link) -> SafeString:
        """Return the column's cell of this row as HTML."""
        shown = conditional_escape(self._shown(row))
        if self.is_link:
            shown = link.around(shown, row)
        return self.opening + shown + self.closing

    def _shown(self, row: Model) -> Any:
        empty = self.admin.get_empty_value_display()
        try:
            field, attribute, value = lookup_field(self.name, row, self.admin)
        except ObjectDoesNotExist:
            return empty
        if field is None or field.auto_created:
            return display_for_value(
                value,
                getattr(attribute, "empty_value_display", empty),
                getattr(attribute, "boolean", False),
            )
        return display_for_field(value, field, empty)
