"""The values that pass between the four steps of a push: what stands, what is wanted, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from crmhub.models import PushedLink
from crmhub.models.links import NOT_KNOWN
from providers.capabilities import Operation
from providers.projection import Loss, says_something
from providers.types import Canonical, Field, HubKey, Person, RemoteRef, TaskDraft, canonical

CanonicalMap = Mapping[Field, Canonical]


@dataclass(frozen=True)
class LinkState:
    """A link as it stood when it was claimed, without its row."""

    id: UUID
    external_id: str
    external_parent_id: str
    generation: int
    may_land_until: datetime | None
    last_write_at: datetime | None
    ancestor: Mapping[str, Any]
    retired: tuple[RemoteRef, ...]
    failures: int = 0
    deletion_sent: bool = False
    effects: tuple[Mapping[str, Any], ...] = ()
    is_doubted: bool = False  # of a contact: it may not be there any more, or under another id

    @classmethod
    def of(cls, link: PushedLink) -> LinkState:
        """Return the state of the row."""
        return cls(
            id=link.pk,
            external_id=link.external_id,
            external_parent_id=link.external_parent_id,
            generation=link.generation,
            may_land_until=link.may_land_until,
            last_write_at=link.last_write_at,
            ancestor=link.ancestor,
            retired=tuple(RemoteRef(one["id"], one.get("parent_id", "")) for one in link.retired),
            failures=link.failures,
            deletion_sent=link.deletion_sent,
            effects=tuple(getattr(link, "effects", ())),
            is_doubted=link.pushed_version == NOT_KNOWN,
        )

    @property
    def ref(self) -> RemoteRef:
        """Return where the counterpart is."""
        return RemoteRef(self.external_id, self.external_parent_id)

    @property
    def key(self) -> HubKey:
        """Return the hub key of this generation."""
        return HubKey(self.id, self.generation)


@dataclass(frozen=True)
class AwaitedContact:
    """A contact of the task that is not at the CRM yet. `is_coming`: it is being brought there; else `why` says what keeps it."""

    link_id: UUID | None
    name: str
    is_coming: bool
    has_failed: bool
    why: str = ""


@dataclass(frozen=True)
class WantedTask:
    """A task as it should stand at one CRM, read after the claim was won.

    `draft` is what the CRM can hold of it, `whole` the task before anything was left out. `unsent` is what the hub does not know the id of
    there; it is among the `losses` too.
    """

    version: int
    is_deleted: bool
    is_cancelled: bool
    draft: TaskDraft
    losses: tuple[Loss, ...]
    awaited: tuple[AwaitedContact, ...] = ()
    whole: TaskDraft | None = None
    unsent: tuple[Loss, ...] = ()

    @cached_property
    def values(self) -> CanonicalMap:
        """Return the draft, field by field, as answers are compared with it."""
        return canonical(self.draft)

    @cached_property
    def whole_values(self) -> CanonicalMap:
        """Return the whole task in the same way."""
        return self.values if self.whole is None else canonical(self.whole)

    @cached_property
    def says(self) -> frozenset[Field]:
        """Return the fields by which the task says anything, whole or as the CRM can hold it."""
        whole, sent = self.whole_values, self.values
        return frozenset(
            name for name in Field if says_something(name, whole[name]) or says_something(name, sent[name])
        )


@dataclass(frozen=True)
class WantedContact:
    """A contact as it should stand at one CRM. `may_create` and `is_followed` are the connection's rule for contacts."""

    version: int
    person: Person
    may_create: bool
    is_followed: bool


@dataclass(frozen=True)
class Action:
    """What to do with a link; the subclasses are all there is."""


@dataclass(frozen=True)
class Remote(Action):
    """Something to ask of the vendor; `writes` says whether it can change anything there."""

    @property
    def operation(self) -> Operation:
        """Return the vendor's operation that this needs."""
        return OPERATIONS[type(self)]

    @property
    def writes(self) -> bool:
        """Return whether it can change anything there."""
        return not isinstance(self, Look | ReviewContact)


@dataclass(frozen=True)
class Create(Remote):
    """Make the task there."""


@dataclass(frozen=True)
class Look(Remote):
    """Ask whether an earlier create landed."""


@dataclass(frozen=True)
class Update(Remote):
    """Bring these fields there."""

    changed: frozenset[Field] = frozenset()


@dataclass(frozen=True)
class Complete(Remote):
    """Mark it completed there."""


@dataclass(frozen=True)
class Reopen(Remote):
    """Mark it open there."""


@dataclass(frozen=True)
class Delete(Remote):
    """Delete it there."""


@dataclass(frozen=True)
class DeleteRetired(Remote):
    """Delete a counterpart that a re-creation replaced."""

    ref: RemoteRef = field(default_factory=lambda: RemoteRef(""))


@dataclass(frozen=True)
class EstablishContact(Remote):
    """Find the contact there by e-mail or phone, or else create it where that is allowed."""


@dataclass(frozen=True)
class UpdateContact(Remote):
    """Bring the contact's values there."""


@dataclass(frozen=True)
class ReviewContact(Remote):
    """Ask whether the contact is still there: it may have been merged into another one, deleted, or made anew."""


@dataclass(frozen=True)
class Local(Action):
    """Something that ends the claim without a call."""


@dataclass(frozen=True)
class Nothing(Local):
    """All is as it should be; `why` where that is worth a word."""

    why: str = ""
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class WaitUntil(Local):
    """Come back at this moment."""

    moment: datetime
    why: str


@dataclass(frozen=True)
class AwaitContact(Local):
    """Come back when the contact is there."""

    contact_link_id: UUID
    why: str


@dataclass(frozen=True)
class Impossible(Local):
    """The CRM cannot take this; a person must change something. `awaits` is the contact whose arrival would change that."""

    why: str
    code: str = "impossible"
    awaits: UUID | None = None


@dataclass(frozen=True)
class OutcomeUnknown(Local):
    """A create may have landed and nobody can look; a person must."""


@dataclass(frozen=True)
class Recreate(Local):
    """Give up the counterpart and make a new one under the next generation; the old one is deleted afterwards."""

    why: str


OPERATIONS: Mapping[type[Action], Operation] = {
    Create: Operation.CREATE,
    Look: Operation.FIND,
    Update: Operation.UPDATE,
    Complete: Operation.COMPLETE,
    Reopen: Operation.REOPEN,
    Delete: Operation.DELETE,
    DeleteRetired: Operation.DELETE,
    EstablishContact: Operation.CREATE_CONTACT,
    UpdateContact: Operation.UPDATE_CONTACT,
    ReviewContact: Operation.RESOLVE_CONTACT,
}
