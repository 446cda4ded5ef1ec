"""What each CRM would get, on the command line."""

from __future__ import annotations

import pytest
from django.core.management.base import CommandError

from crmhub.models import Attempt, Connection
from crmhub.tests.commands.conftest import run
from crmhub.tests.commands.test_accounts import connect, task_at, token_of

pytestmark = pytest.mark.django_db


def test_the_requests_are_told_without_secrets_and_nothing_is_sent(account):
    connect(account)
    link = task_at(Connection.objects.get())
    before = len(account.simulator.log)

    said = run("preview", str(link.task_id)).out

    assert f"POST {account.url}/crm/v3/objects/tasks" in said
    assert "Authorization: •••" in said
    assert '"hs_task_subject": "Call Grace"' in said
    assert token_of(account) not in said
    assert len(account.simulator.log) == before
    assert not Attempt.objects.exists()


def test_one_connection_alone_can_be_asked_for(account):
    connect(account)
    connect(account, name="Other")
    task = task_at(Connection.objects.get(name="Main")).task_id

    said = run("preview", str(task), "--connection", "Other").out

    assert "Other (HubSpot)" in said
    assert "Main (HubSpot)" not in said


@pytest.mark.parametrize("task", ["Call Grace", "01a20487-87ed-7757-b512-7bc5fd129a7f"])
def test_a_task_that_is_not_there_is_told(task):
    with pytest.raises(CommandError, match="there is no task"):
        run("preview", task)
