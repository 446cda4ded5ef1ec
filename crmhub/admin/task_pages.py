"""What the list of tasks and the recycle bin have in common: columns, badges, and the panels around a task."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.utils import display_for_label

from crmhub.admin.badges import badge_column, refreshed_badges
from crmhub.admin.due import DueTime
from crmhub.admin.effects import effects_panel
from crmhub.admin.panels import attempts_panel, links_panel
from crmhub.admin.past import ReadOnlyPast
from crmhub.admin.task_filters import person_name
from crmhub.models import Task, TaskLink
from crmhub.queries.attempts import latest_attempts_of_task
from crmhub.queries.sync import links_of_task, live_task_links
from crmhub.queries.tasks import BY_DUE, UNFINISHED, as_rows, matching


class TaskPages(ReadOnlyPast):
    """What the list of tasks and the recycle bin share."""

    list_display: Any = ("name", "due", "state", "assigned_to", "with_whom")
    ordering: Any = BY_DUE
    search_fields = ("search_text",)
    search_help_text = "Search titles, contacts’ names and e-mails"
    change_form_outer_before_template = "admin/crmhub/task/above.html"
    change_form_outer_after_template = "admin/crmhub/task/below.html"

    class Media:
        js = ("crmhub/badges.js",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Task], search_term: str
    ) -> tuple[QuerySet[Task], bool]:
        """Narrow the list to what holds every word; nothing is found twice, so nothing has to be made distinct."""
        return matching(queryset, search_term), False

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, the badges with the CRMs' names as they are now."""
        return [*super().get_list_display(request), badge_column(request)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Task]:
        """Return the tasks of this page, as rows where it is a list."""
        tasks = self.tasks().order_by(*BY_DUE)
        return as_rows(tasks) if self.is_list(request) else tasks.select_related("assignee")

    def tasks(self) -> QuerySet[Task]:
        """Return the tasks that this page is about."""
        raise NotImplementedError

    @display(description="Task", ordering="title")
    def name(self, task: Task) -> str:
        """Return the title, cut where it would fill the screen."""
        return task.title if len(task.title) <= 90 else f"{task.title[:89]}…"

    @display(description="Due", ordering=BY_DUE[0])
    def due(self, task: Task) -> Any:
        """Return when it is due, in the reader's zone; marked when that has passed."""
        shown = DueTime.of(task)
        if shown.moment is None:
            return ""
        missed = task.status in UNFINISHED and shown.is_past(now=timezone.now())
        return format_html('<span class="{}">{}</span>', "hub-overdue" if missed else "hub-when", str(shown))

    @display(description="Status", ordering="status")
    def state(self, task: Task) -> SafeString:
        """Return where the work stands."""
        return _label(task.get_status_display())

    @display(description="Assignee")
    def assigned_to(self, task: Task) -> str:
        """Return who is to do it."""
        return person_name(task.assignee)

    @display(description="With")
    def with_whom(self, task: Any) -> str:
        """Return the main contact, and how many more there are."""
        names = [str(row.contact) for row in task.with_contacts]
        if not names:
            return task.contact_name or task.company_name
        return names[0] if len(names) == 1 else f"{names[0]} +{len(names) - 1}"

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether counterparts may be sent again, kept out or added."""
        return bool(request.user.has_perm("crmhub.change_tasklink"))

    def has_choose_permission(self, request: HttpRequest) -> bool:
        """Return whether one of several there may be chosen, which is then a contact or company of the task."""
        return self.has_replay_permission(request) and bool(request.user.has_perm("crmhub.change_task"))

    def has_restore_permission(self, request: HttpRequest) -> bool:
        """Return whether tasks may be taken out of the recycle bin: who may put them there."""
        return bool(request.user.has_perm("crmhub.delete_task"))

    def badges_view(self, request: HttpRequest) -> JsonResponse:
        """Return the badges of these tasks, for a list that is open in a browser."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return refreshed_badges(request, live_task_links(), subject="task_id")

    def get_urls(self) -> list[URLPattern]:
        """Add the badges' refresh."""
        view = self.admin_site.admin_view(self.badges_view)
        return [path("badges/", view, name=f"crmhub_{self.opts.model_name}_badges"), *super().get_urls()]

    def links(self, request: HttpRequest, task: Task, links: list[TaskLink]) -> dict[str, Any]:
        """Return what the panel of links shows to this person."""
        may_act = self.has_replay_permission(request)
        return links_panel(task, links, may_act=may_act, may_choose=self.has_choose_permission(request))

    def panels(self, request: HttpRequest, task: Task) -> dict[str, Any]:
        """Return what the page shows around the form."""
        links = links_of_task(task)
        return {
            **self.links(request, task, links),
            "effects": effects_panel(links),
            "attempts": attempts_panel(latest_attempts_of_task(task.pk)),
            "journal_url": f"{reverse('admin:crmhub_attempt_changelist')}?task={task.pk}",
        }


@cache
def _label(status: str) -> SafeString:
    """Return the status as the theme draws labels. There are six, and a list has fifty rows."""
    kinds = {"Open": "info", "In progress": "primary", "Waiting": "warning", "Completed": "success"}
    return display_for_label(status, "", kinds)
