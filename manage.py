#!/usr/bin/env python3
"""The command line of the hub: `manage.py help` lists what it can do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

try:
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from django.db import OperationalError

    from config import keys
    from crmhub.launcher import surroundings
except ModuleNotFoundError as missing:
    sys.exit(f"error: {missing}; run `python3 tools/bootstrap.py`, then `.venv/bin/python manage.py`")

# These start the hub on one machine: its data, its keys and its Valkey are decided before there are settings.
STARTS_THE_HUB = {"up", "demo"}
# These sign and encrypt nothing, so they run before there is any key.
NEEDS_NO_KEYS = {"help", "makemigrations", "collectstatic", "simulate", "spectacular"}

CANNOT_RUN = 2  # exit status: the settings or the database do not allow the command at all
STOPPED = 130  # by Ctrl-C, as shells count it


def main(arguments: list[str]) -> int:
    """Run one command; return the exit status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = arguments[1] if len(arguments) > 1 else "help"
    try:
        if command in NEEDS_NO_KEYS or {"-h", "--help"} & set(arguments):
            _use_throwaway_keys()
        elif command in STARTS_THE_HUB:
            surroundings.prepare(command, Path(__file__).resolve().parent)
        execute_from_command_line(arguments)
    except (ImproperlyConfigured, OperationalError) as error:
        if "--traceback" in arguments:
            raise
        what = "the database: " if isinstance(error, OperationalError) else ""
        print(f"error: {what}{_first_line(error)}", file=sys.stderr)
        return CANNOT_RUN
    except KeyboardInterrupt:
        return STOPPED
    return 0


def _use_throwaway_keys() -> None:
    for name, make in keys.MAKERS.items():
        os.environ.setdefault(name, make())


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv))
