"""Saving many new tasks at once: as if each had been saved by itself, all or none, in a few statements."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crmhub import services
from crmhub.models import Connection, ContactLink, Task, TaskLink
from crmhub.services import Associated, Associations
from crmhub.tests.services.conftest import NOON, connect, save_task, stored

pytestmark = [pytest.mark.django_db, pytest.mark.engine]


def told(task: Task) -> dict[str, object]:
    """Return all that is kept of a task but its id."""
    return {one.attname: getattr(task, one.attname) for one in Task._meta.concrete_fields if one.name != "id"}


def links_of(task: Task) -> list[tuple[object, ...]]:
    names = (
        "connection_id",
        "wanted_version",
        "sync_status",
        "due_at",
        "lane",
        "status_since",
        "may_land_until",
    )
    return sorted(TaskLink.objects.filter(task=task).values_list(*names), key=str)


def test_each_of_many_is_as_if_it_had_been_saved_by_itself(grace, acme, ada):
    connect("All")
    connect("Linked", scope="linked")
    connect("Manual", scope="manual")
    ContactLink.objects.create(
        contact=grace, connection=Connection.objects.get(name="Linked"), external_id="7", status_since=NOON
    )
    one = save_task(
        title="  Call Grace ", body="a\r\nb", assignee=ada, status="completed", about=[grace, acme]
    ).task
    two = save_task(title="Alone").task

    many = [
        Task(title="  Call Grace ", body="a\r\nb", assignee=ada, status="completed"),
        Task(title="Alone"),
    ]
    about = {many[0].pk: Associations(contacts=[Associated(grace.pk)], records=[Associated(acme.pk)])}
    saved = services.create_tasks(tasks=many, associations=about, now=NOON)

    assert [made.task for made in saved] == many
    for single, made in zip((one, two), many, strict=True):
        assert told(stored(made)) == told(stored(single))
        assert links_of(made) == links_of(single)
        assert [*stored(made).contacts.all(), *stored(made).records.all()] == [
            *stored(single).contacts.all(),
            *stored(single).records.all(),
        ]
        [history] = made.history.all()
        assert (history.title, history.version, history.history_type) == (stored(made).title, 1, "+")
    assert ContactLink.objects.filter(contact=grace).count() == 2


def test_many_take_far_fewer_statements_than_there_are_tasks(grace):
    connect("All")

    def statements(count: int) -> int:
        tasks = [Task(title=f"Task {number}") for number in range(count)]
        about = {task.pk: Associations(contacts=[Associated(grace.pk)]) for task in tasks}
        with CaptureQueriesContext(connection) as found:
            services.create_tasks(tasks=tasks, associations=about, now=NOON)
        return len(found)

    # SQLite takes some forty rows in one.
    assert statements(200) < 40


def test_where_one_is_refused_none_is_saved_and_all_that_is_wrong_is_told(grace):
    connect("All")
    many = [
        Task(title="Good"),
        Task(title=""),
        Task(title="Bad", body="\x00"),
        Task(title="About nobody"),
    ]
    about = {many[3].pk: Associations(contacts=[Associated(uuid4()), Associated(grace.pk)])}

    with pytest.raises(ValidationError) as refused:
        services.create_tasks(tasks=many, associations=about, now=NOON)

    assert sorted(refused.value.message_dict) == ["1.title", "2.body", "3.contacts"]
    assert (Task.objects.count(), Task.history.count(), TaskLink.objects.count()) == (0, 0, 0)


def test_a_moment_of_creation_that_cannot_be_is_told_of_its_task():
    many = [Task(title="One", created_at=NOON.replace(year=1999)), Task(title="Two")]

    one, two = services.create_tasks(tasks=many, now=NOON)

    assert ("was replaced by now" in one.warnings[0], two.warnings) == (True, [])
    assert stored(one.task).created_at == NOON


def test_to_create_none_is_no_error():
    assert services.create_tasks(tasks=[], now=NOON) == []
