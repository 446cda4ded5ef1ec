"""Entering when a task is due: a day, or a day with a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.formats import date_format
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from crmhub.models import Task


@dataclass(frozen=True)
class DueTime:
    """When something is due: the moment, and whether it is only a day (then 00:00 UTC of it). Both empty: at no time."""

    moment: datetime | None = None
    is_date: bool = False

    @classmethod
    def of(cls, task: Task) -> DueTime:
        """Return when the task is due."""
        return cls(task.due_at, task.due_is_date)

    @property
    def day(self) -> date | None:
        """Return the day: a date-only one as it is, else the one in the reader's zone."""
        if self.moment is None:
            return None
        return self.moment.astimezone(UTC).date() if self.is_date else timezone.localtime(self.moment).date()

    def is_past(self, *, now: datetime) -> bool:
        """Return whether that has passed: a day has when the reader's next one has begun."""
        if self.moment is None or self.day is None:
            return False
        return self.day < timezone.localtime(now).date() if self.is_date else self.moment < now

    def __str__(self) -> str:
        """Return it as it is read on the screen."""
        if self.moment is None:
            return ""
        if self.is_date:
            return date_format(self.moment.astimezone(UTC).date(), "j M Y")
        return date_format(timezone.localtime(self.moment), "j M Y, H:i")


class DueWidget(UnfoldAdminSplitDateTimeWidget):
    """A day and a time; the time may stay empty."""

    def decompress(self, value: DueTime | None) -> list[Any]:
        """Return day and time for the two inputs."""
        if value is None or value.moment is None:
            return [None, None]
        if value.is_date:
            return [value.day, None]
        local = timezone.localtime(value.moment)
        return [local.date(), f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"]


class DueField(forms.MultiValueField):
    """When a task is due, as `DueTime`. A day without a time is a day; times are in the reader's zone."""

    widget = DueWidget

    def __init__(self, **kwargs: Any) -> None:
        """Make the two parts."""
        parts = (
            forms.DateField(error_messages={"invalid": "Enter a day, such as 2026-03-29."}),
            forms.TimeField(error_messages={"invalid": "Enter a time, such as 14:30, or leave it empty."}),
        )
        super().__init__(fields=parts, require_all_fields=False, required=False, **kwargs)
        for part in self.fields:
            part.required = False

    def compress(self, data_list: list[Any]) -> DueTime:
        """Return what was entered. Raises `ValidationError` for a time without a day and for a time that does not exist there."""
        day, at = (*data_list, None, None)[:2]
        if not day:
            if at:
                raise ValidationError("A time needs a day.")
            return DueTime()
        if at is None:
            return DueTime(datetime.combine(day, time(), tzinfo=UTC), is_date=True)
        local = datetime.combine(day, at, tzinfo=timezone.get_current_timezone())
        moment = local.astimezone(UTC)
        if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
            raise ValidationError("That time is skipped on that day, when the clocks go forward.")
        return DueTime(moment)

    def clean(self, value: Any) -> DueTime:
        """Return what was entered, never None."""
        return super().clean(value) or DueTime()

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether another time than before was entered; seconds that the form does not show count as the same."""
        try:
            entered = self.clean(data)
        except ValidationError:
            return True
        before = initial or DueTime()
        return (_to_second(entered), entered.is_date) != (_to_second(before), before.is_date)


def _to_second(due: DueTime) -> datetime | None:
    return due.moment.replace(microsecond=0) if due.moment is not None else None
