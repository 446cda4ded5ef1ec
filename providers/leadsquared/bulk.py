"""Making many tasks with one request, in the background: for a first back-fill, never for the hub's normal road.

The answer names the request and no task. The vendor's page offers a report by mail, the Request History page and a post to an address of
ours, but no call that tells how a request went (looked for 2026-11): the tasks themselves are looked for, by the hub's keys in them.

Source: https://apidocs.leadsquared.com/create-tasks-in-bulk/ (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from providers.errors import NotFound, ProviderError, Unconfirmed, Unsupported
from providers.json_api import JsonApi
from providers.types import HubKey, NewTask, Outcome, RemoteTask, TaskDraft

MOST = 50  # tasks in one request


def create(api: JsonApi, bodies: Sequence[Mapping[str, Any]]) -> str:
    """Ask for the tasks and return LeadSquared's name for the request, "" where it gives none.

    Raises `Unsupported` before the call for more than fifty tasks.
    """
    if len(bodies) > MOST:
        raise Unsupported(
            f"LeadSquared makes at most {MOST} tasks with one request; this one has {len(bodies)}."
        )
    answer = api.call("POST", "/v2/Task.svc/Bulk/Create", json_body={"TaskList": list(bodies)})
    said = answer.json if isinstance(answer.json, Mapping) else {}
    message = said.get("Message")
    message = message if isinstance(message, Mapping) else {}
    if said.get("Status") != "Success" or message.get("IsSuccessful") is False:
        raise Unconfirmed("LeadSquared did not say whether it will make the tasks.", status=answer.status)
    return str(message.get("Id") or "")


def outcomes(
    items: Sequence[NewTask], find: Callable[[HubKey, TaskDraft], RemoteTask | None]
) -> tuple[Outcome, ...]:
    """Return for each item the task that `find` finds; `NotFound` where there is none (yet), and what went wrong in looking."""
    return tuple(_outcome(item, find) for item in items)


def _outcome(item: NewTask, find: Callable[[HubKey, TaskDraft], RemoteTask | None]) -> Outcome:
    try:
        task = find(item.key, item.draft)
    except ProviderError as error:
        return Outcome(error=error)
    if task is not None:
        return Outcome(task=task)
    words = (
        "LeadSquared has not made this task, or not yet; its page Request History says how the request went."
    )
    return Outcome(error=NotFound(words))
