"""`manage.py relink`: rebuild lost links from what the CRMs hold."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from crmhub import services
from crmhub.admin.badges import counted
from crmhub.management.base import HubCommand, find_connection, trouble_with_redis
from crmhub.models import Connection
from crmhub.sync import CannotBegin, Relinked, relink
from providers.errors import ProviderError

INTERRUPTED = 130  # exit status of what was stopped by Ctrl-C


class Command(HubCommand):
    """Reads what each CRM holds and links it with the tasks here again."""

    help = (
        "Rebuilds the links between the tasks here and those at a CRM, by the hub's keys that lie there and by likeness. Makes and changes "
        "nothing at the CRM; what is not certain is kept for a person, under Unmatched in the admin. May be stopped and called again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take one connection, or none for all."""
        parser.add_argument("connection", nargs="?", help="its name or id; without it all connections")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be linked, and link nothing"
        )
        parser.add_argument(
            "--send",
            action="store_true",
            help="then bring to the CRM what differs there, and what is not there",
        )
        parser.add_argument(
            "--give-up",
            action="store_true",
            help="rebuild nothing and let the connection send again; what is there may be made a second time",
        )

    def handle(
        self,
        *_: Any,
        connection: str | None,
        dry_run: bool,
        send: bool,
        give_up: bool,
        **__: Any,
    ) -> None:
        """Rebuild one after the other; one that cannot be read does not keep the others from it."""
        if give_up:
            self._give_up(connection)
            return
        if trouble := trouble_with_redis():
            raise CommandError(f"nothing can be asked, for Redis does not answer ({trouble})")
        chosen = [find_connection(connection)] if connection else _live()
        troubles = [one.name for one in chosen if not self._relink(one, is_dry=dry_run, is_sent=send)]
        if troubles:
            raise CommandError(f"not done at {', '.join(troubles)}; what was linked is kept, call it again")
        if not chosen:
            self.say("No account is connected.")

    def _relink(self, connection: Connection, *, is_dry: bool, is_sent: bool) -> bool:
        self.say(f"{connection.name} ({connection.capabilities.label})")
        try:
            found = relink(connection, is_dry=is_dry, is_sent=is_sent, tell=self._tell)
        except (CannotBegin, ProviderError) as error:
            self._tell(f"✗ {error}")
            return False
        except KeyboardInterrupt:
            connection.refresh_from_db()
            held = f" {connection.name} is held until then." if connection.links_lost_at else ""
            raise CommandError(
                f"stopped; what was linked is kept, the same command goes on.{held}", returncode=INTERRUPTED
            ) from None
        self._sum_up(found, is_dry=is_dry, is_sent=is_sent)
        return True

    def _sum_up(self, found: Relinked, *, is_dry: bool, is_sent: bool) -> None:
        stock, would = found.stock, "would be " if is_dry else ""
        self._tell(
            f"{counted(stock.read, 'task')} there: {stock.linked_before:,} linked already, {stock.by_key:,} {would}linked by key, "
            f"{stock.by_likeness:,} by likeness, {stock.others:,} none of ours"
        )
        if stock.contacts or stock.contacts_unclear:
            self._tell(
                f"{counted(stock.contacts, 'contact')} {would}linked"
                + (f", {stock.contacts_unclear:,} not: several fit" if stock.contacts_unclear else "")
            )
        what = "sent" if is_sent else "left for you: send them again where ours is right"
        if stock.differing:
            self._tell(f"{counted(stock.differing, 'task')} there differ from ours; they are {would}{what}")
        if stock.unmatched:
            self._tell(f"{counted(stock.unmatched, 'task')} there for you to look at, under Unmatched")
        if found.missing:
            what = "looked for once more, then made" if is_sent else "left for you, under Needs a person"
            what = what if found.were_lost else "looked for and sent by the hub itself"
            self._tell(
                f"{counted(found.missing, 'task')} here should be there and were not found; they are {would}{what}"
            )

    def _give_up(self, connection: str | None) -> None:
        if not connection:
            raise CommandError("say which connection is to send again without its links")
        found = find_connection(connection)
        if found.links_lost_at is None:
            raise CommandError(f"the links of {found.name} are not lost")
        services.end_loss(connection=found)
        self.say(f"{found.name} sends again. What it held may be made there a second time.")

    def _tell(self, line: str) -> None:
        self.say(f"  {line}")


def _live() -> list[Connection]:
    return list(Connection.objects.filter(disconnected_at=None).order_by("provider", "name"))
