"""What an attempt keeps: what went over the wire, as it is shown, and all that it was planned and decided from.

`intent` is written with the attempt, before anything is sent; `settled` once the answer is there. What came over the wire stands in `request`
and `response`; `settled` has only what a reader need not see of it. No credentials are in any of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings as hub_settings

from crmhub.models import Connection
from crmhub.sync.perform import Answered
from crmhub.sync.plain import plain, restored_fields
from crmhub.sync.values import LinkState, WantedContact, WantedTask
from providers.keeping import KEPT_OF_A_BODY, digest
from providers.types import Exchange, TaskDraft

if TYPE_CHECKING:
    from crmhub.sync.pieces import Piece

# Characters of JSON. Of a column that is longer a digest is kept: enough to compare it, and it stands on the link anyway.
LONGEST_COLUMN = 80
_HEAD = re.compile(r"(no answer|\d{3}) after \d+ ms\n?")


@dataclass(frozen=True)
class Intent:
    """From what a link was planned; the moment is the attempt's `started_at`. `beyond` is what the task says and the CRM cannot hold."""

    link: LinkState
    task: WantedTask | None = None
    contact: WantedContact | None = None
    beyond: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    learned: Mapping[str, Any] = field(default_factory=dict)
    switched_off: Mapping[str, str] = field(default_factory=dict)
    base_url: str = ""
    zone: str = ""

    @property
    def wanted(self) -> WantedTask | WantedContact:
        """Return what was wanted."""
        if self.task is None:
            assert self.contact is not None
            return self.contact
        beyond = restored_fields(TaskDraft, self.beyond)
        return replace(self.task, whole=replace(self.task.draft, **beyond))


def intent_of(connection: Connection, link: LinkState, wanted: WantedTask | WantedContact) -> Any:
    """Return, as JSON, from what this link is planned."""
    # Most lines of what is there say little: what is empty in them is so by default.
    said = tuple({name: one for name, one in row.items() if one} for row in link.effects)
    if isinstance(wanted, WantedContact):
        subject: dict[str, Any] = {"contact": wanted}
    else:
        subject = {"task": replace(wanted, whole=None), "beyond": _beyond(wanted)}
    intent = Intent(
        link=replace(link, effects=said),
        settings=connection.settings,
        learned=connection.learned,
        switched_off=connection.switched_off,
        base_url=connection.base_url,
        zone=hub_settings.HUB_TIME_ZONE,
        **subject,
    )
    return plain(intent)


def _beyond(wanted: WantedTask) -> dict[str, Any]:
    whole, draft = wanted.whole or wanted.draft, wanted.draft
    if whole == draft:
        return {}
    names = [one.name for one in fields(TaskDraft)]
    return {name: getattr(whole, name) for name in names if getattr(whole, name) != getattr(draft, name)}


@dataclass(frozen=True)
class Kept:
    """One answer, beside the `block` of so many characters in `response`: what was cut off its body, and what nobody has to read.

    `error` and `detail` stand where no answer came. `asked` is a digest of a request body that was cut. `is_whole` is False where the answer
    cannot be played again. `digest` is that of the whole answer.
    """

    block: int
    digest: str
    rest: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    detail: str = ""
    asked: str = ""
    is_whole: bool = True


@dataclass(frozen=True)
class Settled:
    """From what an attempt was decided beside intent and answer, and what was written: the columns of the link.

    The names are those of `Case`. `columns` is None where the claim had been lost. Of a batch, `call` names the link of its first item, whose
    attempt alone has the `answers`; the last `looks` of them are those of a look after the write.
    """

    now: datetime
    sent_at: datetime
    ended_at: datetime
    landing_s: float
    status_before: str
    mark: datetime | None = None
    first_failed_at: datetime | None = None
    linger_s: float = 0.0
    is_owed: bool = False
    is_renewed: bool = False
    is_forgotten: bool = False
    ask_again_in: float | None = None
    taken_by: str = ""
    place: tuple[int, ...] = (1, 1)
    call: UUID | None = None
    answers: tuple[Kept, ...] = ()
    looks: int = 0
    columns: Mapping[str, Any] | None = None


def settled_of(piece: Piece) -> Any:
    """Return, as JSON, from what this piece was decided, and what was written."""
    case, answer = piece.case, piece.answer or Answered()
    is_first = piece.place[0] == 1
    settled = Settled(
        now=case.now,
        sent_at=case.sent_at,
        ended_at=case.ended_at,
        landing_s=case.landing.total_seconds(),
        linger_s=case.linger.total_seconds(),
        status_before=case.status_before,
        mark=case.mark,
        first_failed_at=case.first_failed_at,
        is_owed=case.is_owed,
        is_renewed=case.is_renewed,
        is_forgotten=case.is_forgotten,
        ask_again_in=answer.ask_again_in,
        taken_by=piece.taken_by,
        place=piece.place,
        call=piece.call if piece.place[1] > 1 else None,
        answers=tuple(map(_kept, _exchanges(answer))) if is_first else (),
        looks=len(answer.looks),
        columns=None if piece.written is None else shortened(piece.written),
    )
    return plain(settled)


def shortened(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns as JSON, a digest in place of each that is long."""
    return {name: _short(value) for name, value in columns.items()}


def _short(value: Any) -> Any:
    if not value or not isinstance(value, str | list | dict):
        return plain(value)
    text = json.dumps(value, sort_keys=True, default=plain)
    return plain(value) if len(text) <= LONGEST_COLUMN else f"digest {digest(text)}"


# What went over the wire


def shown(answer: Answered, place: tuple[int, ...]) -> tuple[str, str, int | None]:
    """Return request, answer and status as an attempt keeps them; of a batch, the first item's attempt has the bodies.

    A look after a write is shown behind it; the status is the write's.
    """
    is_first = place[0] == 1
    asked = [_asked(one, place) for one in _exchanges(answer)]
    answered = [_block(one) if is_first else _head(one) for one in _exchanges(answer)]
    status = answer.exchanges[-1].status if answer.exchanges else None
    return "\n\n".join(asked), "\n\n".join(answered), status


def _exchanges(answer: Answered) -> Sequence[Exchange]:
    return (*answer.exchanges, *answer.looks)


def _asked(one: Exchange, place: tuple[int, ...]) -> str:
    number, of = place
    line = f"{one.method} {one.url}" + (f" (item {number} of {of})" if of > 1 else "")
    return f"{line}\n{one.request_body}".rstrip() if number == 1 else line


def _head(one: Exchange) -> str:
    return f"{one.status or 'no answer'} after {one.milliseconds} ms"


def _block(one: Exchange) -> str:
    return f"{_head(one)}\n{one.response_body}".rstrip()


def _kept(one: Exchange) -> Kept:
    return Kept(
        block=len(_block(one)),
        digest=_digest(one.status, one.response_body.rstrip(), one.rest, one.headers, one.error, one.detail),
        rest=one.rest,
        headers=one.headers,
        error=one.error,
        detail=one.detail,
        asked=one.request_digest,
        is_whole=one.is_whole,
    )


def _digest(*told: Any) -> str:
    return digest(json.dumps(told, sort_keys=True))


@dataclass(frozen=True)
class Told:
    """One answer as it came: None as status where none did. `is_as_kept` is False where somebody changed it since."""

    status: int | None
    body: str
    kept: Kept
    is_as_kept: bool


def answers_in(response: str, kept: Sequence[Kept]) -> Iterator[Told]:
    """Yield the answers that stand in what an attempt shows, whole again."""
    at = 0
    for one in kept:
        block = response[at : at + one.block]
        at += one.block + len("\n\n")
        head = _HEAD.match(block)
        if head is None:
            yield Told(None, "", one, is_as_kept=False)
            continue
        status = int(head[1]) if head[1].isdigit() else None
        body = block[head.end() :]
        digest_now = _digest(status, body, one.rest, dict(one.headers), one.error, one.detail)
        # Blanks at the end of a block were not kept; before a rest they belong there.
        whole = body.ljust(KEPT_OF_A_BODY) + one.rest if one.rest else body
        yield Told(status, whole, one, is_as_kept=digest_now == one.digest)
