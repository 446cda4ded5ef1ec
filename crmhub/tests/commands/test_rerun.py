"""Running recorded attempts again from the command line."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.management.base import CommandError

from crmhub import sync
from crmhub.models import Attempt, Connection
from crmhub.tests.commands.conftest import run
from crmhub.tests.commands.test_accounts import connect, task_at, token_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def task(account):
    """Two tasks, sent in one batch; the second one is returned."""
    connect(account)
    connection = Connection.objects.get()
    task_at(connection, title="Write to Grace")
    link = task_at(connection)
    sync.push_due(connection.pk)
    return link.task_id


def hash_of(said):
    return re.findall(r"sha256:\w+", said.out)


@pytest.mark.parametrize(
    "words", [["--since", "1h"], ["--since", "2026-11-22T10:00Z", "--connection", "Main"]]
)
def test_what_was_recorded_comes_out_the_same_and_nothing_is_sent(account, task, words):
    requests, attempts = len(account.simulator.log), Attempt.objects.count()

    first, second = run("rerun", *words), run("rerun", *words)

    assert "2 came out the same, 0 otherwise." in first.out
    assert hash_of(first) == hash_of(second)
    assert (len(account.simulator.log), Attempt.objects.count()) == (requests, attempts)


def test_a_task_is_run_again_with_the_batch_that_it_was_in(account, task):
    said = run("rerun", "--task", str(task), verbosity=2)

    assert "2 came out the same" in said.out
    assert len(re.findall(r"attempt \d+ \(Main, create, .*\) the same", said.out)) == 2


def test_a_window_ends_before_until(account, task):
    assert "0 came out the same" in run("rerun", "--since", "2h", "--until", "1h").out


def test_old_attempts_are_left_alone_by_a_window(account, task):
    Attempt.objects.update(started_at=Attempt.objects.latest("id").started_at - timedelta(days=3))

    assert "0 came out the same" in run("rerun", "--since", "2d").out
    assert "2 came out the same" in run("rerun", "--since", "4d").out


def test_an_export_runs_elsewhere_and_only_its_owner_may_read_it(account, task, tmp_path):
    file = tmp_path / "incident"
    here = run("rerun", "--since", "1h")

    run("rerun", "--since", "1h", "--export", str(file))
    Attempt.objects.all().delete()

    assert hash_of(run("rerun", "--from", str(file))) == hash_of(here)
    assert file.stat().st_mode & 0o777 == 0o600
    assert token_of(account) not in file.read_text()


def test_a_difference_is_told_and_the_command_fails(account, task):
    one = Attempt.objects.earliest("id")
    Attempt.objects.filter(pk=one.pk).update(decision="Leave it.")

    with pytest.raises(CommandError, match="1 came out otherwise than recorded"):
        run("rerun", "--since", "1h")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "--task --since --from is required"),
        (["--since", "yesterday"], "neither a span, such as 30m, 2h or 7d, nor a moment"),
        (["--since", "2026-11-30T10:00"], "nor a moment with its zone"),
        (["--task", "5"], "there is no task '5'"),
        (["--task", "5", "--until", "1h"], "go with --since"),
        (["--from", "/nowhere"], "/nowhere cannot be read: No such file"),
        (["--from", "/nowhere", "--export", "/there"], "there is a file already"),
        (["--since", "1h", "--export", "/nowhere/file"], "/nowhere/file cannot be written: No such file"),
    ],
)
def test_rerun_wants_to_be_told_what(words, complaint):
    with pytest.raises(CommandError, match=complaint):
        run("rerun", *words)
