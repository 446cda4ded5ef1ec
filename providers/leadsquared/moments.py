"""Moments and days as LeadSquared writes them: UTC without a zone, and a calendar day of the account as a span of moments; pure.

Source: https://apidocs.leadsquared.com/create-a-to-do/ (read 2026-11).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from providers.types import TaskDraft


def written(moment: datetime) -> str:
    """Return the moment as LeadSquared reads it: UTC, without a zone, without a T."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment_of(text: object) -> datetime | None:
    """Return the moment in an answer; None for nothing, for nonsense and for the year 1, which means never."""
    try:
        moment = datetime.fromisoformat(str(text))
        in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return None if moment.year == 1 else in_utc


def start_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the first moment of a calendar day in the zone, in UTC."""
    return datetime.combine(day, time.min, tzinfo=zone).astimezone(UTC)


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the last second of a calendar day in the zone, in UTC."""
    return start_of(day + timedelta(days=1), zone) - timedelta(seconds=1)


def span_of(draft: TaskDraft, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return `DueDate` and `EndDate` of the draft.

    A day lasts from its first to its last second in the account's zone, also where the task's end lies before it there. A moment without
    an end ends when it begins, because LeadSquared calls a task overdue after its `EndDate`. Both are always sent: what is left out there
    becomes today.
    """
    due = draft.due if draft.due is not None else draft.created_at.astimezone(zone).date()
    if isinstance(due, datetime):
        start = due.astimezone(UTC).replace(microsecond=0)
        end = start
    else:
        start, end = start_of(due, zone), end_of(due, zone)
    wanted = draft.end_at.astimezone(UTC).replace(microsecond=0) if draft.end_at is not None else start
    return start, wanted if wanted > start else end


def due_and_end(
    start: datetime, end: datetime | None, zone: ZoneInfo
) -> tuple[date | datetime, datetime | None]:
    """Return the hub's due and end for an answer's: the reverse of `span_of`.

    A task that begins with a day of the account's zone, and does not end at once, is one for that day.
    """
    day = start.astimezone(zone).date()
    if start == start_of(day, zone) and end != start:
        return day, None if end == end_of(day, zone) else end
    return start, None if end == start else end
