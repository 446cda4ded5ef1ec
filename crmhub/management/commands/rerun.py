"""`manage.py rerun`: run recorded attempts again, here, against what the CRM answered then."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from crmhub.clock import database_now
from crmhub.management.base import HubCommand, find_connection, moment_of, since
from crmhub.models import Attempt, Task
from crmhub.queries.attempts import attempts_between, attempts_of_task
from crmhub.sync import Recorded, Rerun, Total, Unreadable, read_file, rerun, write_file

OWNER_ONLY = 0o600  # tasks and contacts are in the file
AT_ONCE = 500  # attempts that are read together


class Command(HubCommand):
    """Shows whether what was decided then would be decided again."""

    help = (
        "Runs recorded attempts again: plans, sends to a playback of the CRM on this machine, and decides, as it was done then. Must come to the "
        "same operations, requests, decisions and links, and prints a hash over all of it. Nothing is sent to a CRM and nothing is changed. "
        "Exit status 1 where something comes out otherwise."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which attempts."""
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--task", metavar="ID", help="those of one task")
        which.add_argument(
            "--since", type=since, metavar="T", help="those since then: 2h, or 2026-11-30T10:00Z"
        )
        which.add_argument(
            "--from", dest="from_file", metavar="FILE", help="those in a file that --export wrote"
        )
        parser.add_argument("--until", type=since, metavar="T", help="with --since: those before then")
        parser.add_argument("--connection", help="with --since: those at one connection, by name or id")
        parser.add_argument(
            "--export", metavar="FILE", help="write them into a file instead, to be run elsewhere"
        )

    def handle(self, *_: Any, from_file: str | None, export: str | None, **options: Any) -> None:
        """Read the attempts, and run or export them."""
        self._is_talkative = options["verbosity"] > 1
        if (options["until"] or options["connection"]) and options["since"] is None:
            raise CommandError("--until and --connection go with --since")
        if from_file is None:
            attempts = _chosen(**options)
            if export is not None:
                self._export(attempts, export)
            else:
                self._run(Recorded.of(one) for one in attempts.iterator(AT_ONCE))
            return
        if export is not None:
            raise CommandError("--export writes what the database has; with --from there is a file already")
        self._run(_in_file(from_file))

    def _export(self, attempts: QuerySet[Attempt], name: str) -> None:
        try:
            with open(name, "w", encoding="utf-8", opener=_for_the_owner) as file:
                count = write_file(attempts.iterator(AT_ONCE), file)
        except OSError as error:
            raise CommandError(f"{name} cannot be written: {error.strerror}") from error
        self.say(f"{count} attempts are in {name}. Tasks and contacts are in it too; no credentials.")

    def _run(self, attempts: Iterable[Recorded]) -> None:
        total = Total()
        for one in rerun(attempts):
            total.add(one)
            self._tell(one)
        for why, count in total.left_out.items():
            self.say(f"{count} could not be run again: {why}.")
        self.say(f"{total.same} came out the same, {total.different} otherwise.")
        self.say(total.hash)
        if total.different:
            raise CommandError(f"{total.different} came out otherwise than recorded")

    def _tell(self, one: Rerun) -> None:
        attempt = one.attempt
        head = f"attempt {attempt.id} ({attempt.connection}, {attempt.operation}, {attempt.started_at:%Y-%m-%d %H:%M:%S})"
        for it in one.differences:
            self.say(f"{head} {it.what}\n  then  {it.then}\n  now   {it.now}")
        if self._is_talkative and not one.differences:
            self.say(f"{head} {one.left_out or 'the same'}")


def _chosen(
    *,
    task: str | None,
    since: timedelta | datetime | None,
    until: timedelta | datetime | None,
    connection: str | None,
    **_: Any,
) -> QuerySet[Attempt]:
    if task is not None:
        return attempts_of_task(_task_id(task))
    assert since is not None
    now = database_now()
    return attempts_between(
        moment_of(since, now),
        moment_of(until, now) if until is not None else None,
        connection=find_connection(connection) if connection else None,
    )


def _task_id(task: str) -> UUID:
    try:
        found = UUID(task)
    except ValueError:
        found = None
    if found is None or not Task.objects.filter(pk=found).exists():
        raise CommandError(f"there is no task {task!r}")
    return found


def _in_file(name: str) -> Iterator[Recorded]:
    try:
        with Path(name).open(encoding="utf-8") as file:
            yield from read_file(file)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except Unreadable as error:
        raise CommandError(f"{name}: {error}") from error


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, OWNER_ONLY)
