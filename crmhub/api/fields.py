"""The values of the API: JSON's own types and nothing that merely looks like them, moments with a zone, days without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crmhub.models import Task
from crmhub.queries import api as queries

MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
# Vendors count in milliseconds since 1970; beyond these years somebody mistook a unit.
FIRST_YEAR, LAST_YEAR = 1970, 2999
MOST_ASSOCIATIONS = 100

NOT_A_MOMENT = "Give a moment with its zone, such as 2026-03-29T14:30:00Z or 2026-03-29T16:30:00+02:00."
NOT_A_DUE = f"{NOT_A_MOMENT[:-1]}, or a day, such as 2026-03-29."


def read_moment(text: str) -> datetime:
    """Return the moment that an RFC 3339 text names, in UTC. Raises `ValueError` for anything else."""
    if not MOMENT.fullmatch(text):
        raise ValueError(NOT_A_MOMENT)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(NOT_A_MOMENT) from error


def write_moment(moment: datetime) -> str:
    """Return the moment in UTC as RFC 3339 has it, ending in Z."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True)
class Due:
    """When a task is due: a moment, a whole day (kept as 00:00 UTC of it), or not at all."""

    at: datetime | None
    is_date: bool = False


def read_due(text: str) -> Due:
    """Return what a text says about when a task is due. Raises `ValueError`."""
    if DAY.fullmatch(text):
        return Due(datetime.fromisoformat(text).replace(tzinfo=UTC), is_date=True)
    return Due(read_moment(text))


def write_due(task: Task) -> str | None:
    """Return when the task is due, as it was given: a day stays a day."""
    if task.due_at is None:
        return None
    return task.due_at.astimezone(UTC).date().isoformat() if task.due_is_date else write_moment(task.due_at)


class Text(serializers.CharField):
    """A text; a number is not one."""

    default_error_messages = {"invalid": "This must be a text."}

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """True or false; "yes" and 1 are not."""

    default_error_messages = {"invalid": "This must be true or false."}

    def to_internal_value(self, data: Any) -> bool:
        """Return the value."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Word(serializers.ChoiceField):
    """One of a few words; the refusal names them."""

    def to_internal_value(self, data: Any) -> str:
        """Return the word."""
        if not isinstance(data, str) or data not in self.choices:
            raise serializers.ValidationError(f"This must be one of: {', '.join(map(str, self.choices))}.")
        return data


class Id(serializers.UUIDField):
    """The hub's id of something, as a text."""

    def to_internal_value(self, data: Any) -> UUID:
        """Return the id."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class Ids(serializers.ListField):
    """Ids in the order that is wanted, at most a hundred."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(child=Id(), max_length=MOST_ASSOCIATIONS, **kwargs)


@extend_schema_field(OpenApiTypes.DATETIME)
class Moment(serializers.Field[datetime, str, str, datetime]):
    """A moment, as RFC 3339 with a zone; written in UTC."""

    def __init__(self, *, any_year: bool = False, **kwargs: Any) -> None:
        self.any_year = any_year
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        """Return the moment in UTC."""
        try:
            moment = read_moment(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(NOT_A_MOMENT) from error
        return moment if self.any_year else _in_our_times(moment)

    def to_representation(self, value: datetime) -> str:
        """Return the moment as text."""
        return write_moment(value)


DUE_SCHEMA = {
    "oneOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}],
    "nullable": True,
}


@extend_schema_field(DUE_SCHEMA)
class DueField(serializers.Field[Due, str, str, Due]):
    """A moment or a whole day."""

    def to_internal_value(self, data: Any) -> Due:
        """Return when it is due."""
        try:
            due = read_due(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(NOT_A_DUE) from error
        _in_our_times(due.at)
        return due


class Assignee(Text):
    """A member of staff, by e-mail or username."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the user. Somebody who left stays where they are assigned, and is assigned nothing more."""
        name = super().to_internal_value(data)
        # Half characters are refused by a validator that runs only after this.
        self.run_validators(name)
        people = self._called(name)
        if len(people) > 1:
            raise serializers.ValidationError(f"Several people have the e-mail {name}: give the username.")
        if not people:
            raise serializers.ValidationError(f"There is no active user with the e-mail or username {name}.")
        return people[0]

    def _called(self, name: str) -> list[Any]:
        """Return who is called so. The items of one body name few people between them, so each is asked for once."""
        asked: dict[str, list[Any]] = vars(self.root).setdefault("people_called", {})
        if name not in asked:
            present = getattr(getattr(self.root, "instance", None), "assignee_id", None)
            asked[name] = queries.people_called(name, or_id=present)
        return asked[name]

    def run_validators(self, value: Any) -> None:
        """Validate texts; a user that was found is beyond that."""
        if isinstance(value, str):
            super().run_validators(value)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses by name what it does not know, and says so together with whatever else is wrong."""

    readable: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        """Return the values. Raises `ValidationError` by field."""
        names = data if isinstance(data, Mapping) else ()  # anything else is refused as a whole
        problems: dict[str, Any] = {name: [self._unknown(name)] for name in names if name not in self.fields}
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as error:
            refused: Any = error.detail
            raise serializers.ValidationError({**problems, **refused}) from error
        if problems:
            raise serializers.ValidationError(problems)
        return values

    def _unknown(self, name: str) -> str:
        if name in self.readable:
            return "This is kept by the hub and cannot be set here."
        return "There is no such field."


def _in_our_times(moment: datetime | None) -> Any:
    if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise serializers.ValidationError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}.")
    return moment
