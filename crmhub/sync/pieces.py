"""Claimed links on their way through the four steps: what stands, what is wanted of each, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from crmhub.models import Attempt, Connection, ContactLink, PushedLink, Task
from crmhub.sync.claim import Claim
from crmhub.sync.credentials import limits_of, settings_of
from crmhub.sync.directory import know_owners
from crmhub.sync.gate import PaceGate
from crmhub.sync.mapping import read_contacts, read_tasks, tasks_of
from crmhub.sync.perform import Answered
from crmhub.sync.plan import plan_link
from crmhub.sync.values import Action, LinkState, WantedContact, WantedTask
from crmhub.sync.verdict import Case, Verdict
from providers.capabilities import Level
from providers.errors import ProviderError
from providers.types import Field


@dataclass
class Piece:
    """One link on its way through the four steps."""

    claim: Claim[Any]
    row: PushedLink
    link: LinkState
    wanted: WantedTask | WantedContact
    action: Action
    mark: datetime | None = None
    attempt: Attempt | None = None
    answer: Answered | None = None
    place: tuple[int, int] = (1, 1)  # which item of how many in its request
    call: UUID | None = None  # the link of the first of them
    case: Case = field(init=False)
    verdict: Verdict | None = field(default=None, init=False)
    taken_by: str = field(default="", init=False)  # who has the external id that this link would get
    written: dict[str, Any] | None = field(default=None, init=False)


def planned(claim: Claim[Any], *, now: datetime | None) -> list[Piece]:
    """Return what to do with each link of the claim. Whom its tasks belong to is asked of the vendor where it is not known.

    Where the vendor says to that something which concerns the whole account, the pieces have that for their answer.
    """
    connection = claim.connection
    # Whoever changed these owes the links anew, and may have done both after the account was looked at and before this claim.
    connection.refresh_from_db(fields=["settings", "learned", "switched_off"])
    tasks = _tasks(claim)
    refusal = _know_owners(connection, claim, tasks, now=now)
    # As of the claim: that moment is kept with the attempt, and an earlier one can only make a link wait.
    moment = now or claim.at
    wanted = _read(connection, claim, tasks)
    settings = settings_of(connection)
    pieces = []
    for row in claim.links:
        link = LinkState.of(row)
        action = plan_link(
            link,
            wanted[row.pk],
            capabilities=connection.capabilities,
            settings=settings,
            switched_off=connection.switched_off,
            now=moment,
        )
        answer = None if refusal is None else Answered(error=refusal)
        pieces.append(Piece(claim, row, link, wanted[row.pk], action, answer=answer))
    return pieces


def _tasks(claim: Claim[Any]) -> dict[UUID, Task]:
    return {} if claim.kind[1] is ContactLink else tasks_of(claim.links)


def _read(
    connection: Connection, claim: Claim[Any], tasks: Mapping[UUID, Task]
) -> dict[UUID, WantedTask] | dict[UUID, WantedContact]:
    if claim.kind[1] is ContactLink:
        return read_contacts(connection, claim.links)
    return read_tasks(connection, claim.links, tasks=tasks)


def _know_owners(
    connection: Connection, claim: Claim[Any], tasks: Mapping[UUID, Task], *, now: datetime | None
) -> ProviderError | None:
    """Make sure that the owners of the claimed tasks are known there; returns an error that concerns the whole account."""
    is_held = connection.capabilities.supports(Field.ASSIGNEE).level is not Level.NONE
    users = {task.assignee_id for task in tasks.values() if task.assignee_id is not None}
    if not users or not is_held:
        return None
    gate = PaceGate(connection.pk, limits_of(connection), lane=claim.lane, window=claim.window, now=now)
    return know_owners(connection, users, gate=gate, now=claim.at)
