"""`manage.py createkey NAME --scope S …`: make a key for the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from crmhub.management.base import HubCommand
from crmhub.models.access import Scope
from crmhub.services import create_key


class Command(HubCommand):
    """Makes a key and prints it, alone, on the last line. It is shown this once: the hub keeps only its digest."""

    help = "Make an API key. The key stands alone on the last line and is never shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Describe the command line."""
        known = ", ".join(scope.value for scope in Scope)
        parser.add_argument(
            "name", metavar="NAME", help="whose key it is; it stands in the history of what it changes"
        )
        parser.add_argument(
            "--scope", metavar="S", nargs="+", action="extend", required=True, help=f"what it may do: {known}"
        )
        parser.add_argument(
            "--days", type=int, metavar="N", help="how long it works; without, until it is revoked"
        )

    def handle(self, *args: Any, name: str, scope: list[str], days: int | None, **options: Any) -> None:
        """Make the key."""
        if days is not None and not 1 <= days <= 36_500:
            raise CommandError("--days must be a whole number from 1 to 36500.")
        lasts = timedelta(days=days) if days is not None else None
        key, text = create_key(name=name, scopes=scope, expires_in=lasts)
        until = f", until {key.expiry:%Y-%m-%d %H:%M} UTC" if key.expiry else ""
        self.say(f"Key {key.name} for {' '.join(key.scopes)}{until}. It is shown this once:")
        self.say(text)
