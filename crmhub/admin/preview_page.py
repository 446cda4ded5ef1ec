"""The page of a task that shows what each CRM would get next. Opening it calls nobody and changes nothing."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from crmhub.admin.panels import crm_and_name
from crmhub.models import Task
from crmhub.sync import preview_task


def preview_view(model_admin: Any, request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show the requests of one task, also of one in the recycle bin."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    task = get_object_or_404(Task, pk=pk)
    shown = [(crm_and_name(one.connection), one) for one in preview_task(task)]
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"What the CRMs would get: {task.title[:80]}",
        "media": model_admin.media,
        "original": task,
        "shown": shown,
    }
    return TemplateResponse(request, "admin/crmhub/task/preview.html", context)
