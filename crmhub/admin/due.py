"""Entering when a task is due, a day or a day with a time, and its other times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from crmhub.admin.badges import local, moment, short_day
from crmhub.models import Task
from crmhub.services.tasks import FIRST_YEAR, LAST_YEAR


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
        return self.moment.astimezone(UTC).date() if self.is_date else local(self.moment).date()

    def is_past(self, *, now: datetime) -> bool:
        """Return whether that has passed: a day has when the reader's next one has begun."""
        if self.moment is None or self.day is None:
            return False
        return self.day < local(now).date() if self.is_date else self.moment < now

    def __str__(self) -> str:
        """Return it as it is read on the screen."""
        if self.moment is None:
            return ""
        if self.is_date:
            return short_day(self.moment.astimezone(UTC))
        return moment(self.moment)


class DueWidget(UnfoldAdminSplitDateTimeWidget):
    """A day and a time; the time may stay empty."""

    def decompress(self, value: DueTime | None) -> list[Any]:
        """Return day and time for the two inputs."""
        if value is None or value.moment is None:
            return [None, None]
        if value.is_date:
            return [value.day, None]
        return _day_and_time(value.moment)


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
        refuse_far_year(day)
        if at is None:
            return DueTime(datetime.combine(day, time(), tzinfo=UTC), is_date=True)
        entered = datetime.combine(day, at, tzinfo=timezone.get_current_timezone())
        due = entered.astimezone(UTC)
        if due.astimezone(entered.tzinfo).replace(tzinfo=None) != entered.replace(tzinfo=None):
            raise ValidationError("That time is skipped on that day, when the clocks go forward.")
        return DueTime(due)

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


class MomentWidget(UnfoldAdminSplitDateTimeWidget):
    """A day and a time."""

    def decompress(self, value: datetime | None) -> list[Any]:
        """Return day and time for the two inputs."""
        return _day_and_time(value) if value is not None else [None, None]


class MomentField(forms.SplitDateTimeField):
    """A moment of a task, entered in the reader's zone."""

    def compress(self, data_list: Any) -> Any:
        """Return what was entered. Raises `ValidationError` for half of it, a year far away, and a time that does not exist there."""
        if data_list and data_list[0]:
            refuse_far_year(data_list[0])
        return super().compress(data_list)


def refuse_far_year(day: date) -> None:
    """Raise `ValidationError` for a day that no task is due on.

    The services refuse it too. Here it is refused before a zone is applied to it, which fails near the years 1 and 9999, and before the
    first of many tasks is touched.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValidationError(f"The year must lie between {FIRST_YEAR} and {LAST_YEAR}; it is {day.year}.")


def _day_and_time(value: datetime) -> list[Any]:
    here = local(value)
    return [here.date(), f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"]


def _to_second(due: DueTime) -> datetime | None:
    return due.moment.replace(microsecond=0) if due.moment is not None else None
