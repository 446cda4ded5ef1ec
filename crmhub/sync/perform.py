"""Asking the vendor: the third step. Threads that only speak HTTP; no transaction is open and no row is touched here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Protocol
from uuid import UUID

from crmhub.models import Connection
from crmhub.sync.credentials import limits_of, provider_for
from crmhub.sync.gate import PaceGate, SendWindow, SpareGate
from crmhub.sync.readback import Opened, read_back
from crmhub.sync.values import (
    Complete,
    Create,
    Delete,
    DeleteRetired,
    EstablishContact,
    LinkState,
    Look,
    Remote,
    Reopen,
    ReviewContact,
    Update,
    UpdateContact,
    WantedContact,
    WantedTask,
)
from providers.base import Provider
from providers.capabilities import Capabilities
from providers.errors import NotFound, NotSent, ProviderError, Transient, Unconfirmed
from providers.http import Gate, Recorder
from providers.types import (
    RECORD_FIELDS,
    Exchange,
    Field,
    Linked,
    NewTask,
    RemoteContact,
    RemoteRef,
    RemoteTask,
    TaskChange,
    TaskDraft,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """One link with what is wanted of it and what is to be done."""

    link: LinkState
    wanted: WantedTask | WantedContact
    action: Remote


@dataclass(frozen=True)
class Answered:
    """How one item ended: what the vendor holds now, or the error; None and None is a success without content.

    `started` and `ended` are the local monotonic times of the call; `ask_again_in` the seconds until its slot, if it was not sent.
    `read_back` is what a second look directly after a write told, for the fields that its answer left out; `looks` how that went over the wire.
    """

    remote: RemoteTask | RemoteContact | None = None
    error: ProviderError | None = None
    exchanges: tuple[Exchange, ...] = ()
    started: float = 0.0
    ended: float = 0.0
    ask_again_in: float | None = None
    read_back: RemoteTask | None = None
    looks: tuple[Exchange, ...] = ()


@dataclass
class Call:
    """One call of the provider, for one item or for a batch of the same kind. Its slot lies `delay` seconds after `reserved_at` (monotonic)."""

    items: list[Item]
    delays: list[float] = field(default_factory=list)
    reserved_at: float = 0.0
    answers: dict[UUID, Answered] = field(default_factory=dict)


def cost_of(item: Item) -> int:
    """Return how many slots an operation should have before it begins, so that it is not stopped half-way and begun again from nothing.

    Finding a contact takes a request by e-mail and one by phone, creating it another.
    """
    if isinstance(item.action, EstablishContact) and isinstance(item.wanted, WantedContact):
        return 1 + bool(item.wanted.person.email) + bool(item.wanted.person.phone)
    return 1


def group(items: Sequence[Item], *, batch_size: int, closes_by_update: bool) -> list[Call]:
    """Return the calls that these items take: one each, or one for all of a kind where the vendor has batches."""
    if batch_size == 1:
        return [Call([item]) for item in items]
    batches: dict[str, Call] = {}
    calls: list[Call] = []
    for item in items:
        kind = _batch_of(item.action, closes_by_update)
        if not kind:
            calls.append(Call([item]))
        elif kind in batches and len(batches[kind].items) < batch_size:
            batches[kind].items.append(item)
        else:
            batches[kind] = Call([item])
            calls.append(batches[kind])
    return calls


def _batch_of(action: Remote, closes_by_update: bool) -> str:
    if isinstance(action, Create):
        return "create"
    if isinstance(action, Update) or (closes_by_update and isinstance(action, Complete | Reopen)):
        return "update"
    if isinstance(action, Delete | DeleteRetired):
        return "delete"
    if isinstance(action, Look):
        return "look"
    return ""


def perform(
    connection: Connection,
    call: Call,
    *,
    lane: int,
    window: SendWindow,
    is_quiet: bool = False,
    now: datetime | None = None,
) -> None:
    """Make the call and put each item's answer into it. Touches no row, so it may run in a thread.

    The slots of its first requests are reserved already (`Call.delays`). `is_quiet`: nobody else needs the rate, so a single write may be looked at afterwards.
    """
    limits = limits_of(connection)

    def opened(gate: Gate) -> tuple[Provider, Recorder]:
        return provider_for(connection, gate=gate)

    gate = PaceGate(
        connection.pk,
        limits,
        lane=lane,
        window=window,
        reserved=call.delays,
        reserved_at=call.reserved_at or None,
        now=now,
    )
    make_call(call, opened, gate)
    if is_quiet:
        spare = SpareGate(connection.pk, limits, window=window, now=now)
        look_back(call, opened, spare, can=connection.capabilities)


class AskingGate(Gate, Protocol):
    """A gate that says when to come back, where it let nothing pass."""

    ask_again_in: float | None


def make_call(call: Call, opened: Opened, gate: AskingGate) -> None:
    """Make one call and put each item's answer into it."""
    recorder: Recorder | None = None
    started = time.monotonic()
    try:
        provider, recorder = opened(gate)
        answers = _ask(provider, call.items)
        if len(answers) != len(call.items):
            raise ValueError(f"{len(answers)} answers to {len(call.items)} items")
    except ProviderError as error:
        answers = [Answered(error=error)] * len(call.items)
    except Exception:
        log.exception("provider_failed: %s", call.items[0].action)
        unforeseen = _unforeseen(call.items[0].action, recorder.exchanges if recorder else ())
        answers = [Answered(error=unforeseen)] * len(call.items)
    ended = time.monotonic()
    for item, answer in zip(call.items, answers, strict=True):
        call.answers[item.link.id] = Answered(
            remote=answer.remote,
            error=answer.error,
            exchanges=tuple(recorder.exchanges if recorder else ()),
            started=started,
            ended=ended,
            ask_again_in=gate.ask_again_in if isinstance(answer.error, NotSent) else None,
        )


def look_back(call: Call, opened: Opened, gate: Gate, *, can: Capabilities) -> None:
    """Look once more at the task of a call for one, where its answer left out what was asked; adds to its answer what was told."""
    if len(call.items) > 1:
        return
    [item] = call.items
    answer = call.answers[item.link.id]
    if not isinstance(answer.remote, RemoteTask) or not isinstance(item.wanted, WantedTask):
        return
    seen, looks = read_back(opened, item.link, item.wanted, item.action, answer.remote, gate=gate, can=can)
    call.answers[item.link.id] = replace(answer, read_back=seen, looks=looks)


def _unforeseen(action: Remote, exchanges: Sequence[Exchange]) -> ProviderError:
    """Return what an error of our own means: if a write may have gone out, its outcome is unknown."""
    detail = "An error in the hub itself; it is in the log, and a change of the code is due."
    return Unconfirmed(detail) if action.writes and exchanges else Transient(detail)


def _ask(provider: Provider, items: Sequence[Item]) -> list[Answered]:
    if len(items) > 1:
        return _ask_batch(provider, items)
    return [Answered(remote=ask(provider, items[0]))]


def ask(provider: Provider, item: Item) -> RemoteTask | RemoteContact | None:
    """Make the provider's one call for this item; raises any `ProviderError`."""
    return _ASK[type(item.action)](provider, item)


def _ask_batch(provider: Provider, items: Sequence[Item]) -> list[Answered]:
    action = items[0].action
    if isinstance(action, Create):
        outcomes = provider.create_tasks([NewTask(_draft(item), item.link.key) for item in items])
    elif isinstance(action, Look):
        outcomes = provider.find_tasks([NewTask(_sent(item), item.link.key) for item in items])
    elif isinstance(action, Delete | DeleteRetired):
        outcomes = provider.delete_tasks([_target(item) for item in items])
    else:
        outcomes = provider.update_tasks(
            [TaskChange(item.link.ref, _draft(item), _changed(item), item.link.key) for item in items]
        )
    return [Answered(remote=outcome.task, error=outcome.error) for outcome in outcomes]


def _draft(item: Item) -> Any:
    return item.wanted.draft if isinstance(item.wanted, WantedTask) else None


def _sent(item: Item) -> TaskDraft:
    return as_sent(_draft(item), item.link.ancestor)


def as_sent(draft: TaskDraft, sent: Mapping[str, Any]) -> TaskDraft:
    """Return the draft as it was when the create went out (`sent` is its canonical form), with later associations behind the sent ones."""
    if not sent:
        return draft
    due = sent.get(Field.DUE)
    linked: dict[str, Any] = {
        str(name): (
            *(Linked(RemoteRef(one)) for one in sent.get(name) or ()),
            *(one for one in getattr(draft, name) if one.ref.id not in (sent.get(name) or ())),
        )
        for name in (Field.CONTACTS, *RECORD_FIELDS)
    }
    return replace(
        draft,
        title=sent.get(Field.TITLE, draft.title),
        due=_moment(due) if due else None,
        assignee=sent.get(Field.ASSIGNEE, draft.assignee),
        **linked,
    )


def _moment(text: str) -> date | datetime:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _person(item: Item) -> Any:
    return item.wanted.person if isinstance(item.wanted, WantedContact) else None


def _target(item: Item) -> Any:
    return item.action.ref if isinstance(item.action, DeleteRetired) else item.link.ref


def _changed(item: Item) -> frozenset[Field]:
    return item.action.changed if isinstance(item.action, Update) else frozenset({Field.STATUS})


def _establish(provider: Provider, item: Item) -> RemoteContact:
    try:
        return provider.resolve_contact(_person(item))
    except NotFound:
        if isinstance(item.wanted, WantedContact) and not item.wanted.may_create:
            raise
    return provider.create_contact(_person(item), key=item.link.key)


def _review(provider: Provider, item: Item) -> RemoteContact:
    """Return the contact as it is there now, by its id or else by its e-mail or phone. Raises `NotFound`."""
    try:
        return provider.fetch_contact(item.link.ref)
    except NotFound:
        found = provider.resolve_contact(_person(item))
        if found.ref.id == item.link.external_id:
            raise  # a look-up that still shows what is gone
        return found


_ASK: dict[type[Remote], Callable[[Provider, Item], RemoteTask | RemoteContact | None]] = {
    Create: lambda provider, item: provider.create_task(_draft(item), key=item.link.key),
    Look: lambda provider, item: provider.find_task(item.link.key, _sent(item)),
    Update: lambda provider, item: provider.update_task(
        item.link.ref, _draft(item), changed=_changed(item), key=item.link.key
    ),
    Complete: lambda provider, item: provider.complete_task(item.link.ref, done_at=_draft(item).completed_at),
    Reopen: lambda provider, item: provider.reopen_task(item.link.ref),
    Delete: lambda provider, item: provider.delete_task(_target(item)),
    DeleteRetired: lambda provider, item: provider.delete_task(_target(item)),
    EstablishContact: _establish,
    ReviewContact: _review,
    UpdateContact: lambda provider, item: provider.update_contact(item.link.ref, _person(item)),
}
