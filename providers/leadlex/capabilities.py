"""What LeadLex can hold and do, as its pages say and do not say; each claim with the page and the day it was read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from types import MappingProxyType

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
from providers.leadlex.markdown import tidy
from providers.types import Field, TaskStatus

READ_ON = date(2026, 11, 22)
PAGES = "https://docs.leadlex.com"
DEFAULT_PLAN = "pro"
DAY = 86_400.0  # seconds


def _day(calls: int) -> Limit:
    # The headers tell of the day alone.
    return Limit(calls, DAY, is_fixed=True, left_in="x-ratelimit-remaining")


# Calls a minute and calls a day, which ends at 00:00 UTC there; whether minutes slide is not told: any 60 s is the stricter reading.
# https://docs.leadlex.com/authentication (read 2026-11); the newer page on keys names tiers without numbers.
PLANS: Mapping[str, tuple[Limit, ...]] = MappingProxyType(
    {
        "starter": (Limit(10, 60.0), _day(100)),
        "pro": (Limit(50, 60.0), _day(1_000)),
        "org": (Limit(200, 60.0), _day(10_000)),
    }
)


_CREATE = "api-reference/tasks/create"
_LIST = "api-reference/tasks/list"


def _full(note: str, page: str = _CREATE, *, is_fixed: bool = False) -> Support:
    return Support(Level.FULL, note, f"{PAGES}/{page}", READ_ON, is_fixed=is_fixed)


def _first_only(note: str) -> Support:
    return Support(Level.LOSSY, note, f"{PAGES}/{_CREATE}", READ_ON, most=1)


def _none(note: str, page: str = _CREATE) -> Support:
    return Support(Level.NONE, note, f"{PAGES}/{page}", READ_ON)


_FIELDS = {
    Field.TITLE: _full("holds the title; how long it may be is not documented"),
    Field.BODY: Support(
        Level.LOSSY,
        "holds the text without the spaces and empty lines at its end, and line breaks of one kind",
        f"{PAGES}/{_CREATE}",
        READ_ON,
        alter=tidy,
    ),
    Field.STATUS: Support(
        Level.LOSSY,
        "knows open, in progress and completed only: waiting is shown as in progress, deferred as open",
        f"{PAGES}/{_CREATE}",
        READ_ON,
        words={
            TaskStatus.WAITING: TaskStatus.IN_PROGRESS,
            TaskStatus.DEFERRED: TaskStatus.OPEN,
            TaskStatus.CANCELLED: TaskStatus.COMPLETED,
        },
    ),
    Field.PRIORITY: _full("holds low, medium and high"),
    Field.TYPE: _full("holds any word as type"),
    Field.DUE: _full("holds a day or a moment; whether it keeps the time of day is told by its answer"),
    Field.END: _none("has no end time"),
    Field.REMINDER: _none("has no reminders"),
    Field.NOTIFY: _none("sends no e-mail about a task"),
    Field.ASSIGNEE: _full("takes one assignee", "api-reference/users/list"),
    Field.QUEUE: _none("has no queues"),
    Field.LOCATION: _none("has no place for a location"),
    Field.CONTACTS: _first_only("takes one contact: the first"),
    # The page on data integrity names company_id for tasks, the page on creating them does not: not relied on.
    Field.COMPANIES: _none(
        "shows a task under its contact's company, never under one of its own", "data-integrity"
    ),
    Field.DEALS: _first_only("takes one deal: the first"),
    Field.TICKETS: _none("has no tickets"),
    # Whether the ids of calendar events are what `event_id` means is not documented.
    Field.EVENTS: _first_only("takes one event: the first"),
    Field.LABELS: _none("links a task without a label"),
    Field.PINS: _none("pins no tasks"),
    Field.CREATED: _full(
        "keeps the moment of creation where it lies in the last 5 years and at most 24 hours ahead, else puts its own",
        is_fixed=True,
    ),
    Field.COMPLETED: _none("keeps no moment of completion", "api-reference/tasks/get"),
}


def _documented(page: str, note: str = "") -> Claim:
    return Claim(True, note, f"{PAGES}/{page}", READ_ON)


_BY_ANALOGY = (
    "is asked to as it documents it for contacts; the pages on tasks do not say it. Whether the workspace has the call is learned when "
    "the connection is tested, by a task that nobody has"
)
_LIKE_CONTACTS = Claim(True, _BY_ANALOGY, f"{PAGES}/api-reference/contacts/update", READ_ON)

_OPERATIONS = {
    Operation.CREATE: _documented(_CREATE),
    Operation.UPDATE: _LIKE_CONTACTS,
    Operation.COMPLETE: _LIKE_CONTACTS,
    Operation.REOPEN: _LIKE_CONTACTS,
    Operation.DELETE: Claim(True, _BY_ANALOGY, f"{PAGES}/authentication", READ_ON),
    Operation.FETCH: _documented("api-reference/tasks/get"),
    Operation.FIND: _documented(
        _LIST,
        "has no search for tasks: those of the contact or deal (else of the assignee) are listed and compared",
    ),
    Operation.RESOLVE_CONTACT: _documented(
        "api-reference/contacts/list",
        "searches names and e-mails; a phone is compared among contacts of the same name",
    ),
    Operation.CREATE_CONTACT: _documented("api-reference/contacts/create"),
    Operation.UPDATE_CONTACT: _documented("api-reference/contacts/update"),
    Operation.LIST_OWNERS: _documented("api-reference/users/list"),
    Operation.LIST_TASKS: _documented(
        _LIST, "lists them in no order that is documented; tasks of its own agent (lexi_action) are left out"
    ),
    Operation.LIST_TASKS_OF_CONTACT: _documented(_LIST),
    Operation.LIST_CHANGED: Claim(
        False,
        "lists no changes of tasks: it neither filters nor sorts them by when they were changed",
        f"{PAGES}/{_LIST}",
        READ_ON,
    ),
    Operation.LIST_CONTACTS: _documented("api-reference/contacts/list"),
    Operation.RECEIVE: _documented(
        "webhooks",
        "signs what it tells (HMAC-SHA256 over the body, with the time in it) and tells of tasks made and changed, of contacts and of "
        "merges; it does not tell that a task was deleted, nor what its own agent did",
    ),
}

_SETTINGS = (
    Setting(
        "plan",
        "Plan",
        "The workspace's plan decides how often it may be called: 10, 50 or 200 times a minute.",
        kind="choice",
        choices=(
            ("starter", "Starter: 10 a minute, 100 a day"),
            ("pro", "Pro: 50 a minute, 1,000 a day"),
            ("org", "Org: 200 a minute, 10,000 a day"),
        ),
        default=DEFAULT_PLAN,
    ),
    Setting(
        "default_parent",
        "Default parent",
        "Where a task without contact, deal and event is filed: contact:<id> or deal:<id>. Empty: such a task is not sent.",
    ),
    Setting(
        "send_names",
        "Names as typed",
        "Whether the contact and the company that somebody typed into a task are sent as names for LeadLex to match. "
        "It takes whoever fits and tells only when several do.",
        kind="choice",
        choices=(("never", "are never sent"), ("unlinked", "are sent when no contact is linked")),
        default="never",
    ),
    Setting(
        "task_types",
        "Task types",
        "Our types in the workspace's words, such as call=phone_call,email=send_email. Others are sent as they are.",
        kind="map",
    ),
    *COMMON_SETTINGS,
)

CAPABILITIES = Capabilities(
    label="LeadLex",
    hosts=("data.leadlex.com",),
    default_base_url="https://data.leadlex.com/functions/v1/api-gateway",
    api_version="v1",
    secrets=(
        Secret(
            "api_key",
            "API key",
            "Begins with wbk_. Needs activities, contacts, deals and users to be read, activities and contacts to be written.",
        ),
        Secret(
            "webhook_secret",
            "Webhook secret",
            "LeadLex shows it once, when the webhook is made. Without it nothing that LeadLex tells by itself is believed.",
            is_required=False,
        ),
    ),
    settings=_SETTINGS,
    limits=PLANS[DEFAULT_PLAN],
    fields=MappingProxyType(_FIELDS),
    operations=MappingProxyType(_OPERATIONS),
    # Not documented; a gateway of serverless functions over one database answers from what it wrote.
    find_lag=timedelta(seconds=5),
    # The functions are cut off by their host; an answer given up on after our 20 s has landed within these.
    landing=timedelta(seconds=15),
    # Waived where the setting `default_parent` names a record that stands in, and where a contact's name is sent. The pages disagree
    # on whether a company alone will do (that on creating names none, that on data integrity does): it is not relied on.
    needs_one_of=(Field.CONTACTS, Field.DEALS, Field.EVENTS),
    parent_by_name="send_names",
    plans=PLANS,
)
