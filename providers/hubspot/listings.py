"""Reading what a HubSpot account holds, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from providers.errors import Rejected
from providers.hubspot.account import AccountCalls
from providers.hubspot.payloads import from_moment
from providers.hubspot.reading import PLURALS, TASK, TASKS
from providers.hubspot.records import Filter, search
from providers.types import Page, RemoteRef, RemoteTask

MOST = 100  # tasks on one page of a listing, and in one batch of reads
MODIFIED = "hs_lastmodifieddate"
LARGEST_PAGE = 200  # results on one page of a search


class ListingCalls(AccountCalls):
    """Tasks, all of them, a contact's, or those that changed."""

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return a hundred of the live tasks with their associations, in the order of their ids. One call."""
        query = {
            "limit": MOST,
            "properties": ",".join(self._reader.wanted),
            "associations": PLURALS,
            "archived": "false",
        }
        told, following = self._client.page(TASKS, query, cursor)
        # An answer leaves out `associations` where a task has none: they were asked for, so that is told.
        tasks = tuple(self._reader.task({"associations": {}, **one}) for one in told if one.get("id"))
        return Page(tasks, following)

    def list_tasks_of_contact(self, contact: RemoteRef, cursor: str | None = None) -> Page[RemoteTask]:
        """Return up to a hundred of the contact's live tasks, without their associations. Two calls; they do not lag as search does."""
        path = f"/crm/v4/objects/0-1/{quote(contact.id, safe='')}/associations/{TASK}"
        told, following = self._client.page(path, {"limit": MOST}, cursor, budget="associations")
        ids = list(dict.fromkeys(str(one["toObjectId"]) for one in told if one.get("toObjectId")))
        tasks = map(self._reader.task, self._client.read_batch("tasks", ids, self._reader.wanted))
        # Answers to a batch come in any order.
        return Page(tuple(sorted(tasks, key=lambda task: (len(task.ref.id), task.ref.id))), following)

    def list_changed(self, since: datetime, cursor: str | None = None) -> Page[RemoteTask]:
        """Return up to two hundred tasks changed at or after the moment, oldest first, without their associations. One search.

        Every page is a search of its own from the last change seen, so neither the 10,000 results that HubSpot shows of one search end it, nor
        does a task that changes meanwhile move another one past the page. Search is behind by seconds: ask from a little before.
        """
        window = Window.read(cursor) if cursor else Window(_milliseconds(since))
        found, following = self._client.search_page("tasks", window.search(self._reader.wanted))
        tasks = tuple(map(self._reader.task, found))
        return Page(tasks, window.following(found, has_more=bool(following)))


class Window:
    """Where a listing of changes stands: at a moment, and where more tasks share that moment than fill a page, behind an id in it."""

    def __init__(self, at: int, after_id: str = "") -> None:
        """`at` is in milliseconds since 1970, the finest that HubSpot keeps; `after_id` "" stands before the moment."""
        self.at = at
        self.after_id = after_id

    @classmethod
    def read(cls, cursor: str) -> Window:
        """Return the window that a cursor stands for. Raises `Rejected` for a text that is none of ours."""
        at, _, after_id = cursor.partition("/")
        if not (at.isascii() and at.isdecimal() and (after_id or "0").isdecimal()):
            raise Rejected("That is not a place in a listing of HubSpot's changes; begin anew.")
        return cls(int(at), after_id)

    def search(self, properties: list[str]) -> dict[str, Any]:
        """Return the body of the search for the next page."""
        changed: Filter = (MODIFIED, "EQ" if self.after_id else "GTE", str(self.at))
        filters = [changed, ("hs_object_id", "GT", self.after_id)] if self.after_id else [changed]
        by = "hs_object_id" if self.after_id else MODIFIED
        body = search([filters], [*properties, "hs_object_id"], limit=LARGEST_PAGE)
        return {**body, "sorts": [{"propertyName": by, "direction": "ASCENDING"}]}

    def following(self, found: list[Mapping[str, Any]], *, has_more: bool) -> str | None:
        """Return the cursor behind this page, None when there is nothing more."""
        if self.after_id:
            return f"{self.at}/{found[-1]['id']}" if has_more and found else str(self.at + 1)
        if not has_more or not found:
            return None
        last = _modified(found[-1])
        # A whole page of one moment: from here on by id, from the first, for which of them were shown is chance.
        return str(last) if last > self.at else f"{self.at}/0"


def _modified(told: Mapping[str, Any]) -> int:
    properties = told.get("properties")
    value = properties.get(MODIFIED) if isinstance(properties, Mapping) else None
    moment = from_moment(value or told.get("updatedAt"))
    return 0 if moment is None else _milliseconds(moment)


def _milliseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
