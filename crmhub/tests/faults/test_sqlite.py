"""A SQLite file that another writer holds."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from crmhub.models import Task
from crmhub.tests.faults.hubs import LiveHub, creates, settled
from crmhub.tests.faults.processes import Processes

pytestmark = [pytest.mark.faults, pytest.mark.sqlite, pytest.mark.timeout(300)]

HELD_S = 5.0  # less than the time-out of the settings


@contextmanager
def written_by_another() -> Iterator[None]:
    """Hold the one place of a writer."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.fixture
def impatient(transactional_db: None, monkeypatch) -> None:
    """Let this process wait half a second for another writer."""
    connection.close()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.5)


def test_saves_and_workers_wait_for_another_writer(hub: LiveHub, processes: Processes, key):
    """F24: it holds the file for five seconds."""
    simulator = hub.connect("hubspot")
    web, worker = processes.web(), processes.start()
    hub.save_task(title="Saved before")
    answers: list[Any] = []
    save = threading.Thread(target=lambda: answers.append(web.post_task(key)))

    with written_by_another():
        save.start()
        time.sleep(HELD_S)
        sent = creates(simulator)
        assert answers == []
    save.join()

    assert [status for status, _ in answers] == [201]
    assert sent <= 1
    settled(hub)
    assert worker.status is None


@pytest.mark.usefixtures("impatient")
def test_a_save_that_has_waited_too_long_is_refused_in_words(hub: LiveHub, key, admin_client: Client):
    """F24: the API and the pages say that the database is busy, and nothing is saved."""
    form = admin_client.get("/admin/crmhub/task/add/").context["adminform"].form
    typed = {name: value for name, value in form.initial.items() if value is not None}
    body, headers = json.dumps({"title": "Call Grace"}), {"authorization": f"Bearer {key}"}
    admin_client.raise_request_exception = False

    with written_by_another():
        answer = Client().post("/api/v1/tasks", body, content_type="application/json", headers=headers)
        page = admin_client.post("/admin/crmhub/task/add/", {**typed, "title": "Call Grace"})

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert page.status_code == 503
    assert "The database does not answer" in page.content.decode()
    assert not Task.objects.exists()
