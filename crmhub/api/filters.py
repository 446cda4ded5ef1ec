"""The filters of the lists."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.forms.widgets import TextInput
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from crmhub.api.fields import NOT_A_DUE, NOT_A_MOMENT, read_due, read_moment
from crmhub.clock import database_now
from crmhub.models import Connection, Contact, Record, SyncStatus, Task, TaskContact, TaskLink, TaskRecord
from crmhub.queries import api as queries
from crmhub.queries.rollup import tasks_rolled_up
from crmhub.queries.sync import Standing
from crmhub.services.people import e164

SENDING = ("sending", "Sending")
NOBODY = "null"


class MomentField(forms.CharField):
    """A moment with its zone."""

    def to_python(self, value: Any) -> Any:
        """Return the moment."""
        return _read(super().to_python(value), read_moment, NOT_A_MOMENT)


class DueField(forms.CharField):
    """A moment with its zone, or a day."""

    def to_python(self, value: Any) -> Any:
        """Return the moment, or 00:00 UTC of the day, as tasks keep it."""
        due = _read(super().to_python(value), read_due, NOT_A_DUE)
        return due and due.at


def _read(text: str | None, read: Any, words: str) -> Any:
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise ValidationError(words) from error


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentFilter(django_filters.Filter):
    """Compares a column with a moment."""

    field_class = MomentField


@extend_schema_field(
    {"oneOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
)
class DueFilter(django_filters.Filter):
    """Compares a column with a moment or a day."""

    field_class = DueField


class WordsField(forms.MultipleChoiceField):
    """Words with commas between them."""

    # A widget for several values would read the parameter's repetitions.
    widget = TextInput

    def to_python(self, value: Any) -> list[str]:
        """Return the words."""
        return [word.strip() for word in str(value or "").split(",") if word.strip()]

    def validate(self, value: Any) -> None:
        """Refuse words that are not among the choices, and name those."""
        choices: Any = self.choices
        known = [word for word, _ in choices]
        for word in value:
            if word not in known:
                raise ValidationError(f"{word[:50]} is not one of: {', '.join(known)}.")


class WordsFilter(django_filters.MultipleChoiceFilter):
    """Takes rows with any of a few words, with commas between them."""

    field_class = WordsField

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        """Return the rows that fit."""
        if not value or self.method is not None:
            return super().filter(qs, value) if value else qs
        return qs.filter(**{f"{self.field_name}__in": value})


def _words(*groups: Any, help_text: str = "", **kwargs: Any) -> WordsFilter:
    choices = [choice for group in groups for choice in group]
    return WordsFilter(
        choices=choices, help_text=help_text or "One or more, with commas between them.", **kwargs
    )


class TaskFilter(FilterSet):
    """Filters of the list of tasks."""

    status = _words(Task.Status.choices)
    priority = _words(Task.Priority.choices)
    type = _words(Task.Type.choices)
    assignee = django_filters.CharFilter(
        method="by_assignee", help_text="E-mail or username; `null`: nobody."
    )
    contact = django_filters.UUIDFilter(method="by_contact", help_text="Tasks with this contact.")
    record = django_filters.UUIDFilter(
        method="by_record", help_text="Tasks with this company, deal, ticket or event."
    )
    updated_after = MomentFilter(
        "updated_at", lookup_expr="gte", help_text="Changed at this moment or later."
    )
    due_after = DueFilter("due_at", lookup_expr="gte", help_text="Due at this moment or later.")
    due_before = DueFilter("due_at", lookup_expr="lt", help_text="Due before this moment.")
    sync_status = _words(
        SyncStatus.choices,
        [SENDING],
        method="by_nothing",
        help_text="Tasks with a link in one of these, with commas between them; together with `connection`: that link.",
    )
    sync = _words(
        [(one.value, one.words) for one in Standing],
        method="by_sync",
        help_text="Tasks that stand so over all of their CRMs, as the worst of those that are not off.",
    )
    connection = django_filters.UUIDFilter(
        method="by_nothing", help_text="Tasks with a link at this connection."
    )
    deleted = django_filters.ChoiceFilter(
        choices=[("false", "no"), ("true", "yes"), ("any", "any")],
        method="by_nothing",
        empty_label=None,
        help_text="`true`: only the recycle bin; `any`: that too. Default: `false`.",
    )

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the tasks that fit all that was asked."""
        values = self.form.cleaned_data
        queryset = super().filter_queryset(queryset)
        deleted = values.get("deleted") or "false"
        if deleted != "any":
            queryset = queryset.filter(deleted_at__isnull=deleted == "false")
        if values.get("connection") or values.get("sync_status"):
            links = _links(values.get("connection"), values.get("sync_status"))
            queryset = queryset.filter(Exists(links.filter(task=OuterRef("pk"))))
        return queryset

    def by_nothing(self, tasks: QuerySet[Task], name: str, value: Any) -> QuerySet[Task]:
        """Leave the tasks as they are: `filter_queryset` looks at this value together with others."""
        return tasks

    def by_sync(self, tasks: QuerySet[Task], name: str, value: list[str]) -> QuerySet[Task]:
        """Return the tasks whose roll-up is one of these."""
        return tasks_rolled_up(tasks, [Standing(one) for one in value])

    def by_assignee(self, tasks: QuerySet[Task], name: str, value: str) -> QuerySet[Task]:
        """Return the tasks of these people, also of those who left."""
        if value == NOBODY:
            return tasks.filter(assignee__isnull=True)
        return tasks.filter(assignee__in=queries.people_called(value, active_only=False))

    def by_contact(self, tasks: QuerySet[Task], name: str, value: Any) -> QuerySet[Task]:
        """Return the tasks with this contact."""
        return tasks.filter(Exists(TaskContact.objects.filter(task=OuterRef("pk"), contact=value)))

    def by_record(self, tasks: QuerySet[Task], name: str, value: Any) -> QuerySet[Task]:
        """Return the tasks with this record."""
        return tasks.filter(Exists(TaskRecord.objects.filter(task=OuterRef("pk"), record=value)))


def _links(connection: Any, statuses: list[str] | None) -> QuerySet[TaskLink]:
    links = TaskLink.objects.all() if connection is None else TaskLink.objects.filter(connection=connection)
    if not statuses:
        return links
    is_sending = Q(claim_token__isnull=False, due_at__gt=database_now())
    fits = Q(sync_status__in=statuses) & ~is_sending
    return links.filter(fits | is_sending if SENDING[0] in statuses else fits)


class ContactFilter(FilterSet):
    """Filters of the list of contacts."""

    email = django_filters.CharFilter(method="by_email", help_text="The primary e-mail.")
    phone = django_filters.CharFilter(method="by_phone", help_text="The primary phone, in any spelling.")
    updated_after = MomentFilter(
        "updated_at", lookup_expr="gte", help_text="Changed at this moment or later."
    )

    def by_email(self, contacts: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        """Return the contacts with this e-mail; all are kept in lower case."""
        return contacts.filter(email=value.lower())

    def by_phone(self, contacts: QuerySet[Contact], name: str, value: str) -> QuerySet[Contact]:
        """Return the contacts with this phone."""
        number = e164(value)
        return contacts.filter(phone_e164=number) if number else contacts.filter(phone=value)


class RecordFilter(FilterSet):
    """Filters of the list of records."""

    kind = django_filters.ChoiceFilter(choices=Record.Kind.choices, empty_label=None)
    name = django_filters.CharFilter("name", help_text="The whole name.")


class ConnectionFilter(FilterSet):
    """Filters of the list of connections."""

    provider = django_filters.CharFilter("provider")
    scope = django_filters.ChoiceFilter(choices=Connection.Scope.choices, empty_label=None)
