"""What each CRM would get next for a task: the exact requests, without sending or writing anything.

It plans as a push does and lets the real provider speak to a transport that ends before the network. Each operation shows the first request it
would make; where another one depends on an answer, that is said in words, and ordinary chains go on with a stand-in for the id to come.
It is of one task: that others would travel in the same call is said, and what they bring along is not shown.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from crmhub.clock import database_now
from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection, ContactLink, OwnerLink, Task, TaskLink
from crmhub.models.links import OFF
from crmhub.sync.claim import landing_of
from crmhub.sync.credentials import settings_of
from crmhub.sync.directory import FRESH
from crmhub.sync.dry import DryRequest, first_request
from crmhub.sync.mapping import read_contacts, read_tasks
from crmhub.sync.outlook import as_replayed, is_owed, why_not_now
from crmhub.sync.perform import Item, ask
from crmhub.sync.plan import plan_contact, plan_task
from crmhub.sync.success import succeeded
from crmhub.sync.values import (
    Action,
    AwaitContact,
    Create,
    Delete,
    DeleteRetired,
    EstablishContact,
    LinkState,
    Look,
    Nothing,
    Recreate,
    Remote,
    Update,
    WantedTask,
)
from crmhub.sync.verdict import Case, new_generation
from providers.base import Provider
from providers.capabilities import Level
from providers.errors import ProviderError
from providers.types import ASSOCIATIONS, Field, RemoteRef, RemoteTask

LONGEST_CHAIN = 10  # steps; an ordinary task takes up to four
ABOUT_ASSOCIATIONS = frozenset({*ASSOCIATIONS, Field.LABELS, Field.PINS})
THEN_MORE = "then, depending on the answer:"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """One operation. `condition` says when it comes about, where that is open; `request` is its first one; `then` what may follow, in words."""

    what: str
    request: DryRequest | None = None
    condition: str = ""
    then: str = ""


@dataclass(frozen=True)
class Preview:
    """What one CRM would get. `notes` say why it gets nothing, or not now; `steps` come in this order."""

    connection: Connection
    notes: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()


def preview_task(
    task: Task, *, connection: Connection | None = None, now: datetime | None = None
) -> list[Preview]:
    """Return, for each CRM that the task goes to, or for this one, what it would get next. Reads only; calls nobody and leaves no trace."""
    moment = now or database_now()
    links = TaskLink.objects.filter(task=task).select_related("connection", "task")
    if connection is not None:
        links = links.filter(connection=connection)
    rows = links.order_by("connection__provider", "connection__name")
    return [_Walk(link, now=moment).preview() for link in rows]


@dataclass
class _Walk:
    """Goes ahead from one link's present state, each time taking for granted that the step before went well."""

    link: TaskLink
    now: datetime
    words: dict[str, str] = field(default_factory=dict)
    arrivals: dict[UUID, str] = field(default_factory=dict)
    owners: dict[Any, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.connection = self.link.connection
        self.can = self.connection.capabilities

    def preview(self) -> Preview:
        """Return the notes and the steps."""
        self.notes = list(why_not_now(self.link, self.now))
        if not is_owed(self.link):
            return Preview(self.connection, tuple(self.notes))
        steps: list[Step] = []
        try:
            steps += self._steps()
        except SecretsUnreadable as error:
            self.notes.append(str(error))
        if steps and self._travels_with_others():
            self.notes.append(
                f"Other tasks are due there now: {self.can.label} takes up to {self.can.batch_size} with which the same is to be done in one "
                "call. Shown is what goes out for this task by itself."
            )
        return Preview(self.connection, tuple(self.notes), tuple(steps))

    def _travels_with_others(self) -> bool:
        due = TaskLink.objects.filter(connection=self.connection, due_at__lte=self.now)
        others = due.exclude(pk=self.link.pk).exclude(sync_status__in=OFF)
        return self.can.batch_size > 1 and others.exists()

    def _steps(self) -> Iterator[Step]:
        state = as_replayed(self.link)
        is_assignee_known = False
        for _ in range(LONGEST_CHAIN):
            wanted = self._wanted()
            action = self._plan(state, wanted)
            if isinstance(action, AwaitContact):
                contact = ContactLink.objects.select_related("contact").get(pk=action.contact_link_id)
                yield from self._contact_steps(contact)
                if contact.pk not in self.arrivals:
                    return
                continue
            if not is_assignee_known:
                is_assignee_known = True
                if (step := self._owners_step()) is not None:
                    yield step
                    continue
            if isinstance(action, Recreate):
                self.notes.append(f"{action.why} It is made anew there, and the old one is deleted.")
                state = _after(state, new_generation(self._case(state, wanted, action), keep_old=True))
                continue
            if not isinstance(action, Remote):
                self.notes += [_said(action)] if _said(action) else []
                return
            yield self._step(state, wanted, action)
            state = self._after(state, wanted, action)

    def _wanted(self) -> WantedTask:
        read = read_tasks(self.connection, [self.link], arrivals=self.arrivals, owners_found=self.owners)
        return read[self.link.pk]

    def _plan(self, state: LinkState, wanted: WantedTask) -> Action:
        return plan_task(
            state,
            wanted,
            capabilities=self.can,
            settings=settings_of(self.connection),
            switched_off=self.connection.switched_off,
            now=self.now,
        )

    def _stand_in(self, what: str) -> str:
        """Return a text that stands for an id until it is known. Letters and digits alone come through every encoding as they are."""
        text = f"IDTOCOME{len(self.words)}X"
        self.words[text] = f"{{id {self.can.label} gives {what}}}"
        return text

    # One step

    def _step(self, state: LinkState, wanted: WantedTask, action: Remote) -> Step:
        what = f"{str(action.operation).capitalize()} the task"
        if isinstance(action, Look):
            return self._asked(
                "Look whether an earlier create of the task landed",
                lambda provider: ask(provider, Item(state, wanted, action)),
                then=f"{THEN_MORE} further look-ups; what is found is brought up to date, and what is not found is created as follows.",
            )
        if isinstance(action, Update):
            names = ", ".join(str(name) for name in Field if name in action.changed)
            what = f"Update the task: {names}"
        if isinstance(action, DeleteRetired):
            what = f"Delete the task {action.ref.id}, which another one replaced"
        step = self._asked(what, lambda provider: ask(provider, Item(state, wanted, action)))
        if step.request is None or step.request.writes or not action.writes:
            return step
        return dataclasses.replace(step, then=self._rest(state, wanted, action))

    def _rest(self, state: LinkState, wanted: WantedTask, action: Remote) -> str:
        """Return in words what follows a look with which a write begins; what can be told of it, told."""
        said = f"{THEN_MORE} the requests that change what differs."
        if not isinstance(action, Update) or not action.changed - ABOUT_ASSOCIATIONS:
            return said
        plain = Update(action.changed - ABOUT_ASSOCIATIONS)
        step = self._asked("", lambda provider: ask(provider, Item(state, wanted, plain)))
        if step.request is None:
            return said
        return f"{THEN_MORE} the associations that differ; then {step.request.method} {step.request.url} {step.request.body}"

    def _asked(
        self, what: str, call: Callable[[Provider], object], *, condition: str = "", then: str = ""
    ) -> Step:
        try:
            request = first_request(self.connection, call, words=self.words)
        except ProviderError as error:
            return Step(what, condition=condition, then=f"Nothing is sent: {error.detail}")
        except SecretsUnreadable:
            raise  # told for the whole account
        except Exception:
            # A fault of ours in one provider must not take the page with all the others down.
            log.exception("provider_failed: preview")
            return Step(what, condition=condition, then="The hub failed to work this out; its log says how.")
        return Step(what, request, condition, then if request else "It takes no request.")

    def _owners_step(self) -> Step | None:
        """Return the look-up of the CRM's users, where it is not known who the assignee is there."""
        user = self.link.task.assignee
        if user is None or self.can.supports(Field.ASSIGNEE).level is Level.NONE:
            return None
        known = OwnerLink.objects.filter(connection=self.connection, user=user).first()
        if known is not None and known.checked_at > self.now - FRESH:
            return None
        if known is None and user.email:
            self.owners[user.pk] = self._stand_in(f"to {user.email}")
        return self._asked(
            f"Read who {user} is at {self.can.label}",
            lambda provider: provider.list_owners(),
            then=f"{THEN_MORE} further pages. Without a user of that e-mail the task is unassigned there.",
        )

    def _contact_steps(self, link: ContactLink) -> Iterator[Step]:
        wanted = read_contacts(self.connection, [link])[link.pk]
        action = plan_contact(LinkState.of(link), wanted, capabilities=self.can, now=self.now)
        if not isinstance(action, EstablishContact):
            self.notes.append(f"The contact {link.contact} comes first. {_said(action)}".strip())
            return
        name, person, key = str(link.contact), wanted.person, LinkState.of(link).key
        yield self._asked(
            f"Look for the contact {name}",
            lambda provider: provider.resolve_contact(person),
            then=f"{THEN_MORE} look-ups by what else is known of the contact.",
        )
        if not wanted.may_create:
            self.arrivals[link.pk] = self._stand_in(f"the contact {name}")
            return
        yield self._asked(
            f"Create the contact {name}",
            lambda provider: provider.create_contact(person, key=key),
            condition="If nobody is found:",
        )
        self.arrivals[link.pk] = self._stand_in(f"the contact {name}")

    # What comes after a step that went well

    def _after(self, state: LinkState, wanted: WantedTask, action: Remote) -> LinkState:
        told: RemoteTask | None = None
        if isinstance(action, Create):
            parents = getattr(wanted.draft, self.can.filed_under) if self.can.filed_under else ()
            told = RemoteTask(RemoteRef(self._stand_in("the task"), parents[0].ref.id if parents else ""))
        elif not isinstance(action, Look | Delete | DeleteRetired):
            told = RemoteTask(state.ref)
        return _after(state, succeeded(self._case(state, wanted, action), told).changes)

    def _case(self, state: LinkState, wanted: WantedTask, action: Action) -> Case:
        return Case(
            link=state,
            wanted=wanted,
            action=action,
            answer=None,
            is_owed=False,
            previous_mark=state.may_land_until,
            mark=None,
            first_failed_at=None,
            sent_at=self.now,
            ended_at=self.now,
            now=self.now,
            capabilities=self.can,
            settings=settings_of(self.connection),
            switched_off=self.connection.switched_off,
            landing=landing_of(self.connection),
        )


def _after(state: LinkState, changes: Any) -> LinkState:
    known = {one.name for one in dataclasses.fields(LinkState)}
    kept = {name: value for name, value in changes.items() if name in known}
    if "retired" in kept:
        kept["retired"] = tuple(RemoteRef(one["id"], one["parent_id"]) for one in kept["retired"])
    return dataclasses.replace(state, **kept)


def _said(action: Action) -> str:
    if isinstance(action, Nothing):
        return action.why
    return (
        str(getattr(action, "why", ""))
        or "No answer came when the task was created, and the CRM cannot be asked: look there."
    )
