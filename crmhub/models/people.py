"""Contacts: the people that tasks are about."""

from __future__ import annotations

from typing import Any

from django.db import models
from simple_history.models import HistoricalRecords

from crmhub.models.ids import new_id


class Contact(models.Model):
    """A person. `email` and `phone` are the primary ones; `more_emails` and `more_phones` hold the others, as lists.

    `phone_e164` is the primary phone in E.164 where it could be understood, "" where not; `phone` stays as typed.
    `version` counts the saves.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField("e-mail", max_length=320, blank=True)
    phone = models.CharField(max_length=64, blank=True)
    phone_e164 = models.CharField("phone (E.164)", max_length=20, blank=True, editable=False)
    more_emails = models.JSONField("further e-mails", default=list, blank=True)
    more_phones = models.JSONField("further phones", default=list, blank=True)
    company = models.CharField(max_length=300, blank=True)
    job_title = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    origin = models.CharField(max_length=80, default="system", editable=False)

    history: Any = HistoricalRecords()

    class Meta:
        ordering = ("last_name", "first_name", "id")
        indexes = [
            models.Index(fields=["last_name", "first_name", "id"], name="contact_by_name"),
            models.Index(fields=["email"], name="contact_by_email"),
            models.Index(fields=["phone_e164"], name="contact_by_phone"),
            models.Index(fields=["updated_at", "id"], name="contact_by_change"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(first_name="", last_name="", email="", phone=""),
                name="contact_is_somebody",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.phone

    @property
    def name(self) -> str:
        """Return first and last name as one text."""
        return f"{self.first_name} {self.last_name}".strip()
