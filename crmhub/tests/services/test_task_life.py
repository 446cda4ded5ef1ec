"""Completing, reopening, deleting and restoring a task."""

from __future__ import annotations

from datetime import timedelta

import pytest

from crmhub import services
from crmhub.tests.services.conftest import LATER, NOON, save_task, stored

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


@pytest.mark.parametrize("act", [services.complete_task, services.delete_task])
def test_completing_and_deleting_refuse_an_old_version_too(act):
    task = save_task().task

    with pytest.raises(services.StaleVersion):
        act(task=task, expected_version=7, now=LATER)

    assert (stored(task).status, stored(task).deleted_at) == ("open", None)


def test_completing_says_when_and_reopening_forgets_it():
    task = save_task().task

    services.complete_task(task=task, now=LATER)
    completed = stored(task)
    services.complete_task(task=task, is_completed=False, now=LATER)

    assert (completed.status, completed.completed_at) == ("completed", LATER)
    assert (stored(task).status, stored(task).completed_at, stored(task).version) == ("open", None, 3)


def test_an_edit_of_a_completed_task_keeps_when_it_was_completed():
    task = save_task(status="completed").task
    task.body = "Done by phone"

    services.save_task(task=task, changed=["body"], now=LATER)

    assert stored(task).completed_at == NOON


def test_completing_twice_is_one_version():
    task = save_task().task

    services.complete_task(task=task, now=LATER)
    services.complete_task(task=task, now=LATER + timedelta(hours=1))

    assert (stored(task).version, stored(task).completed_at) == (2, LATER)


def test_completing_looks_at_the_task_as_it_is_now_not_as_it_was_read():
    task = save_task().task
    read_before = stored(task)
    services.complete_task(task=task, now=LATER)
    completed_before = stored(task)
    services.complete_task(task=completed_before, is_completed=False, now=LATER)

    services.complete_task(task=task, now=LATER)
    services.complete_task(task=read_before, now=LATER)

    assert (stored(task).status, stored(task).version) == ("completed", 4)
    assert (read_before.status, read_before.version) == ("completed", 4)


def test_a_cancelled_task_can_be_reopened():
    task = save_task(status="cancelled").task

    services.complete_task(task=task, is_completed=False, now=LATER)

    assert stored(task).status == "open"


def test_a_deleted_task_lies_in_the_recycle_bin_until_it_is_restored():
    task = save_task().task

    services.delete_task(task=task, now=LATER)
    deleted = stored(task)
    services.restore_task(task=task, now=LATER)

    assert (deleted.deleted_at, deleted.version) == (LATER, 2)
    assert (stored(task).deleted_at, stored(task).version) == (None, 3)


def test_deleting_twice_and_restoring_twice_are_one_version_each():
    task = save_task().task

    for act in (services.delete_task, services.delete_task, services.restore_task, services.restore_task):
        act(task=task, now=LATER)

    assert stored(task).version == 3


def test_saving_a_deleted_task_does_not_take_it_out_of_the_recycle_bin():
    task = save_task().task
    services.delete_task(task=task, now=LATER)
    task.title = "Call Grace back"

    services.save_task(task=task, changed=["title"], now=LATER)

    assert (stored(task).title, stored(task).deleted_at) == ("Call Grace back", LATER)
