"""`manage.py connect`: connect an account at a CRM."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.urls import reverse

from config.running import hub_that_runs
from crmhub import services
from crmhub.management.base import HubCommand, trouble_with_redis
from crmhub.models import Connection
from crmhub.services.accounts import NOT_LET_IN, app_secrets
from crmhub.sync import check_connection, redirect_uri
from providers.registry import capabilities, codes

WHERE_SECRETS_COME_FROM = "key=@file, key=env:NAME or key=- (asks for it)"


class Command(HubCommand):
    """Stores the connection, asks the CRM who we are there, and says so."""

    help = (
        "Connects an account at a CRM, asks the CRM who we are there, and prints the connection's id, alone on the last line. When the CRM "
        "cannot be asked or refuses, the connection is kept, nothing is sent, and the exit status is 1; running the command "
        "again with the same name puts it right."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what an account is opened with."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.description = textwrap.fill(self.help, 100)
        parser.epilog = "\n".join(_told_of(code) for code in codes())
        parser.add_argument("provider", choices=codes(), help="the CRM")
        parser.add_argument("--name", required=True, help="what staff call this account")
        parser.add_argument(
            "--secret",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help=f"a secret of the account, best as {WHERE_SECRETS_COME_FROM}; may be repeated",
        )
        parser.add_argument(
            "--setting", action="append", default=[], metavar="KEY=VALUE", help="a setting; may be repeated"
        )
        parser.add_argument("--base-url", default="", help="where its API is, if not at the usual address")
        parser.add_argument(
            "--scope",
            choices=Connection.Scope.values,
            default=Connection.Scope.ALL,
            help="which tasks go there",
        )
        parser.add_argument(
            "--contacts",
            choices=Connection.Contacts.values,
            default=Connection.Contacts.CREATE,
            help="what happens with contacts there",
        )

    def handle(self, *_: Any, **options: Any) -> None:
        """Store, check, tell."""
        if trouble := trouble_with_redis():
            # Without it nothing paces our calls, so the CRM is not even asked.
            raise CommandError(f"Redis does not answer ({trouble})")
        self._refuse_a_real_account_in_a_demo(options["provider"], options["base_url"])
        connection = self._store(options)
        label = connection.capabilities.label
        if connection.last_error == NOT_LET_IN:
            self._tell_where_to_authorise(connection, label)
            return
        self.say(f"Asking {label} who we are …")
        checkup = check_connection(connection)
        for line in checkup.lines:
            self.say(f"  {line}")
        if not checkup.is_well:
            self.say(f"{connection.name} is stored, but not well: {connection.pk}")
            raise CommandError(
                f"{label}: {checkup.error} Run the same command again with what is right, or end it: "
                f"manage.py disconnect {connection.pk}"
            )
        self.say(f"{connection.name} is connected; {_what_follows(connection)}.")
        self.say(str(connection.pk))

    def _tell_where_to_authorise(self, connection: Connection, label: str) -> None:
        """Say how the app comes into the account; until then the connection is stored and sends nothing."""
        self.say(f"{connection.name} is stored. {NOT_LET_IN}")
        if redirect_uri():
            page = reverse("admin:crmhub_connection_change", args=[connection.pk])
            self.say(f"  Open {settings.PUBLIC_URL}{page} and press “Authorise at {label}”.")
            self.say(f"  The app must name this redirect address at {label}: {redirect_uri()}")
        else:
            self.say(
                "  Authorising in the browser is off: set PUBLIC_URL to the hub's address and restart it,"
            )
            self.say("  or run the same command again with --secret refresh_token=…")
        self.say(str(connection.pk))

    def _refuse_a_real_account_in_a_demo(self, provider: str, base_url: str) -> None:
        hub = hub_that_runs(Path(settings.VAR_DIR))
        if hub is None:
            return
        command, url = hub
        self.say(f"This goes to the hub that runs here: make {command}, {url}")
        can = capabilities(provider)
        try:
            host = urlsplit(base_url or can.default_base_url).hostname or ""
        except ValueError:  # half a bracket; what is wrong with it is said when the account is judged
            host = ""
        is_real = any(
            host == known or (known.startswith(".") and host.endswith(known)) for known in can.hosts
        )
        if command == "demo" and (is_real or not base_url):
            raise CommandError(
                f"the hub that runs here is the demo: its made-up tasks would be sent to the real {can.label}, and its database ends with it. "
                "Stop it, run `make up`, and connect there; in a demo only simulators can be connected, with --base-url"
            )

    def _store(self, options: dict[str, Any]) -> Connection:
        secrets = self._secrets(options["secret"])
        values: dict[str, Any] = {
            "name": options["name"],
            "secrets": secrets,
            "settings": _pairs("--setting", options["setting"]),
            "base_url": options["base_url"],
            "scope": options["scope"],
            "contacts": options["contacts"],
        }
        known = Connection.objects.filter(name=options["name"].strip(), disconnected_at=None).first()
        if known is None:
            return services.connect_account(provider=options["provider"], **values)
        if known.provider != options["provider"] or not _may_be_replaced(known):
            raise CommandError(
                f"there is a connection named {known.name} already ({known.capabilities.label}); choose another name, "
                "or change that one in the admin"
            )
        self.say(f"{known.name} is there already and is not well; it is changed.")
        return services.change_connection(connection=known, **values)

    def _secrets(self, given: Sequence[str]) -> dict[str, str]:
        secrets = {}
        for key, value in _pairs("--secret", given).items():
            secrets[key] = self._secret(key, value)
            if not secrets[key]:
                raise CommandError(f"--secret {key}: it is empty")
        return secrets

    def _secret(self, key: str, value: str) -> str:
        if value == "-":
            return _asked_for(key)
        if value.startswith("@"):
            try:
                return Path(value[1:]).read_text(encoding="utf-8-sig").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise CommandError(f"--secret {key}: {value[1:]} cannot be read: {error}") from error
        if value.startswith("env:"):
            name = value.removeprefix("env:")
            if not os.environ.get(name, "").strip():
                raise CommandError(f"--secret {key}: the environment has no {name}")
            return os.environ[name].strip()
        self.warn(
            f"the secret {key} stands in the command line, and so in the shell's history; "
            f"{WHERE_SECRETS_COME_FROM} keep it out"
        )
        return value


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for one in given:
        key, separator, value = one.partition("=")
        if not separator or not key.strip():
            # What was typed is not repeated: it may be a secret.
            raise CommandError(f"{option} wants key=value")
        if key.strip() in pairs:
            raise CommandError(f"{option} {key.strip()} is given twice")
        pairs[key.strip()] = value
    return pairs


def _asked_for(key: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{key}: ").strip()
    return sys.stdin.readline().strip()


def _may_be_replaced(connection: Connection) -> bool:
    """Return whether running `connect` again may change it: it never worked, or its credentials were refused or never tested."""
    was_ever_well = connection.account_name or connection.account_id
    is_held = connection.reauthorise_since is not None or connection.untested_since is not None
    return is_held or not was_ever_well


def _what_follows(connection: Connection) -> str:
    return f"{connection.get_scope_display()} will be there, and contacts {connection.get_contacts_display()}"


def _told_of(code: str) -> str:
    """Return what the CRM's accounts are opened with, for the help."""
    can = capabilities(code)
    lines = [f"{code} ({can.label})"]
    lines += [f"  --secret {one.name:16} {one.label}. {one.help}".rstrip() for one in can.secrets]
    if can.oauth is not None:
        lines.append("  or, for an app that is let into the account:")
        lines += [f"  --secret {one.name:16} {one.label}. {one.help}".rstrip() for one in app_secrets(can)]
        lines += [f"  {can.oauth.app_help}"] if can.oauth.app_help else []
    for one in can.settings:
        choices = f" ({' | '.join(word for word, _ in one.choices)})" if one.choices else ""
        needed = " Required." if one.is_required else ""
        lines.append(f"  --setting {one.name:15} {one.label}{choices}. {one.help}{needed}".rstrip())
    return "\n".join([*lines, ""])
