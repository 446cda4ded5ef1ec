"""What a vendor tells by itself: a delivery as it arrived, and the events in it once it is proven to be the vendor's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from providers.types import RemoteRef


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook request as it arrived, before anything is believed.

    `url` is the whole address that the vendor was given and called, query included: some sign it. Header names are in lower case. `body`
    is the bytes as sent; a signature is never checked over JSON that was read and written again.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime
    method: str = "POST"


class Subject(StrEnum):
    """What an event is about."""

    TASK = "task"
    CONTACT = "contact"
    ACCOUNT = "account"
    OTHER = "other"


class Change(StrEnum):
    """What happened to it."""

    CREATED = "created"
    UPDATED = "updated"
    COMPLETED = "completed"
    DELETED = "deleted"
    RESTORED = "restored"
    MERGED = "merged"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Event:
    """A hint that something changed there; the truth is what a fetch tells afterwards.

    `id` names the event at the vendor and is the same when it is delivered again; made from the body where the vendor names none.
    `merged_into` is the survivor of a merge. `at` is when it happened, None where the vendor does not say. `name` is the vendor's word.
    """

    id: str
    subject: Subject
    change: Change
    ref: RemoteRef
    at: datetime | None = None
    name: str = ""
    merged_into: str = ""
