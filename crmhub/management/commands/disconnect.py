"""`manage.py disconnect`: end a connection."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from crmhub import services
from crmhub.management.base import HubCommand, find_connection
from crmhub.models import TaskLink


class Command(HubCommand):
    """Ends the connection and keeps its history."""

    help = (
        "Ends a connection: nothing is sent there any more, its secrets are destroyed, and what is at the CRM stays there. "
        "Its links stay as history."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the connection."""
        parser.add_argument("connection", help="its name or id")

    def handle(self, *_: Any, connection: str, **__: Any) -> None:
        """End it."""
        found = find_connection(connection)
        if found.disconnected_at is not None:
            raise CommandError(f"{found.name} was disconnected on {found.disconnected_at:%Y-%m-%d}")
        services.disconnect_account(connection=found)
        count = TaskLink.objects.filter(connection=found).count()
        self.say(f"{found.name} is disconnected; {count} links stay as history.")
