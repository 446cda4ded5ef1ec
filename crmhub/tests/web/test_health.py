"""The health pages: whether the process lives, and whether the hub can work."""

from __future__ import annotations

import socket
import time
from datetime import timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from crmhub import services
from crmhub.clock import database_now
from crmhub.models import Task, TaskLink
from providers.registry import capabilities


@pytest.fixture
def nobody_answers():
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def owed_task():
    """A task that is owed to a connection that is well since a moment ago."""
    can = capabilities("hubspot")
    secrets = {one.name: "known-to-nobody" for one in can.secrets}
    connection = services.connect_account(provider="hubspot", name="HubSpot", secrets=secrets)
    services.note_check(connection=connection, account_name="")
    services.save_task(task=Task(title="Call Grace", created_at=None), changed=["title"])
    return connection


def test_a_process_that_answers_lives_whatever_else_is_down(settings):
    settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"

    answer = Client().get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_hub_that_can_work_says_so():
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "broker": "ok",
        "oldest_due_seconds": 0.0,
    }


@pytest.mark.django_db
def test_what_is_due_is_measured_at_connections_that_may_be_called():
    connection = owed_task()
    TaskLink.objects.update(due_at=database_now() - timedelta(seconds=90))

    assert 90 <= Client().get("/readyz").json()["oldest_due_seconds"] < 100
    services.pause_connection(connection=connection)
    assert Client().get("/readyz").json()["oldest_due_seconds"] == 0.0
    services.resume_connection(connection=connection)
    services.change_connection(connection=connection, secrets={"access_token": "a-newer-one"})
    assert Client().get("/readyz").json()["oldest_due_seconds"] == 0.0


@pytest.mark.django_db
def test_what_is_not_due_yet_is_not_late():
    owed_task()
    TaskLink.objects.update(due_at=database_now() + timedelta(seconds=90))

    assert Client().get("/readyz").json()["oldest_due_seconds"] == 0.0


@pytest.mark.django_db
def test_a_broker_that_is_down_is_said_at_once(settings):
    settings.CELERY_BROKER_URL = "redis://ada:hunter2@127.0.0.1:1/0"

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["status"] == "not_ready"
    assert answer.json()["broker"].startswith("does not answer")
    assert answer.json()["database"] == "ok"
    assert b"hunter2" not in answer.content


@pytest.mark.django_db
def test_a_broker_that_is_frozen_is_not_waited_for(settings, nobody_answers):
    settings.CELERY_BROKER_URL = nobody_answers

    started = time.monotonic()
    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert time.monotonic() - started < 10


@pytest.mark.django_db
def test_a_migration_that_is_not_applied_is_said():
    MigrationRecorder.Migration.objects.filter(app="crmhub").delete()

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert "not applied" in answer.json()["migrations"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_not_kept_in_caches_and_only_read(path, db):
    assert "no-store" in Client().get(path)["Cache-Control"]
    assert Client().post(path).status_code == 405
