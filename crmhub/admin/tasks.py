"""Tasks: the list with its badges, the page with what each CRM holds of it, and the recycle bin."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crmhub import services
from crmhub.admin.badges import badge_column, moment, refreshed_badges
from crmhub.admin.due import DueTime, MomentField, MomentWidget
from crmhub.admin.panels import attempts_panel, links_panel
from crmhub.admin.past import ReadOnlyPast
from crmhub.admin.proxies import DeletedTask
from crmhub.admin.task_actions import TASK_ACTIONS, follow, restore
from crmhub.admin.task_filters import TASK_FILTERS, AssigneeFilter, is_unfinished_list, person_name, views
from crmhub.admin.task_form import ContactInline, RecordInline, TaskForm, associations_of
from crmhub.admin.writes import writer
from crmhub.models import Connection, Task, TaskLink
from crmhub.queries.attempts import latest_attempts_of_task
from crmhub.queries.sync import links_of_task, live_task_links
from crmhub.queries.tasks import (
    BY_DUE,
    UNFINISHED,
    WORK_FIRST,
    as_rows,
    deleted_tasks,
    matching,
    tasks_in_use,
)
from crmhub.services import Associations
from crmhub.sync import expected_losses


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

    @display(
        description="Status",
        ordering="status",
        label={
            "Open": "info",
            "In progress": "primary",
            "Waiting": "warning",
            "Completed": "success",
        },
    )
    def state(self, task: Task) -> str:
        """Return where the work stands."""
        return task.get_status_display()

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

    def panels(self, request: HttpRequest, task: Task) -> dict[str, Any]:
        """Return what the page shows around the form."""
        return {
            **links_panel(task, links_of_task(task), may_act=self.has_replay_permission(request)),
            "attempts": attempts_panel(latest_attempts_of_task(task.pk)),
            "journal_url": f"{reverse('admin:crmhub_attempt_changelist')}?task={task.pk}",
        }


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
        return super().changelist_view(request, {**(extra_context or {}), "views": views(request)})

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
        panel = links_panel(task, links_of_task(task), may_act=self.has_replay_permission(request))
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

    def add_view_to_crm(self, request: HttpRequest, pk: UUID, connection: UUID) -> HttpResponse:
        """Send the task to one more CRM."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        task = get_object_or_404(tasks_in_use(), pk=pk)
        account = get_object_or_404(Connection, pk=connection, disconnected_at__isnull=True)
        services.add_to_crm(task=task, connection=account)
        return self._back(request, task, f"{account} will get it.")

    def _back(self, request: HttpRequest, task: Task, said: str) -> HttpResponse:
        messages.success(request, said)
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


@admin.register(DeletedTask)
class DeletedTaskAdmin(TaskPages):
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: tasks come here by being deleted."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: restore a task to change it."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: nothing is deleted for good here."""
        return False
