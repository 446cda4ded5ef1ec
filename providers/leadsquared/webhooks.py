"""What LeadSquared tells by itself.

Nothing is signed: each webhook carries headers of the account's choice, of which one holds a secret. It proves who sends, not what is
sent and not when, so an event here is a name to fetch and nothing more. An event is told by the query that LeadSquared adds to our
address; what the body of a task's webhook looks like is not documented (2026-11), so its id is looked for wherever it was seen.

Sources: https://apidocs.leadsquared.com/webhooks/, …/webhook-best-practices/, …/create-a-webhook/ (read 2026-11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from providers.errors import Rejected
from providers.events import Change, Delivery, Event, Subject
from providers.leadsquared.moments import moment_of
from providers.leadsquared.payloads import COMPLETED
from providers.sendable import split_address
from providers.signatures import check_shared_secret
from providers.storable import fit_for_storage, json_fit_for_storage
from providers.types import RemoteRef

HEADER = "x-hub-secret"

# `WebhookEvent` → what happened to what. There is none for a task that was deleted.
EVENTS: Mapping[str, tuple[Subject, Change]] = {
    "3": (Subject.CONTACT, Change.CREATED),
    "4": (Subject.CONTACT, Change.UPDATED),
    "5": (Subject.CONTACT, Change.UPDATED),
    "6": (Subject.CONTACT, Change.UPDATED),
    "7": (Subject.TASK, Change.CREATED),
    "8": (Subject.TASK, Change.OTHER),
    "9": (Subject.CONTACT, Change.UPDATED),
    "16": (Subject.TASK, Change.COMPLETED),
    "17": (Subject.TASK, Change.UPDATED),
    "26": (Subject.CONTACT, Change.UPDATED),
}
_IDS = (
    (Subject.TASK, ("UserTaskId", "TaskID", "TaskId")),
    (Subject.CONTACT, ("ProspectID", "ProspectId", "LeadId")),
)
_ENTITIES = {"task": Subject.TASK, "usertask": Subject.TASK, "lead": Subject.CONTACT}


def events_in(delivery: Delivery, *, secret: str) -> tuple[Event, ...]:
    """Return the events of a delivery that carries the secret.

    Raises `InvalidSignature` for any other, and `Rejected` where what it says is not JSON, or neither it nor the query names a record.
    """
    check_shared_secret(delivery.headers.get(HEADER, ""), secret=secret)
    asked = parse_qs(split_address(delivery.url).query)
    query = {name: fit_for_storage(values[0]) for name, values in asked.items()}
    told = _told(delivery.body)
    # What says nothing says the same each time: to fetch once too often is better than to miss a second change.
    said = delivery.body if any(told) else delivery.received_at.isoformat().encode()
    name = hashlib.sha256(said).hexdigest()[:32]
    return tuple(_event(one, query, f"{name}.{at}", alone=len(told) == 1) for at, one in enumerate(told))


def _told(body: bytes) -> list[Mapping[str, Any]]:
    """Return the records in the body: one, or several that LeadSquared put together within a minute; a body of nothing is an empty one."""
    try:
        parsed = json_fit_for_storage(json.loads(body.decode("utf-8-sig").strip() or "null"))
    except (ValueError, RecursionError) as error:
        raise Rejected(
            "LeadSquared's webhook is not JSON; give it the content type application/json there."
        ) from error
    told = parsed if isinstance(parsed, list) and parsed else [parsed or {}]
    if not all(isinstance(one, Mapping) for one in told):
        raise Rejected("LeadSquared's webhook holds something that is no record.")
    return told


def _event(told: Mapping[str, Any], query: Mapping[str, str], name: str, *, alone: bool) -> Event:
    after = told.get("After")
    record: Mapping[str, Any] = after if isinstance(after, Mapping) else told
    # The query speaks of one record; it wins, for a task's record may name its lead as well.
    found = (_asked(query) if alone else None) or _named(record)
    if found is None:
        raise Rejected("LeadSquared's webhook names neither a task nor a contact.")
    subject, id_ = found
    word = query.get("eventType", "")
    return Event(
        # With the record: a thin body may be the same for two of them, and only the query tells which.
        id=".".join(filter(None, [name, id_, word])),
        subject=subject,
        change=_change(subject, told, record, word),
        ref=RemoteRef(id_),
        at=moment_of(record.get("ModifiedOn") or record.get("CreatedOn")),
        name=word,
    )


def _asked(query: Mapping[str, str]) -> tuple[Subject, str] | None:
    subject = _ENTITIES.get(query.get("entityType", "").casefold())
    if subject is None and query.get("entityType") and query.get("entityId"):
        subject = Subject.OTHER
    return (subject, query["entityId"]) if subject and query.get("entityId") else None


def _named(record: Mapping[str, Any]) -> tuple[Subject, str] | None:
    for subject, names in _IDS:
        for name in names:
            if isinstance(record.get(name), str) and record[name].strip():
                return subject, record[name].strip()
    return None


def _change(subject: Subject, told: Mapping[str, Any], record: Mapping[str, Any], word: str) -> Change:
    """Return what happened: what the event's number means, else what can be seen in the record itself."""
    meant, change = EVENTS.get(word, (None, Change.OTHER))
    if meant is subject:
        return change
    if subject is Subject.TASK and str(record.get("StatusCode")) == str(COMPLETED):
        return Change.COMPLETED
    return Change.UPDATED if record is not told else Change.OTHER
