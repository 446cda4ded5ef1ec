"""The first page: how each connection is, what waits for a person, and what I have to do today."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from crmhub import wake
from crmhub.admin.badges import ago, badges, counted
from crmhub.admin.connection_words import filtered, health_badge, reason
from crmhub.admin.due import DueTime
from crmhub.queries.connections import count_needing_a_person, live_connections, tallies
from crmhub.queries.sync import provider_label, short_names
from crmhub.queries.tasks import my_due_tasks


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what the first page shows to its context; a person sees what they may see elsewhere."""
    may_see_tasks = request.user.has_perm("crmhub.view_task")
    may_see_connections = request.user.has_perm("crmhub.view_connection")
    context["title"] = "Today"
    context["is_broker_away"] = not wake.is_answering()
    if may_see_connections:
        context["cards"] = _cards()
    if may_see_tasks:
        context["needing_a_person"] = count = _count_for(request)
        context["needing_a_person_in_words"] = counted(count, "task")
        context["failures_url"] = reverse("admin:crmhub_failures")
        context["needing_a_person_url"] = f"{reverse('admin:crmhub_task_changelist')}?sync=needs_a_person"
        context["my_tasks"] = _my_tasks(request)
        context["my_tasks_url"] = f"{reverse('admin:crmhub_task_changelist')}?assignee=me&status=unfinished"
    return context


def needing_a_person(request: HttpRequest) -> str:
    """Return the number of tasks beside *Needs a person* in the menu, "" for none."""
    if not request.user.has_perm("crmhub.view_task"):
        return ""
    count = _count_for(request)
    return f"{count:,}" if count else ""


def _count_for(request: HttpRequest) -> int:
    """Return how many tasks need a person; it stands on the first page twice, and is counted once."""
    counted_before: int | None = getattr(request, "needing_a_person", None)
    if counted_before is None:
        request.needing_a_person = counted_before = count_needing_a_person()  # type: ignore[attr-defined]
    return counted_before


def _cards() -> list[dict[str, Any]]:
    rows, now = list(live_connections()), timezone.now()
    lying = tallies([row.pk for row in rows])
    return [
        {
            "row": row,
            "crm": provider_label(row.provider),
            "badge": health_badge(row),
            "reason": reason(row),
            "parked": counted(tally.needs_a_person, "task"),
            "contacts_parked": tally.contacts_needing_a_person
            and counted(tally.contacts_needing_a_person, "contact"),
            "waiting": counted(tally.waiting, "task"),
            "oldest": ago(tally.oldest, now=now),
            "url": reverse("admin:crmhub_connection_change", args=[row.pk]),
            "waiting_url": filtered(row, "waiting"),
            "parked_url": filtered(row, "needs_a_person"),
        }
        for row, tally in ((row, lying[row.pk]) for row in rows)
    ]


def _my_tasks(request: HttpRequest) -> list[dict[str, Any]]:
    now, names = timezone.now(), short_names()
    tasks: list[Any] = my_due_tasks(request.user, now=now, zone=timezone.get_current_timezone())  # type: ignore[arg-type]
    return [
        {
            "title": task.title,
            "url": reverse("admin:crmhub_task_change", args=[task.pk]),
            "due": str(DueTime.of(task)),
            "is_overdue": DueTime.of(task).is_past(now=now),
            "badges": badges(task.live_links, names=names, subject=str(task.pk), now=now),
        }
        for task in tasks
    ]
