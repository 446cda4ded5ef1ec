"""`manage.py prune`: forget old attempts."""

from __future__ import annotations

from typing import Any

from crmhub import services
from crmhub.management.base import HubCommand

TELL_EVERY = 50_000  # attempts


class Command(HubCommand):
    """Deletes attempts that are too old to keep, and what went over the wire sooner."""

    help = (
        "Forgets attempts older than KEEP_ATTEMPTS_DAYS, and requests and answers older than KEEP_PAYLOADS_DAYS, in small batches. "
        "Beat does the same every hour; this does all of it at once. It can be stopped at any time."
    )

    def handle(self, *_: Any, **__: Any) -> None:
        """Prune to the end and tell how far it is now and then."""
        pruned, told = services.Pruned(), 0
        for pruned in services.prune_step_by_step():
            if pruned.attempts + pruned.payloads >= told + TELL_EVERY:
                told = pruned.attempts + pruned.payloads
                self.say(f"  {_in_words(pruned)} …")
        self.say(f"{_in_words(pruned)}.")


def _in_words(pruned: services.Pruned) -> str:
    return f"{pruned.attempts:,} attempts deleted, requests and answers of {pruned.payloads:,} more forgotten"
