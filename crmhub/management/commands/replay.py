"""`manage.py replay`: send again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from crmhub import services
from crmhub.management.base import HubCommand, find_connection
from crmhub.models import ContactLink, Lane, SyncStatus, Task, TaskLink
from crmhub.models.links import NEEDS_A_PERSON, OFF

BATCH = 500  # links that are marked in one transaction

# In a crowd these are left out: a person must have looked at each, for it could be made twice or come back from the dead.
TO_BE_LOOKED_AT = (SyncStatus.UNKNOWN, SyncStatus.GONE)


class Command(HubCommand):
    """Marks links as owed, so that the workers send them again."""

    help = (
        "Sends links again: all of a connection, those that failed, or those of one task. Tasks whose outcome is unknown or that are gone "
        "there are sent again only by --task, for somebody should have looked first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to send again."""
        parser.add_argument("connection", nargs="?", help="its name or id; without it all connections")
        parser.add_argument("--task", metavar="ID", help="the id of one task")
        parser.add_argument("--failed", action="store_true", help="only what failed and waits for a person")
        parser.add_argument("--dry-run", action="store_true", help="say how much it would be, and do nothing")

    def handle(
        self, *_: Any, connection: str | None, task: str | None, failed: bool, dry_run: bool, **__: Any
    ) -> None:
        """Choose and mark."""
        if not (connection or task or failed):
            raise CommandError("say what to send again: a connection, --task ID or --failed")
        chosen = [_task_links(task)] if task else [_everything(ContactLink), _everything(TaskLink)]
        if connection:
            found = find_connection(connection)
            if found.disconnected_at is not None:
                raise CommandError(f"{found.name} was disconnected; nothing can be sent there")
            chosen = [links.filter(connection=found) for links in chosen]
        if failed:
            chosen = [links.filter(sync_status__in=NEEDS_A_PERSON, due_at=None) for links in chosen]
        total = sum(links.count() for links in chosen)
        if dry_run:
            self.say(f"{total} links would be sent again.")
            return
        lane = Lane.INTERACTIVE if task else Lane.RETRY
        count = sum(self._replay(links, lane=lane, total=total) for links in chosen)
        self.say(f"{count} links will be sent again.")

    def _replay(self, links: QuerySet[Any], *, lane: Lane, total: int) -> int:
        count = 0
        for some in _in_batches(links):
            count += services.replay_links(links=some, lane=lane)
            if total > BATCH:
                self.say(f"  {count} of {total} …")
        return count


def _task_links(task: str) -> QuerySet[Any]:
    try:
        found = Task.objects.filter(pk=UUID(task)).first()
    except ValueError:
        found = None
    if found is None:
        raise CommandError(f"there is no task {task!r}")
    links = TaskLink.objects.filter(task=found, connection__disconnected_at=None)
    return links.exclude(sync_status__in=OFF)


def _everything(model: type[Any]) -> QuerySet[Any]:
    links: QuerySet[Any] = model._default_manager.filter(connection__disconnected_at=None)
    return links.exclude(sync_status__in=[*OFF, *TO_BE_LOOKED_AT])


def _in_batches(links: QuerySet[Any]) -> Iterator[list[Any]]:
    # The ids are read before anything is changed: what is marked no longer counts as failed.
    ids = list(links.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield list(links.model._default_manager.filter(pk__in=ids[start : start + BATCH]))
