"""The Celery app that workers and beat run: `celery -A config worker`, `celery -A config beat`.

Jobs only wake the sync engine; what is owed stands in the database. The sweep in the schedule finds
whatever a lost message left behind.
"""

from __future__ import annotations

import gc
import logging.config
import os
import sys
from functools import partialmethod
from pathlib import Path
from typing import Any

import kombu
from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import (
    after_task_publish,
    beat_init,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_before_create_process,
)
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections
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

# A job keeps the connection of the one before, for as long and with the same tests as a web request does (CONN_MAX_AGE_SECONDS). Celery itself
# would close it around each job (CELERY_DB_REUSE_MAX keeps it from that), and a new one costs more than most jobs do.
task_prerun.connect(close_old_connections)
task_postrun.connect(close_old_connections)


@setup_logging.connect
def log_like_the_rest(**_: Any) -> None:
    """Keep Django's log settings; with a receiver on this signal Celery sets up none of its own."""
    logging.config.dictConfig(settings.LOGGING)


@worker_before_create_process.connect
def share_what_is_loaded(**_: Any) -> None:
    """Let the processes of a pool share the memory of what is loaded already: a garbage collector that walks through it would copy it."""
    gc.collect()
    gc.freeze()


@beat_init.connect
def leave_a_trace(**_: Any) -> None:
    """Let beat touch the file `beat` in VAR_DIR whenever a message has gone out, for it answers no questions itself."""
    trace = Path(settings.VAR_DIR) / "beat"
    after_task_publish.connect(lambda **_: trace.touch(), weak=False)
