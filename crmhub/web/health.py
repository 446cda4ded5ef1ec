"""Whether this process lives, and whether the hub can do its work. Both answers are JSON and need no login."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection as Broker

from crmhub.clock import database_now
from crmhub.queries import api as queries

log = logging.getLogger(__name__)

BROKER_TIMEOUT = 0.5  # seconds; the client asks a silent server four times
OK = "ok"


@require_safe
@never_cache
def healthz(_request: HttpRequest) -> JsonResponse:
    """Say that this process answers; nothing else is asked. For whoever restarts processes."""
    return JsonResponse({"status": OK})


@require_safe
@never_cache
def readyz(_request: HttpRequest) -> JsonResponse:
    """Say whether database, migrations and broker are as they must be, and how long the oldest due push has waited.

    503 when one of the three is not. The age is for monitors and never makes the answer 503: a long queue at a slow CRM is no reason to
    take the web server away from staff.
    """
    answer: dict[str, Any] = {
        "database": _checked(_ask_database),
        "migrations": _checked(_look_for_migrations),
        "broker": _checked(_ask_broker),
    }
    is_well = all(said == OK for said in answer.values())
    answer["oldest_due_seconds"] = _age_of_the_oldest() if answer["migrations"] == OK else None
    return JsonResponse({"status": OK if is_well else "not_ready", **answer}, status=200 if is_well else 503)


def _checked(check: Callable[[], str]) -> str:
    try:
        return check()
    except Exception as error:  # whatever is wrong, this page says so instead of failing
        # The type alone: a message may hold an address with its password.
        log.warning("not_ready: %s failed (%s)", check.__name__.strip("_"), type(error).__name__)
        return f"does not answer ({type(error).__name__})"


def _ask_database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return OK


def _look_for_migrations() -> str:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return OK
    return f"{len(missing)} not applied: run manage.py migrate --database {DEFAULT_DB_ALIAS}"


def _ask_broker() -> str:
    options = {
        "max_retries": 0,
        "socket_connect_timeout": BROKER_TIMEOUT,
        "socket_timeout": BROKER_TIMEOUT,
    }
    with Broker(
        settings.CELERY_BROKER_URL, connect_timeout=BROKER_TIMEOUT, transport_options=options
    ) as broker:
        # Opening a channel is what asks the server; a connection alone is only a plan to do so.
        broker.channel()
    return OK


def _age_of_the_oldest() -> float:
    now = database_now()
    since = queries.oldest_due(now)
    return round((now - since).total_seconds(), 1) if since is not None else 0.0
