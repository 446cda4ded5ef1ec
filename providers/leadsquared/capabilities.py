"""What LeadSquared can hold, change and announce."""

from __future__ import annotations

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
from providers.leadsquared.payloads import plain
from providers.types import Field

READ_ON = date(2026, 11, 22)
DOCS = "https://apidocs.leadsquared.com/"
CREATE = DOCS + "create-a-to-do/"
APPOINTMENT = DOCS + "create-task-appointment/"
UPDATE = DOCS + "update-task/"
TASKS = DOCS + "retrieve-tasks/"
TODOS = DOCS + "get-to-dos-by-email-address/"
TYPES = DOCS + "get-list-of-task-types-2/"

# Each endpoint page speaks of 25 calls in 5 s, the plan tables of 2 to 25, and the quota is shared with whatever else uses the account:
# where the plan is not known we begin at 10. Two tables stand on https://apidocs.leadsquared.com/rate-limits/ (read 2026-11); Pro and Super
# are taken from the newer one, which counts by the day too (1,000 more for each user, which are left to others).
DEFAULT_PLAN = "unknown"
PLANS = {
    DEFAULT_PLAN: (Limit(calls=10, seconds=5.0),),
    "lite": (Limit(calls=2, seconds=5.0),),
    "pro": (Limit(calls=10, seconds=5.0), Limit(calls=10_000, seconds=86_400.0)),
    "super": (Limit(calls=20, seconds=5.0), Limit(calls=100_000, seconds=86_400.0)),
    "basic": (Limit(calls=10, seconds=5.0),),
    "standard": (Limit(calls=15, seconds=5.0),),
    "enterprise": (Limit(calls=25, seconds=5.0),),
}

SECRETS = (
    Secret(
        "access_key",
        "Access key",
        "An administrator's, from My Account → Settings → API and Webhooks; the API host shown there is the base URL.",
    ),
    Secret("secret_key", "Secret key", "Stands beside the access key."),
    Secret(
        "webhook_secret",
        "Webhook secret",
        "A long random text of your own, given to each webhook there as the custom header x-hub-secret.",
        is_required=False,
    ),
)

SETTINGS = (
    *COMMON_SETTINGS,
    Setting(
        "plan",
        "Plan",
        "The account's plan decides how often it may be called, by all software together.",
        kind="choice",
        choices=(
            (DEFAULT_PLAN, "I do not know: 10 in 5 seconds"),
            ("lite", "Lite: 2 in 5 seconds"),
            ("pro", "Pro: 10 in 5 seconds, 10,000 a day"),
            ("super", "Super: 20 in 5 seconds, 100,000 a day"),
            ("basic", "Basic: 10 in 5 seconds"),
            ("standard", "Standard: 15 in 5 seconds"),
            ("enterprise", "Enterprise: 25 in 5 seconds"),
        ),
        default=DEFAULT_PLAN,
    ),
    Setting(
        "task_type_default",
        "Task type",
        "The LeadSquared task type of a task whose own type is not mapped. Empty: Follow-Up, or the account's first to-do type.",
    ),
    Setting(
        "appointment_type_default",
        "Task type with an end time",
        "The appointment type of a task that has an end time. Empty: such a task becomes a to-do as well.",
    ),
    Setting(
        "task_type_map",
        "Task types",
        "Which LeadSquared task type stands for a type of ours, such as call=Phone Call,meeting=Meeting.",
        kind="map",
    ),
)


def _full(note: str, source: str, **more: object) -> Support:
    return Support(Level.FULL, note=note, source=source, read_on=READ_ON, **more)  # type: ignore[arg-type]


def _lossy(note: str, source: str, **more: object) -> Support:
    return Support(Level.LOSSY, note=note, source=source, read_on=READ_ON, **more)  # type: ignore[arg-type]


def _none(note: str, source: str) -> Support:
    return Support(Level.NONE, note=note, source=source, read_on=READ_ON)


_ONE_LINK = "links a task to one record only: its deal if it has one, else its first contact"
_STATUSES = {"in_progress": "open", "waiting": "open", "deferred": "open"}

FIELDS = {
    # Markup-like text was refused on other objects (MXXSSException); that it may be on tasks is assumed, 2026-11.
    Field.TITLE: _lossy("may refuse angle brackets: ‹ and › stand in for them", CREATE, alter=plain),
    Field.BODY: _lossy("may refuse angle brackets: ‹ and › stand in for them", CREATE, alter=plain),
    Field.STATUS: _lossy("knows only open and completed tasks", TASKS, words=_STATUSES),
    Field.PRIORITY: _none("has no priority on tasks", CREATE),
    Field.TYPE: _lossy(
        "knows only the task types of the account: a type that is not mapped gets the default one",
        TYPES,
        is_fixed=True,
    ),
    Field.DUE: _full(
        "holds a moment; a day is sent as the whole day in the account's time zone, and a moment at its midnight with an end is told as one",
        CREATE,
    ),
    # The page on updating shows no EndDate (2026-11): the hub sends it and reads the task back.
    Field.END: _full(
        "calls a task overdue from its end time on; an end that is not after the due time, or the last second of its day, is told as none",
        CREATE,
    ),
    Field.REMINDER: _lossy(
        "keeps one reminder before the due time and tells it again of appointments only; one at the due time is told as none",
        CREATE,
    ),
    Field.NOTIFY: _full("notifies the owner by e-mail, or nobody", CREATE),
    # Who owns a task that was made without an owner is not documented (2026-11); the user of the keys is assumed.
    Field.ASSIGNEE: _full("gives a task without assignee to the user whose keys the hub uses", CREATE),
    Field.QUEUE: _none("has no task queues", CREATE),
    Field.LOCATION: _lossy(
        "keeps a location on appointments only, and only from when they are made", APPOINTMENT, is_fixed=True
    ),
    Field.CONTACTS: _lossy(_ONE_LINK, CREATE, most=1),
    Field.COMPANIES: _none("links tasks to contacts and deals, not to companies", CREATE),
    Field.DEALS: _lossy(_ONE_LINK, CREATE, most=1),
    Field.TICKETS: _none("has no tickets", CREATE),
    Field.EVENTS: _none("has no events to link a task to", CREATE),
    Field.LABELS: _none("links a task without a label", CREATE),
    Field.PINS: _none("pins no tasks", CREATE),
    Field.CREATED: _none("notes its own moment of creation", CREATE),
    Field.COMPLETED: _none("notes its own moment of completion", TASKS),
}


def _yes(note: str, path: str) -> Claim:
    return Claim(holds=True, note=note, source=DOCS + path, read_on=READ_ON)


OPERATIONS = {
    Operation.CREATE: _yes("", "create-a-to-do/"),
    Operation.UPDATE: _yes("The task type and the location cannot be changed.", "update-task/"),
    # No page of the vendor's describes the call (2026-11), and the one on updating cannot complete; integrators do
    # it this way by the thousand.
    Operation.COMPLETE: _yes("By a call that is used widely but not documented.", "update-task/"),
    Operation.REOPEN: Claim(
        holds=False,
        note="LeadSquared's API has no call that reopens a completed task.",
        source=UPDATE,
        read_on=READ_ON,
    ),
    Operation.DELETE: _yes("Deleted some moments after it is asked.", "delete-tasks-in-bulk/"),
    Operation.FETCH: _yes("", "retrieve-tasks/"),
    Operation.FIND: _yes(
        "By the hub's mark in the descriptions of a contact's or an owner's tasks.",
        "retrieve-tasks-by-leadid/",
    ),
    Operation.RESOLVE_CONTACT: _yes("A contact is a lead there.", "get-a-lead-by-email-id/"),
    Operation.CREATE_CONTACT: _yes(
        "E-mail and phone are unique unless the account says otherwise.", "create-a-lead/"
    ),
    Operation.UPDATE_CONTACT: _yes("", "update-a-lead/"),
    Operation.LIST_OWNERS: _yes("", "get-users/"),
    # Not free of gaps: the vendor lists the tasks of one owner at a time and nothing else.
    Operation.LIST_TASKS: _yes(
        "Owner by owner, and not free of gaps: tasks of removed users, tasks in a state that is neither open nor completed, and one that "
        "changes hands while the list is read are missed.",
        "retrieve-tasks/",
    ),
    Operation.LIST_TASKS_OF_CONTACT: _yes(
        "Without those of its deals, and without end, type and moment of change.", "retrieve-tasks-by-leadid/"
    ),
    # No page of the vendor's has tasks by their moment of change (2026-11); sorting an owner's by it is not documented either.
    Operation.LIST_CHANGED: Claim(
        holds=False,
        note="LeadSquared's API does not list tasks by when they were changed.",
        source=TASKS,
        read_on=READ_ON,
    ),
    Operation.LIST_CONTACTS: _yes("By when they were made there.", "search-by-lead-criteria/"),
    Operation.RECEIVE: _yes(
        "By webhooks with a secret in a header, which proves who sends, not what is sent, and does not say when it was sent; nothing "
        "tells of a task that was deleted.",
        "webhooks/",
    ),
}

CAPABILITIES = Capabilities(
    label="LeadSquared",
    hosts=(".leadsquared.com",),
    default_base_url="https://api.leadsquared.com",
    api_version="v2",
    secrets=SECRETS,
    settings=SETTINGS,
    limits=PLANS[DEFAULT_PLAN],
    plans=PLANS,
    fields=FIELDS,
    operations=OPERATIONS,
    # Neither number is documented (2026-11): 10 s is twice what integrators wait before they look for a task that they
    # made, 15 s covers a gateway that goes on after we hung up and the deletion that runs in the background.
    find_lag=timedelta(seconds=10),
    landing=timedelta(seconds=15),
    can_find=True,
    # The bulk calls answer with a request id and never with the ids of the tasks: one call per task it is.
    batch_size=1,
    only_one_of=(Field.DEALS, Field.CONTACTS),
    needs_due=True,
    closes_by_update=False,
)
