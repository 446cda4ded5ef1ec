"""`manage.py preview`: what each CRM would get next for a task."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser

from crmhub.management.base import HubCommand, find_connection
from crmhub.models import Task
from crmhub.sync import Preview, preview_task


class Command(HubCommand):
    """Shows requests; sends and changes nothing."""

    help = (
        "Shows the exact requests that each CRM would get next for a task: method, address, headers with the secrets as dots, body. "
        "Nothing is sent and nothing is changed, here or there."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the task, and one connection or none for all."""
        parser.add_argument("task", help="the id of the task")
        parser.add_argument(
            "--connection", metavar="NAME", help="its name or id; without it all that the task goes to"
        )

    def handle(self, *_: Any, task: str, connection: str | None, **__: Any) -> None:
        """Look and tell."""
        try:
            found = Task.objects.filter(pk=UUID(task)).first()
        except ValueError:
            found = None
        if found is None:
            raise CommandError(f"there is no task {task!r}")
        chosen = find_connection(connection) if connection else None
        shown = preview_task(found, connection=chosen)
        if not shown:
            where = f"to {chosen.name}" if chosen else "to any CRM"
            self.say(f"This task does not go {where}.")
        for one in shown:
            self._tell(one)

    def _tell(self, shown: Preview) -> None:
        self.say(f"\n{shown.connection.name} ({shown.connection.capabilities.label})")
        for note in shown.notes:
            self.say(f"  {note}")
        for number, step in enumerate(shown.steps, 1):
            self.say(f"\n  {number}. {f'{step.condition} {step.what}'.strip()}")
            if step.request is not None:
                self.say(f"     {step.request.method} {step.request.url}")
                for name, value in step.request.headers:
                    self.say(f"     {name}: {value}")
                if step.request.body:
                    self.say(f"\n     {step.request.body}")
            if step.then:
                self.say(f"     {step.then}")
