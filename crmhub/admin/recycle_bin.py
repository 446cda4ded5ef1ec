"""The recycle bin: deleted tasks, to be looked at and restored."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crmhub import services
from crmhub.admin.badges import moment
from crmhub.admin.proxies import DeletedTask
from crmhub.admin.steady import WrittenElsewhere
from crmhub.admin.task_actions import follow, restore
from crmhub.admin.task_filters import AssigneeFilter
from crmhub.admin.task_pages import TaskPages
from crmhub.admin.writes import writer
from crmhub.models import Task
from crmhub.queries.tasks import deleted_tasks


@admin.register(DeletedTask)
class DeletedTaskAdmin(WrittenElsewhere, TaskPages):
    """The recycle bin."""

    list_display = ("name", "deleted", "state", "assigned_to", "with_whom")
    ordering = ("-deleted_at", "id")
    list_filter = (AssigneeFilter,)
    actions = (restore,)
    fieldsets = ((None, {"fields": ("title", "body", "state", "due", "assigned_to", "deleted")}),)
    readonly_fields = ("title", "body", "state", "due", "assigned_to", "deleted")

    def tasks(self) -> QuerySet[Any]:
        """Return the deleted tasks."""
        return DeletedTask.objects.filter(deleted_at__isnull=False)

    @display(description="Deleted", ordering="deleted_at")
    def deleted(self, task: Task) -> str:
        """Return when it was deleted."""
        return moment(task.deleted_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the *Restore* button."""
        view = self.admin_site.admin_view(require_POST(self.restore_view))
        return [path("<uuid:pk>/restore/", view, name="crmhub_deletedtask_restore"), *super().get_urls()]

    def restore_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Take one task out of the recycle bin."""
        if not self.has_restore_permission(request):
            raise PermissionDenied
        task = services.restore_task(
            task=get_object_or_404(deleted_tasks(), pk=pk), by=writer(request), origin="staff"
        )
        messages.success(request, f"Task restored. {follow([task.pk])}")
        return HttpResponseRedirect(reverse("admin:crmhub_task_change", args=[task.pk]))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the task with what the CRMs hold of it, and the button."""
        task = context.get("original")
        if task is not None:
            context.update(self.panels(request, task), may_restore=self.has_restore_permission(request))
        return super().render_change_form(request, context, *args, **kwargs)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the bin may be seen: who may see tasks."""
        return bool(request.user.has_perm("crmhub.view_task") or request.user.has_perm("crmhub.change_task"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether the bin is on the menu."""
        return self.has_view_permission(request)
