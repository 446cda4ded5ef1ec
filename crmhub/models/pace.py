"""The pace of each account: what was sent there lately, so that no worker sends above the vendor's rate."""

from __future__ import annotations

from django.db import models

from crmhub.models.connections import Connection


class Pace(models.Model):
    """What the pacer keeps of one connection, as JSON that it alone reads (crmhub/sync/pace_rows.py). It is lent to Redis for a second at a time.

    `version` grows with every change.
    """

    connection = models.OneToOneField(Connection, models.CASCADE, primary_key=True, related_name="+")
    kept = models.TextField()
    version = models.PositiveBigIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"pace of {self.connection_id}"
