"""Who may use the hub: keys for services, and what the hub knows of its staff."""

from __future__ import annotations

import zoneinfo
from enum import StrEnum

from django.conf import settings
from django.db import models
from knox.models import AbstractAuthToken


class Scope(StrEnum):
    """What an API key may do."""

    TASKS_READ = "tasks:read"
    TASKS_WRITE = "tasks:write"
    CONTACTS_READ = "contacts:read"
    CONTACTS_WRITE = "contacts:write"
    RECORDS_READ = "records:read"
    RECORDS_WRITE = "records:write"
    SYNC_READ = "sync:read"
    SYNC_REPLAY = "sync:replay"
    CONNECTIONS_MANAGE = "connections:manage"


class ApiKey(AbstractAuthToken):
    """A key of one service; the key itself is not kept, only its digest. `user` is an inactive service user of its own."""

    name = models.CharField(max_length=100)
    scopes = models.JSONField(default=list)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = "API key"
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["name"], name="api_key_name_is_unique")]

    def __str__(self) -> str:
        return self.name


def zone_choices() -> list[tuple[str, str]]:
    """Return every time zone of this machine."""
    return [(name, name.replace("_", " ")) for name in sorted(zoneinfo.available_timezones())]


class Profile(models.Model):
    """What a member of staff has beside a login: the time zone that pages are shown in ("" for the hub's own)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="profile")
    time_zone = models.CharField(max_length=64, blank=True, choices=zone_choices)

    def __str__(self) -> str:
        return f"{self.user}: {self.time_zone or 'the hub’s time zone'}"
