"""Many rows are written in one statement, each with values of its own, on either database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from crmhub.models import Attempt, Lane, SyncStatus, TaskLink
from crmhub.sync import rows, settle
from crmhub.sync.claim import take
from crmhub.sync.judge import judge
from crmhub.sync.perform import Answered
from crmhub.sync.pieces import planned
from crmhub.tests.engine.conftest import Hub
from providers.types import RemoteRef, RemoteTask

pytestmark = pytest.mark.engine


def links(hub: Hub, number: int) -> list[TaskLink]:
    hub.connect("hubspot")
    return [hub.link(hub.save_task(title=f"Task {count}")) for count in range(number)]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("external_id", ["1", 'Grace\'s "shop" at 50 % \\ ☎ 🏪\n', ""]),
        ("last_error", ["", "x" * 1000, "null"]),
        (
            "ancestor",
            [{"title": "Gr\\\"ce's ☎", "due_at": None, "contacts": ["1", "2"]}, {}, {"a": {"b": [1]}}],
        ),
        ("losses", [[{"field": "body", "note": "50 %"}], [], [1, "2", None, True]]),
        ("deletion_sent", [True, False, True]),
        ("pushed_version", [-1, 0, 2147483647]),
        ("sync_status", [SyncStatus.IN_SYNC, SyncStatus.FAILED, SyncStatus.PENDING]),
        ("lane", [Lane.BACKFILL, Lane.INTERACTIVE, Lane.RETRY]),
    ],
)
@pytest.mark.parametrize("is_shared", [False, True])
def test_each_row_gets_its_own_value(hub: Hub, column: str, values: list[Any], is_shared: bool):
    some = links(hub, 3)
    wanted = [values[0]] * 3 if is_shared and column != "external_id" else values

    rows.write(TaskLink, {link.pk: {column: value} for link, value in zip(some, wanted, strict=True)})

    assert [getattr(TaskLink.objects.get(pk=link.pk), column) for link in some] == wanted


def test_moments_ids_and_nothing_are_written_as_they_are(hub: Hub):
    first, second = links(hub, 2)
    moment, token = hub.now + timedelta(microseconds=1), uuid4()

    rows.write(
        TaskLink,
        {
            first.pk: {"due_at": moment, "claim_token": token, "claimed_at": hub.now},
            second.pk: {"due_at": None, "claim_token": None, "claimed_at": None},
        },
    )

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.due_at, first.claim_token, first.claimed_at) == (moment, token, hub.now)
    assert (second.due_at, second.claim_token, second.claimed_at) == (None, None, None)


def test_rows_that_change_other_columns_keep_theirs(hub: Hub):
    first, second, third = links(hub, 3)

    rows.write(TaskLink, {first.pk: {"external_url": "https://x"}, second.pk: {"failures": 3}, third.pk: {}})

    told = {link.pk: (link.external_url, link.failures) for link in TaskLink.objects.all()}
    assert told == {first.pk: ("https://x", 0), second.pk: ("", 3), third.pk: ("", 0)}


def test_nothing_to_write_is_no_statement(hub: Hub, django_assert_num_queries):
    with django_assert_num_queries(0):
        rows.write(TaskLink, {})


def test_new_rows_are_stored_with_their_defaults_and_told_their_ids(hub: Hub):
    first, second = links(hub, 2)
    made = [
        Attempt(
            connection=hub.connections["hubspot"],
            task_link=link,
            claim_token=uuid4(),
            operation="create",
            version=number,
            started_at=hub.now,
        )
        for number, link in enumerate((first, second), 1)
    ]

    rows.insert(made)

    stored = [Attempt.objects.get(pk=one.pk) for one in made]
    assert [(one.task_link, one.version) for one in stored] == [(first, 1), (second, 2)]
    assert [(one.outcome, one.effects, one.ended_at) for one in stored] == [("sending", [], None)] * 2


def test_an_external_id_that_is_taken_this_very_moment_is_the_trouble_of_one_link(hub: Hub):
    """Between the look for taken ids and the write another settling may come; the others of the batch are in step all the same."""
    hub.connect("hubspot")
    tasks = [hub.save_task(title=f"Task {number}") for number in range(4)]
    claim = take(TaskLink, hub.connections["hubspot"], lane=Lane.INTERACTIVE, size=10, now=hub.now)
    assert claim is not None
    pieces = planned(claim, now=hub.now)
    case_of = settle._cases(hub.connections["hubspot"], now=hub.now, linger=settle.AT_ONCE, here=0.0)
    taken = hub.save_task(title="Another")
    for number, piece in enumerate(pieces):
        piece.answer = Answered(remote=RemoteTask(ref=RemoteRef(str(number))))
        piece.case = case_of(piece, piece.row)
        piece.verdict = judge(piece.case)
    TaskLink.objects.filter(task=taken).update(external_id="2")

    settle._write(TaskLink, [(piece.row, piece) for piece in pieces], now=hub.now)

    told = [hub.link(task) for task in tasks]
    assert sorted(link.external_id for link in told) == ["", "0", "1", "3"]
    assert sorted(link.sync_status for link in told) == ["conflict", "in_sync", "in_sync", "in_sync"]
