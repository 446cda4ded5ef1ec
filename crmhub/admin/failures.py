"""What waits for a person, by reason and age: each number leads to the list of just those, and to sending them again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from crmhub.admin.badges import ago
from crmhub.admin.link_filters import AGE, CRM, SYNC, WHY, connection_in, list_url, query_of
from crmhub.queries.connections import live_connections
from crmhub.queries.failures import Age, Failure, failures
from crmhub.queries.remedies import REASONS, Remedy
from crmhub.queries.selection import TO_BE_LOOKED_AT
from crmhub.queries.sync import Standing, short_names


@dataclass
class Cell:
    """How many tasks and contacts wait for one reason for so long, and where they are; `replay_url` is "" where each must be looked at first."""

    tasks: int = 0
    contacts: int = 0
    tasks_url: str = ""
    contacts_url: str = ""
    replay_url: str = ""


@dataclass
class Row:
    """One reason, with a cell for each age and one for all of them."""

    reason: str
    remedy: Remedy
    cells: list[Cell]
    oldest: str = ""
    total: Cell = field(default_factory=Cell)


def failures_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Show what waits for a person, at all connections or at one."""
    if not request.user.has_perm("crmhub.view_task"):
        raise PermissionDenied
    accounts = list(live_connections())
    crm = connection_in(request)
    may_replay = model_admin.has_replay_permission(request)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "What needs a person, by reason and age",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "ages": [one.words for one in Age],
        "rows": _rows(failures(now=timezone.now(), connection=crm), crm=crm, may_replay=may_replay),
        "views": _views(accounts, crm),
    }
    return TemplateResponse(request, "admin/crmhub/failures.html", context)


def _views(accounts: Iterable[Any], crm: Any) -> list[dict[str, Any]]:
    names = short_names(list(accounts))
    all_of_them = {"name": "All CRMs", "query": "?", "is_here": crm is None}
    return [all_of_them] + [
        {"name": names[one.pk], "query": f"?{CRM}={one.pk}", "is_here": one.pk == crm} for one in accounts
    ]


def _rows(found: list[Failure], *, crm: Any, may_replay: bool) -> list[Row]:
    """Return a row for each reason, the most frequent first."""
    now = timezone.now()
    rows = []
    for reason in sorted({one.reason for one in found}, key=lambda one: (-_sum(found, one), one)):
        of_reason = [one for one in found if one.reason == reason]
        oldest = min(one.oldest for one in of_reason if one.oldest)
        cells = [_cell(of_reason, age, crm=crm, may_replay=may_replay) for age in Age]
        total = _cell(of_reason, None, crm=crm, may_replay=may_replay)
        rows.append(Row(reason, REASONS[reason], cells, ago(oldest, now=now), total))
    return rows


def _sum(found: list[Failure], reason: str) -> int:
    return sum(one.total for one in found if one.reason == reason)


def _cell(of_reason: list[Failure], age: Age | None, *, crm: Any, may_replay: bool) -> Cell:
    def count(kind: str) -> int:
        return sum(one.counts[age] if age else one.total for one in of_reason if one.kind == kind)

    asked = {CRM: crm, WHY: of_reason[0].reason, AGE: age}
    is_one_by_one = of_reason[0].reason in TO_BE_LOOKED_AT
    return Cell(
        tasks=count("task"),
        contacts=count("contact"),
        tasks_url=list_url("task", **asked, **{SYNC: Standing.NEEDS_A_PERSON}),
        contacts_url=list_url("contact", **asked, **{SYNC: Standing.NEEDS_A_PERSON}),
        replay_url=f"{reverse('admin:crmhub_replay_ask')}?{query_of(asked)}"
        if may_replay and not is_one_by_one
        else "",
    )
