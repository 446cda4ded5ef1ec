"""Reading the tasks at CRMs that nobody is sure of."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from crmhub.models import Task, TaskContact, TaskLink, Unmatched


def unmatched_rows() -> QuerySet[Unmatched]:
    """Return them with their connections and the tasks here that they may be."""
    return Unmatched.objects.select_related("connection").prefetch_related(
        Prefetch("tasks", queryset=Task.objects.only("title").order_by("pk"))
    )


def count_unmatched() -> int:
    """Return how many wait for a person."""
    return Unmatched.objects.filter(left_at=None, connection__disconnected_at=None).count()


def candidates_of(unmatched: Unmatched) -> list[Task]:
    """Return the tasks here that it may be, with their contacts (`with_contacts`) and whether they are linked there by now (`is_linked_there`)."""
    links = TaskLink.objects.filter(task=OuterRef("pk"), connection_id=unmatched.connection_id)
    contacts = TaskContact.objects.select_related("contact").order_by("position", "id")
    return list(
        Task.objects.filter(unmatched=unmatched)
        .annotate(is_linked_there=Exists(links.exclude(external_id="")))
        .select_related("assignee")
        .prefetch_related(Prefetch("task_contacts", queryset=contacts, to_attr="with_contacts"))
        .order_by("due_at", "pk")
    )
