"""Unmatched: a task at a CRM of which only a person can say which one here it is."""

from __future__ import annotations

from typing import Any

from django.db import models

from crmhub.models.connections import Connection
from crmhub.models.tasks import Task


class Unmatched(models.Model):
    """A task at a CRM that a stocktaking could not be sure of.

    `holds` is what it holds there, in the form of a link's ancestor; `key` the hub key found on it, "" for none. `tasks` are those here that it
    may be; their links there wait for a person too. `why` says in words what is not certain. `left_at`: a person said to leave it alone.
    """

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="unmatched", db_index=False)
    external_id = models.CharField(max_length=200)
    external_parent_id = models.CharField(max_length=200, blank=True)
    external_url = models.CharField(max_length=1000, blank=True)
    key = models.CharField(max_length=40, blank=True)
    holds = models.JSONField(default=dict, blank=True)
    tasks: Any = models.ManyToManyField(Task, related_name="unmatched", blank=True)
    why = models.CharField(max_length=300)
    found_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "unmatched"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "external_id"], name="unmatched_once_per_connection"
            ),
            models.CheckConstraint(condition=~models.Q(external_id=""), name="unmatched_has_an_id"),
        ]
        indexes = [
            models.Index(
                fields=["found_at", "id"], name="unmatched_open", condition=models.Q(left_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        return str(self.holds.get("title") or self.external_id)
