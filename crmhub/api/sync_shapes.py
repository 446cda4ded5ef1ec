"""What the API takes and shows of failures and replays."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from crmhub.api.fields import Flag, Id, Moment, StrictSerializer, Text, Word
from crmhub.models import Connection, Replay, SyncStatus
from crmhub.models.links import OFF
from crmhub.queries.failures import Age, Failure
from crmhub.queries.remedies import Act, reasons_called
from crmhub.queries.selection import Selection

MOST_TASKS = 1_000
KINDS = [("task", "Task"), ("contact", "Contact")]
STATUSES = [one for one in SyncStatus.choices if one[0] not in OFF]
SAY_WHICH = "Say which: connection, tasks, failed, sync_status, code or since."


@extend_schema_serializer(component_name="Ages")
class AgesShape(serializers.Serializer[Any]):
    """How many there are of each age."""

    under_an_hour = serializers.IntegerField(read_only=True)
    under_a_day = serializers.IntegerField(read_only=True, help_text="An hour or more, and less than a day.")
    under_a_week = serializers.IntegerField(read_only=True)
    older = serializers.IntegerField(read_only=True)


@extend_schema_serializer(component_name="Failure")
class FailureShape(serializers.Serializer[Failure]):
    """What waits for a person at one connection for one reason."""

    connection = serializers.UUIDField(read_only=True)
    kind = serializers.ChoiceField(choices=KINDS, read_only=True)
    code = serializers.CharField(source="reason", read_only=True, help_text="The reason; a replay takes it.")
    means = serializers.CharField(source="remedy.means", read_only=True)
    remedy = serializers.CharField(source="remedy.remedy", read_only=True)
    action = serializers.ChoiceField(choices=[act.value for act in Act], source="remedy.act", read_only=True)
    total = serializers.IntegerField(read_only=True)
    counts = serializers.SerializerMethodField(help_text="By how long they have waited.")
    oldest = Moment(read_only=True, help_text="Since when the oldest has waited.")

    @extend_schema_field(AgesShape)
    def get_counts(self, failure: Failure) -> dict[str, int]:
        """Return the counts by age."""
        return {age.value: failure.counts[age] for age in Age}


class FailuresShape(serializers.Serializer[Any]):
    """All that waits for a person, the most first."""

    results = FailureShape(many=True, read_only=True)


_CHOOSES_NOTHING = ("dry_run", "confirmed", "until")


@extend_schema_serializer(component_name="ReplayBody")
class ReplayBody(StrictSerializer):
    """Which links are to be sent again: those that meet all of this. Validated, it is a `Selection`, and what is to be done about it."""

    connection = Id(required=False, help_text="At this connection.")
    tasks = serializers.ListField(
        child=Id(), min_length=1, max_length=MOST_TASKS, required=False, help_text="Of these tasks."
    )
    failed = Flag(required=False, help_text="What waits for a person.")
    sync_status = serializers.ListField(
        child=Word(choices=STATUSES), min_length=1, required=False, help_text="What stands so."
    )
    code = Text(
        max_length=60,
        required=False,
        help_text="What waits for a person for this reason, or class of errors.",
    )
    since = Moment(
        required=False,
        help_text="What came to stand so at this moment or later; without sync_status: what failed.",
    )
    until = Moment(required=False, help_text="And before this one.")
    dry_run = Flag(required=False, help_text="Say how much it would be, and do nothing.")
    confirmed = Flag(required=False, help_text="Send them although they are many at once.")

    def validate_connection(self, connection: Any) -> Any:
        """Refuse an account that is not connected."""
        if not Connection.objects.filter(pk=connection, disconnected_at__isnull=True).exists():
            raise serializers.ValidationError("There is no such connection, or it was disconnected.")
        return connection

    def validate_code(self, code: str) -> tuple[str, ...]:
        """Return the reasons that the word names."""
        try:
            return reasons_called(code)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return the selection, `dry_run` and `confirmed`. Raises `ValidationError` where nothing was chosen."""
        chosen = {name: value for name, value in values.items() if name not in _CHOOSES_NOTHING and value}
        if not chosen:
            raise serializers.ValidationError(SAY_WHICH)
        statuses = tuple(values.get("sync_status", ()))
        selection = Selection(
            connection=values.get("connection"),
            tasks=tuple(values.get("tasks", ())),
            is_failed=values.get("failed", False) or ("since" in values and not statuses),
            statuses=statuses,
            reasons=values.get("code", ()),
            after=values.get("since"),
            until=values.get("until"),
        )
        how = {name: values.get(name, False) for name in ("dry_run", "confirmed")}
        return {"selection": selection, **how}


@extend_schema_serializer(component_name="ReplayShare")
class ShareShape(serializers.Serializer[Any]):
    """What of a replay lies at one connection."""

    connection = serializers.UUIDField(read_only=True)
    tasks = serializers.IntegerField(read_only=True)
    contacts = serializers.IntegerField(read_only=True)
    left_out = serializers.IntegerField(
        read_only=True, help_text="Somebody should look at each of these first."
    )


@extend_schema_serializer(component_name="ReplayCounts")
class ReplayCountsShape(serializers.Serializer[Any]):
    """How many links a replay is about."""

    what = serializers.CharField(read_only=True, help_text="Which links, in words.")
    total = serializers.IntegerField(read_only=True)
    left_out = serializers.IntegerField(
        read_only=True, help_text="Links with an unknown outcome, or gone there: not sent again in a crowd."
    )
    connections = ShareShape(many=True, read_only=True, source="by_connection")


@extend_schema_serializer(component_name="Replay")
class ReplayShape(ReplayCountsShape):
    """A replay and how far it is."""

    id = serializers.UUIDField(read_only=True)
    state = serializers.ChoiceField(choices=[one.value for one in Replay.State], read_only=True)
    done = serializers.IntegerField(read_only=True, help_text="Links that are marked; workers send them.")
    created_at = Moment(read_only=True)
    stopped_at = Moment(read_only=True, allow_null=True)
    ended_at = Moment(read_only=True, allow_null=True)


def replays_for_reading() -> QuerySet[Replay]:
    """Return replays without the ids of tasks, of which there may be many."""
    return Replay.objects.defer("selection")
