"""Replays of crowds: what is meant, what is left out, and that one can be watched, stopped and gone on with."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.conf import settings as hub_settings

from crmhub import services, sync, tasks, wake
from crmhub.models import Connection, ContactLink, Lane, Replay, SyncStatus, TaskLink
from crmhub.queries.failures import Age, failures, parked_so
from crmhub.queries.remedies import BY_CODE, REASONS, because, reason_of, reasons_called
from crmhub.queries.selection import Selection, shares
from crmhub.tests.services.conftest import LATER, NOON, connect, link_of, save_task, settle

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

FAILED = Selection(is_failed=True)


def park(link, status="failed", *, code="rejected", since=NOON):
    settle(link, sync_status=status, last_error_code=code, status_since=since)


def many(connection: Connection, count: int) -> list[TaskLink]:
    """Parked links of so many tasks."""
    links = [link_of(save_task(title=f"Task {n}").task, connection) for n in range(count)]
    for link in links:
        park(link)
    return links


def owed() -> set[str]:
    return set(TaskLink.objects.filter(due_at__isnull=False).values_list("task__title", flat=True))


def run(replay: Replay, *, most: int = 500) -> int:
    """Go on to the end; returns how many parts it took."""
    parts = 0
    while services.go_on_with_replay(replay_id=replay.pk, now=LATER, most=most):
        parts += 1
    replay.refresh_from_db()
    return parts


# What is meant


def test_a_replay_counts_what_it_is_about_and_marks_it_in_the_lane_of_retries(grace):
    one, other = connect("One"), connect("Other", "hubspot")
    task = save_task(about=[grace]).task
    park(link_of(task, one))
    park(link_of(task, other))
    for link in ContactLink.objects.filter(connection=one):
        park(link)

    replay = services.begin_replay(selection=FAILED, origin="staff", now=LATER)
    counted = {row["connection"]: (row["tasks"], row["contacts"]) for row in replay.by_connection}
    run(replay)

    assert counted == {str(one.pk): (1, 1), str(other.pk): (1, 0)}
    assert (replay.total, replay.done, replay.state) == (3, 3, Replay.State.DONE)
    assert set(TaskLink.objects.values_list("due_at", "lane")) == {(LATER, Lane.RETRY)}


def test_what_somebody_should_look_at_first_is_left_out_and_counted():
    connection = connect()
    for status in ("failed", "unknown", "gone"):
        park(link_of(save_task(title=status).task, connection), status)

    replay = services.begin_replay(selection=FAILED, now=LATER)
    run(replay)

    assert (replay.total, replay.left_out) == (1, 2)
    assert owed() == {"failed"}


@pytest.mark.parametrize(
    ("selection", "titles"),
    [
        (Selection(reasons=("rejected",)), {"old", "young"}),
        (Selection(is_failed=True, after=NOON), {"young", "forbidden"}),
        (Selection(is_failed=True, until=NOON), {"old"}),
        (Selection(reasons=reasons_called("Permanent")), {"old", "young", "forbidden"}),
        (Selection(statuses=("in_sync",)), {"well"}),
        (Selection(), {"old", "young", "forbidden", "well", "waits"}),
    ],
)
def test_a_crowd_is_what_meets_all_that_was_said(selection, titles):
    connection = connect()
    links = {
        title: link_of(save_task(title=title).task, connection)
        for title in ("old", "young", "forbidden", "well", "waits", "off")
    }
    park(links["old"], since=NOON - timedelta(days=1))
    park(links["young"])
    park(links["forbidden"], code="forbidden")
    settle(links["well"], status_since=NOON - timedelta(days=1))
    settle(links["waits"], sync_status="pending", due_at=LATER, status_since=NOON - timedelta(days=1))
    services.exclude_link(link=links["off"], now=LATER)

    found = selection.crowd(TaskLink).values_list("task__title", flat=True)

    assert set(found) == titles
    assert Selection.of_json(json.loads(json.dumps(selection.as_json()))) == selection
    assert sum(share.tasks for share in shares(selection)) == len(titles)


def test_a_disconnected_account_is_not_meant():
    connection = connect()
    many(connection, 1)
    Connection.objects.update(disconnected_at=NOON)

    assert shares(FAILED) == []


@pytest.mark.parametrize("status", [*SyncStatus.values])
@pytest.mark.parametrize("code", [*BY_CODE, "", "wrong_location", "unheard_of"])
def test_every_link_has_just_one_reason_and_is_found_by_it(status, code):
    connection = connect()
    park(link_of(save_task().task, connection), status, code=code)

    found = [reason for reason in REASONS if TaskLink.objects.filter(because(reason)).exists()]

    assert found == [reason_of(status, code)]


def test_a_word_that_names_no_reason_is_refused_with_those_that_do():
    with pytest.raises(ValueError, match=r"perhaps is not one of: transient, .*, Permanent"):
        reasons_called("perhaps")


# A part at a time


def test_each_link_is_marked_once_though_it_fails_again_meanwhile():
    connection = connect()
    links = many(connection, 7)
    replay = services.begin_replay(selection=FAILED, now=LATER)

    parts = 0
    while services.go_on_with_replay(replay_id=replay.pk, now=LATER, most=3):
        parts += 1
        for link in TaskLink.objects.filter(due_at__isnull=False):
            park(link)
    replay.refresh_from_db()

    assert (parts, replay.done) == (3, len(links))


def test_a_replay_stops_between_two_parts_and_goes_on_where_it_was():
    connection = connect()
    many(connection, 5)
    replay = services.begin_replay(selection=FAILED, now=LATER)
    services.go_on_with_replay(replay_id=replay.pk, now=LATER, most=2)

    assert services.stop_replay(replay=replay, now=LATER)
    went_on = services.go_on_with_replay(replay_id=replay.pk, now=LATER)
    replay.refresh_from_db()
    stopped = (replay.state, replay.done, len(owed()))
    assert services.resume_replay(replay=replay)
    run(replay)

    assert not went_on
    assert stopped == (Replay.State.STOPPED, 2, 2)
    assert (replay.state, replay.done, len(owed())) == (Replay.State.DONE, 5, 5)
    assert not services.stop_replay(replay=replay)
    assert not services.resume_replay(replay=replay)


def test_the_tasks_of_a_list_are_sent_again_and_others_are_not():
    connection = connect()
    links = many(connection, 6)
    chosen = tuple(link.task_id for link in links[:5])

    replay = services.begin_replay(selection=Selection(tasks=chosen), now=LATER)
    parts = run(replay, most=8)

    assert (parts, replay.total, replay.done) == (3, 5, 5)
    assert [len(part.tasks) for part in Selection(tasks=chosen).parts(2)] == [2, 2, 1]
    assert owed() == {f"Task {n}" for n in range(5)}


def test_a_replay_is_published_and_published_again_by_the_sweep_until_its_end(
    redis_connection, django_capture_on_commit_callbacks
):
    wake._publisher.cache_clear()
    wake.circuit.reset()
    many(connect(), 2)

    def published():
        queue = redis_connection.lrange(hub_settings.CELERY_TASK_DEFAULT_QUEUE, 0, -1)
        return [json.loads(one)["headers"]["task"] for one in queue].count("crmhub.replay")

    with django_capture_on_commit_callbacks(execute=True):
        replay = services.begin_replay(selection=FAILED)
    counts = [published()]
    sync.sweep()
    counts.append(published())
    tasks.replay(replay_id=str(replay.pk))
    sync.sweep()
    counts.append(published())
    replay.refresh_from_db()

    assert counts == [1, 2, 2]
    assert (replay.state, len(owed())) == (Replay.State.DONE, 2)


def test_what_a_command_runs_by_itself_is_left_to_it():
    many(connect(), 1)
    services.begin_replay(selection=FAILED, is_in_background=False)

    assert sync.sweep_replays() == []


# Counted


def test_failures_are_counted_by_reason_and_age_in_one_query(grace, django_assert_num_queries):
    connection = connect()
    ages = {
        "minutes": timedelta(minutes=5),
        "hours": timedelta(hours=5),
        "days": timedelta(days=5),
        "weeks": timedelta(days=50),
    }
    for title, age in ages.items():
        park(link_of(save_task(title=title, about=[grace]).task, connection), since=LATER - age)
    park(link_of(save_task(title="forbidden").task, connection), code="forbidden")
    park(ContactLink.objects.get(), code="ambiguous")
    gone = save_task(title="deleted").task
    park(link_of(gone, connection))
    services.delete_task(task=gone, now=LATER)
    park(link_of(gone, connection))

    with django_assert_num_queries(1):
        found = failures(now=LATER)

    assert [(one.kind, one.reason, list(one.counts.values())) for one in found] == [
        ("task", "rejected", [1, 1, 1, 1]),
        ("contact", "ambiguous", [1, 0, 0, 0]),
        ("task", "forbidden", [1, 0, 0, 0]),
    ]
    assert found[0].oldest == LATER - ages["weeks"]
    for age, title in zip(Age, ages, strict=True):
        one = TaskLink.objects.filter(parked_so(reason="rejected", age=age, now=LATER), task__deleted_at=None)
        assert one.get().task.title == title
    assert failures(now=LATER, connection=connect("Other").pk) == []
