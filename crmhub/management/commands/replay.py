"""`manage.py replay`: send again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from crmhub import services
from crmhub.clock import database_now
from crmhub.management.base import HubCommand, find_connection, moment_of, since
from crmhub.models import Connection, Replay, SyncStatus, Task, TaskLink
from crmhub.models.links import OFF
from crmhub.queries.remedies import reasons_called
from crmhub.queries.selection import Selection, Share, shares
from crmhub.queries.weighing import is_large

STATUSES = [one.value for one in SyncStatus if one not in OFF]


class Command(HubCommand):
    """Marks links as owed, so that the workers send them again."""

    help = (
        "Sends links again: all of a connection, those that failed, since a time or for a reason, or those of one task. Tasks whose outcome is "
        "unknown or that are gone there are sent again only by --task, for somebody should have looked first. Ctrl-C stops it between two parts; "
        "--resume goes on."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to send again."""
        parser.add_argument("connection", nargs="?", help="its name or id; without it all connections")
        parser.add_argument("--task", metavar="ID", help="the id of one task")
        parser.add_argument("--failed", action="store_true", help="only what failed and waits for a person")
        parser.add_argument(
            "--since", type=since, metavar="T", help="only what failed since then: 2h, or 2026-11-30T10:00Z"
        )
        parser.add_argument(
            "--code",
            help="only what failed for this reason: rejected, or a class of errors such as Permanent",
        )
        parser.add_argument(
            "--status", choices=STATUSES, help="only what stands so, whether it failed or not"
        )
        parser.add_argument("--resume", metavar="ID", help="go on with a replay that was stopped")
        parser.add_argument("--dry-run", action="store_true", help="say how much it would be, and do nothing")
        parser.add_argument(
            "--yes", action="store_true", help="send again, even if it is more than BRAKE_TASKS at once"
        )

    def handle(
        self, *_: Any, task: str | None, resume: str | None, dry_run: bool, yes: bool, **options: Any
    ) -> None:
        """Choose and mark."""
        if resume is not None:
            if task or dry_run or any(value for name, value in options.items() if name in _CHOOSING):
                raise CommandError("--resume goes on with what was chosen then; give nothing else")
            self._work_on(_replay_to_resume(resume))
        elif task is not None:
            self._send_task(task, options["connection"], dry_run=dry_run)
        else:
            selection = _selection(**{name: options[name] for name in _CHOOSING})
            parts = shares(selection)
            total = sum(one.total for one in parts)
            self._say_how_much(parts)
            if dry_run:
                self.say(f"{total} links would be sent again.")
            elif is_large(total) and not yes:
                raise CommandError(
                    f"{total} links are many at once; nothing was done. Add --yes to send them."
                )
            else:
                self._work_on(
                    services.begin_replay(selection=selection, origin="command", is_in_background=False)
                )

    def _send_task(self, task: str, connection: str | None, *, dry_run: bool) -> None:
        links = _task_links(task)
        if connection:
            links = links.filter(connection=_live(connection))
        if dry_run:
            self.say(f"{links.count()} links would be sent again.")
        else:
            self.say(f"{services.replay_links(links=links)} links will be sent again.")

    def _say_how_much(self, parts: list[Share]) -> None:
        names = dict(Connection.objects.values_list("pk", "name"))
        for one in parts:
            looked_at = (
                f"; {one.left_out} left out, for somebody should look at each first" if one.left_out else ""
            )
            self.say(f"  {names[one.connection]}: {one.tasks} tasks, {one.contacts} contacts{looked_at}")

    def _work_on(self, replay: Replay) -> None:
        try:
            while services.go_on_with_replay(replay_id=replay.pk):
                replay.refresh_from_db()
                if replay.total > replay.done:
                    self.say(f"  {replay.done} of {replay.total} …")
        except KeyboardInterrupt:
            services.stop_replay(replay=replay)
        replay.refresh_from_db()
        if replay.state is not Replay.State.DONE:
            raise CommandError(
                f"stopped after {replay.done} of {replay.total} links; replay --resume {replay.pk} goes on with it"
            )
        self.say(f"{replay.done} links will be sent again.")


_CHOOSING = ("connection", "failed", "since", "code", "status")


def _selection(
    *,
    connection: str | None,
    failed: bool,
    since: timedelta | datetime | None,
    code: str | None,
    status: str | None,
) -> Selection:
    if not (connection or failed or since or code or status):
        raise CommandError(
            "say what to send again: a connection, --task ID, --failed, --since, --code or --status"
        )
    try:
        reasons = reasons_called(code) if code else ()
    except ValueError as error:
        raise CommandError(f"--code: {error}") from error
    return Selection(
        connection=_live(connection).pk if connection else None,
        is_failed=failed or bool(since and not status),
        statuses=(status,) if status else (),
        reasons=reasons,
        after=moment_of(since, database_now()) if since else None,
    )


def _live(connection: str) -> Connection:
    found = find_connection(connection)
    if found.disconnected_at is not None:
        raise CommandError(f"{found.name} was disconnected; nothing can be sent there")
    return found


def _task_links(task: str) -> QuerySet[TaskLink]:
    found = _row(Task, task)
    if found is None:
        raise CommandError(f"there is no task {task!r}")
    return TaskLink.objects.filter(task=found, connection__disconnected_at=None).exclude(sync_status__in=OFF)


def _replay_to_resume(replay: str) -> Replay:
    found: Replay | None = _row(Replay, replay)
    if found is None:
        raise CommandError(f"there is no replay {replay!r}")
    if not services.resume_replay(replay=found, is_in_background=False):
        raise CommandError("this replay has come to its end; there is nothing left of it")
    return found


def _row(model: Any, text: str) -> Any:
    try:
        return model.objects.filter(pk=UUID(text)).first()
    except ValueError:
        return None
