"""`manage.py up`: run the hub on this machine."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser

from crmhub.launcher import access, ports
from crmhub.launcher.children import DidNotStart
from crmhub.launcher.hub import Hub
from crmhub.launcher.surroundings import CannotStart, Surroundings, current
from crmhub.management.base import HubCommand, number


class Command(HubCommand):
    """Starts everything, keeps it running, and stops it in order."""

    help = (
        "Runs the hub on this machine: Valkey (unless REDIS_URL is set), migrations, web server, worker and beat. A process that dies is "
        "started again. Ctrl-C stops them all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the port."""
        parser.add_argument(
            "--port", type=number, help="a port of 127.0.0.1; by default 8000, or the next one that is free"
        )

    def handle(self, *_: Any, port: int | None, **__: Any) -> None:
        """Run until a signal comes."""
        try:
            surroundings = current()
            with Hub(surroundings, self.say) as hub:
                self.run_hub(hub, surroundings, port)
        except (CannotStart, DidNotStart) as error:
            raise CommandError(str(error)) from error

    def run_hub(self, hub: Hub, surroundings: Surroundings, port: int | None) -> None:
        """Start everything, tell where it is, and watch it."""
        access.tell_nothing(surroundings.folder)
        listener, remark = ports.bind(port)
        if remark:
            self.say(remark)
        hub.start_valkey()
        self.say("Preparing the database …")
        call_command("migrate", verbosity=0, interactive=False)
        way_in = access.keep_access(surroundings.folder)
        self.say("Starting the web server, the worker and beat …")
        hub.start_web(listener)
        hub.start_workers()
        hub.wait_for_web()
        told = access.tell(surroundings.folder, hub=hub.url, access=way_in)
        self._introduce(hub, way_in, str(told))
        # A signal is how it is meant to end.
        with suppress(KeyboardInterrupt):
            hub.watch()

    def _introduce(self, hub: Hub, way_in: access.Access, told: str) -> None:
        password = way_in.password if way_in.is_new else f"see {told}" if way_in.password else "yours"
        self.say(
            f"\nThe hub runs at {hub.url}/admin/\n"
            f"  sign in as   {way_in.username}, password {password}\n"
            f"  API          {hub.url}/api/v1/, key in {told}\n"
            f"  logs         {hub.surroundings.folder / 'log'}\n"
            "  next         connect a CRM: .venv/bin/python manage.py connect --help\n"
            "Ctrl-C stops it."
        )
