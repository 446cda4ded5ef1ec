"""The panels around a form: what each CRM holds of a task or contact, and what was tried."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from crmhub.admin.badges import Badge, advice, badge, lags, moment
from crmhub.models import Attempt, Connection, PushedLink, Task, TaskLink
from crmhub.queries.connections import live_connections
from crmhub.queries.remedies import Act, Remedy, remedy_of
from crmhub.queries.rollup import roll_up
from crmhub.queries.sync import Standing, provider_label, short_names
from crmhub.sync import loss_in_words


@dataclass(frozen=True)
class LinkRow:
    """One counterpart as the panel shows it."""

    link: PushedLink
    badge: Badge
    since: str
    trouble: str
    advice: str
    act: str
    act_url: str
    losses: list[str]
    waits_for: str
    waits_for_url: str
    candidates: list[dict[str, str]]
    choose_url: str
    url: str
    may_send: bool
    may_keep_out: bool
    may_add: bool


def links_panel(task: Task, links: list[TaskLink], *, may_act: bool, may_choose: bool) -> dict[str, Any]:
    """Return what the template needs to show the task's counterparts and the CRMs that it could be added to."""
    rows = link_rows(links, may_act=may_act, may_choose=may_choose)
    there = {link.connection_id for link in links}
    others = [one for one in live_connections() if one.pk not in there] if not task.is_deleted else []
    return {
        "link_rows": rows,
        **_roll_up_panel(rows),
        "is_moving": any(row.badge.standing is Standing.WAITING for row in rows),
        "other_connections": others if may_act else [],
        "refresh_url": reverse("admin:crmhub_task_links", args=[task.pk]),
    }


def _roll_up_panel(rows: list[LinkRow]) -> dict[str, Any]:
    summed = roll_up(row.link for row in rows)
    names = {row.link.connection_id: row.badge.name for row in rows}
    return {"roll_up": summed, "lags": lags(summed, names=names, now=timezone.now())}


def link_rows(links: Iterable[Any], *, may_act: bool, may_choose: bool) -> list[LinkRow]:
    """Return the counterparts as rows, with what may be done to each; `may_choose` is to pick one of several there that fit."""
    links, now = list(links), timezone.now()
    names = short_names()
    return [
        _row(
            link,
            badge(link, name=names[link.connection_id], now=now),
            may_act=may_act,
            may_choose=may_choose,
        )
        for link in links
    ]


def _row(link: Any, drawn: Badge, *, may_act: bool, may_choose: bool) -> LinkRow:
    stands = drawn.standing
    is_live = link.connection.is_live
    is_out = stands is Standing.OFF
    waits = getattr(link, "awaits_contact", None) if stands is Standing.WAITING else None
    remedy = remedy_of(link)
    return LinkRow(
        link=link,
        badge=drawn,
        since=moment(link.status_since),
        trouble=link.last_error if stands is not Standing.IN_SYNC else "",
        advice=advice(link),
        act=remedy.act.button if remedy else "",
        act_url=_where_to_act(link, remedy),
        losses=losses_of(link),
        waits_for=str(waits.contact) if waits else "",
        waits_for_url=reverse("admin:crmhub_contact_change", args=[waits.contact_id]) if waits else "",
        candidates=link.candidates if stands is Standing.NEEDS_A_PERSON else [],
        choose_url=_where_to_choose(link) if may_choose else "",
        url=safe_url(link.external_url),
        may_send=may_act and is_live and not is_out,
        may_keep_out=may_act and is_live and not is_out and hasattr(link, "task_id"),
        may_add=may_act and is_live and is_out,
    )


def _where_to_act(link: Any, remedy: Remedy | None) -> str:
    """Return the page on which the remedy is applied; "" where that is this page, or nothing is to be done."""
    if remedy is None:
        return ""
    if remedy.act in (Act.TEST_CONNECTION, Act.REAUTHORISE):
        return reverse("admin:crmhub_connection_change", args=[link.connection_id])
    if remedy.act is Act.MATCH:
        return f"{reverse('admin:crmhub_unmatched_changelist')}?task={link.task_id}"
    contact = getattr(link, "awaits_contact", None)
    if remedy.act is Act.CHOOSE_CONTACT and contact is not None:
        return reverse("admin:crmhub_contact_change", args=[contact.contact_id])
    return ""


def _where_to_choose(link: Any) -> str:
    if hasattr(link, "task_id"):
        return reverse("admin:crmhub_task_choose", args=[link.task_id, link.pk])
    return reverse("admin:crmhub_contact_choose", args=[link.contact_id, link.pk])


def losses_of(link: PushedLink) -> list[str]:
    """Return, as sentences, what the CRM cannot hold of it."""
    crm = provider_label(link.connection.provider)
    return [loss_in_words(crm, one["field"], one["note"]) for one in link.losses]


def safe_url(url: str) -> str:
    """Return the address if a browser may be sent there; a CRM's answer is not to become a script."""
    return url if url.startswith(("https://", "http://")) else ""


@dataclass(frozen=True)
class AttemptRow:
    """One attempt as a panel shows it."""

    attempt: Attempt
    when: str
    crm: str
    url: str


def attempts_panel(attempts: Iterable[Attempt]) -> list[AttemptRow]:
    """Return the attempts as rows, each with the page that shows all of it."""
    return [
        AttemptRow(
            one,
            moment(one.started_at, with_seconds=True),
            crm_and_name(one.connection),
            reverse("admin:crmhub_attempt_change", args=[one.pk]),
        )
        for one in attempts
    ]


def crm_and_name(connection: Connection) -> str:
    """Return the account's own name with its CRM's, once where they are the same."""
    label = provider_label(connection.provider)
    return (
        connection.name if label.casefold() in connection.name.casefold() else f"{connection.name} ({label})"
    )
