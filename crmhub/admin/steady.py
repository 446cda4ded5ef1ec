"""What every list and page does with an address that nobody could have meant: it says so instead of failing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from unfold.admin import ModelAdmin

from crmhub.models import Task

# What every list understands beside its own filters.
OF_EVERY_LIST = frozenset(
    (
        ALL_VAR,
        ERROR_FLAG,
        IS_FACETS_VAR,
        IS_POPUP_VAR,
        ORDER_VAR,
        PAGE_VAR,
        SEARCH_VAR,
        TO_FIELD_VAR,
    )
)
LONGEST_SHOWN = 60  # characters of what cannot be understood


class Steady(ModelAdmin):
    """A list and its pages. Django would hand any column and any lookup in the address to the database; here only filters narrow."""

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; what does not narrow it is named and left out, and so is a selection of nothing that there is."""
        known = OF_EVERY_LIST | set(self._narrowing(request))
        unknown = [name for name in request.GET if name not in known]
        if unknown:
            kept = [
                (name, value) for name, values in request.GET.lists() if name in known for value in values
            ]
            messages.warning(request, f"This list is not narrowed by {_shown(unknown)}; that was left out.")
            return HttpResponseRedirect(f"{request.path}?{urlencode(kept)}" if kept else request.path)
        wrong = [pk for pk in request.POST.getlist(ACTION_CHECKBOX_NAME) if key_of(self.model, pk) is None]
        if wrong:
            messages.error(
                request, f"Nothing was changed: there is no {self.opts.verbose_name} {_shown(wrong)}."
            )
            return HttpResponseRedirect(request.get_full_path())
        return super().changelist_view(request, extra_context)

    def _narrowing(self, request: HttpRequest) -> Iterator[str]:
        """Yield the names by which the list's filters are asked in an address."""
        for one in self.get_list_filter(request):
            if isinstance(one, type) and issubclass(one, SimpleListFilter):
                yield str(one.parameter_name)
            elif isinstance(one, tuple):
                yield from (f"{one[0]}_{end}" for end in ("from", "to"))
            else:
                yield f"{one}__exact"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Narrow the list to what holds every word; PostgreSQL cannot be asked for a NUL character."""
        return super().get_search_results(request, queryset, search_term.replace("\x00", " "))

    def object_or_404(self, request: HttpRequest, object_id: Any) -> Any:
        """Return one of the objects that this page shows."""
        pk = key_of(self.model, unquote(str(object_id)))
        if pk is None:
            raise Http404
        return get_object_or_404(self.get_queryset(request), pk=pk)


def key_of(model: type[Model], text: Any) -> Any:
    """Return the text as a primary key of this model, None where it cannot be one."""
    try:
        return model._meta.pk.clean(text, None)
    except ValidationError:
        return None


def _shown(words: Iterable[str]) -> str:
    text = ", ".join(words).replace("\x00", "�")
    return f"“{text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + '…'}”"


class WrittenElsewhere:
    """Pages of rows that nobody adds, changes or deletes there: the engine writes them, or the buttons of other pages do."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False


class OneTaskFilter(SimpleListFilter):
    """By one task, from whose page the list is reached; so it offers only that one. `way` leads from a row to the task."""

    title = "task"
    parameter_name = "task"
    way = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the task that the list is narrowed to, if any."""
        wanted = request.GET.get(self.parameter_name, "")
        return [(wanted, "this task only")] if wanted else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        pk = key_of(Task, self.value())
        return queryset.filter(**{self.way: pk}) if pk else queryset
