"""What HighLevel can hold and do, and what it asks for; each claim with its source."""

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
from providers.highlevel.apps import OAUTH
from providers.highlevel.payloads import tidy
from providers.highlevel.webhooks import ED25519_KEY, RSA_KEY
from providers.types import Field

READ_ON = date(2026, 11, 22)
DOCS = "https://marketplace.gohighlevel.com/docs/ghl"
CREATE_TASK = f"{DOCS}/contacts/create-task"
UPDATE_TASK = f"{DOCS}/contacts/update-task"
TASK_SEARCH = f"{DOCS}/locations/task-search-filter"
CONTACT_SEARCH = f"{DOCS}/contacts/search-contacts-advanced"
RATE_LIMITS = "https://marketplace.gohighlevel.com/docs/oauth/Faqs"
WEBHOOKS = "https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide"

DEFAULT_API_VERSION = "2021-07-28"
DEFAULT_APP_URL = "https://app.gohighlevel.com"


def _held(note: str = "", source: str = CREATE_TASK) -> Support:
    return Support(Level.FULL, note=note, source=source, read_on=READ_ON)


def _lost(note: str, source: str = CREATE_TASK) -> Support:
    return Support(Level.NONE, note=note, source=source, read_on=READ_ON)


def _can(source: str, note: str = "") -> Claim:
    return Claim(True, note=note, source=source, read_on=READ_ON)


_FIELDS = {
    Field.TITLE: _held(),
    Field.BODY: Support(
        Level.FULL,
        note="drops blank space at the end of a text; our key is its last line there, visible to its users",
        source=CREATE_TASK,
        read_on=READ_ON,
        alter=tidy,
    ),
    Field.STATUS: Support(
        Level.LOSSY,
        note="knows open and completed only",
        source=CREATE_TASK,
        read_on=READ_ON,
        words={"in_progress": "open", "waiting": "open", "deferred": "open"},
    ),
    Field.DUE: _held("demands a due moment; a day becomes 09:00 in the sub-account's own time zone"),
    # Taking an assignee off is not documented; the type is a string, so an empty one is sent (to be
    # settled with the first live account, noted 2026-11-22). The answer tells whether it was taken.
    Field.ASSIGNEE: _held(
        "takes users of this sub-account only; whether one can be taken off again is not documented"
    ),
    Field.CONTACTS: Support(
        Level.LOSSY,
        note="files a task under one contact: only the first is given, and another first one means a new task there",
        source=CREATE_TASK,
        read_on=READ_ON,
        most=1,
    ),
    Field.PRIORITY: _lost("has no priorities"),
    Field.TYPE: _lost("has no task types"),
    Field.END: _lost("has no end of a task, only when it is due"),
    Field.REMINDER: _lost("takes no reminders; the hub reminds"),
    Field.NOTIFY: _lost("decides by itself whom it notifies"),
    Field.QUEUE: _lost("has no queues"),
    Field.LOCATION: _lost("has no place on a task"),
    Field.COMPANIES: _lost("knows a task's company through its contact only"),
    Field.DEALS: _lost(
        "ties no opportunity to a task by its API",
        "https://github.com/GoHighLevel/highlevel-api-docs/issues/219",
    ),
    Field.TICKETS: _lost("has no tickets"),
    Field.EVENTS: _lost("ties no appointment to a task"),
    Field.LABELS: _lost("ties a task to its contact without a label"),
    Field.PINS: _lost("pins nothing to a contact"),
    Field.CREATED: _lost("notes by itself when a task was made"),
    Field.COMPLETED: _lost("does not tell when a task was completed"),
}

_OPERATIONS = {
    Operation.CREATE: _can(CREATE_TASK),
    Operation.UPDATE: _can(UPDATE_TASK, "changes only what it is given"),
    Operation.COMPLETE: _can(f"{DOCS}/contacts/update-task-completed"),
    Operation.REOPEN: _can(f"{DOCS}/contacts/update-task-completed"),
    Operation.DELETE: _can(f"{DOCS}/contacts/delete-task", "cannot restore a deleted task"),
    Operation.FETCH: _can(f"{DOCS}/contacts/get-task", "does not tell when a task was changed"),
    Operation.FIND: _can(
        TASK_SEARCH, "is asked for the contact's tasks, then for tasks of that title; the key is in the text"
    ),
    Operation.RESOLVE_CONTACT: _can(CONTACT_SEARCH),
    Operation.CREATE_CONTACT: _can(
        f"{DOCS}/contacts/create-contact", "has no job titles and takes one e-mail and one phone"
    ),
    Operation.UPDATE_CONTACT: _can(
        f"{DOCS}/contacts/update-contact", "does not let a contact's company be changed"
    ),
    Operation.LIST_OWNERS: _can(f"{DOCS}/users/get-user-by-location"),
    Operation.LIST_TASKS: _can(
        TASK_SEARCH,
        "lists tasks by its search, a hundred at a time and some seconds late; each tells when it was changed",
    ),
    Operation.LIST_TASKS_OF_CONTACT: _can(
        f"{DOCS}/contacts/get-all-tasks",
        "lists a contact's tasks all at once, without telling when they were changed",
    ),
    Operation.LIST_CHANGED: Claim(
        False,
        "neither sorts nor filters tasks by when they were changed: all are listed, and each tells it",
        TASK_SEARCH,
        READ_ON,
    ),
    Operation.LIST_CONTACTS: _can(
        CONTACT_SEARCH, "lists contacts by its search, a hundred at a time and some seconds late"
    ),
    Operation.RECEIVE: _can(
        WEBHOOKS,
        "tells apps, not private integrations, of tasks made, completed and deleted, never of one that was changed or reopened",
    ),
}

CAPABILITIES = Capabilities(
    label="HighLevel",
    hosts=("services.leadconnectorhq.com",),
    default_base_url="https://services.leadconnectorhq.com",
    api_version=DEFAULT_API_VERSION,
    secrets=(
        Secret(
            "token",
            "Private integration token",
            "Made in the sub-account under Settings → Private Integrations, with the scopes contacts.readonly, contacts.write, "
            "users.readonly, locations.readonly and locations/tasks.readonly. Agency tokens do not work here.",
        ),
    ),
    settings=(
        Setting(
            "location_id",
            "Sub-account id",
            "The id after /location/ in the address of the sub-account's pages.",
            is_required=True,
            names_account=True,
        ),
        Setting(
            "api_version",
            "API version",
            "Sent with every request; the task and contact calls are the same in both, and v3 searches for users where the other lists them.",
            kind="choice",
            choices=((DEFAULT_API_VERSION, "2021-07-28"), ("v3", "v3")),
            default=DEFAULT_API_VERSION,
        ),
        Setting(
            "app_url",
            "Address of the screens",
            "What links to a contact begin with; another one for a white-label account.",
            default=DEFAULT_APP_URL,
        ),
        Setting(
            "webhook_key",
            "Key of the webhooks",
            "HighLevel's public key (Ed25519) that deliveries are checked with; another one when HighLevel renews it.",
            default=ED25519_KEY,
        ),
        Setting(
            "old_webhook_key",
            "Old key of the webhooks",
            "HighLevel's public key (RSA) for deliveries that carry the old signature only.",
            default=RSA_KEY,
        ),
        Setting(
            "old_signature",
            "Deliveries with the old signature only",
            "HighLevel gave it up on 2026-07-01 and still sends it; a delivery that carries the new one is never judged by the old.",
            kind="choice",
            choices=(("accept", "are accepted"), ("refuse", "are refused")),
            default="accept",
        ),
        *COMMON_SETTINGS,
    ),
    # The day begins with its first request there, as recorded answers show it: whichever day it is, a sliding one is never exceeded.
    limits=(
        Limit(100, 10.0, left_in="x-ratelimit-remaining"),
        Limit(
            200_000,
            86_400.0,
            left_in="x-ratelimit-daily-remaining",
            anew_in="x-ratelimit-daily-reset",
        ),
    ),
    fields=_FIELDS,
    operations=_OPERATIONS,
    # No lag of a contact's own task list was ever reported; contact search is known to lag, the task
    # search is assumed to. Ten seconds is our margin (unconfirmed, 2026-11-22).
    find_lag=timedelta(seconds=10),
    # Recorded task writes took about 2 s on the vendor's side.
    landing=timedelta(seconds=15),
    needs_one_of=(Field.CONTACTS,),
    filed_under=Field.CONTACTS,
    needs_due=True,
    oauth=OAUTH,
)
