"""Filters of a list that are chosen from a menu."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.admin.views.main import ChangeList
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import SELECT_CLASSES


class Dropdown(DropdownFilter):
    """A menu as the theme draws it, from one template: with a form, its field and their templates eight of them were a tenth of a page's time."""

    template = "admin/crmhub/dropdown.html"
    # By the first of them the theme's scripts find it.
    classes = " ".join(["unfold-admin-autocomplete admin-autocomplete", *SELECT_CLASSES])

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Yield what can be chosen."""
        chosen = str(self.value() or "")
        for value, words in (self.all_option, *self.lookup_choices):
            yield {"value": value, "words": words, "is_chosen": str(value) == chosen}
