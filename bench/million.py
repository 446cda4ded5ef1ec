"""A hub after years of work: tasks by the million, each with its links and attempts, made inside the database.

Rows are made by `INSERT … SELECT` over a counted series, so that ten million attempts take minutes and not hours; indexes are
dropped before and made again after. What the rows say is made up but shaped like the real thing: half of the tasks are
completed, four in ten wait for somebody, 97 of 100 links are in step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection as database
from django.db.models import Model
from django.utils import timezone

from crmhub.models import Attempt, Connection, Contact, Task, TaskContact, TaskLink

CRMS = ("hubspot", "highlevel", "leadsquared", "leadlex")
FIRST_NAMES = [
    "Ada",
    "Grace",
    "Katherine",
    "Edith",
    "Hedy",
    "Radia",
    "Barbara",
    "Frances",
    "Dorothy",
    "Annie",
    "Mary",
    "Joan",
    "Margaret",
    "Karen",
    "Evelyn",
    "Shafi",
    "Lynn",
    "Adele",
    "Ida",
    "Jean",
]
LAST_NAMES = [
    "Hopper",
    "Lovelace",
    "Johnson",
    "Clarke",
    "Lamarr",
    "Perlman",
    "Liskov",
    "Allen",
    "Vaughan",
    "Easley",
    "Jackson",
    "Clark",
    "Hamilton",
    "Jones",
    "Boyd",
]
THINGS = [
    "contract",
    "invoice",
    "renewal",
    "demo",
    "proposal",
    "budget",
    "delivery",
    "onboarding",
    "survey",
    "quote",
    "visit",
    "training",
    "complaint",
    "refund",
    "upgrade",
    "reminder",
]
RARE = "Zanzibar"  # stands in ten titles


@dataclass(frozen=True)
class Size:
    """How many rows; `due` is how many links of the first CRM are owed."""

    tasks: int
    contacts: int
    attempts_per_link: float
    due: int
    crms: tuple[str, ...] = CRMS

    @property
    def links(self) -> int:
        """Return how many links there are: one for each task and CRM."""
        return self.tasks * len(self.crms)

    @property
    def attempts(self) -> int:
        """Return how many attempts there are."""
        return int(self.links * self.attempts_per_link)


FULL = Size(tasks=1_000_000, contacts=100_000, attempts_per_link=2.5, due=100_000)
QUICK = Size(tasks=20_000, contacts=2_000, attempts_per_link=1.0, due=20_000)
# SQLite is for one machine with one account; filling it with four would take longer than all other figures together.
ON_SQLITE = Size(tasks=1_000_000, contacts=100_000, attempts_per_link=0, due=1_000, crms=CRMS[:1])
QUICK_ON_SQLITE = Size(tasks=20_000, contacts=2_000, attempts_per_link=0, due=1_000, crms=CRMS[:1])


def fill(size: Size) -> None:
    """Fill an empty, migrated database. Takes minutes at full size."""
    users = _staff()
    accounts = _accounts(size)
    with _without_indexes(Task, Contact, TaskContact, TaskLink, Attempt):
        _insert(Contact, size.contacts, _contact())
        _insert(Task, size.tasks, _task(users))
        _insert(TaskContact, size.tasks, _task_contact(size))
        for number, account in enumerate(accounts):
            _insert(TaskLink, size.tasks, _link(account, number, size))
        for number, account in enumerate(accounts):
            if size.attempts:
                _insert(Attempt, int(size.tasks * size.attempts_per_link), _attempt(account, number, size))
    with database.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if database.vendor == "postgresql" else "ANALYZE")


def _staff() -> list[int]:
    people = get_user_model()
    made = [
        people._default_manager.create_user(f"user{number}", f"user{number}@hub.example", is_staff=True)
        for number in range(20)
    ]
    return [one.pk for one in made]


def _accounts(size: Size) -> list[Connection]:
    return [
        Connection.objects.create(provider=code, name=code, created_at=timezone.now()) for code in size.crms
    ]


# What the columns hold, as SQL over the number n


def _contact() -> dict[str, str]:
    first, last = _word(FIRST_NAMES, "n"), _word(LAST_NAMES, "n / 20")
    return {
        "id": _uuid(1, "n"),
        "first_name": first,
        "last_name": last,
        "email": f"lower({first}) || n || '@example.com'",
        "created_at": _ago("n"),
        "updated_at": _ago("n"),
        "version": "1",
    }


def _task(users: list[int]) -> dict[str, str]:
    who = f"{_word(FIRST_NAMES, 'n')} || ' ' || {_word(LAST_NAMES, 'n / 20')}"
    rare = f"CASE WHEN n % 100000 = 7 THEN ' in {RARE}' ELSE '' END"
    title = f"'Call ' || {who} || ' about the ' || {_word(THINGS, 'n / 7')} || ' ' || n || {rare}"
    status = "CASE WHEN n % 20 < 10 THEN 'completed' WHEN n % 20 = 10 THEN 'cancelled' WHEN n % 20 < 15 THEN 'waiting' ELSE 'open' END"
    return {
        "id": _uuid(2, "n"),
        "title": title,
        "status": status,
        "priority": _word(["none", "none", "low", "medium", "high"], "n / 3"),
        "due_at": f"CASE WHEN n % 50 = 3 THEN NULL ELSE {_ago('n - 20000')} END",
        "assignee_id": f"{min(users)} + (n / 20) % {len(users)}",
        "created_at": _ago("n"),
        "updated_at": _ago("n"),
        "completed_at": f"CASE WHEN n % 20 < 10 THEN {_ago('n')} ELSE NULL END",
        "deleted_at": f"CASE WHEN n % 40 = 13 THEN {_ago('n')} ELSE NULL END",
        "version": "1",
        "search_text": f"upper({title}) || '\n' || upper({who}) || '\n' || upper({_word(FIRST_NAMES, 'n')}) || (n % 100000) || '@EXAMPLE.COM'",
    }


def _task_contact(size: Size) -> dict[str, str]:
    return {
        "id": "n + 1",
        "task_id": _uuid(2, "n"),
        "contact_id": _uuid(1, f"n % {size.contacts}"),
        "position": "0",
    }


def _link(account: Connection, number: int, size: Size) -> dict[str, str]:
    step = size.tasks // size.due
    is_due = f"n % {step} = 0" if number == 0 else f"n % {step * 50} = 0"
    status = f"CASE WHEN {is_due} THEN 'pending' WHEN n % 200 = 1 THEN 'failed' WHEN n % 2000 = 3 THEN 'unknown' ELSE 'in_sync' END"
    return {
        "id": _uuid(3 + number, "n"),
        "connection_id": _quoted(account.pk),
        "task_id": _uuid(2, "n"),
        "external_id": f"CASE WHEN {is_due} THEN '' ELSE 'x' || n END",
        "sync_status": status,
        "status_since": _ago("n"),
        "wanted_version": "1",
        "pushed_version": f"CASE WHEN {is_due} THEN 0 ELSE 1 END",
        "due_at": f"CASE WHEN {is_due} THEN {_ago('n')} ELSE NULL END",
        "last_error": "CASE WHEN n % 200 = 1 THEN 'The title is too long.' ELSE '' END",
        "last_error_code": "CASE WHEN n % 200 = 1 THEN 'rejected' ELSE '' END",
    }


def _attempt(account: Connection, number: int, size: Size) -> dict[str, str]:
    return {
        "id": f"n + 1 + {number * int(size.tasks * size.attempts_per_link)}",
        "connection_id": _quoted(account.pk),
        "task_link_id": _uuid(3 + number, f"n % {size.tasks}"),
        "claim_token": _uuid(9, "n"),
        "operation": "CASE WHEN n % 3 = 0 THEN 'create' ELSE 'update' END",
        "version": "1",
        "started_at": _ago("n"),
        "ended_at": _ago("n"),
        "outcome": "CASE WHEN n % 200 = 1 THEN 'rejected' ELSE 'ok' END",
        "status_code": "CASE WHEN n % 200 = 1 THEN 400 ELSE 201 END",
        "decision": "'In step.'",
        "request": "'POST https://crm.example/tasks'",
        "response": "'201 after 150 ms'",
    }


# SQL in the two dialects


def _is_postgres() -> bool:
    return database.vendor == "postgresql"


def _uuid(kind: int, number: str) -> str:
    if _is_postgres():
        return f"('0190{kind:04x}' || lpad(to_hex({number}), 24, '0'))::uuid"
    return f"printf('0190{kind:04x}%024x', {number})"


def _quoted(pk: Any) -> str:
    return f"'{pk}'::uuid" if _is_postgres() else f"'{pk.hex}'"


def _ago(minutes: str) -> str:
    """Return the moment that lies this many half minutes back: a million of them are a year."""
    if _is_postgres():
        return f"(now() - ({minutes}) * interval '30 seconds')"
    return f"strftime('%Y-%m-%d %H:%M:%f', 'now', (-30 * ({minutes})) || ' seconds')"


def _word(words: list[str], number: str) -> str:
    if _is_postgres():
        listed = ", ".join(f"'{word}'" for word in words)
        return f"(ARRAY[{listed}])[1 + ({number}) % {len(words)}]"
    cases = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(words))
    return f"(CASE ({number}) % {len(words)} {cases} END)"


def _insert(model: type[Model], count: int, given: Mapping[str, str]) -> None:
    """Insert `count` rows; columns that are not given have the model's default."""
    columns: dict[str, str] = {}
    values: list[Any] = []
    for column in model._meta.concrete_fields:
        name = column.column
        if name in given:
            columns[name] = given[name]  # type: ignore[index]
        else:
            columns[name] = "%s"  # type: ignore[index]
            values.append(column.get_db_prep_save(column.get_default(), database))
    series = (
        f"generate_series(0, {count - 1}) AS n"
        if _is_postgres()
        else f"(WITH RECURSIVE series(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM series WHERE n < {count - 1}) SELECT n FROM series)"
    )
    names = ", ".join(f'"{name}"' for name in columns)
    made = ", ".join(part if part == "%s" else part.replace("%", "%%") for part in columns.values())
    with database.cursor() as cursor:
        cursor.execute(f'INSERT INTO "{model._meta.db_table}" ({names}) SELECT {made} FROM {series}', values)


@contextlib.contextmanager
def _without_indexes(*models: type[Model]) -> Iterator[None]:
    """Drop the indexes that no constraint needs, and the look at foreign keys, and make them again afterwards."""
    tables = [model._meta.db_table for model in models]
    with database.cursor() as cursor:
        if _is_postgres():
            cursor.execute("SET session_replication_role = replica; SET maintenance_work_mem = '512MB'")
            cursor.execute(
                "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename = ANY(%s) AND NOT EXISTS "
                "(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
                [tables],
            )
        else:
            cursor.execute("PRAGMA foreign_keys = OFF")
            cursor.execute("PRAGMA cache_size = -1000000")
            marks = ", ".join(["%s"] * len(tables))
            cursor.execute(
                f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN ({marks})",
                tables,
            )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    yield
    with database.cursor() as cursor:
        for _, definition in indexes:
            cursor.execute(definition)
        if _is_postgres():
            cursor.execute("SET session_replication_role = DEFAULT")
