"""The Celery app that workers and beat run: `celery -A config worker`, `celery -A config beat`.

Jobs only wake the sync engine; what is owed stands in the database. The sweep in the schedule finds
whatever a lost message left behind.
"""

from __future__ import annotations

import logging.config
import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging
from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("crmhub")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# Log lines of a job carry its id and the id of the request that woke it.
app.steps["worker"].add(DjangoStructLogInitStep)


@setup_logging.connect
def log_like_the_rest(**_: Any) -> None:
    """Keep Django's log settings; with a receiver on this signal Celery sets up none of its own."""
    logging.config.dictConfig(settings.LOGGING)
