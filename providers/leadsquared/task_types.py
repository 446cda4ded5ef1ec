"""The account's own task types: which there are, and what each demands of a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from providers.errors import Rejected
from providers.json_api import JsonApi
from providers.leadsquared import answers
from providers.types import Field

# Columns that the hub fills where the task has something for them.
FILLABLE = {
    "relatedentityid": (Field.CONTACTS, "a contact or deal"),
    "location": (Field.LOCATION, "a location"),
}
# Columns that are always sent, or that LeadSquared fills by itself. Every other one is the account's own.
GIVEN = frozenset(
    [
        "name",
        "description",
        "ownerid",
        "owneremailaddress",
        "duedate",
        "enddate",
        "notifyby",
        "relatedentity",
        "tasktype",
        "tasktypeid",
        "category",
        "statuscode",
        "reminder",
        "reminderbeforedays",
        "remindertime",
        "createdon",
        "createdby",
    ]
)


def learn(api: JsonApi) -> dict[str, object]:
    """Return what is to be kept of the types: the category of each by name, and the columns that it demands beside the usual ones.

    Source: https://apidocs.leadsquared.com/get-list-of-task-types-2/ (read 2026-11).
    """
    rows = answers.list_in(api.call("GET", "/v2/Task.svc/RetrieveTaskType"))
    named = [(name, row) for row in rows if (name := _name(row)) and str(row.get("Category")).isdigit()]
    demanded = {name: columns for name, row in named if (columns := _demanded(row))}
    return {
        "task_types": {name: int(str(row["Category"])) for name, row in named},
        "demanded": demanded,
    }


def refuse_unfilled(kind: str, demanded: Mapping[str, str], body: Mapping[str, Any]) -> None:
    """Raise `Rejected` where the body of a create has nothing for a column that the type demands."""
    given = {name.casefold() for name, value in body.items() if value}
    lacks = {name.casefold(): words for name, words in demanded.items() if name.casefold() not in given}
    if not lacks:
        return
    raise Rejected(
        f"LeadSquared demands {', '.join(lacks.values())} of every task of the type {kind}. Fill that here, choose another type for the "
        "task, or make the field optional in LeadSquared.",
        fields={
            str(FILLABLE[name][0] if name in FILLABLE else Field.TYPE): f"{kind} demands {words}"
            for name, words in lacks.items()
        },
    )


def refuse_impossible(demands: Mapping[str, tuple[str, ...]]) -> None:
    """Raise `Rejected` where a type that is used demands something that the hub never has."""
    for kind, words in demands.items():
        raise Rejected(
            f"LeadSquared demands {', '.join(words)} of every task of the type {kind}, which the hub has nothing for. Choose another task "
            "type in the connection's settings, or make the field optional in LeadSquared.",
            fields={str(Field.TYPE): f"{kind} demands {', '.join(words)}"},
        )


def refuse_missing(missing: Sequence[str], known: Iterable[str]) -> None:
    """Raise `Rejected` where the settings name types that the account does not have."""
    if missing:
        raise Rejected(
            f"LeadSquared has no task type {', '.join(missing)}; this account has {', '.join(known)}.",
            fields={str(Field.TYPE): "not a task type of this account"},
        )


def beyond_us(demanded: Mapping[str, str]) -> tuple[str, ...]:
    """Return in words the demanded columns that the hub has nothing for, whatever the task."""
    return tuple(words for name, words in demanded.items() if name.casefold() not in FILLABLE)


def _name(row: Mapping[str, Any]) -> str:
    return str(row.get("Name") or row.get("TaskName") or row.get("TaskTypeName") or "")


def _demanded(row: Mapping[str, Any]) -> dict[str, str]:
    columns = row.get("ColumnConfiguration")
    found = {}
    for column in columns if isinstance(columns, list) else ():
        name = str(column.get("SchemaName") or "") if isinstance(column, Mapping) else ""
        if name and name.casefold() not in GIVEN and str(column.get("Mandatory")).casefold() in ("true", "1"):
            ours = FILLABLE.get(name.casefold())
            found[name] = ours[1] if ours else str(column.get("DisplayName") or name)
    return found
