"""How an account is, in the words of its page."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from crmhub.admin.badges import ago, counted, moment
from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection
from crmhub.queries.connections import Tally
from crmhub.queries.lost import LINKS_LOST
from crmhub.services.accounts import NOT_LET_IN

HEALTH_BADGE = {
    Connection.Health.HEALTHY: "in_sync",
    Connection.Health.DEGRADED: "waiting",
    Connection.Health.REAUTHORISE: "needs_a_person",
    Connection.Health.PAUSED: "off",
    Connection.Health.LINKS_LOST: "needs_a_person",
    Connection.Health.DISCONNECTED: "off",
}


def health_badge(row: Connection) -> str:
    """Return the account's health as a badge, with the reason on hover."""
    health = row.health(timezone.now())
    return format_html(
        '<span class="hub-badge hub-{}" title="{}">{}</span>', HEALTH_BADGE[health], reason(row), health.label
    )


def reason(row: Connection) -> str:
    """Return why the account is not simply healthy, in words; "" when it is."""
    if row.disconnected_at is not None:
        return f"since {moment(row.disconnected_at)}"
    if row.links_lost_at is not None:
        return f"Since {moment(row.links_lost_at)}: {LINKS_LOST} “manage.py relink” rebuilds them."
    if row.paused_at is not None:
        return f"since {moment(row.paused_at)}"
    if row.reauthorise_since is not None:
        since = moment(row.reauthorise_since)
        if row.last_error == NOT_LET_IN:
            return f"Since {since}: {NOT_LET_IN}"
        return f"Nothing is sent since {since}. {row.last_error}".strip()
    if row.untested_since is not None:
        since = moment(row.untested_since)
        return f"The credentials are new since {since}: nothing is sent before a test has passed. {row.last_error}".strip()
    parts = []
    if row.renewal_refused_at is not None:
        parts.append(
            f"The CRM does not renew the access token since {moment(row.renewal_refused_at)}: authorise the app again before it ends"
        )
    if row.wait_until is not None and row.wait_until > timezone.now():
        parts.append(
            f"Left alone until {moment(row.wait_until)}: {row.wait_reason or 'the CRM asked for it'}"
        )
    if row.switched_off:
        parts += [
            f"may not {name.replace('_', ' ')} (missing: {scope or 'a right'})"
            for name, scope in row.switched_off.items()
        ]
    if row.failures:
        parts.append(f"{counted(row.failures, 'failure')} in a row. {row.last_error}".strip())
    return "; ".join(parts)


def is_app(row: Connection) -> bool:
    """Return whether an app opens the account; False where the secrets cannot be read, which the page says elsewhere."""
    try:
        return row.is_live and row.is_app
    except SecretsUnreadable:
        return False


def filtered(row: Connection, sync: str) -> str:
    """Return the address of the tasks that stand so at this account."""
    return f"{reverse('admin:crmhub_task_changelist')}?crm={row.pk}&sync={sync}"


def facts(row: Connection, tally: Tally) -> list[tuple[str, str]]:
    """Return what the page of an account says of it: names and texts."""
    now = timezone.now()
    return [
        ("Account there", row.account_name or "not known yet: test the connection"),
        *_life_of_token(row),
        ("Why", reason(row) or "–"),
        ("In sync", f"{tally.in_sync:,}"),
        ("Waiting", f"{counted(tally.waiting, 'task')}, {counted(tally.contacts_waiting, 'contact')}"),
        (
            "Needs a person",
            f"{counted(tally.needs_a_person, 'task')}, {counted(tally.contacts_needing_a_person, 'contact')}",
        ),
        ("Oldest owed push", ago(tally.oldest, now=now) or "nothing is owed"),
        ("Last success", moment(row.last_success_at) or "never"),
        ("Last test that passed", moment(row.last_checked_at) or "never"),
        ("Id", str(row.pk)),
    ]


def _life_of_token(row: Connection) -> list[tuple[str, str]]:
    """Return when the app's access token ends; nothing for an account without one."""
    if row.token_expires_at is None:
        text = "its end is not known; it is renewed before anything is sent"
        return [("Access token", text)] if is_app(row) and row.reauthorise_since is None else []
    ends = "ended" if row.token_expires_at <= timezone.now() else "ends"
    is_refused = row.reauthorise_since is not None or row.renewal_refused_at is not None
    by = "when the app is authorised again" if is_refused else "by itself"
    return [("Access token", f"{ends} {moment(row.token_expires_at)}; it is renewed {by}")]
