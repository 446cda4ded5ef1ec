"""What the commands of the hub share: errors of one line, and finding a connection by what people call it."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.db.models import F

from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection

WRONG_USE = 2  # exit status: the command line itself cannot be understood


class OneLineParser(CommandParser):
    """A parser whose complaint is one line."""

    def error(self, message: str) -> NoReturn:
        """End with what is wrong and where to read on."""
        if not self.called_from_command_line:
            raise CommandError(message)
        print(f"error: {message} ({self.prog} --help tells more)", file=sys.stderr)
        sys.exit(WRONG_USE)


class HubCommand(BaseCommand):
    """A command that ends with `error: …` and exit status 1 when it cannot do what was asked, and shows no traceback."""

    # Django sets it to True when the command line calls; then errors are for people, not for calling code.
    _called_from_command_line = False

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        """Return the parser, in the form whose complaints are one line."""
        parser = super().create_parser(prog_name, subcommand, **options)
        parser.__class__ = OneLineParser
        return parser

    def execute(self, *arguments: Any, **options: Any) -> Any:
        """Run, and turn what staff can put right into one line."""
        try:
            try:
                return super().execute(*arguments, **options)
            except ValidationError as error:
                raise CommandError(in_words(error)) from error
            except (SecretsUnreadable, ImproperlyConfigured) as error:
                raise CommandError(str(error)) from error
            except DatabaseError as error:
                raise CommandError(_about_the_database(error)) from error
        except CommandError as error:
            if options.get("traceback") or not self._called_from_command_line:
                raise
            self.stderr.write(f"error: {error}")
            sys.exit(error.returncode)

    def warn(self, line: str) -> None:
        """Tell on stderr what did not stop the command."""
        self.stderr.write(f"warning: {line}")

    def say(self, line: str) -> None:
        """Tell at once, also when the output is a pipe."""
        self.stdout.write(line)
        self.stdout.flush()


def find_connection(wanted: str) -> Connection:
    """Return the connection with this id or name. Raises `CommandError` that names those there are."""
    try:
        found = Connection.objects.filter(pk=UUID(wanted)).first()
    except ValueError:
        found = None
    # A name may be that of several that were disconnected; the live one is meant, else the last of them.
    named = Connection.objects.filter(name=wanted).order_by(F("disconnected_at").desc(nulls_first=True))
    found = found or named.first()
    if found is None:
        names = ", ".join(Connection.objects.filter(disconnected_at=None).values_list("name", flat=True)[:10])
        raise CommandError(
            f"there is no connection {wanted!r}; " + (f"there are {names}" if names else "there is none yet")
        )
    return found


def trouble_with_redis() -> str:
    """Return why Redis does not answer, in words, "" when it does."""
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=2, retry=None
        ) as client:
            client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        return f"{type(error).__name__}; does the hub run? `make up` starts it, or REDIS_URL says where its Redis is"
    return ""


def in_words(error: ValidationError) -> str:
    """Return every problem on one line."""
    return " ".join(message.strip() for message in error.messages).replace("\n", " ")


def number(value: str) -> int:
    """Return a port number, for argparse."""
    if not (value.isascii() and value.isdigit()) or int(value) > 65_535:
        raise argparse.ArgumentTypeError(f"{value!r} is not a port: a number from 1 to 65535")
    return int(value)


def since(value: str) -> timedelta | datetime:
    """Return a span before now (`2h`) or a moment (`2026-11-30T10:00Z`), for argparse."""
    if found := _SPAN.fullmatch(value):
        try:
            return timedelta(**{_UNITS[found[2]]: int(found[1])})
        except OverflowError:
            pass  # said below, like everything else that is no moment
    with suppress(ValueError):
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    raise argparse.ArgumentTypeError(
        f"{value!r} is neither a span, such as 30m, 2h or 7d, nor a moment with its zone, such as 2026-11-30T10:00Z"
    )


_SPAN = re.compile(r"(\d+)([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_of(given: timedelta | datetime, now: datetime) -> datetime:
    """Return the moment that was meant."""
    return given if isinstance(given, datetime) else now - given


def _about_the_database(error: DatabaseError) -> str:
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    if "no such table" in line or "does not exist" in line:
        return f"the database has not been prepared; `make up` or `manage.py migrate` does that ({line})"
    return f"the database: {line}"
