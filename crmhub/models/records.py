"""Records: the companies, deals, tickets and events that a task can point at."""

from __future__ import annotations

from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords

from crmhub.models.ids import new_id


class Record(models.Model):
    """A company, deal, ticket or event: the hub needs its name and, through its links, its external ids."""

    class Kind(models.TextChoices):
        """What the record is."""

        COMPANY = "company"
        DEAL = "deal"
        TICKET = "ticket"
        EVENT = "event"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=10, choices=Kind)
    name = models.CharField(max_length=300)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)

    history: Any = HistoricalRecords()

    class Meta:
        ordering = ("name", "id")
        indexes = [models.Index(fields=["kind", "name", "id"], name="record_by_name")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["company", "deal", "ticket", "event"]),
                name="record_kind_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
