"""The Celery app that workers and beat run: `celery -A config worker`, `celery -A config beat`.

Jobs only wake the sync engine; what is owed stands in the database. The sweep in the schedule finds
whatever a lost message left behind.
"""

from __future__ import annotations

import logging.config
import os
import sys
from functools import partialmethod
from pathlib import Path
from typing import Any

import kombu
from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import after_task_publish, beat_init, setup_logging
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    _ = (
        settings.CREDENTIALS_KEYS
    )  # read now, or Celery would bury the one line that matters under a traceback
except ImproperlyConfigured as error:
    sys.exit(f"error: {error}")

RECONNECT_EVERY = 1  # seconds


class Connection(kombu.Connection):
    """A connection to the broker that is tried again every second while the broker is away.

    Celery would wait longer from try to try, up to half a minute, and all deliveries with it. No setting of its own changes that.
    """

    ensure_connection = partialmethod(
        kombu.Connection.ensure_connection,
        interval_start=RECONNECT_EVERY,
        interval_step=0,
        interval_max=RECONNECT_EVERY,
    )

    @property
    def connection_errors(self) -> tuple[type[Exception], ...]:
        """Return what a worker takes for a lost connection, and connects anew after."""
        # A channel that is asked while its connection is being closed has nobody to ask: kombu lets that out as an AttributeError, and the worker would end.
        return (*super().connection_errors, AttributeError)


class Broker(AMQP):
    """The broker as workers and beat reach it."""

    Connection = Connection


app = Celery("crmhub", amqp=Broker)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Log lines of a job carry its id and the id of the request that woke it.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def log_like_the_rest(**_: Any) -> None:
    """Keep Django's log settings; with a receiver on this signal Celery sets up none of its own."""
    logging.config.dictConfig(settings.LOGGING)


@beat_init.connect
def leave_a_trace(**_: Any) -> None:
    """Let beat touch the file `beat` in VAR_DIR whenever a message has gone out, for it answers no questions itself."""
    trace = Path(settings.VAR_DIR) / "beat"
    after_task_publish.connect(lambda **_: trace.touch(), weak=False)
