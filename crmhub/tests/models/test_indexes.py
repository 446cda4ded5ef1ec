"""The lists and the work that grow with the years are read through the index that was made for them, and never sorted anew."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from django.contrib.auth import get_user_model
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from crmhub.api.paging import Order, Place, read_rows
from crmhub.models import Attempt, Connection, Contact, ContactLink, Lane, Task, TaskLink
from crmhub.queries.api import oldest_due
from crmhub.queries.connections import count_needing_a_person
from crmhub.queries.sync import Standing, tasks_standing
from crmhub.queries.tasks import (
    BY_DUE,
    UNFINISHED,
    WORK_FIRST,
    as_rows,
    deleted_tasks,
    my_due_tasks,
    tasks_in_use,
)
from crmhub.sync.claim import take
from crmhub.sync.sweep import has_work

pytestmark = [pytest.mark.django_db, pytest.mark.engine]

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
TASKS = 3000


@pytest.fixture
def ada():
    return get_user_model().objects.create_user("ada", is_staff=True)


@pytest.fixture
def years(ada) -> list[Connection]:
    """Some thousands of tasks at two CRMs: nearly all in step, a few due, a few parked, a fifth deleted."""
    connections = [
        Connection.objects.create(provider="hubspot", name=name, created_at=NOON)
        for name in ("First", "Second")
    ]
    tasks = Task.objects.bulk_create(_task(number, ada) for number in range(TASKS))
    contacts = Contact.objects.bulk_create(
        Contact(
            first_name=f"Grace {n}",
            email=f"grace{n}@example.com",
            phone_e164=f"+1202555{n:04}",
            created_at=NOON,
            updated_at=NOON,
        )
        for n in range(TASKS // 3)
    )
    links = TaskLink.objects.bulk_create(
        TaskLink(task=task, connection=connection, **_state(number))
        for number, task in enumerate(tasks)
        for connection in connections
    )
    ContactLink.objects.bulk_create(
        ContactLink(contact=contact, connection=connections[0], **_state(number))
        for number, contact in enumerate(contacts)
    )
    Attempt.objects.bulk_create(
        Attempt(
            connection=link.connection,
            task_link=link,
            claim_token=UUID(int=number),
            operation="create",
            version=1,
            started_at=NOON,
            outcome="ok",
        )
        for number, link in enumerate(links)
        if number % 2 == 0 or number % 40 == 1  # the second account is a quiet one
    )
    with database.cursor() as cursor:
        cursor.execute("ANALYZE")
    return connections


def _task(number: int, ada) -> Task:
    moment = NOON + timedelta(minutes=number)
    return Task(
        title=f"Call {number}",
        status="waiting" if number % 5 == 0 else "open",
        priority="high" if number % 5 == 1 else "none",
        assignee=ada if number % 5 == 2 else None,
        due_at=None if number % 50 == 3 else moment,
        deleted_at=moment if number % 5 == 4 else None,
        created_at=moment,
        updated_at=moment,
    )


def _state(number: int) -> dict[str, object]:
    if number % 100 == 0:
        return {"due_at": NOON, "status_since": NOON}
    if number % 100 == 1:
        return {"sync_status": "failed", "status_since": NOON}
    return {"sync_status": "in_sync", "status_since": NOON}


def plan_of(read: Callable[[], object], table: str) -> tuple[set[str], bool]:
    """Return what the rows of the table are found by, and whether they must be sorted. What is read by id does not count."""
    with CaptureQueriesContext(database) as queries:
        found = read()
        if isinstance(found, Iterable):
            list(found)
    begins = re.compile(rf'SELECT .*?FROM "{table}"', re.DOTALL)
    selects = [query["sql"] for query in queries if begins.match(query["sql"])]
    plans = [_explained(sql) for sql in selects if f'"{table}"."id" IN (' not in sql]
    plan = "\n".join(plans)
    ways = set(re.findall(rf"INDEX (\w+)|using (\w+) on {table}|Index Scan on (\w+)", plan))
    ways |= {(way,) for way in re.findall(rf"Seq Scan on {table}|SCAN {table}$", plan, re.MULTILINE)}
    return {name for way in ways for name in way if name}, bool(re.search(r"TEMP B-TREE|\bSort\b", plan))


def _explained(sql: str) -> str:
    explain = "EXPLAIN QUERY PLAN" if database.vendor == "sqlite" else "EXPLAIN"
    with database.cursor() as cursor:
        cursor.execute(f"{explain} {sql}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def only(index: str) -> tuple[set[str], bool]:
    """Return what `plan_of` says of a read that needs this index and nothing else."""
    return {index}, False


def test_due_work_is_claimed_by_its_index(years):
    claim = plan_of(
        lambda: take(TaskLink, years[0], lane=Lane.INTERACTIVE, size=10, now=NOON), "crmhub_tasklink"
    )
    contacts = plan_of(
        lambda: take(ContactLink, years[0], lane=Lane.INTERACTIVE, size=10, now=NOON), "crmhub_contactlink"
    )

    assert (claim, contacts) == (only("task_link_due"), only("contact_link_due"))


def test_what_is_due_is_seen_by_its_index(years):
    ways, _ = plan_of(lambda: [has_work(one, now=NOON) for one in years], "crmhub_tasklink")

    assert ways == {"task_link_due"}
    assert oldest_due(NOON) == NOON


def test_the_lists_of_staff_are_read_in_their_order(years, ada):
    page = slice(0, 50)
    listed = {
        "all": lambda: as_rows(tasks_in_use()).order_by(*BY_DUE)[page],
        "waiting": lambda: as_rows(tasks_in_use().filter(status="waiting")).order_by(*BY_DUE)[page],
        "hers": lambda: as_rows(tasks_in_use().filter(assignee=ada)).order_by(*BY_DUE)[page],
        "urgent": lambda: as_rows(tasks_in_use().filter(priority="high")).order_by(*BY_DUE)[page],
        "deleted": lambda: as_rows(deleted_tasks()).order_by("-deleted_at", "id")[page],
    }
    work, _ = plan_of(
        lambda: as_rows(tasks_in_use().filter(status__in=UNFINISHED)).order_by(*WORK_FIRST)[page],
        "crmhub_task",
    )
    her_day, _ = plan_of(lambda: my_due_tasks(ada, now=NOON, zone=UTC), "crmhub_task")

    assert {name: plan_of(read, "crmhub_task") for name, read in listed.items()} == {
        "all": only("task_by_due"),
        "waiting": only("task_by_status"),
        "hers": only("task_by_assignee"),
        "urgent": only("task_by_priority"),
        "deleted": only("task_by_deletion"),
    }
    assert her_day == {"task_by_assignee"}
    # Nearly all are unfinished here; what matters is that the index on due is not walked past those that are finished.
    assert "task_by_due" not in work


def test_the_lists_of_the_api_are_read_in_their_order_from_any_place(years):
    middle = Task.objects.order_by("id")[TASKS // 2]
    places = {"first": None, "next": Place(NOON + timedelta(minutes=TASKS // 2), middle.id)}
    found = {
        (name, column, is_descending): plan_of(
            partial(read_rows, tasks_in_use(), Order(column, is_descending), place, 51),
            "crmhub_task",
        )
        for name, place in places.items()
        for column in ("updated_at", "created_at", "due_at")
        for is_descending in (False, True)
    }

    index = {"updated_at": "task_by_change", "created_at": "task_by_creation", "due_at": "task_by_due"}
    assert {key: ways for key, (ways, _) in found.items()} == {key: {index[key[1]]} for key in found}
    # Descending, those without a due time come first; they are so few that sorting them may be cheaper.
    assert {key for key, (_, is_sorted) in found.items() if is_sorted} <= {("first", "due_at", True)}


def test_people_are_found_by_their_indexes(years):
    reads = {
        "contact_by_name": lambda: Contact.objects.order_by("last_name", "first_name", "id")[:50],
        "contact_by_email": lambda: Contact.objects.filter(email="grace7@example.com").order_by(),
        "contact_by_phone": lambda: Contact.objects.filter(phone_e164="+12025550123").order_by(),
        "contact_by_change": lambda: read_rows(Contact.objects.all(), Order("updated_at"), None, 51),
    }

    assert {name: plan_of(read, "crmhub_contact") for name, read in reads.items()} == {
        name: only(name) for name in reads
    }


def test_what_needs_a_person_is_found_by_its_status(years):
    indexes, _ = plan_of(  # the few that are found are sorted
        lambda: tasks_standing(tasks_in_use(), connection=years[0].pk, wanted=Standing.NEEDS_A_PERSON),
        "crmhub_tasklink",
    )

    assert indexes & {"task_link_by_standing", "task_link_by_age"}
    assert count_needing_a_person() == 30


def test_the_journal_is_read_by_its_link_and_by_its_connection(years):
    link = TaskLink.objects.filter(connection=years[0]).first()
    reads = {
        "attempt_by_task_link": lambda: Attempt.objects.filter(task_link=link).order_by("-id")[:20],
        "attempt_by_connection": lambda: Attempt.objects.filter(connection=years[1]).order_by("-id")[:50],
        "attempt_by_outcome": lambda: Attempt.objects.filter(outcome="failed").order_by("-id")[:50],
    }

    assert {name: plan_of(read, "crmhub_attempt") for name, read in reads.items()} == {
        name: only(name) for name in reads
    }
