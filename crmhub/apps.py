"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig


class CrmhubConfig(AppConfig):
    """The hub; loading it registers the system checks."""

    name = "crmhub"
    verbose_name = "Tasks and CRMs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks that compare settings with each other."""
        from crmhub import checks  # noqa: F401, PLC0415 — models must be loaded first
