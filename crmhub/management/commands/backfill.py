"""`manage.py backfill`: bring tasks to a CRM that were saved before it was connected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser

from crmhub.admin.badges import counted
from crmhub.management.base import HubCommand, find_connection, trouble_with_redis
from crmhub.models import Connection
from crmhub.sync import Backfilled, CannotBegin, Wish, backfill
from providers.errors import ProviderError

INTERRUPTED = 130  # exit status of what was stopped by Ctrl-C


class Command(HubCommand):
    """Matches tasks with what the CRM holds, and owes it the rest."""

    help = (
        "Brings tasks to a CRM that were saved before it was connected. What is there already is linked, what nobody is sure of is kept for "
        "a person, and the rest is made there, behind saves and retries. May be stopped and called again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the connection and which tasks."""
        parser.add_argument("connection", help="its name or id")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="say what would be matched and made, with how many calls and how long, and do nothing",
        )
        parser.add_argument(
            "--resume", action="store_true", help="go on with one that was stopped, with its options"
        )
        parser.add_argument("--open", action="store_true", help="only tasks that are not finished")
        parser.add_argument(
            "--since", metavar="DATE", help="only tasks made since this day, such as 2026-01-31 (UTC)"
        )
        parser.add_argument(
            "--send", action="store_true", help="bring ours where a task that is there already differs"
        )

    def handle(self, *_: Any, connection: str, dry_run: bool, resume: bool, **options: Any) -> None:
        """Plan, or bring."""
        if trouble := trouble_with_redis():
            raise CommandError(f"nothing can be asked, for Redis does not answer ({trouble})")
        found = find_connection(connection)
        wish = _kept(found, options) if resume else _wish(options)
        if found.backfill and not resume and not dry_run:
            self.warn(
                f"an earlier back-fill of {found.name} was stopped; this one takes its place (--resume goes on with that one)"
            )
        try:
            done = backfill(found, wish, is_dry=dry_run, tell=self._tell)
        except CannotBegin as error:
            raise CommandError(str(error)) from error
        except ProviderError as error:
            raise CommandError(
                f"{found.name}: {error.detail} What was done is kept; --resume goes on"
            ) from error
        except KeyboardInterrupt:
            raise CommandError(
                "stopped; what was done is kept, --resume goes on", returncode=INTERRUPTED
            ) from None
        self._sum_up(done, is_dry=dry_run)

    def _sum_up(self, done: Backfilled, *, is_dry: bool) -> None:
        stock, would = done.stock, "would be " if is_dry else ""
        self.say(
            f"match: {counted(stock.linked, 'task')} there already, {would}linked"
            + (f"; {stock.differing:,} of them differ from ours" if stock.differing else "")
        )
        self.say(f"review: {counted(stock.unmatched, 'task')} there of which nobody is sure, under Unmatched")
        self.say(f"create: {counted(done.to_make, 'task')} {'to be made' if is_dry else 'on the way there'}")
        self.say(f"skip: {counted(done.skipped, 'task')} that cannot be there as they are")
        if done.to_make:
            self.say(f"That takes about {counted(done.calls, 'call')}, {_long(done.seconds)} at least.")

    def _tell(self, line: str) -> None:
        self.say(f"  {line}")


def _kept(connection: Connection, options: dict[str, Any]) -> Wish:
    if not connection.backfill:
        raise CommandError(f"no back-fill of {connection.name} was stopped")
    if options["open"] or options["since"] or options["send"]:
        raise CommandError("--resume goes on with the options of the one that was stopped; give no others")
    return Wish.of(connection.backfill)


def _wish(options: dict[str, Any]) -> Wish:
    since = None
    if options["since"]:
        try:
            since = datetime.strptime(options["since"], "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError as error:
            raise CommandError(f"{options['since']!r} is not a day such as 2026-01-31") from error
    return Wish(only_open=options["open"], since=since, is_sent=options["send"])


def _long(seconds: float) -> str:
    """Return how long that is: `less than a minute`, `12 min`, `3 h 20 min`."""
    minutes = round(timedelta(seconds=seconds) / timedelta(minutes=1))
    if minutes < 1:
        return "less than a minute"
    hours, rest = divmod(minutes, 60)
    return f"{hours:,} h {rest} min" if hours else f"{rest} min"
