"""Which tasks stand so at some CRM: all of them, however many links say it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from crmhub.models import Connection, SyncStatus, Task, TaskLink
from crmhub.queries import sync
from crmhub.queries.sync import Standing, tasks_standing
from crmhub.queries.tasks import tasks_in_use

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize("few", [2, 3, 4, 7, 100])
def test_tasks_that_failed_at_several_crms_are_no_reason_to_miss_one_that_failed_at_the_last(
    monkeypatch, few
):
    monkeypatch.setattr(sync, "FEW", few)
    first, second = (
        Connection.objects.create(provider="hubspot", name=name, created_at=NOON) for name in ("A", "B")
    )
    tasks = [
        Task.objects.create(title=f"Task {number}", created_at=NOON, updated_at=NOON) for number in range(4)
    ]
    for connection, failed in ((first, tasks[:3]), (second, tasks)):
        for task in failed:
            TaskLink.objects.create(
                task=task, connection=connection, status_since=NOON, sync_status=SyncStatus.FAILED
            )

    found = tasks_standing(tasks_in_use(), wanted=Standing.NEEDS_A_PERSON)

    assert {task.title for task in found} == {f"Task {number}" for number in range(4)}
    assert found.count() == 4
    assert not tasks_standing(tasks_in_use(), wanted=Standing.WAITING).exists()
