"""`manage.py rotate_credentials`: encrypt the CRM credentials with the newest key."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from crmhub import services
from crmhub.management.base import HubCommand


class Command(HubCommand):
    """Seals all secrets anew, or none."""

    help = (
        "Encrypts every stored CRM credential with the first of CREDENTIALS_KEYS; the others are needed to read what they encrypted, and can "
        "be removed afterwards. When one credential cannot be read, nothing is changed."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        """Seal anew."""
        count = services.reseal_secrets()
        older = len(settings.CREDENTIALS_KEYS) - 1
        self.say(f"The credentials of {count} connections are encrypted with the first of CREDENTIALS_KEYS.")
        if older:
            self.say(f"The other {older} of them can be removed once every process has been started again.")
