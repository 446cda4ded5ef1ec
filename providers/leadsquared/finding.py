"""Looking for a task of ours by the hub's key in its description: LeadSquared has no search for it, so listings are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from providers.errors import Rejected
from providers.json_api import JsonApi
from providers.leadsquared import answers, moments, payloads
from providers.leadsquared.account import APPOINTMENT, TODO, Rules
from providers.types import TaskDraft

WINDOW = (timedelta(days=50), timedelta(days=49))  # around the due date; a listing takes at most 100 days
LISTINGS = {TODO: "RetrieveToDos", APPOINTMENT: "RetrieveAppointments"}


def tasks_of_lead(api: JsonApi, lead: str) -> list[Mapping[str, Any]]:
    """Return the rows of a lead's tasks, each saying whose it is; fixed columns, no paging.

    Source: https://apidocs.leadsquared.com/retrieve-tasks-by-leadid/ (read 2026-11).
    """
    answer = api.call("GET", "/v2/LeadManagement.svc/RetrieveTaskByLeadId", query={"leadId": lead})
    return [
        {"RelatedEntity": payloads.LEAD, "RelatedEntityId": lead, **record}
        for record in answers.rows_in(answer, "TaskList")
    ]


def tasks_of_draft(api: JsonApi, draft: TaskDraft) -> Iterator[Mapping[str, Any]]:
    """Return the tasks of the lead that the draft points at, none where it points at a deal or at nobody."""
    if draft.deals or not draft.contacts:
        return
    try:
        yield from tasks_of_lead(api, draft.contacts[0].ref.id)
    except Rejected:
        return  # a lead that was merged or deleted; its tasks still show among their owner's


def tasks_around(
    api: JsonApi, draft: TaskDraft, rules: Rules, *, owners: Sequence[str], page_size: int
) -> Iterator[Mapping[str, Any]]:
    """Return the tasks of these owners, by e-mail, in the window around the draft's due date.

    Source: https://apidocs.leadsquared.com/get-to-dos-by-email-address/ (read 2026-11).
    """
    category = rules.category_of(draft)
    middle = moments.span_of(draft, rules.zone)[0].date()
    asked = {
        "FromDate": (middle - WINDOW[0]).isoformat(),
        "ToDate": (middle + WINDOW[1]).isoformat(),
        "Users": list(owners),
    }
    for kind in (TODO, APPOINTMENT):
        if category in (None, kind):
            path = f"/v2/Task.svc/{LISTINGS[kind]}/ByUserEmailAddress"
            yield from _all_pages(api, path, asked, page_size)


def _all_pages(
    api: JsonApi, path: str, asked: Mapping[str, object], page_size: int
) -> Iterator[Mapping[str, Any]]:
    """Return the tasks of all pages; `RecordCount` is how many there are in all."""
    page, seen = 1, set[str]()
    while True:
        body = {**asked, "Paging": {"PageIndex": page, "PageSize": page_size}}
        answer = api.call("POST", path, json_body=body, writes=False)
        rows = [row for row in answers.rows_in(answer, "List") if str(row.get("UserTaskId")) not in seen]
        yield from rows
        page, seen = page + 1, seen | {str(row.get("UserTaskId")) for row in rows}
        count = answers.object_in(answer).get("RecordCount")
        if not rows or (isinstance(count, int) and len(seen) >= count):
            return
