"""`manage.py doctor`: whether the accounts are well, and the hub with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.timesince import timesince

from crmhub.clock import database_now
from crmhub.management.base import HubCommand, find_connection, trouble_with_redis
from crmhub.models import Connection
from crmhub.queries.connections import Tally, tallies
from crmhub.queries.counting import VERY_MANY
from crmhub.queries.failures import Failure, failures
from crmhub.queries.lost import LINKS_LOST
from crmhub.sync import Checkup, check_connection

# A push that is owed for longer than this is not on its way: no worker runs, or the CRM cannot be reached.
LATE_AFTER = 600.0  # seconds


class Command(HubCommand):
    """Asks each CRM, looks at what is owed, and says what is wrong."""

    help = (
        "Asks the CRM of each connection who we are there and what is left of its limits, and tells what is owed and what waits for a person. "
        "Changes nothing at the CRMs unless --fix is given. Exit status 1 when something is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one connection, or none for all."""
        parser.add_argument("connection", nargs="?", help="its name or id; without it all are examined")
        parser.add_argument(
            "--fix",
            action="store_true",
            help="install what an account lacks and the hub can make there, and say what the CRM did not allow",
        )

    def handle(self, *_: Any, connection: str | None, fix: bool, **__: Any) -> None:
        """Examine and tell."""
        self._may_fix = fix
        chosen = [find_connection(connection)] if connection else _live()
        self._wrong = 0
        self._examine_the_hub()
        tally = tallies([one.pk for one in chosen], most=VERY_MANY)
        self._failures = failures(now=database_now())
        for one in chosen:
            self._examine(one, tally[one.pk])
        if not chosen:
            self.say("No account is connected; manage.py connect --help tells how.")
        if self._wrong:
            raise CommandError(f"{self._wrong} thing{'s are' if self._wrong > 1 else ' is'} wrong")
        self.say("All is well.")

    def _examine_the_hub(self) -> None:
        if trouble := trouble_with_redis():
            self._blame(f"nothing is sent, for Redis does not answer ({trouble})")

    def _examine(self, connection: Connection, tally: Tally) -> None:
        self.say(f"\n{connection.name} ({connection.capabilities.label}, {connection.pk})")
        if connection.disconnected_at is not None:
            self._tell(f"disconnected on {connection.disconnected_at:%Y-%m-%d}; its links are history")
            return
        checkup = check_connection(connection, install=self._may_fix)
        if not checkup.is_well:
            self._blame(checkup.error)
        for line in checkup.lines:
            # The one line of a checkup that reports a fault: its check passed all the same.
            (self._blame if "set it right" in line else self._tell)(line)
        self._tell_of_repairs(checkup)
        connection.refresh_from_db()
        self._examine_switches(connection)
        self._examine_links(connection, tally, database_now())

    def _tell_of_repairs(self, checkup: Checkup) -> None:
        for one in checkup.could_install:
            self._tell(f"could be fixed by --fix, which would send {one}")
        for one in checkup.installed:
            self._tell(f"fixed: {one}")
        for one in checkup.not_installed:
            self._tell(f"could not be fixed: {one}")
        if self._may_fix and checkup.is_well and not (checkup.installed or checkup.not_installed):
            self._tell("nothing to fix at this account")

    def _examine_switches(self, connection: Connection) -> None:
        if connection.links_lost_at is not None:
            self._blame(f"{LINKS_LOST} `manage.py relink {connection.name!r}` does that")
        if connection.paused_at is not None:
            self._tell(f"paused since {connection.paused_at:%Y-%m-%d %H:%M} UTC: its tasks wait")
        for operation, scope in connection.switched_off.items():
            self._blame(f"may not {operation}" + (f": the scope {scope} is missing" if scope else ""))
        if connection.wait_until is not None and connection.wait_until > database_now():
            self._tell(f"not called before {connection.wait_until:%H:%M:%S} UTC: {connection.wait_reason}")

    def _examine_links(self, connection: Connection, tally: Tally, now: datetime) -> None:
        self._tell(
            f"tasks: {tally.in_sync} in sync, {tally.waiting} waiting, {tally.needs_a_person} need a person"
        )
        if tally.contacts_waiting or tally.contacts_needing_a_person:
            self._tell(
                f"contacts: {tally.contacts_waiting} waiting, {tally.contacts_needing_a_person} need a person"
            )
        for line in _in_words([one for one in self._failures if one.connection == connection.pk], now):
            self._tell(line)
        if tally.oldest is None:
            return
        is_late = (now - tally.oldest).total_seconds() > LATE_AFTER
        line = f"the oldest owed push waits for {timesince(tally.oldest, now)}"
        (self._blame if is_late else self._tell)(line + (": does a worker run?" if is_late else ""))

    def _tell(self, line: str) -> None:
        self.say(f"  {line}")

    def _blame(self, line: str) -> None:
        self._wrong += 1
        self.say(f"  ✗ {line}")


def _in_words(found: list[Failure], now: datetime) -> Iterator[str]:
    """Yield for each reason how many tasks and contacts wait for it, since when, and what to do; the most first."""
    by_reason: dict[str, list[Failure]] = {}
    for one in found:
        by_reason.setdefault(one.reason, []).append(one)
    for several in sorted(by_reason.values(), key=lambda several: -sum(one.total for one in several)):
        remedy, oldest = several[0].remedy, min(one.oldest for one in several if one.oldest)
        count = sum(one.total for one in several)
        yield f"{count} of those: {remedy.means} {remedy.remedy} The oldest waits for {timesince(oldest, now)}."


def _live() -> list[Connection]:
    return list(Connection.objects.filter(disconnected_at=None).order_by("provider", "name"))
