"""From a request's values to the services: what is given changes, the rest stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from rest_framework.request import Request

from crmhub import services
from crmhub.api.bodies import KINDS
from crmhub.api.problems import Stale
from crmhub.models import Task
from crmhub.queries import api as queries
from crmhub.services import Associated, Associations, Saved, save_task


def author(request: Request) -> dict[str, Any]:
    """Return who writes, as the services take it: the key's service user, and the key by name."""
    key: Any = request.auth
    return {"by": request.user, "origin": f"api:{key.name}"[: Task._meta.get_field("origin").max_length]}


def require_version(request: Request, present: int) -> None:
    """Raise `Stale` when the request has an `If-Match` that names other versions only."""
    given = request.headers.get("If-Match", "").strip()
    if not given or given == "*":
        return
    names = {name.strip().removeprefix("W/").strip('"') for name in given.split(",")}
    if str(present) not in names:
        raise Stale(
            f"This is at version {present}, not {', '.join(sorted(names))[:100]}: {Stale.default_detail}"
        )


def create_task(values: dict[str, Any], *, author: dict[str, Any]) -> Saved:
    """Save a new task."""
    associations = _associations(None, values)
    task = Task(**{"created_at": None, **values})
    return save_task(task=task, changed=list(values), associations=associations, **author)


def create_tasks(bodies: Sequence[dict[str, Any]], *, author: dict[str, Any]) -> list[Saved]:
    """Save many new tasks, all or none. Raises `ValidationError` that says which of them is refused, and why."""
    tasks, associations = [], {}
    for values in bodies:
        said = _associations(None, values)
        task = Task(**{"created_at": None, **values})
        tasks.append(task)
        if said is not None:
            associations[task.pk] = said
    try:
        return services.create_tasks(tasks=tasks, associations=associations, **author)
    except ValidationError as error:
        raise ValidationError({"tasks": _by_item(error)}) from error


def _by_item(error: ValidationError) -> list[str]:
    places = [(*name.partition("."), texts) for name, texts in error.message_dict.items()]
    return [
        f"item {int(number) + 1}: {field}: {text}" for number, _, field, texts in places for text in texts
    ]


def change_task(task: Task, values: dict[str, Any], *, author: dict[str, Any]) -> Saved:
    """Save what is given. The task must be locked, for associations are read here and written as a whole."""
    if not values:
        return Saved(task)
    associations = _associations(task, values)
    for name, value in values.items():
        setattr(task, name, value)
    return save_task(task=task, changed=list(values), associations=associations, **author)


def _associations(task: Task | None, values: dict[str, Any]) -> Associations | None:
    """Take the lists of ids out of the values. What staff said about an association that stays, stays too."""
    contacts = values.pop("contacts", None)
    records = {kind: values.pop(name) for name, kind in KINDS.items() if name in values}
    if contacts is None and not records:
        return None
    return Associations(
        contacts=None if contacts is None else _contacts(task, contacts),
        records=_records(task, records) if records else None,
    )


def _contacts(task: Task | None, ids: list[UUID]) -> list[Associated]:
    present = {one.contact_id: one for one in queries.contacts_of(task)} if task is not None else {}
    return [_associated(one, present.get(one)) for one in ids]


def _records(task: Task | None, ids_by_kind: dict[Any, list[UUID]]) -> list[Associated]:
    present = list(queries.records_of(task)) if task is not None else []
    by_id = {one.record_id: one for one in present}
    kept = [_associated(one.record_id, one) for one in present if one.record.kind not in ids_by_kind]
    return kept + [_associated(one, by_id.get(one)) for ids in ids_by_kind.values() for one in ids]


def _associated(one: UUID, present: Any) -> Associated:
    if present is None:
        return Associated(one)
    return Associated(one, label=present.label, type=present.type, is_pinned=present.is_pinned)
