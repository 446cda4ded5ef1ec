"""What the API takes: every field by its name, anything else refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from crmhub.api.fields import Assignee, Due, DueField, Flag, Ids, Moment, StrictSerializer, Text, Word
from crmhub.api.shapes import ContactShape, RecordShape, TaskShape
from crmhub.models import Contact, Record, Task
from crmhub.queries import api as queries

# Each list of ids in a task's body, and the kind of record in it.
KINDS = {
    "companies": Record.Kind.COMPANY,
    "deals": Record.Kind.DEAL,
    "tickets": Record.Kind.TICKET,
    "events": Record.Kind.EVENT,
}
MOST_ADDRESSES = 50
MOST_TASKS = 500  # that are created at once
ONLY_NEW = "This can be given with a new task only."


def longest(model: Any, name: str) -> Any:
    """Return how many characters the column takes."""
    return model._meta.get_field(name).max_length


def _text(model: Any, name: str, **kwargs: Any) -> Text:
    return Text(max_length=longest(model, name), **kwargs)


def _free(model: Any, name: str, **kwargs: Any) -> Text:
    return _text(model, name, required=False, allow_blank=True, **kwargs)


@extend_schema_serializer(component_name="TaskBody")
class TaskBody(StrictSerializer):
    """A task as it is sent. Validated, it holds values by column, and the ids of associations under their own names."""

    readable = frozenset(TaskShape.Meta.fields)

    title = _text(Task, "title")
    body = _free(Task, "body", trim_whitespace=False)
    status = Word(choices=Task.Status.choices, required=False)
    priority = Word(choices=Task.Priority.choices, required=False)
    type = Word(choices=Task.Type.choices, required=False)
    due_at = DueField(required=False, allow_null=True, help_text="A moment, or a day as YYYY-MM-DD.")
    due_is_date = Flag(required=False, help_text="Follows from due_at; where it is given it must agree.")
    end_at = Moment(required=False, allow_null=True)
    reminder_at = Moment(required=False, allow_null=True)
    notify_by_email = Flag(required=False)
    assignee = Assignee(required=False, allow_null=True, max_length=320, help_text="An e-mail or a username.")
    queue = _free(Task, "queue")
    location = _free(Task, "location")
    contacts = Ids(required=False)
    companies = Ids(required=False)
    deals = Ids(required=False)
    tickets = Ids(required=False)
    events = Ids(required=False)
    contact_name = _free(Task, "contact_name")
    company_name = _free(Task, "company_name")
    created_at = Moment(any_year=True, required=False, help_text="With a new task only.")

    def validate_created_at(self, moment: Any) -> Any:
        """Refuse to change when a task was made."""
        if self.instance is not None:
            raise serializers.ValidationError(ONLY_NEW)
        return moment

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the values by column. Raises `ValidationError` for records that do not exist or are of another kind."""
        problems = _wrong_records(values, getattr(self.root, "kinds", None))
        given = values.pop("due_is_date", None)
        was_date = bool(self.instance is not None and self.instance.due_is_date)
        if "due_at" in values:
            due = values["due_at"] or Due(None)
            values["due_at"], values["due_is_date"] = due.at, due.is_date
        if given is not None and given != values.get("due_is_date", was_date):
            problems["due_is_date"] = ["This follows from due_at: send a day (2026-03-29) or a moment there."]
        if problems:
            raise serializers.ValidationError(problems)
        return values


def _wrong_records(values: dict[str, Any], kinds: Mapping[UUID, str] | None) -> dict[str, list[str]]:
    """Return what is wrong with the records that are named. `kinds` are those of all that exist; None: they are asked for."""
    wanted = {name: values[name] for name in KINDS if name in values}
    if kinds is None:
        kinds = _kinds_of(one for name in wanted for one in wanted[name])
    problems: dict[str, list[str]] = {}
    for name, wanted_ids in wanted.items():
        kind = KINDS[name].value
        said = [f"There is no {kind} {one}." for one in wanted_ids if kinds.get(one) != kind]
        if len(set(wanted_ids)) != len(wanted_ids):
            said.append(f"The same {kind} is named twice.")
        if said:
            problems[name] = said
    return problems


@extend_schema_serializer(component_name="TasksBody")
class TasksBody(StrictSerializer):
    """Many new tasks."""

    tasks: Any = serializers.ListSerializer(child=TaskBody(), min_length=1, max_length=MOST_TASKS)

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. The records that all the items name are asked for at once."""
        self.kinds = _kinds_of(_records_named(data.get("tasks")))
        return super().to_internal_value(data)


def _kinds_of(ids: Iterable[UUID]) -> dict[UUID, str]:
    asked = set(ids)
    return queries.kinds_of(asked) if asked else {}


def _records_named(items: Any) -> Iterator[UUID]:
    """Yield the ids of records in the items, as far as these can be read; what cannot is refused item by item."""
    for item in items[:MOST_TASKS] if isinstance(items, list) else ():
        for name in KINDS if isinstance(item, Mapping) else ():
            with suppress(serializers.ValidationError):
                yield from Ids().run_validation(item.get(name, []))


class CompletedBody(StrictSerializer):
    """Whether a task is to be completed."""

    completed = Flag()


@extend_schema_serializer(component_name="ContactBody")
class ContactBody(StrictSerializer):
    """A contact as it is sent."""

    readable = frozenset(ContactShape.Meta.fields)

    first_name = _free(Contact, "first_name")
    last_name = _free(Contact, "last_name")
    email = _free(Contact, "email", help_text="The primary e-mail.")
    phone = _free(Contact, "phone", help_text="The primary phone, as typed.")
    more_emails = serializers.ListField(
        child=Text(max_length=320), max_length=MOST_ADDRESSES, required=False, help_text="Further e-mails."
    )
    more_phones = serializers.ListField(
        child=Text(max_length=64), max_length=MOST_ADDRESSES, required=False, help_text="Further phones."
    )
    company = _free(Contact, "company")
    job_title = _free(Contact, "job_title")


@extend_schema_serializer(component_name="RecordBody")
class RecordBody(StrictSerializer):
    """A company, deal, ticket or event as it is sent."""

    readable = frozenset(RecordShape.Meta.fields)

    kind = Word(choices=Record.Kind.choices)
    name = _text(Record, "name")

    def validate_kind(self, kind: str) -> str:
        """Refuse to change the kind."""
        if self.instance is not None and kind != self.instance.kind:
            raise serializers.ValidationError("The kind of a record cannot change.")
        return kind
