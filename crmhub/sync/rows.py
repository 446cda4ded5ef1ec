"""Writing many rows of one table at once, each with values of its own.

Django's `bulk_update` makes a CASE over all rows for each column: for a hundred links of twenty columns that takes a second. Here what
differs from row to row goes to the database as one JSON text, and one statement takes it from there, on PostgreSQL and on SQLite alike.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connection, models

if TYPE_CHECKING:
    AnyField = models.Field[Any, Any]
    Column = tuple[AnyField, Sequence[Any]]  # a field, and its value in each of the rows


def write(model: type[models.Model], changes: Mapping[Any, Mapping[str, Any]]) -> None:
    """Write, for each primary key, these values by column name: one statement for all rows that change the same columns.

    Rows that are not there are left out. A value may be anything that the column takes, but no expression.
    """
    alike: dict[frozenset[str], dict[Any, Mapping[str, Any]]] = defaultdict(dict)
    for pk, values in changes.items():
        alike[frozenset(values)][pk] = values
    for names, some in alike.items():
        if names:
            rows = some.values()
            columns = [(_field(model, name), [row[name] for row in rows]) for name in sorted(names)]
            _update(model, list(some), columns)


def insert(rows: Sequence[models.Model]) -> None:
    """Store new rows of one table in one statement, and give each the id by which the database counts it."""
    if not rows:
        return
    fields = [field for field in rows[0]._meta.concrete_fields if not field.primary_key]
    shared, own = _divided([(field, [getattr(row, field.attname) for row in rows]) for field in fields])
    names = [_quoted(field) for field, _ in (*shared, *own)]
    values = [*(_constant(field) for field, _ in shared), *(f"given.{_quoted(field)}" for field, _ in own)]
    table, key = _table(type(rows[0])), _quoted(rows[0]._meta.pk)
    statement = f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {_given(own)} RETURNING {key}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(shared, own, count=len(rows)))
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk


def _update(model: type[models.Model], pks: Sequence[Any], columns: Sequence[Column]) -> None:
    shared, own = _divided(columns)
    sets = [f"{_quoted(field)} = {_constant(field)}" for field, _ in shared]
    sets += [f"{_quoted(field)} = given.{_quoted(field)}" for field, _ in own]
    own = [*own, (model._meta.pk, pks)]
    table, key = _table(model), _quoted(model._meta.pk)
    statement = f"UPDATE {table} SET {', '.join(sets)} FROM {_given(own)} WHERE {table}.{key} = given.{key}"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(shared, own, count=len(pks)))


def _divided(columns: Sequence[Column]) -> tuple[list[Column], list[Column]]:
    """Return the columns that have one value in all rows, and the others."""
    shared: list[Column] = []
    own: list[Column] = []
    for field, values in columns:
        is_shared = all(value == values[0] for value in values)
        (shared if is_shared else own).append((field, values))
    return shared, own


def _parameters(shared: Sequence[Column], own: Sequence[Column], *, count: int) -> list[Any]:
    constants = [field.get_db_prep_save(values[0], connection=connection) for field, values in shared]
    plain = [[_plain(field, value) for value in values] for field, values in own]
    given = list(zip(*plain, strict=True)) if plain else [()] * count
    return [*constants, json.dumps(given, default=str)]


def _plain(field: AnyField, value: Any) -> Any:
    """Return the value as it goes into JSON. What a JSON column holds is nested as it is: SQLite takes it out as text again."""
    if value is None or isinstance(field, models.JSONField):
        return value
    return field.get_db_prep_save(value, connection=connection)


# The parts of a statement. Nothing but names of our own tables and columns goes into its text.


def _given(own: Sequence[Column]) -> str:
    """Return, as a table, what the last parameter holds: a JSON list of rows, each with the values of these columns in order."""
    is_sqlite = connection.vendor == "sqlite"
    take, rows = (
        (_from_sqlite, "json_each(%s)") if is_sqlite else (_from_postgres, "jsonb_array_elements(%s::jsonb)")
    )
    taken = [f"{take(number, field)} AS {_quoted(field)}" for number, (field, _) in enumerate(own)]
    return f"(SELECT {', '.join(taken) or '1'} FROM {rows}) AS given"  # noqa: S608


def _from_sqlite(number: int, _field: AnyField) -> str:
    return f"json_extract(value, '$[{number}]')"


def _from_postgres(number: int, field: AnyField) -> str:
    arrow = "->" if isinstance(field, models.JSONField) else "->>"
    return f"CAST(value {arrow} {number} AS {field.cast_db_type(connection)})"


def _constant(field: AnyField) -> str:
    # PostgreSQL takes a bare NULL or text in a SELECT for a text; SQLite has no types to cast to.
    return "%s" if connection.vendor == "sqlite" else f"CAST(%s AS {field.cast_db_type(connection)})"


def _field(model: type[models.Model], name: str) -> AnyField:
    return next(one for one in model._meta.concrete_fields if name in (one.name, one.attname))


def _quoted(field: AnyField) -> str:
    return connection.ops.quote_name(str(field.column))


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)
