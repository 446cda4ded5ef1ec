"""The Django application."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.signals import connection_created


class CrmhubConfig(AppConfig):
    """The hub; loading it registers the system checks."""

    name = "crmhub"
    verbose_name = "Tasks and CRMs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the checks that compare settings with each other."""
        from crmhub import checks  # noqa: F401, PLC0415 — models must be loaded first

        connection_created.connect(end_idle_transactions)


def end_idle_transactions(connection: Any, **_: Any) -> None:
    """Let PostgreSQL end a transaction whose process has gone without a word, with all that it has locked.

    It is said in SQL and not among the options of the connection, which poolers refuse.
    """
    if connection.vendor == "postgresql":
        limit = f"{settings.IDLE_TRANSACTION_SECONDS}s"
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [limit])
