"""Other faces of the same tables: the recycle bin, and one list for each kind of record."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Manager, QuerySet

from crmhub.models import Record, Task


class DeletedTask(Task):
    """A task in the recycle bin."""

    class Meta:
        proxy = True
        app_label = "crmhub"
        verbose_name = "deleted task"
        verbose_name_plural = "tasks in the recycle bin"
        default_permissions = ()


class _OfKind(Manager[Any]):
    """Records of one kind."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind

    def get_queryset(self) -> QuerySet[Any]:
        """Return the records of that kind."""
        return super().get_queryset().filter(kind=self.kind)


class Company(Record):
    """A company that tasks point at."""

    objects: ClassVar[Any] = _OfKind(Record.Kind.COMPANY)

    class Meta:
        proxy = True
        app_label = "crmhub"
        verbose_name_plural = "companies"
        default_permissions = ()


class Deal(Record):
    """A deal that tasks point at."""

    objects: ClassVar[Any] = _OfKind(Record.Kind.DEAL)

    class Meta:
        proxy = True
        app_label = "crmhub"
        default_permissions = ()


class Ticket(Record):
    """A ticket that tasks point at."""

    objects: ClassVar[Any] = _OfKind(Record.Kind.TICKET)

    class Meta:
        proxy = True
        app_label = "crmhub"
        default_permissions = ()


class Event(Record):
    """An event that tasks point at."""

    objects: ClassVar[Any] = _OfKind(Record.Kind.EVENT)

    class Meta:
        proxy = True
        app_label = "crmhub"
        default_permissions = ()


RECORDS: tuple[type[Record], ...] = (Company, Deal, Ticket, Event)

for _model in (DeletedTask, *RECORDS):
    # The history library asks the proxy for what it noted on the model itself.
    _model._meta.simple_history_manager_attribute = "history"  # type: ignore[attr-defined]
