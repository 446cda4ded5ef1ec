"""People who save at the same moment: nobody's change is lost, and nobody waits for somebody who waits for them."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connections, transaction

from crmhub import services
from crmhub.models import Task, TaskLink
from crmhub.tests.services.conftest import connect, save_task, stored

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
