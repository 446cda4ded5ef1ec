"""What the API shows: the model's fields under their own names, moments in UTC, associations as ids."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from crmhub.api.fields import DUE_SCHEMA, Moment, write_due
from crmhub.models import Connection, Contact, Record, SyncStatus, Task, TaskLink
from crmhub.queries.remedies import Act, remedy_of
from crmhub.queries.rollup import WORST_FIRST, roll_up, why_it_lags
from crmhub.queries.sync import Standing, exact_status, standing

STATUSES = [*SyncStatus.values, "sending"]


class Shape(serializers.ModelSerializer[Any]):
    """Shows a row; nothing is read with it. `context["now"]` is the database's time."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.DateTimeField: Moment,
    }


class StatusField(serializers.ChoiceField):
    """A link's sync status at this moment."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=STATUSES, source="*", read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        """Return the exact term, with `sending` derived."""
        return exact_status(value, now=self.context["now"])


@extend_schema_serializer(component_name="TaskLink")
class LinkShape(serializers.Serializer[TaskLink]):
    """How one task stands at one connection."""

    connection = serializers.UUIDField(source="connection_id", read_only=True)
    provider = serializers.CharField(source="connection.provider", read_only=True)
    sync_status = StatusField()
    external_id = serializers.CharField(read_only=True)
    last_error = serializers.CharField(read_only=True)


@extend_schema_serializer(component_name="Loss")
class LossShape(serializers.Serializer[Any]):
    """Something of a task that a CRM could not hold."""

    field = serializers.CharField(read_only=True, help_text="The task's field.")
    note = serializers.CharField(read_only=True, help_text='What became of it, in words: "has no priority".')


@extend_schema_serializer(component_name="Effect")
class EffectShape(serializers.Serializer[Any]):
    """What became of one field or association that was asked of a CRM."""

    field = serializers.CharField(read_only=True, help_text="The task's field.")
    outcome = serializers.ChoiceField(
        choices=["applied", "altered", "dropped", "not_supported", "not_told", "not_sent"],
        read_only=True,
        help_text="`altered` and `dropped` were not to be expected; `not_supported` is what the CRM cannot hold; `not_told`: it did not say; "
        "`not_sent`: the hub does not know the id there.",
    )
    asked = serializers.CharField(read_only=True, help_text="The value, cut; ids are those at the CRM.")
    there = serializers.CharField(read_only=True, help_text="What the CRM said it holds.")
    note = serializers.CharField(read_only=True)


@extend_schema_serializer(component_name="TaskLinkDetails")
class LinkDetailsShape(LinkShape):
    """How one task stands at one connection, with since when and what comes next."""

    connection_name = serializers.CharField(source="connection.name", read_only=True)
    external_url = serializers.CharField(read_only=True)
    status_since = Moment(read_only=True)
    due_at = Moment(
        read_only=True, allow_null=True, help_text="When it is tried next; null: nothing is owed."
    )
    last_success_at = Moment(read_only=True, allow_null=True)
    wanted_version = serializers.IntegerField(read_only=True)
    pushed_version = serializers.IntegerField(
        read_only=True, help_text="The version known to be there; 0: none yet, -1: not known."
    )
    losses = LossShape(many=True, read_only=True, help_text="What the CRM could not hold.")
    remedy = serializers.SerializerMethodField(
        help_text="What a person can do about it, in words; empty when nothing is asked of anybody."
    )
    action = serializers.SerializerMethodField(help_text="The same in one word.")
    effects = EffectShape(
        many=True,
        read_only=True,
        help_text="Field by field, what was last asked and what the CRM said it holds.",
    )

    def get_remedy(self, link: TaskLink) -> str:
        """Return what to do."""
        remedy = remedy_of(link)
        return remedy.remedy if remedy else ""

    @extend_schema_field(serializers.ChoiceField(choices=[act.value for act in Act]))
    def get_action(self, link: TaskLink) -> str:
        """Return which button applies it."""
        remedy = remedy_of(link)
        return (remedy.act if remedy else Act.NOTHING).value


@extend_schema_serializer(component_name="Lag")
class LagShape(serializers.Serializer[TaskLink]):
    """A CRM that does not have the task's newest version."""

    connection = serializers.UUIDField(source="connection_id", read_only=True)
    connection_name = serializers.CharField(source="connection.name", read_only=True)
    standing = serializers.SerializerMethodField()
    since = Moment(source="status_since", read_only=True)
    why = serializers.SerializerMethodField(help_text="In words; empty when only its turn has not come.")

    @extend_schema_field(serializers.ChoiceField(choices=[one.value for one in WORST_FIRST[:2]]))
    def get_standing(self, link: TaskLink) -> str:
        """Return whether it waits or needs a person."""
        return standing(link).value

    def get_why(self, link: TaskLink) -> str:
        """Return what keeps it."""
        return why_it_lags(link, now=self.context["now"])


@extend_schema_serializer(component_name="Sync")
class SyncShape(serializers.Serializer[Any]):
    """How a task with these links stands over all of its CRMs: as the worst of those that are not off."""

    standing = serializers.ChoiceField(choices=[one.value for one in Standing], read_only=True)
    in_sync = serializers.IntegerField(read_only=True, help_text="CRMs that have its newest version.")
    of = serializers.IntegerField(
        read_only=True, help_text="CRMs that it goes to, without those that are off."
    )
    words = serializers.CharField(read_only=True, help_text='The two as they are read: "3 of 4 CRMs".')
    lagging = LagShape(many=True, read_only=True, help_text="The others, the worst first, then the longest.")

    def to_representation(self, links: Any) -> Any:
        """Return the roll-up of a task's links."""
        return super().to_representation(roll_up(links))


class LinksShape(serializers.Serializer[Any]):
    """All links of a task."""

    results = LinkDetailsShape(many=True, read_only=True)


@extend_schema_serializer(component_name="TaskRow")
class TaskRowShape(Shape):
    """A task in a list."""

    due_at = serializers.SerializerMethodField()
    assignee = serializers.SerializerMethodField(help_text="The e-mail, or the username where there is none.")
    contacts = serializers.SerializerMethodField()
    companies = serializers.SerializerMethodField()
    deals = serializers.SerializerMethodField()
    tickets = serializers.SerializerMethodField()
    events = serializers.SerializerMethodField()
    sync = SyncShape(source="link_rows", read_only=True, help_text="How it stands over all of its CRMs.")
    links = LinkShape(source="link_rows", many=True, read_only=True)

    class Meta:
        model = Task
        fields: ClassVar[list[str]] = [
            "id",
            "title",
            "body",
            "status",
            "priority",
            "type",
            "due_at",
            "due_is_date",
            "end_at",
            "reminder_at",
            "notify_by_email",
            "assignee",
            "queue",
            "location",
            "contacts",
            "companies",
            "deals",
            "tickets",
            "events",
            "contact_name",
            "company_name",
            "created_at",
            "updated_at",
            "completed_at",
            "deleted_at",
            "version",
            "origin",
            "sync",
            "links",
        ]
        read_only_fields = fields

    @extend_schema_field(DUE_SCHEMA)
    def get_due_at(self, task: Task) -> str | None:
        """Return the moment, or the day of a task that is due on the day."""
        return write_due(task)

    def get_assignee(self, task: Task) -> str | None:
        """Return who does it."""
        if task.assignee is None:
            return None
        return task.assignee.email or task.assignee.get_username()

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_contacts(self, task: Any) -> list[str]:
        """Return the contacts' ids, in order."""
        return [str(one.contact_id) for one in task.contact_rows]

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_companies(self, task: Task) -> list[str]:
        """Return the companies' ids, in order."""
        return _records(task, Record.Kind.COMPANY)

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_deals(self, task: Task) -> list[str]:
        """Return the deals' ids, in order."""
        return _records(task, Record.Kind.DEAL)

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_tickets(self, task: Task) -> list[str]:
        """Return the tickets' ids, in order."""
        return _records(task, Record.Kind.TICKET)

    @extend_schema_field(serializers.ListField(child=serializers.UUIDField()))
    def get_events(self, task: Task) -> list[str]:
        """Return the events' ids, in order."""
        return _records(task, Record.Kind.EVENT)


@extend_schema_serializer(component_name="Task")
class TaskShape(TaskRowShape):
    """A task, with what whoever saved it should know: `context["warnings"]`."""

    warnings = serializers.SerializerMethodField(
        help_text="A replaced created_at, and what a connected CRM cannot hold of this task; in words."
    )

    class Meta(TaskRowShape.Meta):
        fields: ClassVar[list[str]] = [*TaskRowShape.Meta.fields, "warnings"]
        read_only_fields = fields

    def get_warnings(self, task: Task) -> list[str]:
        """Return the warnings."""
        return list(self.context["warnings"])


@extend_schema_serializer(component_name="CreatedTask")
class CreatedTaskShape(serializers.Serializer[Any]):
    """One of many tasks that were created."""

    id = serializers.UUIDField(read_only=True, source="task.pk")
    version = serializers.IntegerField(read_only=True, source="task.version")
    warnings = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="A replaced created_at, in words."
    )


@extend_schema_serializer(component_name="CreatedTasks")
class CreatedTasksShape(serializers.Serializer[Any]):
    """The tasks that were created, in the order in which they were sent."""

    results = CreatedTaskShape(many=True, read_only=True)


def _records(task: Any, kind: str) -> list[str]:
    # The query that reads tasks for the API adds the kind to each association.
    return [str(one.record_id) for one in task.record_rows if one.kind == kind]


@extend_schema_serializer(component_name="Contact")
class ContactShape(Shape):
    """A contact."""

    more_emails = serializers.ListField(child=serializers.CharField(), read_only=True)
    more_phones = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Contact
        fields: ClassVar[list[str]] = [
            "id",
            "first_name",
            "last_name",
            "email",
            "phone",
            "phone_e164",
            "more_emails",
            "more_phones",
            "company",
            "job_title",
            "created_at",
            "updated_at",
            "version",
            "origin",
        ]
        read_only_fields = fields


@extend_schema_serializer(component_name="Record")
class RecordShape(Shape):
    """A company, deal, ticket or event."""

    class Meta:
        model = Record
        fields: ClassVar[list[str]] = ["id", "kind", "name", "created_at", "updated_at", "version"]
        read_only_fields = fields


@extend_schema_serializer(component_name="Connection")
class ConnectionShape(Shape):
    """One account at one CRM; its credentials are never shown."""

    health = serializers.SerializerMethodField()

    class Meta:
        model = Connection
        fields: ClassVar[list[str]] = [
            "id",
            "name",
            "provider",
            "health",
            "scope",
            "contacts",
            "account_name",
            "last_success_at",
            "last_error",
            "wait_until",
            "wait_reason",
        ]
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Connection.Health.values))
    def get_health(self, connection: Connection) -> str:
        """Return how the connection is, in one word."""
        return str(connection.health(self.context["now"]).value)
