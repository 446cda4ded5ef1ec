"""Sending again from the command line."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.management.base import CommandError
from django.utils import timezone

from crmhub import services
from crmhub.models import Connection, Replay, TaskLink
from crmhub.queries.selection import Selection
from crmhub.tests.commands.conftest import run
from crmhub.tests.commands.test_accounts import connect, park, task_at

pytestmark = pytest.mark.django_db


@pytest.fixture
def links(account):
    """A link that failed, one that failed long ago for another reason, one that is gone there, and one in sync; none of them owed."""
    connect(account)
    connection = Connection.objects.get()
    statuses = {"failed": "failed", "forbidden": "failed", "gone": "gone", "in_sync": "in_sync"}
    links = {title: task_at(connection, title=title) for title in statuses}
    for title, link in links.items():
        park(link, statuses[title])
        code = {"failed": "rejected", "forbidden": "forbidden"}.get(title, "")
        since = timezone.now() - timedelta(days=2 if title == "forbidden" else 0)
        TaskLink.objects.filter(pk=link.pk).update(last_error_code=code, status_since=since)
    return links


def owed():
    return sorted(TaskLink.objects.filter(due_at__isnull=False).values_list("task__title", flat=True))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--failed"], ["failed", "forbidden"]),
        (["Main"], ["failed", "forbidden", "in_sync"]),
        (["Main", "--failed"], ["failed", "forbidden"]),
        (["Main", "--dry-run"], []),
        (["--since", "2h"], ["failed"]),
        (["--since", "3d"], ["failed", "forbidden"]),
        (["--since", "2026-11-20T10:00Z"], ["failed", "forbidden"]),
        (["--code", "forbidden"], ["forbidden"]),
        (["--code", "Permanent", "Main"], ["failed", "forbidden"]),
        (["--code", "Permanent", "--since", "2h"], ["failed"]),
        (["--status", "in_sync"], ["in_sync"]),
        (["--status", "gone"], []),
    ],
)
def test_replay_owes_what_was_asked_for_and_nothing_that_somebody_should_look_at_first(
    links, words, expected
):
    run("replay", *words)

    assert owed() == expected


def test_how_many_and_what_is_left_out_is_told_for_each_connection(links):
    said = run("replay", "Main", "--dry-run").out

    assert "  Main: 3 tasks, 0 contacts; 1 left out, for somebody should look at each first" in said
    assert said.splitlines()[-1] == "3 links would be sent again."
    assert not Replay.objects.exists()


def test_many_at_once_are_told_and_sent_only_when_that_is_meant(links, settings):
    settings.BRAKE_TASKS = 1

    with pytest.raises(
        CommandError, match=re.escape("2 links are many at once; nothing was done. Add --yes")
    ):
        run("replay", "--failed")
    before = owed()
    run("replay", "--failed", "--yes")

    assert before == []
    assert owed() == ["failed", "forbidden"]


def test_one_task_is_replayed_whatever_it_was(links):
    run("replay", "--task", str(links["gone"].task_id))

    assert owed() == ["gone"]


def test_what_was_stopped_is_told_and_gone_on_with(links):
    replay = services.begin_replay(selection=Selection(is_failed=True), is_in_background=False)
    services.go_on_with_replay(replay_id=replay.pk, most=1)
    services.stop_replay(replay=replay)
    before = owed()

    said = run("replay", "--resume", str(replay.pk)).out

    assert len(before) == 1
    assert owed() == ["failed", "forbidden"]
    assert said.splitlines()[-1] == "2 links will be sent again."
    with pytest.raises(CommandError, match="has come to its end"):
        run("replay", "--resume", str(replay.pk))


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "say what to send again"),
        (["--task", "5"], "there is no task '5'"),
        (["Nobody"], "no connection 'Nobody'"),
        (["--since", "yesterday"], "neither a span, such as 30m, 2h or 7d, nor a moment"),
        (["--code", "perhaps"], "--code: perhaps is not one of: transient"),
        (["--status", "excluded"], "invalid choice: 'excluded'"),
        (["--resume", "5"], "there is no replay '5'"),
        (["--resume", "5", "--failed"], "give nothing else"),
    ],
)
def test_replay_wants_to_be_told_what(account, words, complaint):
    connect(account)

    with pytest.raises(CommandError, match=re.escape(complaint)):
        run("replay", *words)
