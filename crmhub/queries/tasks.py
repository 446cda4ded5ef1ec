"""Reading tasks: the list, what is searched and when something is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import cache

from django.contrib.auth.models import AbstractBaseUser
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Prefetch, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import IsNull

from crmhub.models import Task, TaskContact
from crmhub.queries.sync import live_task_links

UNFINISHED = (Task.Status.OPEN, Task.Status.IN_PROGRESS, Task.Status.WAITING, Task.Status.DEFERRED)
# Tasks without a due time come last on every database; the index on due and id still gives the order.
BY_DUE = (F("due_at").asc(nulls_last=True), "id")
# What is still to be done: by due, and of those without a due time the newest first. The index `task_by_work` holds just this, so that a page
# costs the same however much is finished and however much waits: with 400,000 of a million unfinished, 0.1 ms against half a second of sorting.
WORK_FIRST = (IsNull(F("due_at"), True).asc(), "due_at", "-id")

# That nothing unfinished has been completed is said once more, for SQLite takes an index for a part of the rows only where the
# query repeats its condition without a parameter.
STILL_TO_DO = Q(status__in=UNFINISHED, completed_at__isnull=True)

TRIGRAM = 3  # characters; no index knows shorter words
TABLE_OF_WORDS = "crmhub_task_words"  # on SQLite, kept by triggers on the tasks
WITH_WORDS = "SELECT task_id FROM crmhub_task_words WHERE crmhub_task_words MATCH %s"

# At the edge of time a day has no neighbour, and no moment in every zone. Nothing that is due lies beyond these.
FIRST_DAY, LAST_DAY = date(1, 1, 2), date(9999, 12, 30)


class Due(StrEnum):
    """When a task is due, as staff ask for it."""

    OVERDUE = "overdue"
    TODAY = "today"
    WEEK = "week"
    NONE = "none"


def tasks_in_use() -> QuerySet[Task]:
    """Return the tasks that do not lie in the recycle bin."""
    return Task.objects.filter(deleted_at__isnull=True)


def deleted_tasks() -> QuerySet[Task]:
    """Return the tasks in the recycle bin."""
    return Task.objects.filter(deleted_at__isnull=False)


def as_rows(tasks: QuerySet[Task]) -> QuerySet[Task]:
    """Return the tasks with all that a list shows of them, in a fixed number of queries: `live_links`, `with_contacts`, assignee."""
    contacts = TaskContact.objects.select_related("contact").order_by("position", "id")
    return (
        tasks.select_related("assignee")
        .defer("body", "search_text")
        .prefetch_related(
            Prefetch("links", queryset=live_task_links(), to_attr="live_links"),
            Prefetch("task_contacts", queryset=contacts, to_attr="with_contacts"),
        )
    )


def matching(tasks: QuerySet[Task], text: str) -> QuerySet[Task]:
    """Narrow the tasks to those whose title, or contact's name or e-mail, holds every word of the text.

    An index answers where it can: trigrams on PostgreSQL, an FTS5 table on SQLite, both for words of three characters and more.
    """
    words = text.replace("\x00", " ").upper().split()
    long_enough = [word for word in words if len(word) >= TRIGRAM]
    if long_enough and _has_table_of_words(connections[tasks.db]):
        tasks = tasks.filter(pk__in=_tasks_with(long_enough))
        words = [word for word in words if word not in long_enough]
    for word in words:
        tasks = tasks.filter(search_text__contains=word)
    return tasks


def _tasks_with(words: Sequence[str]) -> RawSQL:
    phrases = " AND ".join('"{}"'.format(word.replace('"', '""')) for word in words)
    return RawSQL(WITH_WORDS, [phrases])  # noqa: S611 — the words are a parameter


@cache
def _has_table_of_words(database: BaseDatabaseWrapper) -> bool:
    # A SQLite built without FTS5 has none; see the migration that makes it.
    return database.vendor == "sqlite" and TABLE_OF_WORDS in database.introspection.table_names()


def due(tasks: QuerySet[Task], when: Due, *, now: datetime, zone: tzinfo) -> QuerySet[Task]:
    """Narrow the tasks to those due then; days are the days of this zone. Only unfinished ones can be overdue."""
    today = now.astimezone(zone).date()
    if when is Due.NONE:
        return tasks.filter(due_at__isnull=True)
    if when is Due.OVERDUE:
        missed = Q(due_is_date=False, due_at__lt=now) | Q(due_is_date=True, due_at__lt=_midnight(today, UTC))
        # The plain bound lets the index on due do the work; the rest is decided row by row.
        return tasks.filter(missed, STILL_TO_DO, due_at__lt=now + timedelta(days=1))
    last = today if when is Due.TODAY else today + timedelta(days=6)
    return due_between(tasks, today, last, zone=zone)


def due_between(
    tasks: QuerySet[Task], first: date | None, last: date | None, *, zone: tzinfo
) -> QuerySet[Task]:
    """Narrow the tasks to those due from the first day to the last, both included; None leaves that side open.

    A task with a time counts by the days of this zone, one without a time by its own day.
    """
    timed, dated = Q(due_is_date=False, due_at__isnull=False), Q(due_is_date=True)
    if first is not None and first > FIRST_DAY:
        begin = (_midnight(first, zone), _midnight(first, UTC))
        timed, dated = timed & Q(due_at__gte=begin[0]), dated & Q(due_at__gte=begin[1])
        tasks = tasks.filter(due_at__gte=min(begin))
    if last is not None and last < LAST_DAY:
        end = (_midnight(last + timedelta(days=1), zone), _midnight(last + timedelta(days=1), UTC))
        timed, dated = timed & Q(due_at__lt=end[0]), dated & Q(due_at__lt=end[1])
        tasks = tasks.filter(due_at__lt=max(end))
    return tasks.filter(timed | dated)


def my_due_tasks(user: AbstractBaseUser, *, now: datetime, zone: tzinfo, most: int = 10) -> list[Task]:
    """Return the person's unfinished tasks that are overdue or due today, the oldest first."""
    mine = tasks_in_use().filter(STILL_TO_DO, assignee=user.pk)
    until_today = due_between(mine, None, now.astimezone(zone).date(), zone=zone)
    return list(as_rows(until_today).order_by("due_at", "id")[:most])


def _midnight(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)
