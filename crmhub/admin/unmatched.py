"""Unmatched: tasks at a CRM of which only a person can say which one here they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crmhub import services
from crmhub.admin.attempts import ConnectionFilter
from crmhub.admin.badges import counted, moment
from crmhub.admin.counting import EstimatingPaginator
from crmhub.admin.dropdown import Dropdown
from crmhub.admin.due import DueTime
from crmhub.admin.panels import crm_and_name, safe_url
from crmhub.admin.steady import OneTaskFilter, Steady, WrittenElsewhere
from crmhub.admin.task_filters import person_name
from crmhub.models import Task, Unmatched
from crmhub.queries.unmatched import candidates_of, count_unmatched, unmatched_rows
from crmhub.sync import field_in_words, match_by_hand

# In this order, and only where the CRM tells of them; ids of records say nothing to a person.
SHOWN = ("title", "body", "status", "priority", "type", "due_at", "end_at", "reminder_at", "location")


def waiting(request: HttpRequest) -> str:
    """Return the number beside *Unmatched* in the menu, "" for none."""
    if not request.user.has_perm("crmhub.view_unmatched"):
        return ""
    count = count_unmatched()
    return f"{count:,}" if count else ""


class StateFilter(Dropdown):
    """Those that wait, unless somebody asks for the others."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states."""
        return [("left", "Left alone"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Unmatched]) -> QuerySet[Unmatched]:
        """Narrow the list."""
        if self.value() == "all":
            return queryset
        return queryset.filter(left_at__isnull=self.value() != "left")


class TaskFilter(OneTaskFilter):
    """By a task that it may be."""

    way = "tasks"


@dataclass(frozen=True)
class CandidateRow:
    """One task here that it may be, as the page shows it."""

    task: Task
    url: str
    due: str
    assignee: str
    contacts: str
    differing: str


@admin.action(description="Leave", permissions=["match"])
def leave(_model_admin: Any, request: HttpRequest, queryset: QuerySet[Unmatched]) -> None:
    """Leave the chosen ones as they are at their CRMs."""
    rows = list(queryset.filter(left_at=None))
    for row in rows:
        services.leave_unmatched(unmatched=row)
    messages.success(request, f"{counted(len(rows), 'task')} left alone.")


@admin.register(Unmatched)
class UnmatchedAdmin(WrittenElsewhere, Steady):
    """The list of those that wait, and the page on which somebody says which one it is."""

    list_display = ("there", "crm", "why", "may_be", "found")
    list_display_links = ("there",)
    list_filter = (ConnectionFilter, StateFilter, TaskFilter)
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = EstimatingPaginator
    ordering = ("found_at", "id")
    actions = (leave,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Unmatched]:
        """Return the rows with all that a list shows of them."""
        return unmatched_rows()

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the bulk actions, without the one that deletes rows."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    @display(description="There")
    def there(self, row: Unmatched) -> str:
        """Return what it is called there."""
        return str(row)[:100]

    @display(description="Connection")
    def crm(self, row: Unmatched) -> str:
        """Return the account and its CRM."""
        return crm_and_name(row.connection)

    @display(description="May be")
    def may_be(self, row: Unmatched) -> str:
        """Return the tasks here that it may be."""
        titles = [task.title[:60] for task in row.tasks.all()]
        return "nobody knows" if not titles else "; ".join(titles[:3]) + (" …" if len(titles) > 3 else "")

    @display(description="Found", ordering="found_at")
    def found(self, row: Unmatched) -> str:
        """Return when it was found."""
        return moment(row.found_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the buttons."""
        view = self.admin_site.admin_view
        return [
            path(
                "<int:pk>/match/<uuid:task>/",
                view(require_POST(self.match_view)),
                name="crmhub_unmatched_match",
            ),
            path("<int:pk>/leave/", view(require_POST(self.leave_view)), name="crmhub_unmatched_leave"),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show what is there beside the tasks that it may be; opening it calls nobody."""
        row = self.object_or_404(request, object_id)
        if not self.has_view_permission(request, row) or request.method != "GET":
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(row),
            "original": row,
            "media": self.media,
            "has_view_permission": True,
            "crm": crm_and_name(row.connection),
            "url": safe_url(row.external_url),
            "facts": _facts(row),
            "candidates": [_candidate(task) for task in candidates_of(row)],
            "may_match": self.has_match_permission(request),
        }
        return TemplateResponse(request, "admin/crmhub/unmatched/page.html", context)

    def match_view(self, request: HttpRequest, pk: int, task: UUID) -> HttpResponse:
        """Link the task with the one there."""
        row = self._row(request, pk)
        chosen = get_object_or_404(row.tasks, pk=task)
        try:
            link = match_by_hand(row, chosen)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return HttpResponseRedirect(reverse("admin:crmhub_unmatched_change", args=[pk]))
        url = reverse("admin:crmhub_task_change", args=[chosen.pk])
        said = format_html('<a class="hub-link" href="{}">{}</a> is that one there.', url, chosen.title)
        messages.success(request, format_html("{} {}", said, link.last_error))
        return HttpResponseRedirect(reverse("admin:crmhub_unmatched_changelist"))

    def leave_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Leave it as it is there."""
        row = self._row(request, pk)
        services.leave_unmatched(unmatched=row)
        messages.success(request, f"“{row}” is left alone at {row.connection}.")
        return HttpResponseRedirect(reverse("admin:crmhub_unmatched_changelist"))

    def _row(self, request: HttpRequest, pk: int) -> Unmatched:
        row: Unmatched = self.object_or_404(request, pk)
        if not self.has_match_permission(request) or not row.connection.is_live:
            raise PermissionDenied
        return row

    def has_match_permission(self, request: HttpRequest) -> bool:
        """Return whether tasks may be matched and left: who may send counterparts again."""
        return bool(request.user.has_perm("crmhub.change_tasklink"))


def _facts(row: Unmatched) -> list[tuple[str, str]]:
    told = [(field_in_words(name).capitalize(), row.holds.get(name)) for name in SHOWN]
    return [
        *((name, str(value)) for name, value in told if value not in (None, "", False)),
        ("Id there", row.external_id),
        ("The hub's key", row.key or "none"),
        ("Found", moment(row.found_at)),
    ]


def _candidate(task: Any) -> CandidateRow:
    page = "admin:crmhub_deletedtask_change" if task.is_deleted else "admin:crmhub_task_change"
    return CandidateRow(
        task=task,
        url=reverse(page, args=[task.pk]),
        due=str(DueTime.of(task)),
        assignee=person_name(task.assignee),
        contacts=", ".join(str(one.contact) for one in task.with_contacts),
        differing="is linked there already" if task.is_linked_there else "",
    )
