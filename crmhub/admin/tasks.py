"""Tasks: the list with its views, and the page with what each CRM holds of it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crmhub import services
from crmhub.admin.badges import moment
from crmhub.admin.due import MomentField, MomentWidget
from crmhub.admin.link_filters import failures_url
from crmhub.admin.preview_page import preview_view
from crmhub.admin.task_actions import TASK_ACTIONS, follow
from crmhub.admin.task_filters import TASK_FILTERS, is_unfinished_list, views
from crmhub.admin.task_form import ContactInline, RecordInline, TaskForm, associations_of
from crmhub.admin.task_pages import TaskPages
from crmhub.admin.writes import writer
from crmhub.models import Connection, Task, TaskLink
from crmhub.queries.sync import links_of_task
from crmhub.queries.tasks import BY_DUE, WORK_FIRST, tasks_in_use
from crmhub.services import Associations
from crmhub.sync import expected_losses


@admin.register(Task)
class TaskAdmin(TaskPages):
    """Tasks in use."""

    form = TaskForm
    formfield_overrides = {models.DateTimeField: {"form_class": MomentField, "widget": MomentWidget}}
    inlines = (ContactInline, RecordInline)
    readonly_fields = ("ends", "reminds")
    list_filter = TASK_FILTERS
    actions = TASK_ACTIONS
    date_hierarchy = None
    list_before_template = "admin/crmhub/task/views.html"

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list with the links to its usual views above it."""
        above = {"views": views(request), "failures_url": failures_url(request)}
        return super().changelist_view(request, {**(extra_context or {}), **above})

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list; without the theme's link "Show all", which would lead to the unfinished ones."""
        listed = super().get_changelist_instance(request)
        listed.full_result_count = listed.result_count
        return listed

    def get_ordering(self, request: HttpRequest) -> Any:
        """Return the order: what is still to be done as a person works through it, everything else by due."""
        return WORK_FIRST if self.is_list(request) and is_unfinished_list(request) else BY_DUE

    def tasks(self) -> QuerySet[Task]:
        """Return the tasks outside the recycle bin."""
        return tasks_in_use()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the form's parts, with the zone of its times said where they are entered."""
        zone = format_html(
            'Times are in your time zone, {}. <a class="hub-link" href="{}">Choose another</a>',
            str(timezone.get_current_timezone()),
            reverse("admin:crmhub_profile_mine"),
        )
        may_save = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        hidden = ("opened", "rows") if may_save else ()
        times = ("end_at", "reminder_at") if may_save else ("ends", "reminds")
        return (
            (None, {"fields": ("title", "body", ("status", "priority"), ("type", "assignee"))}),
            ("When", {"fields": ("due", *times, "notify_by_email"), "description": zone}),
            (
                "Where and for whom",
                {"fields": (("queue", "location"), ("contact_name", "company_name"), *hidden)},
            ),
        )

    @display(description="End")
    def ends(self, task: Task) -> str:
        """Return when it ends, for those who may only look."""
        return moment(task.end_at)

    @display(description="Reminder")
    def reminds(self, task: Task) -> str:
        """Return when it is called to mind, for those who may only look."""
        return moment(task.reminder_at)

    def get_urls(self) -> list[URLPattern]:
        """Add the buttons of the page and the badges' refresh."""
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/links/", view(self.links_view), name="crmhub_task_links"),
            path("<uuid:pk>/preview/", view(partial(preview_view, self)), name="crmhub_task_preview"),
            path(
                "<uuid:pk>/links/<uuid:link>/choose/",
                view(require_POST(self.choose_view)),
                name="crmhub_task_choose",
            ),
            path(
                "<uuid:pk>/links/<uuid:link>/<str:what>/",
                view(require_POST(self.act_on_link)),
                name="crmhub_task_link",
            ),
            path(
                "<uuid:pk>/add-to/<uuid:connection>/",
                view(require_POST(self.add_view_to_crm)),
                name="crmhub_task_add_to",
            ),
            *super().get_urls(),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a new task begins with: it is the reader's own."""
        return {"assignee": request.user.pk, **super().get_changeform_initial_data(request)}

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the form with the panels of links and attempts around it."""
        task = context.get("original")
        if task is not None:
            context.update(self.panels(request, task))
        return super().render_change_form(request, context, *args, **kwargs)

    def store(self, request: HttpRequest, form: Any, formsets: Any, *, is_new: bool) -> str:
        """Save the task with its contacts and records as one version."""
        sides = associations_of(form, formsets)
        changed = [name for name in form.changed_fields if name in {f.name for f in Task._meta.fields}]
        if not is_new and not changed and not sides:
            return "Nothing was changed."
        saved = services.save_task(
            task=form.instance,
            changed=changed,
            associations=Associations(**sides) if sides else None,
            by=writer(request),
            origin="staff",
        )
        request.also = [*saved.warnings, *_told(expected_losses(saved.task))]  # type: ignore[attr-defined]
        return f"Task saved. {follow([saved.task.pk])}"

    def discard(self, request: HttpRequest, obj: Task) -> None:
        """Put the task into the recycle bin."""
        services.delete_task(task=Task.objects.get(pk=obj.pk), by=writer(request), origin="staff")
        request.said = f"Task moved to the recycle bin. {follow([obj.pk])}"  # type: ignore[attr-defined]

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Return the task alone: nothing else is deleted, and it can be restored."""
        return [str(obj) for obj in objs], {}, set(), []

    def links_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the panel of links, for a task page that is open in a browser."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        task = get_object_or_404(Task, pk=pk)
        panel = self.links(request, task, links_of_task(task))
        return render(request, "admin/crmhub/task/links.html", {**panel, "original": task})

    def act_on_link(self, request: HttpRequest, pk: UUID, link: UUID, what: str) -> HttpResponse:
        """Send one counterpart again, or keep the task out of its CRM."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        row = get_object_or_404(TaskLink.objects.select_related("connection", "task"), pk=link, task_id=pk)
        if what == "send-again":
            count = services.replay_links(links=[row])
            said = (
                f"It will be sent to {row.connection} again."
                if count
                else f"Nothing goes to {row.connection} for it."
            )
        elif what == "keep-out":
            services.exclude_link(link=row)
            row.refresh_from_db()
            is_out = row.sync_status == "excluded"
            said = f"It stays out of {row.connection} from now on; what is there already stays there."
            said = (
                said
                if is_out
                else f"It is being sent to {row.connection} at this moment. Try again in a few seconds."
            )
        else:
            raise Http404
        return self._back(request, row.task, said)

    def choose_view(self, request: HttpRequest, pk: UUID, link: UUID) -> HttpResponse:
        """Settle which of several there a typed name means."""
        if not self.has_choose_permission(request):
            raise PermissionDenied
        row = get_object_or_404(TaskLink.objects.select_related("connection", "task"), pk=link, task_id=pk)
        try:
            chosen = services.choose_for_task(
                link=row, external_id=request.POST.get("external_id", ""), by=writer(request)
            )
        except ValidationError as error:
            return self._back(request, row.task, " ".join(error.messages), level=messages.ERROR)
        return self._back(
            request, row.task, f"Chosen: {chosen} at {row.connection}. The task has it now and will follow."
        )

    def add_view_to_crm(self, request: HttpRequest, pk: UUID, connection: UUID) -> HttpResponse:
        """Send the task to one more CRM."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        task = get_object_or_404(tasks_in_use(), pk=pk)
        account = get_object_or_404(Connection, pk=connection, disconnected_at__isnull=True)
        services.add_to_crm(task=task, connection=account)
        return self._back(request, task, f"{account} will get it.")

    def _back(
        self, request: HttpRequest, task: Task, said: str, *, level: int = messages.SUCCESS
    ) -> HttpResponse:
        messages.add_message(request, level, said)
        page = "crmhub_deletedtask_change" if task.is_deleted else "crmhub_task_change"
        return HttpResponseRedirect(reverse(f"admin:{page}", args=[task.pk]))


def _told(losses: list[str]) -> list[str]:
    """Return one warning that lists what is lost, none where nothing is."""
    lines = format_html_join("", "<li>{}</li>", ((line,) for line in losses))
    return (
        [format_html('Not every CRM can hold all of it:<ul class="hub-list">{}</ul>', lines)]
        if losses
        else []
    )
