"""Providers of TinyCRM with one mistake each, of the kind that passes a review."""

from __future__ import annotations

import json
from dataclasses import replace

from providers.errors import ProviderError, Unconfirmed
from providers.events import Change, Delivery, Event, Subject
from providers.tests.tinycrm.provider import TinyCrm
from providers.types import Field, HubKey, Page, Person, RemoteContact, RemoteRef, RemoteTask, TaskDraft


class Right(TinyCrm):
    """No mistake: what fails here is a mistake of the suite."""

    code = "right"


class CreatesTwice(TinyCrm):
    """Repeats a create that got no verdict: "it failed, so try again"."""

    code = "creates_twice"

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create, and once more when no answer came."""
        try:
            return super().create_task(draft, key=key)
        except Unconfirmed:
            return super().create_task(draft, key=key)


class IgnoresTheKey(TinyCrm):
    """Looks for a task by its words instead of by the hub key."""

    code = "ignores_the_key"

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return a task of the same title."""
        return next((one for one in self.list_tasks().items if one.holds[Field.TITLE] == draft.title), None)


class DropsAField(TinyCrm):
    """Forgets the body on the way."""

    code = "drops_a_field"

    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task without its body."""
        return super().create_task(replace(draft, body=""), key=key)


class SkipsAPage(TinyCrm):
    """Counts the cursor itself, and counts wrong."""

    code = "skips_a_page"

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return fifty tasks and pass over the next fifty."""
        page = super().list_tasks(cursor)
        return Page(page.items, str(int(page.cursor) + 50) if page.cursor else None)


class ListsWithoutKeys(TinyCrm):
    """Thinks that a key is for looking one task up."""

    code = "lists_without_keys"

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return fifty tasks, without saying whose they are."""
        page = super().list_tasks(cursor)
        return Page(tuple(replace(one, key="") for one in page.items), page.cursor)


class AcceptsAForgery(TinyCrm):
    """Believes whatever has a signature header."""

    code = "accepts_a_forgery"

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the event; nobody has looked at the signature."""
        told = json.loads(delivery.body)
        return (Event(told["id"], Subject.TASK, Change(told["change"]), RemoteRef(told["task"])),)


class LeaksASecret(TinyCrm):
    """Puts what it sent into the error, "to help whoever reads the log"."""

    code = "leaks_a_secret"

    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the contact, or an error that says with which key it was looked for."""
        try:
            return super().resolve_contact(person)
        except ProviderError as error:
            error.detail += f" (with {dict(self.account.secrets)})"
            raise
