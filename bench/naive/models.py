"""The task of the naive project."""

from __future__ import annotations

from django.db import models


class Task(models.Model):
    """What staff have to do, and how it stands with the CRM."""

    title = models.CharField(max_length=500)
    body = models.TextField(blank=True)
    status = models.CharField(max_length=20, default="open")
    due_at = models.DateTimeField(null=True, blank=True)
    sync_status = models.CharField(max_length=10, default="pending", editable=False, db_index=True)
    external_id = models.CharField(max_length=100, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.title
