"""People who save at the same moment: nobody's change is lost, and nobody waits for somebody who waits for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from crmhub import services
from crmhub.models import Lane, Task, TaskLink
from crmhub.services import tasks
from crmhub.sync.claim import take
from crmhub.tests.services.conftest import LATER, connect, save_task, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.engine]


def side_by_side(*acts: Callable[[], object]) -> list[BaseException]:
    """Do all of it at once, each in a thread with a database connection of its own; returns what went wrong."""
    start = threading.Barrier(len(acts))
    errors: list[BaseException] = []

    def run(act: Callable[[], object]) -> None:
        try:
            start.wait()
            act()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return errors


def edit(task: Task, **values: str) -> Callable[[], object]:
    read = stored(task)
    for name, value in values.items():
        setattr(read, name, value)
    return lambda: services.save_task(task=read, changed=list(values))


def test_saves_of_different_fields_are_all_kept_and_each_is_a_version():
    connect()
    task = save_task().task
    fields = ("title", "body", "location", "queue", "contact_name")

    errors = side_by_side(*[edit(task, **{name: f"new {name}"}) for name in fields])

    kept = stored(task)
    assert errors == []
    assert {name: getattr(kept, name) for name in fields} == {name: f"new {name}" for name in fields}
    assert (kept.version, TaskLink.objects.get().wanted_version) == (6, 6)
    assert sorted(task.history.values_list("version", flat=True)) == [1, 2, 3, 4, 5, 6]


def test_of_two_saves_of_one_version_one_is_refused():
    task = save_task().task
    read = [stored(task), stored(task)]

    errors = side_by_side(
        *[lambda one=one: services.complete_task(task=one, expected_version=1) for one in read]
    )

    assert [type(error) for error in errors] == [services.StaleVersion]
    assert stored(task).version == 2


def test_a_contacts_save_and_its_tasks_saves_go_side_by_side(grace):
    task = save_task(about=[grace]).task
    connect()
    acts = []
    for number in range(4):
        person = stored(grace)
        person.company = f"Company {number}"
        acts.append(lambda one=person: services.save_contact(contact=one, changed=["company"]))
        acts.append(edit(task, title=f"Call {number}"))

    errors = side_by_side(*acts)

    kept = stored(task)
    assert errors == []
    assert kept.title.upper() in kept.search_text
    assert (kept.version, stored(grace).version) == (5, 5)


@pytest.mark.postgres
def test_a_task_can_take_a_contact_that_is_being_saved(grace):
    is_open, is_done = threading.Event(), threading.Event()

    def save_slowly() -> None:
        with transaction.atomic():
            services.save_contact(contact=stored(grace), changed=[])
            is_open.set()
            assert is_done.wait(10), "the task's save waited for the contact's"

    def save_task_meanwhile() -> None:
        is_open.wait(10)
        save_task(about=[grace])
        is_done.set()

    assert side_by_side(save_slowly, save_task_meanwhile) == []


@pytest.mark.postgres
def test_a_save_while_its_link_is_settled_is_owed():
    account = connect(scope="all")
    task = save_task().task
    claim = take(TaskLink, account, lane=Lane.INTERACTIVE, size=5, now=LATER)
    assert claim is not None
    is_locked, is_waiting = threading.Event(), threading.Event()

    def settle() -> None:
        with transaction.atomic():
            TaskLink.objects.select_for_update().get()
            is_locked.set()
            is_waiting.wait(10)
            time.sleep(0.2)  # the save is at the lock by then
            TaskLink.objects.update(claim_token=None, due_at=None, pushed_version=1, sync_status="in_sync")

    def save() -> None:
        is_locked.wait(10)
        is_waiting.set()
        edit(task, title="Call Grace back")()

    assert side_by_side(settle, save) == []

    link = TaskLink.objects.get()
    assert (link.wanted_version, link.sync_status, link.due_at is None) == (2, "pending", False)


@pytest.mark.postgres
def test_a_task_is_found_by_the_name_that_its_contact_got_while_it_was_saved(grace, monkeypatch):
    """The contact's save does not see the association yet, and the task's has read the contact before."""
    store = tasks._store

    def rename() -> None:
        person = stored(grace)
        person.last_name = "Murray"
        services.save_contact(contact=person, changed=["last_name"])

    def store_late(*words: Any, **named: Any) -> None:
        assert side_by_side(rename) == []
        store(*words, **named)

    monkeypatch.setattr(tasks, "_store", store_late)

    task = save_task(about=[grace]).task

    assert "MURRAY" in stored(task).search_text
