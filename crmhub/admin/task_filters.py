"""Narrowing the list of tasks: by status, due, assignee and priority, and by how their links stand."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import parse_qsl

from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RangeDateFilter

from crmhub.admin.dropdown import Dropdown
from crmhub.admin.link_filters import LINK_FILTERS
from crmhub.admin.steady import OF_EVERY_LIST, key_of
from crmhub.models import Task
from crmhub.queries.people import staff
from crmhub.queries.tasks import STILL_TO_DO, Due, due, due_between

UNFINISHED_WORD, ALL_WORD = "unfinished", "all"
# The links above the list.
VIEWS = (
    ("Unfinished", ""),
    ("Mine", f"assignee=me&status={UNFINISHED_WORD}"),
    ("Overdue", "due=overdue"),
    ("All", f"status={ALL_WORD}"),
)


class StatusFilter(Dropdown):
    """By where the work stands: what is unfinished, unless something else was asked for."""

    title = "status"
    parameter_name = "status"
    all_option = [ALL_WORD, "All"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the statuses, and one word for all that is still to be done."""
        return [(UNFINISHED_WORD, "Unfinished"), *Task.Status.choices]

    def value(self) -> str:
        """Return what was asked for."""
        return super().value() or (UNFINISHED_WORD if is_unfinished_list(self.request) else ALL_WORD)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        """Narrow the list."""
        if self.value() == UNFINISHED_WORD:
            if is_ticked(request):
                return queryset  # a task that somebody finished since the list was drawn is still meant
            return queryset.filter(STILL_TO_DO)
        return queryset.filter(status=self.value()) if self.value() in Task.Status.values else queryset


class PriorityFilter(Dropdown):
    """By priority."""

    title = "priority"
    parameter_name = "priority"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the priorities."""
        return list(Task.Priority.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        """Narrow the list."""
        return queryset.filter(priority=self.value()) if self.value() in Task.Priority.values else queryset


class DueFilter(Dropdown):
    """By when it is due, in the reader's days."""

    title = "due"
    parameter_name = "due"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the usual questions."""
        return [
            (Due.OVERDUE, "Overdue"),
            (Due.TODAY, "Today"),
            (Due.WEEK, "Next 7 days"),
            (Due.NONE, "No due date"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        """Narrow the list."""
        if self.value() not in list(Due):
            return queryset
        return due(queryset, Due(str(self.value())), now=timezone.now(), zone=timezone.get_current_timezone())


class DueRangeFilter(RangeDateFilter):
    """From a day to a day, both included, in the reader's days."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "day it is due"  # "due" is the menu above it

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        """Narrow the list; a day that cannot be read does not narrow it."""
        first, last = (self._day(end) for end in ("from", "to"))
        if first is None and last is None:
            return queryset
        return due_between(queryset, first, last, zone=timezone.get_current_timezone())

    def _day(self, end: str) -> date | None:
        try:
            return date.fromisoformat(str(self.used_parameters.get(f"{self.parameter_name}_{end}") or ""))
        except ValueError:
            return None


class AssigneeFilter(Dropdown):
    """By who is to do it."""

    title = "assignee"
    parameter_name = "assignee"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the reader, nobody, and everybody."""
        return [("me", "Me"), ("nobody", "Unassigned"), *((str(one.pk), person_name(one)) for one in staff())]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Task]) -> QuerySet[Task]:
        """Narrow the list."""
        wanted = str(self.value() or "")
        if wanted == "me":
            return queryset.filter(assignee=request.user.pk)
        if wanted == "nobody":
            return queryset.filter(assignee__isnull=True)
        pk = key_of(get_user_model(), wanted)
        return queryset if pk is None else queryset.filter(assignee=pk)


def is_unfinished_list(request: HttpRequest) -> bool:
    """Return whether the list shows what is still to be done: asked for, or because nothing was.

    A search and a filter look everywhere unless they say otherwise, so that counts elsewhere lead to lists as long as they say.
    """
    asked = _asked(request)
    return asked.get(StatusFilter.parameter_name, "" if asked else UNFINISHED_WORD) == UNFINISHED_WORD


def is_ticked(request: HttpRequest) -> bool:
    """Return whether something is to be done to the tasks that were ticked, and not to all of the list."""
    return request.method == "POST" and request.POST.get("select_across") != "1"


def views(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the links above the list, each with whether it is the one that the reader is at."""
    asked = _asked(request)
    return [
        {"name": name, "query": f"?{query}", "is_here": dict(parse_qsl(query)) == asked}
        for name, query in VIEWS
    ]


def _asked(request: HttpRequest) -> dict[str, str]:
    """Return what narrows the list: not its page or its order."""
    return {
        name: str(value)
        for name, value in request.GET.items()
        if value and (name == SEARCH_VAR or name not in OF_EVERY_LIST)
    }


def person_name(user: AbstractBaseUser | None) -> str:
    """Return what a person is called on the screen; "" for nobody."""
    return "" if user is None else str(user.get_full_name() or user.get_username())  # type: ignore[attr-defined]


TASK_FILTERS = (
    StatusFilter,
    DueFilter,
    ("due_at", DueRangeFilter),
    AssigneeFilter,
    *LINK_FILTERS,
    PriorityFilter,
)
