"""Every write passes one door: the services.

The rule. **Tasks, contacts, records and connections are written by `crmhub/services` alone**, through whose functions forms, the API,
jobs and commands go. `crmhub/sync` may write what the engine itself keeps: links, attempts, paces, what it learned of a CRM's users; and
of a connection only its health (the columns in `HEALTH`). Nobody else writes anything.

The source cannot tell which model a query set is of, so it is read strictly: outside services and sync nothing that looks like a write may
stand, except on receivers that are no rows (`NO_ROWS`); in sync every column that is written by name must be one of the engine's. What
sync writes by names that come at run time is looked at by running it: the last tests read the statements that a push sends.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from crmhub import sync
from crmhub.models import Attempt, Connection, ContactLink, OwnerLink, Pace, TaskLink
from crmhub.tests.architecture.conftest import sources
from crmhub.tests.engine.conftest import Hub

WRITES = {
    *("save", "delete", "update", "create", "bulk_create", "bulk_update"),
    *(
        "get_or_create",
        "update_or_create",
        "aupdate",
        "asave",
        "adelete",
        "acreate",
        "save_base",
        "raw_update",
    ),
}
# Dictionaries, form data, a Celery configuration, a Redis client: they have the same verbs and are no rows.
NO_ROWS = {"context", "self.initial", "app.conf", "_store()", "agreed"}
HEALTH = {
    *(
        "reauthorise_since",
        "untested_since",
        "wait_until",
        "wait_reason",
        "failures",
        "last_error",
        "last_success_at",
    ),
    *("last_checked_at", "owners_read_at", "switched_off", "credentials_version", "sealed_secrets"),
    *("account_name", "account_id", "learned"),
    *("token_obtained_at", "token_expires_at", "refreshing_until", "renewal_refused_at"),
    *("linked_at", "links_lost_at"),
}
ENGINES_OWN = HEALTH | {
    field.attname
    for model in (TaskLink, ContactLink, OwnerLink, Attempt, Pace)
    for field in model._meta.concrete_fields
}
ROWS = "crmhub/sync/rows.py"  # writes what it is told to; the last tests see what that is
ENGINES_TABLES = {model._meta.db_table for model in (TaskLink, ContactLink, OwnerLink, Attempt, Pace)}
# The pacer's own row is written in few words: up to thirty times a second at each account.
OWN_SQL = {ROWS, "crmhub/sync/pace_rows.py"}


def writes(*folders: str) -> Iterator[tuple[str, ast.Call]]:
    for name, module in sources(*folders):
        for node in ast.walk(module):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in WRITES
            ):
                yield name, node


def receiver(call: ast.Call) -> str:
    assert isinstance(call.func, ast.Attribute)
    return ast.unparse(call.func.value)


def test_nothing_is_written_outside_the_services_and_the_engine():
    found = [
        f"{name}:{call.lineno} {ast.unparse(call)[:80]}"
        for name, call in writes("crmhub", "config")
        if not name.startswith(("crmhub/services/", "crmhub/sync/")) and receiver(call) not in NO_ROWS
    ]

    assert found == []


def test_the_engine_writes_no_task_contact_or_record_and_saves_no_whole_row():
    found = [
        f"{name}:{call.lineno} {ast.unparse(call)[:80]}"
        for name, call in writes("crmhub/sync")
        if re.match(r"(Task|Contact|Record)\.", receiver(call))
        or (isinstance(call.func, ast.Attribute) and call.func.attr in {"save", "delete"})
    ]

    assert found == []


def test_the_engine_names_only_columns_of_its_own():
    found = [
        f"{name}:{call.lineno} {keyword.arg}"
        for name, call in writes("crmhub/sync")
        for keyword in call.keywords
        if receiver(call) not in NO_ROWS
        and keyword.arg not in {None, "batch_size", "defaults"}
        and keyword.arg not in ENGINES_OWN | {"connection", "user", "task", "contact"}
    ]

    assert found == []


def test_nothing_is_written_in_sql_of_our_own_but_many_rows_at_once():
    found = [
        f"{name}:{node.lineno}"
        for name, module in sources("crmhub")
        for node in ast.walk(module)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.match(r"\s*(INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b", node.value)
        and name not in OWN_SQL
    ]

    assert found == []


def test_many_rows_at_once_are_written_by_the_engine_alone_and_no_others_than_its_own():
    asked = [
        (name, call)
        for name, module in sources("crmhub")
        for call in ast.walk(module)
        if isinstance(call, ast.Call) and ast.unparse(call.func) in {"rows.write", "rows.insert"}
    ]

    assert {name for name, _ in asked} == {"crmhub/sync/sending.py", "crmhub/sync/settle.py"}
    assert {ast.unparse(call.args[0]) for _, call in asked} <= {"model", "Attempt", "list(attempts.values())"}


# What the engine really sends


@pytest.mark.engine
def test_a_push_writes_links_attempts_and_the_health_of_the_connection(hub: Hub, grace, ada):
    hub.connect("hubspot")
    task = hub.save_task(contacts=[grace], assignee=ada)
    hub.push()
    hub.edit(task, title="Call Grace back")
    hub.servers["hubspot"].simulator.fail_next("status", status=503)

    with CaptureQueriesContext(database) as queries:
        hub.push()
        hub.wait(60)
        sync.sweep(now=hub.now)
        hub.settle()

    written = [statement for query in queries if (statement := _written(query["sql"]))]
    assert hub.link(task).sync_status == "in_sync"
    assert {table for table, _ in written} <= ENGINES_TABLES | {"crmhub_connection"}
    columns = {column for table, names in written if table == "crmhub_connection" for column in names}
    assert columns
    assert columns <= HEALTH


@pytest.mark.engine
def test_a_push_leaves_the_task_its_contact_and_their_history_as_they_are(hub: Hub, grace):
    hub.connect("hubspot")
    task = hub.save_task(contacts=[grace])
    before = [dict(vars(row), _state=None) for row in (_again(task), _again(grace))]
    history = (task.history.count(), grace.history.count(), Connection.history.count())

    hub.settle()

    assert [dict(vars(row), _state=None) for row in (_again(task), _again(grace))] == before
    assert (task.history.count(), grace.history.count(), Connection.history.count()) == history


@pytest.mark.engine
def test_a_save_is_written_with_its_links_or_not_at_all(hub: Hub, grace):
    hub.connect("hubspot")

    with CaptureQueriesContext(database) as queries:
        hub.save_task(contacts=[grace])

    statements = [query["sql"] for query in queries]
    first = next(number for number, sql in enumerate(statements) if _written(sql))
    last = max(number for number, sql in enumerate(statements) if _written(sql))
    assert "COMMIT" not in statements[first:last]


def _again(row):
    return type(row)._default_manager.get(pk=row.pk)


def _written(sql: str) -> tuple[str, list[str]] | None:
    """Return the table that a statement writes and, of an update, the columns."""
    found = re.match(r'(INSERT INTO|UPDATE|DELETE FROM) "(\w+)"', sql)
    if found is None:
        return None
    change = sql.split(" WHERE ", maxsplit=1)[0] if found.group(1) == "UPDATE" else ""
    return found.group(2), re.findall(r'"(\w+)" = ', change.partition(" SET ")[2])
