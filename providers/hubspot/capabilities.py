"""What HubSpot can hold and do, each claim with its source and the day it was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from providers.capabilities import (
    COMMON_SETTINGS,
    Capabilities,
    Claim,
    Level,
    Limit,
    Operation,
    Secret,
    Setting,
    Support,
)
from providers.hubspot.oauth import OAUTH
from providers.hubspot.paths import CHOICES, LEGACY
from providers.types import Field

READ_ON = date(2026, 11, 22)
TASKS = "https://developers.hubspot.com/docs/api-reference/legacy/crm/activities/tasks/guide"
SCHEMA = "https://github.com/HubSpot/HubSpot-public-api-spec-collection"
CONTACTS = "https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/guide"
OWNERS = "https://developers.hubspot.com/docs/api-reference/legacy/crm/owners/guide"
LIMITS = "https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines"
ASSOCIATIONS = (
    "https://developers.hubspot.com/docs/api-reference/legacy/crm/associations/associations-v4/guide"
)
SEARCH = "https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm"
SIGNED = (
    "https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation"
)


def _holds(note: str = "", *, level: Level = Level.FULL, words: Mapping[str, str] | None = None) -> Support:
    return Support(level=level, note=note, source=TASKS, read_on=READ_ON, words=words or {})


def _lacks(note: str) -> Support:
    return Support(level=Level.NONE, note=note, source=TASKS, read_on=READ_ON)


def _can(note: str = "", *, source: str = TASKS) -> Claim:
    return Claim(holds=True, note=note, source=source, read_on=READ_ON)


def one_kind_of_line_break(text: str) -> str:
    """Return the text as HubSpot will give it back: every line break is one `<br>` there, whichever kind it was."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


FIELDS = {
    Field.TITLE: _holds(),
    Field.BODY: Support(
        note="keeps every line break as a plain one",
        source=TASKS,
        read_on=READ_ON,
        alter=one_kind_of_line_break,
    ),
    # The guide's table names only two states; the other three are in its own example and in live portals.
    Field.STATUS: _holds(
        "has no cancelled tasks: it is completed there", level=Level.LOSSY, words={"cancelled": "completed"}
    ),
    Field.PRIORITY: _holds(),
    Field.TYPE: _holds(
        "knows to-dos, calls, e-mails and LinkedIn messages; anything else is a to-do there",
        level=Level.LOSSY,
        words=dict.fromkeys(("meeting", "follow_up", "research", "other", "visit", "sms", "task"), "todo"),
    ),
    Field.DUE: _holds(
        "has no date-only tasks: a day becomes nine in the morning of that day in the connection's time zone"
    ),
    Field.END: _lacks("has no end of a task"),
    Field.REMINDER: _holds("takes one reminder"),
    Field.NOTIFY: _lacks("cannot be told to notify by e-mail: each user decides that there"),
    Field.ASSIGNEE: _holds(),
    # One integrator writes this property; that it takes several ids is not confirmed (2026-11), so one is sent.
    Field.QUEUE: _holds(
        "knows a task queue by its number only, as the setting `task_queues` names it", level=Level.LOSSY
    ),
    Field.LOCATION: _lacks("has no place on a task"),
    Field.CONTACTS: _holds(),
    Field.COMPANIES: _holds(),
    Field.DEALS: _holds(),
    Field.TICKETS: _holds(),
    Field.EVENTS: _lacks("has no events that a task can point at"),
    Field.LABELS: Support(
        note="takes a label by its name in snake case, or its type as CATEGORY:number; it must be there already",
        source=ASSOCIATIONS,
        read_on=READ_ON,
    ),
    Field.PINS: _holds(
        "pins a task on contacts, companies, deals and tickets, one to a record, so that ours takes the place of another; "
        "custom objects are not supported"
    ),
    Field.CREATED: _lacks("stamps its own time of creation"),
    Field.COMPLETED: _lacks("stamps the completion itself, at the moment it is told"),
}

OPERATIONS = {
    Operation.CREATE: _can(),
    Operation.UPDATE: _can("changed associations cost further requests"),
    Operation.COMPLETE: _can(),
    Operation.REOPEN: _can(),
    Operation.DELETE: _can("it goes to the recycling bin, from which only a person can restore it"),
    Operation.FETCH: _can(),
    # Whether a portal lets a property of tasks be unique is not confirmed (2026-11); `prepare` asks, and there is a way without.
    Operation.FIND: _can(
        "by a property of ours, or by a line in the body where none could be made", source=SCHEMA
    ),
    Operation.RESOLVE_CONTACT: _can("by e-mail, then by phone", source=CONTACTS),
    Operation.CREATE_CONTACT: _can("the e-mail is unique there", source=CONTACTS),
    Operation.UPDATE_CONTACT: _can("what the hub does not know is left as it is", source=CONTACTS),
    Operation.LIST_OWNERS: _can(source=OWNERS),
    Operation.LIST_TASKS: _can(),
    Operation.LIST_TASKS_OF_CONTACT: _can("without their associations", source=ASSOCIATIONS),
    Operation.LIST_CHANGED: _can(
        "without their associations; search is behind by seconds, and a task also counts as changed when its due moment passes",
        source=SEARCH,
    ),
    Operation.LIST_CONTACTS: _can(source=CONTACTS),
    # The general event types, which tasks come under, are a beta since 2024-08; a service key has no webhooks at all.
    Operation.RECEIVE: _can(
        "signs address, body and time with the secret of an app; polling stays the base, for what it tells of tasks is a beta",
        source=SIGNED,
    ),
}


def _limits(burst: int, daily: int, associations: int) -> tuple[Limit, ...]:
    return (
        Limit(burst, 10.0, left_in="x-hubspot-ratelimit-remaining"),
        *([_day(daily, left_in="x-hubspot-ratelimit-daily-remaining")] if daily else []),
        # Answers to a search tell nothing of the rate.
        Limit(5, 1.0, "search"),
        Limit(associations, 10.0, "associations"),
        _day(500_000, budget="associations"),
    )


def _day(calls: int, *, budget: str = "all", left_in: str = "") -> Limit:
    # From midnight of the account's zone.
    return Limit(calls, 86_400.0, budget, is_fixed=True, is_local=True, left_in=left_in)


# Pages differ about Professional's day, 625,000 or 650,000 (2026-11): the smaller is kept to.
PLANS = {
    "starter": _limits(100, 250_000, 100),
    "professional": _limits(190, 625_000, 150),
    "enterprise": _limits(190, 1_000_000, 150),
    "app": _limits(110, 0, 100),
}

CAPABILITIES = Capabilities(
    label="HubSpot",
    hosts=("api.hubapi.com",),
    default_base_url="https://api.hubapi.com",
    api_version="CRM objects v3, associations v4; or 2026-03, 2026-09",
    secrets=(
        Secret(
            "access_token",
            "Access token",
            "A service key, a private app's token (pat-…) or a project app's static token, with "
            "crm.objects.contacts.read and .write, crm.objects.owners.read, and read and write for the companies, deals and "
            "tickets that tasks point at.",
        ),
        # Of the same meaning as the `client_secret` of an app that is let in, which serves for this as well.
        Secret(
            "webhook_secret",
            "Client secret for webhooks",
            "The client secret of the app whose webhooks come here: HubSpot signs with it. A service key has none.",
            is_required=False,
        ),
    ),
    settings=(
        *COMMON_SETTINGS,
        Setting(
            "hub_time_zone",
            "Time zone of days",
            "A task that is due on a day is due there at 09:00 of that day in this zone, such as Europe/Berlin; empty for the hub's own.",
            kind="zone",
        ),
        Setting(
            "plan",
            "Subscription",
            "How often HubSpot lets itself be called: by the account's subscription, or as an app that is let in.",
            kind="choice",
            choices=(
                ("starter", "Free or Starter: 100 in 10 s"),
                ("professional", "Professional: 190 in 10 s"),
                ("enterprise", "Enterprise: 190 in 10 s"),
                ("app", "An app that is let in by OAuth: 110 in 10 s"),
            ),
            default="starter",
        ),
        Setting(
            "api_paths",
            "Version of the paths",
            "HubSpot names its paths by number, which ends during 2027, or by the release. From 2026-09 on it demands the properties that the "
            "account itself calls required.",
            kind="choice",
            choices=CHOICES,
            default=LEGACY,
        ),
        Setting(
            "task_queues",
            "Task queues",
            "The hub's queues and their numbers there: support=123456,sales=123457. Others are left out.",
            kind="map",
        ),
    ),
    limits=PLANS["starter"],
    plans=PLANS,
    oauth=OAUTH,
    fields=FIELDS,
    operations=OPERATIONS,
    find_lag=timedelta(seconds=10),
    landing=timedelta(seconds=15),
    batch_size=100,
    needs_due=True,
)
