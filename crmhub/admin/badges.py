"""Badges: how a counterpart stands at one CRM, in words, with the exact term and since when on hover."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from unfold.decorators import display

from crmhub.models import PushedLink
from crmhub.queries.remedies import remedy_of
from crmhub.queries.rollup import RollUp, roll_up, why_it_lags
from crmhub.queries.sync import Standing, exact_status, short_names, standing

MOST_REFRESHED = 200  # rows that one request of an open list may ask for
ICONS = {
    Standing.IN_SYNC: "check_circle",
    Standing.WAITING: "schedule",
    Standing.NEEDS_A_PERSON: "error",
    Standing.OFF: "do_not_disturb_on",
}


# A list draws 200 of them. A template of its own for each took a tenth of the page's time.
BADGE = (
    '<span class="hub-badge hub-{}" title="{}"><span class="material-symbols-outlined" aria-hidden="true">{}</span>'
    '{} <span class="hub-words">{}</span></span>'
)


@dataclass(frozen=True)
class Badge:
    """How one counterpart stands; shown as HTML where a template names it."""

    name: str
    standing: Standing
    icon: str
    hover: str

    def __html__(self) -> SafeString:
        """Return the badge as it is drawn."""
        return format_html(BADGE, self.standing.value, self.hover, self.icon, self.name, self.standing.words)

    __str__ = __html__


def badge(link: PushedLink, *, name: str, now: datetime) -> Badge:
    """Return the badge of one counterpart; `name` is what its CRM is called here."""
    stands = standing(link)
    hover = f"{exact_status(link, now=now)} since {moment(link.status_since)}"
    if not link.connection.is_live:
        hover = f"disconnected since {moment(link.connection.disconnected_at)}; was {hover}"
    if stands in (Standing.WAITING, Standing.NEEDS_A_PERSON) and link.last_error:
        hover = f"{hover}: {link.last_error}"
    return Badge(name, stands, ICONS[stands], hover)


def badges(
    links: Iterable[PushedLink], *, names: Mapping[UUID, str], subject: str, now: datetime
) -> SafeString:
    """Return the badges as HTML; `subject` is the id under which the page refreshes them while one waits."""
    links = list(links)
    drawn = [badge(link, name=names.get(link.connection_id, str(link.connection)), now=now) for link in links]
    is_moving = any(one.standing is Standing.WAITING for one in drawn)
    return format_html(
        '<span class="hub-badges" data-badges="{}"{}>{}{}</span>',
        subject,
        mark_safe(" data-moving") if is_moving else "",
        _rolled_up(links, names=names, now=now),
        format_html_join("", "{}", ((one,) for one in drawn))
        or mark_safe('<span class="hub-none">in no CRM</span>'),
    )


def _rolled_up(links: Sequence[PushedLink], *, names: Mapping[UUID, str], now: datetime) -> str:
    """Return how the task stands over all of its CRMs; "" for one CRM, whose own badge says it all, and where all have it."""
    summed = roll_up(links)
    if summed.of < 2 or not summed.lagging:
        return ""
    return format_html(
        '<span class="hub-rolled-up hub-{}" title="{}">{}</span>',
        summed.standing.value,
        "; ".join(lags(summed, names=names, now=now)),
        summed.words,
    )


def lags(summed: RollUp, *, names: Mapping[UUID, str], now: datetime) -> list[str]:
    """Return who lags, as sentences: "HighLevel waits since 30 Nov 2026, 10:02: HighLevel answered 503"."""
    said = []
    for link in summed.lagging:
        does = "needs a person" if standing(link) is Standing.NEEDS_A_PERSON else "waits"
        name, why = names.get(link.connection_id, str(link.connection)), why_it_lags(link, now=now)
        said.append(
            f"{name} {does} since {moment(link.status_since)}" + (f": {why.rstrip('.')}" if why else "")
        )
    return said


def advice(link: PushedLink) -> str:
    """Return what a person can do about the counterpart, "" when nothing is asked of anybody."""
    remedy = remedy_of(link)
    return remedy.remedy if remedy else ""


def moment(value: datetime | None, *, with_seconds: bool = False) -> str:
    """Return the moment in the reader's zone, short; "" for none."""
    if value is None:
        return ""
    here = local(value)
    return f"{short_day(here)}, {here:%H:%M:%S}" if with_seconds else f"{short_day(here)}, {here:%H:%M}"


def short_day(value: date) -> str:
    """Return the day as it is read: "3 Nov 2026". Django's formats, which know all languages, would be a sixth of the time of a long list."""
    return f"{value.day} {value:%b} {value.year:04}"


def local(value: datetime) -> datetime:
    """Return the moment in the reader's zone, or in UTC where the zone would carry it beyond the years 1 to 9999."""
    try:
        return timezone.localtime(value)
    except (OverflowError, ValueError):
        return value.astimezone(UTC)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 task`, `2,000 tasks`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def ago(value: datetime | None, *, now: datetime) -> str:
    """Return how long that is ago: `40 s`, `12 min`, `3 h`, `9 d`; "" for none."""
    if value is None:
        return ""
    seconds = max(int((now - value).total_seconds()), 0)
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def badge_column(request: HttpRequest) -> Callable[[Any], SafeString]:
    """Return the column of a list whose rows carry `live_links`; the CRMs' names are read once per request."""
    if not hasattr(request, "hub_names"):
        request.hub_names = short_names()  # type: ignore[attr-defined]
    names: Mapping[UUID, str] = request.hub_names  # type: ignore[attr-defined]

    @display(description="At the CRMs")
    def sync(row: Any) -> SafeString:
        return badges(row.live_links, names=names, subject=str(row.pk), now=timezone.now())

    return sync


def refreshed_badges(request: HttpRequest, links: QuerySet[Any], *, subject: str) -> JsonResponse:
    """Return the badges of the rows named in `ids`, as HTML by id, for a list that is open in a browser."""
    ids: dict[UUID, list[PushedLink]] = {}
    for text in request.GET.get("ids", "").split(",")[:MOST_REFRESHED]:
        with suppress(ValueError):
            ids[UUID(text)] = []
    for link in links.filter(**{f"{subject}__in": list(ids)}):
        ids[getattr(link, subject)].append(link)
    names, now = short_names(), timezone.now()
    return JsonResponse(
        {str(pk): badges(own, names=names, subject=str(pk), now=now) for pk, own in ids.items()}
    )
