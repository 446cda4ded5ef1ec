"""What a stocktaking asks of the hub: whose a key is, and what has no counterpart at a connection."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from crmhub.models import Connection, Contact, ContactLink, Task, TaskLink, Unmatched
from crmhub.models.ids import link_id, subjects_of
from crmhub.models.links import OFF

NOT_TOLD_YET = ("unmatched", "missing")  # codes of links that wait for somebody to say what they are
AT_ONCE = 100  # keys that are looked up in one query


def owners_of_keys(link_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    """Return the task and the connection of each of these link ids that are known: from the links, else by telling the ids again."""
    found = {
        pk: (task_id, connection_id)
        for pk, task_id, connection_id in TaskLink.objects.filter(pk__in=link_ids).values_list(
            "pk", "task_id", "connection_id"
        )
    }
    lost = [one for one in link_ids if one not in found]
    connections = list(Connection.objects.values_list("pk", flat=True))
    for start in range(0, len(lost), AT_ONCE):
        found |= _told_again(set(lost[start : start + AT_ONCE]), connections)
    return found


def _told_again(link_ids: set[UUID], connections: Iterable[UUID]) -> dict[UUID, tuple[UUID, UUID]]:
    between = reduce(or_, (Q(pk__range=subjects_of(one)) for one in link_ids))
    connections = list(connections)
    return {
        told: (task_id, connection_id)
        for task_id in Task.objects.filter(between).order_by().values_list("pk", flat=True)
        for connection_id in connections
        if (told := link_id(task_id, connection_id)) in link_ids
    }


def tasks_without_counterpart(connection: Connection) -> QuerySet[Task]:
    """Return the live tasks of which it is not known what they are there: without a link, or with one that waits for somebody to say it.

    Where the links are lost, also those whose link was made since then.
    """
    links = TaskLink.objects.filter(task=OuterRef("pk"), connection=connection)
    unknown = Q(external_id="", claim_token=None) & ~Q(sync_status__in=OFF)
    if connection.links_lost_at is None:
        unknown &= Q(last_error_code__in=NOT_TOLD_YET)
    return Task.objects.filter(~Exists(links.exclude(unknown)), deleted_at=None).order_by("pk")


def contacts_without_counterpart(connection: Connection) -> QuerySet[Contact]:
    """Return the contacts of live tasks of which it is not known who they are there."""
    links = ContactLink.objects.filter(contact=OuterRef("pk"), connection=connection)
    links = links.exclude(external_id="", claim_token=None)
    tasks = Task.objects.filter(task_contacts__contact=OuterRef("pk"), deleted_at=None)
    return Contact.objects.filter(~Exists(links), Exists(tasks)).order_by("pk")


def should_be_linked(tasks: QuerySet[Task], connection: Connection) -> QuerySet[Task]:
    """Narrow the tasks to those that should have a counterpart at this connection: its scope asks for them, or somebody has added them.

    Where links are lost, not those that were made since: they are certainly not there yet.
    """
    links = TaskLink.objects.filter(task=OuterRef("pk"), connection=connection)
    wanted = Q(Exists(links))
    if connection.scope == Connection.Scope.ALL:
        wanted |= Q(updated_at__gte=connection.created_at)
    if connection.links_lost_at is not None:
        tasks = tasks.exclude(created_at__gt=connection.links_lost_at)
    return tasks.filter(wanted)


def retired_ids(connection: Connection) -> set[str]:
    """Return the external ids there that re-creations have replaced, and that are to be deleted."""
    links = TaskLink.objects.filter(connection=connection).exclude(retired=[])
    return {one["id"] for retired in links.values_list("retired", flat=True) for one in retired}


def left_alone(connection: Connection) -> set[str]:
    """Return the external ids there that a person said to leave alone."""
    rows = Unmatched.objects.filter(connection=connection, left_at__isnull=False)
    return set(rows.values_list("external_id", flat=True))
