"""`manage.py simulate`: run one simulated CRM by itself."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser

from crmhub.management.base import HubCommand, number
from providers.registry import codes


class Command(HubCommand):
    """Becomes the simulator."""

    help = (
        'Runs one simulated CRM on a port of 127.0.0.1. Its first line is JSON, {"url", "secret", "setting"}: what `connect` takes. '
        "Ctrl-C stops it."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the CRM and the port."""
        parser.add_argument("provider", choices=codes(), help="the CRM to simulate")
        parser.add_argument(
            "--port", type=number, default=0, help="a port of 127.0.0.1; by default any free one"
        )

    def handle(self, *_: Any, provider: str, port: int, **__: Any) -> None:
        """Replace this process by the simulator, which needs neither the settings nor the database."""
        os.chdir(settings.BASE_DIR)
        command = [sys.executable, "-m", "providers.simulator", provider, "--port", str(port)]
        os.execv(sys.executable, command)  # noqa: S606 — fixed words, a known provider and a number
