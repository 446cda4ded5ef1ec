"""What HubSpot tells by itself: a delivery is proven by its signature of version 3, then read as hints of what changed.

Versions 1 and 2 of the signature do not say when they were made; a recording of them could be played again, so they prove nothing here.
https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation (read 2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from providers.errors import Rejected
from providers.events import Change, Delivery, Event, Subject
from providers.hubspot.json_shapes import mappings
from providers.signatures import check_hmac, check_recent
from providers.storable import json_fit_for_storage
from providers.types import RemoteRef

SIGNATURE = "x-hubspot-signature-v3"
SENT_AT = "x-hubspot-request-timestamp"
# The escapes that HubSpot undoes in the address before it signs; all others stay.
_UNDONE = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)

TYPES = {"0-27": Subject.TASK, "0-1": Subject.CONTACT}
NAMES = {"task": Subject.TASK, "contact": Subject.CONTACT}
CHANGES = {
    "creation": Change.CREATED,
    "deletion": Change.DELETED,
    "privacyDeletion": Change.DELETED,
    "restore": Change.RESTORED,
    "merge": Change.MERGED,
    "propertyChange": Change.UPDATED,
    "associationChange": Change.UPDATED,
}


def refuse_unproven(delivery: Delivery, secrets: Mapping[str, str]) -> None:
    """Raise `InvalidSignature` unless the delivery is signed with the app's client secret, over this address and body, just now."""
    sent_at = delivery.headers.get(SENT_AT, "").strip()
    check_hmac(
        delivery.headers.get(SIGNATURE, ""),
        secret=(secrets.get("client_secret") or secrets.get("webhook_secret") or "").strip(),
        signed=signed_text(delivery.method, delivery.url, delivery.body, sent_at),
        encoding="base64",
    )
    check_recent(_moment(sent_at), received_at=delivery.received_at)


def signed_text(method: str, url: str, body: bytes, sent_at: str) -> bytes:
    """Return what HubSpot signs: method, address, body and time, with nothing between."""
    address = _UNDONE.sub(lambda escape: unquote(escape.group()), url)
    # Half a character in an address or a header is no reason to fall over: the signature will not fit.
    before, after = (text.encode("utf-8", "surrogatepass") for text in (f"{method}{address}", sent_at))
    return before + body + after


def events_in(delivery: Delivery, *, portal: str) -> tuple[Event, ...]:
    """Return the events of a proven delivery; those of other portals are left out where ours is known. Raises `Rejected`."""
    try:
        told = json_fit_for_storage(json.loads(delivery.body))
    except (ValueError, RecursionError) as error:
        raise Rejected("HubSpot's delivery is not JSON; nothing of it was taken.") from error
    if not isinstance(told, list):
        raise Rejected("HubSpot's delivery is not a list of events; nothing of it was taken.")
    ours = (one for one in mappings(told) if portal in ("", str(one.get("portalId", ""))))
    return tuple(event for one in ours for event in _events(one))


def _events(told: Mapping[str, Any]) -> Iterator[Event]:
    # Some pages call the field `eventType`.
    name = str(told.get("subscriptionType") or told.get("eventType") or "")
    of, _, what = name.partition(".")
    if what == "associationChange":
        yield from _ends(told, of, name)
        return
    change = CHANGES.get(what, Change.OTHER)
    subject = _subject(of, told.get("objectTypeId"))
    if change is Change.MERGED:
        yield from _merged(told, subject, name)
        return
    if (told.get("propertyName"), told.get("propertyValue")) == ("hs_task_status", "COMPLETED"):
        change = Change.COMPLETED
    if (id_ := _id(told.get("objectId"))) != "":
        yield _event(told, subject, change, id_, name)


def _ends(told: Mapping[str, Any], of: str, name: str) -> Iterator[Event]:
    """Yield a change of each of the two records that were associated or are no more."""
    for end in ("from", "to"):
        subject = _subject(of if end == "from" else "", told.get(f"{end}ObjectTypeId"))
        if (id_ := _id(told.get(f"{end}ObjectId"))) != "":
            yield _event(told, subject, Change.UPDATED, id_, name)


def _merged(told: Mapping[str, Any], subject: Subject, name: str) -> Iterator[Event]:
    """Yield for each record that is no more which one lives on: mostly a new one, the primary where accounts keep its id."""
    others = told.get("mergedObjectIds")
    ids = [_id(told.get("primaryObjectId")), *map(_id, others if isinstance(others, list) else ())]
    survivor = _id(told.get("newObjectId")) or ids[0] or _id(told.get("objectId"))
    for id_ in dict.fromkeys(ids):
        if id_ not in ("", survivor):
            yield _event(told, subject, Change.MERGED, id_, name, merged_into=survivor)


def _subject(of: str, type_id: object) -> Subject:
    return TYPES.get(str(type_id)) or NAMES.get(of) or Subject.OTHER


def _event(
    told: Mapping[str, Any], subject: Subject, change: Change, id_: str, name: str, merged_into: str = ""
) -> Event:
    # HubSpot's own id of an event is not unique, and the number of the attempt changes: the event is known by all of these together.
    parts = (told.get("portalId"), name, id_, told.get("propertyName"), told.get("eventId"))
    said = [str(part) for part in (*parts, told.get("occurredAt")) if part not in (None, "")]
    word = f"{name}:{told['propertyName']}" if told.get("propertyName") else name
    at = _moment(_id(told.get("occurredAt")))
    return Event(":".join(said), subject, change, RemoteRef(id_), at, word, merged_into)


def _id(value: object) -> str:
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _moment(milliseconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
