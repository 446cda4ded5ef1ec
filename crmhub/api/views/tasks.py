"""Tasks: list, create, read, change, delete, restore, complete, and how they stand at each CRM."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crmhub.api.bodies import CompletedBody, TaskBody, TasksBody
from crmhub.api.changes import author, change_task, create_task, create_tasks, require_version
from crmhub.api.filters import TaskFilter
from crmhub.api.schema import IF_MATCH
from crmhub.api.shapes import CreatedTasksShape, LinkDetailsShape, LinksShape, TaskRowShape, TaskShape
from crmhub.api.views.base import HubView, ListView, existing, shown
from crmhub.clock import database_now
from crmhub.models import Task
from crmhub.models.access import Scope
from crmhub.queries import api as queries
from crmhub.services import complete_task, delete_task, restore_task
from crmhub.sync import expected_losses

READ = (Scope.TASKS_READ.value,)
WRITE = (Scope.TASKS_WRITE.value,)
DELETED = OpenApiParameter(
    "deleted",
    OpenApiTypes.STR,
    enum=["true", "false"],
    description="`true`: also when it lies in the recycle bin.",
)


class Tasks(ListView):
    """All tasks."""

    scopes = {"GET": READ, "POST": WRITE}
    queryset = queries.tasks_for_reading()
    serializer_class = TaskRowShape
    filterset_class = TaskFilter
    orderings = ("updated_at", "created_at", "due_at")

    @extend_schema(operation_id="list_tasks", responses=TaskRowShape(many=True), tags=["tasks"])
    def get(self, request: Request) -> Response:
        """List tasks. They come without `warnings`."""
        return self.page()

    @extend_schema(operation_id="create_task", request=TaskBody, responses={201: TaskShape}, tags=["tasks"])
    def post(self, request: Request) -> Response:
        """Create a task; every CRM that takes it follows."""
        saved = create_task(self.body(TaskBody, request), author=author(request))
        at = reverse("api:task", args=[saved.task.pk])
        return task_shown(saved.task.pk, warnings=saved.warnings, status=201, at=at)


class TaskBatch(HubView):
    """Many new tasks at once."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="create_tasks", request=TasksBody, responses={201: CreatedTasksShape}, tags=["tasks"]
    )
    def post(self, request: Request) -> Response:
        """Create up to 500 tasks, all of them or none; every CRM that takes them follows.

        Where one is refused, `errors` says which and why. The answer has them in the order in which they were sent.
        """
        saved = create_tasks(self.body(TasksBody, request)["tasks"], author=author(request))
        return Response(CreatedTasksShape({"results": saved}).data, status=201)


class OneTask(HubView):
    """One task."""

    scopes = {"GET": READ, "PATCH": WRITE, "DELETE": WRITE}
    parameters = {"GET": ("deleted",), "HEAD": ("deleted",)}

    @extend_schema(operation_id="read_task", responses=TaskShape, tags=["tasks"], parameters=[DELETED])
    def get(self, request: Request, task_id: UUID) -> Response:
        """Read a task as it stands now, with how it stands at each CRM."""
        task = found(task_id, also_deleted=request.query_params.get("deleted") == "true")
        return task_shown(task.pk)

    @extend_schema(
        operation_id="change_task",
        request=TaskBody,
        responses=TaskShape,
        tags=["tasks"],
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, task_id: UUID) -> Response:
        """Change what is given; the rest stays. A list of ids replaces the one that is there."""
        with transaction.atomic():
            task = locked(task_id, request)
            values = self.body(TaskBody, request, instance=task, partial=True)
            saved = change_task(task, values, author=author(request))
        return task_shown(task_id, warnings=saved.warnings)

    @extend_schema(
        operation_id="delete_task",
        responses={204: OpenApiResponse(description="It lies in the recycle bin.")},
        tags=["tasks"],
        parameters=[IF_MATCH],
    )
    def delete(self, request: Request, task_id: UUID) -> Response:
        """Put a task into the recycle bin; the CRMs delete theirs. Doing so again is no error."""
        with transaction.atomic():
            task = locked(task_id, request, also_deleted=True)
            delete_task(task=task, **author(request))
        return Response(status=204)


class TaskRestoration(HubView):
    """The way out of the recycle bin."""

    scopes = {"POST": WRITE}

    @extend_schema(operation_id="restore_task", request=None, responses={200: TaskShape}, tags=["tasks"])
    def post(self, request: Request, task_id: UUID) -> Response:
        """Take a task out of the recycle bin; the CRMs get it anew. Nothing happens to one that is not there."""
        with transaction.atomic():
            task = locked(task_id, request, also_deleted=True)
            restore_task(task=task, **author(request))
        return task_shown(task_id)


class TaskCompletion(HubView):
    """Whether a task is completed."""

    scopes = {"PUT": WRITE}

    @extend_schema(
        operation_id="set_task_completed",
        request=CompletedBody,
        responses=TaskShape,
        tags=["tasks"],
        parameters=[IF_MATCH],
    )
    def put(self, request: Request, task_id: UUID) -> Response:
        """Complete a task, or open it again. One that stands so already is left alone."""
        with transaction.atomic():
            task = locked(task_id, request)
            is_completed = self.body(CompletedBody, request)["completed"]
            complete_task(task=task, is_completed=is_completed, **author(request))
        return task_shown(task_id)


class TaskLinks(HubView):
    """The links of a task."""

    scopes = {"GET": (*READ, Scope.SYNC_READ.value)}

    @extend_schema(operation_id="list_task_links", responses=LinksShape, tags=["tasks"])
    def get(self, request: Request, task_id: UUID) -> Response:
        """Read how a task stands at each CRM, also while it lies in the recycle bin."""
        task = found(task_id, also_deleted=True)
        links: Any = queries.links_for_reading().filter(task=task)
        return Response({"results": LinkDetailsShape(links, many=True, context={"now": database_now()}).data})


def found(task_id: UUID, *, also_deleted: bool = False) -> Task:
    """Return the task. Raises `Http404` in words."""
    return _in_use(existing(Task, task_id), also_deleted=also_deleted)


def locked(task_id: UUID, request: Request, *, also_deleted: bool = False) -> Task:
    """Return the task, locked and at a version that the request expects. Raises `Http404` or `Stale`."""
    task = _in_use(existing(Task, task_id, queries.task_to_change), also_deleted=also_deleted)
    require_version(request, task.version)
    return task


def task_shown(task_id: UUID, *, warnings: Any = (), status: int = 200, at: str = "") -> Response:
    """Return the task as the answer, read anew with all that belongs to it."""
    task = queries.tasks_for_reading().get(pk=task_id)
    said = list(dict.fromkeys([*warnings, *expected_losses(task)]))
    return shown(TaskShape, task, status=status, at=at, warnings=said, now=database_now())


def _in_use(task: Task, *, also_deleted: bool) -> Task:
    if task.is_deleted and not also_deleted:
        raise Http404(
            f"The task {task.pk} lies in the recycle bin: restore it first, or read it with ?deleted=true."
        )
    return task
