"""What a change of many tasks at once would set going, told before it is made: the brake on mass changes."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet

from crmhub.models import Connection, ContactLink, SyncStatus, TaskLink
from crmhub.models.links import OFF
from crmhub.queries.tasks import tasks_in_use

# A share of all tasks says nothing where there are few of them.
TOO_FEW_FOR_A_SHARE = 10


@dataclass(frozen=True)
class Weight:
    """How many tasks (or contacts) a change would touch and how many links of each account; `is_large` asks for a second look."""

    tasks: int
    at: tuple[tuple[Connection, int], ...]
    is_large: bool

    @property
    def links(self) -> int:
        """Return how many links it would touch altogether."""
        return sum(count for _, count in self.at)


def weigh_tasks(ids: Collection[Any]) -> Weight:
    """Return the weight of a change of these tasks."""
    links = TaskLink.objects.filter(task_id__in=ids).exclude(sync_status__in=OFF)
    return _weight(len(ids), links)


def weigh_links(*links: QuerySet[Any]) -> Weight:
    """Return the weight of sending these links again; each account's tasks and contacts count together."""
    total = sum(some.count() for some in links)
    return _weight(total, *links)


def impossible_links(connection: Connection) -> list[QuerySet[Any]]:
    """Return the links that were parked because the CRM, as the connection was set, could not take them: contacts' and tasks'."""
    return [
        model._default_manager.filter(
            connection=connection,
            sync_status=SyncStatus.FAILED,
            due_at__isnull=True,
            last_error_code__in=["impossible", "not_found"],
        )
        for model in (ContactLink, TaskLink)
    ]


def _weight(count: int, *links: QuerySet[Any]) -> Weight:
    counts: dict[Any, int] = {}
    for some in links:
        live = some.filter(connection__disconnected_at__isnull=True)
        for row in live.order_by().values("connection").annotate(count=Count("pk")):
            counts[row["connection"]] = counts.get(row["connection"], 0) + row["count"]
    accounts = Connection.objects.filter(pk__in=counts).defer("sealed_secrets").order_by("provider", "name")
    return Weight(count, tuple((one, counts[one.pk]) for one in accounts), is_large(count))


def is_large(count: int) -> bool:
    """Return whether so many tasks or links at once are to be shown before anything is done to them."""
    if count > settings.BRAKE_TASKS:
        return True
    if count <= TOO_FEW_FOR_A_SHARE:
        return False
    # Counted no further than decides.
    enough = count * 100 // settings.BRAKE_PERCENT
    return tasks_in_use().order_by()[: enough + 1].count() <= enough
