"""The interface that every CRM implements: one account at one vendor, called with the hub's values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, TypeVar

from providers.capabilities import Capabilities
from providers.errors import ProviderError, RateLimited, Unauthorized, Unsupported
from providers.events import Delivery, Event
from providers.http import Transport
from providers.oauth import Tokens
from providers.types import (
    Account,
    Field,
    HubKey,
    Identity,
    NewTask,
    Outcome,
    Owner,
    Page,
    Person,
    RecordKind,
    RemoteContact,
    RemoteRecord,
    RemoteRef,
    RemoteTask,
    TaskChange,
    TaskDraft,
)

Item = TypeVar("Item")


class Provider(ABC):
    """One account at one CRM. Every method may raise any `ProviderError`; none sleeps, retries or keeps state.

    Drafts arrive already projected by the capabilities (`providers.projection.project`): what the vendor cannot hold is empty in
    them. Answers are told in the hub's values, and only what the vendor really said: a 2xx is not proof.
    """

    code: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def __init__(self, account: Account, transport: Transport) -> None:
        """Keep the account and the transport; opens nothing and checks nothing."""
        self.account = account
        self.transport = transport

    # The account

    @abstractmethod
    def check(self) -> Identity:
        """Return who we are there, by the cheapest authenticated call."""

    def prepare(self) -> Mapping[str, object]:
        """Make the account ready for the hub (a custom property, a time zone) and return the facts to keep.

        Called when a connection is made and by `doctor`; may be repeated. What is returned comes back as `Account.learned`.
        """
        return {}

    # Tasks

    @abstractmethod
    def create_task(self, draft: TaskDraft, *, key: HubKey) -> RemoteTask:
        """Create the task, with the key on it wherever the vendor can hold it."""

    @abstractmethod
    def update_task(
        self, ref: RemoteRef, draft: TaskDraft, *, changed: frozenset[Field], key: HubKey
    ) -> RemoteTask:
        """Bring the fields in `changed` to what the draft says; the others are left alone."""

    @abstractmethod
    def complete_task(self, ref: RemoteRef, *, done_at: datetime | None) -> RemoteTask:
        """Mark the task completed. One that is completed already is not an error."""

    def reopen_task(self, ref: RemoteRef) -> RemoteTask:
        """Mark the task open again. One that is open already is not an error."""
        raise Unsupported(f"{self.capabilities.label} cannot reopen a completed task.")

    @abstractmethod
    def delete_task(self, ref: RemoteRef) -> None:
        """Delete the task.

        Raises `NotFound` when it is gone already: whether that is a success is the engine's to decide. A vendor that answers alike
        for both raises nothing.
        """

    @abstractmethod
    def fetch_task(self, ref: RemoteRef) -> RemoteTask:
        """Return the task as it stands there. Raises `NotFound` when it is gone."""

    def find_task(self, key: HubKey, draft: TaskDraft) -> RemoteTask | None:
        """Return the task that carries exactly this key, or None: "did my create land?"

        Deleted tasks and those of other generations do not count. The draft tells where to look (its contact, its due date).
        """
        raise Unsupported(f"{self.capabilities.label} cannot be asked for a task of ours.")

    # Listings: a page and the cursor for the next one; None as cursor begins, and ends. They may repeat an item and never skip one that
    # is there all the time; what comes or goes meanwhile may be missed.

    def list_tasks(self, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the account's live tasks, whoever made them, each with the hub key that lies on it: the way back when the hub loses its links."""
        raise Unsupported(f"{self.capabilities.label} does not list its tasks.")

    def list_tasks_of_contact(self, contact: RemoteRef, cursor: str | None = None) -> Page[RemoteTask]:
        """Return the contact's live tasks, whoever made them."""
        raise Unsupported(f"{self.capabilities.label} does not list a contact's tasks.")

    def list_changed(self, since: datetime, cursor: str | None = None) -> Page[RemoteTask]:
        """Return tasks changed at or after the moment, oldest change first."""
        raise Unsupported(f"Changes made in {self.capabilities.label} are not read.")

    # People and records

    def list_owners(self) -> tuple[Owner, ...]:
        """Return the users that a task can be assigned to."""
        raise Unsupported(f"{self.capabilities.label} does not list its users.")

    @abstractmethod
    def resolve_contact(self, person: Person) -> RemoteContact:
        """Return the vendor's contact for this person, by e-mail first, then by phone; names are never enough.

        Raises `NotFound` when neither is known there and `Ambiguous` when several contacts share it.
        """

    @abstractmethod
    def create_contact(self, person: Person, *, key: HubKey) -> RemoteContact:
        """Create the contact. One that exists already (the vendor says which) is returned as it is, not made twice."""

    @abstractmethod
    def update_contact(self, ref: RemoteRef, person: Person) -> RemoteContact:
        """Bring the contact's names, e-mail, phone, company and job title to what the person says.

        What the person lacks is emptied or left as it is, as the vendor lets us; where it is left, the claim's note says so.
        """

    @abstractmethod
    def fetch_contact(self, ref: RemoteRef) -> RemoteContact:
        """Return the contact as it stands there. Raises `NotFound` when it is gone."""

    def list_contacts(self, cursor: str | None = None) -> Page[RemoteContact]:
        """Return the account's contacts."""
        raise Unsupported(f"{self.capabilities.label} does not list its contacts.")

    def find_records(self, kind: RecordKind, text: str) -> tuple[RemoteRecord, ...]:
        """Return the companies, deals, tickets or events whose name or id fits the text."""
        raise Unsupported(f"{self.capabilities.label} is not searched for a {kind}.")

    # What the vendor tells by itself

    def receive(self, delivery: Delivery) -> tuple[Event, ...]:
        """Return the events in a delivery that is proven to come from the vendor; calls nobody.

        Raises `InvalidSignature` before anything in it is believed, and `Rejected` where what is proven cannot be read.
        """
        raise Unsupported(f"{self.capabilities.label} tells nothing by itself.")

    # Letting an app in; only where `capabilities.oauth` says so

    def exchange_code(self, code: str, *, redirect_uri: str, verifier: str = "") -> Tokens:
        """Return the tokens for the code that staff came back with. Raises `Unauthorized` for one that is used, old or another app's."""
        raise Unsupported(f"{self.capabilities.label} lets no app in this way.")

    def refresh_tokens(self) -> Tokens:
        """Return new tokens for the refresh token in the account's secrets.

        Raises `Unauthorized` when it is used or revoked. `Unconfirmed` is worse where tokens rotate: the old one may be used up.
        """
        raise Unsupported(f"{self.capabilities.label} lets no app in this way.")

    # Batches: one outcome per item, in the order asked. A vendor without batches keeps these.

    def create_tasks(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Create several tasks."""
        return _one_by_one(items, lambda item: self.create_task(item.draft, key=item.key))

    def update_tasks(self, items: Sequence[TaskChange]) -> tuple[Outcome, ...]:
        """Update several tasks."""
        return _one_by_one(
            items, lambda item: self.update_task(item.ref, item.draft, changed=item.changed, key=item.key)
        )

    def find_tasks(self, items: Sequence[NewTask]) -> tuple[Outcome, ...]:
        """Return which of these tasks landed: as `find_task`, an outcome without a task for one that is not there."""
        return _one_by_one(items, lambda item: self.find_task(item.key, item.draft))

    def delete_tasks(self, refs: Sequence[RemoteRef]) -> tuple[Outcome, ...]:
        """Delete several tasks; the outcome of one that is gone already is `NotFound` where the vendor tells."""
        return _one_by_one(refs, self.delete_task)


def _one_by_one(items: Sequence[Item], call: Callable[[Item], RemoteTask | None]) -> tuple[Outcome, ...]:
    """Call for each item; an error that concerns the whole account is the outcome of all that follow, unsent."""
    outcomes: list[Outcome] = []
    stopped: ProviderError | None = None
    for item in items:
        if stopped is not None:
            outcomes.append(Outcome(error=stopped))
            continue
        try:
            outcomes.append(Outcome(task=call(item)))
        except (RateLimited, Unauthorized) as error:
            stopped = error
            outcomes.append(Outcome(error=error))
        except ProviderError as error:
            outcomes.append(Outcome(error=error))
    return tuple(outcomes)
