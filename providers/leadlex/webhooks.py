"""What LeadLex tells by itself: proving that a delivery is the workspace's, and reading the events in it; pure.

Source: https://docs.leadlex.com/webhooks and …/api-reference/events/catalog (read 2026-11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from providers.errors import InvalidSignature, Rejected
from providers.events import Change, Delivery, Event, Subject
from providers.leadlex.payloads import moment_in
from providers.signatures import check_hmac, check_recent
from providers.storable import json_fit_for_storage
from providers.types import RemoteRef

SIGNATURE = "x-leadlex-signature"
_PREFIX = "sha256="

# An event is tried again after 5 s, 30 s, 5 min, 1 h and 6 h, with the time of the event in it. The header with the time of the
# delivery is no part of what is signed: whoever plays a recording again can write there what he likes.
RETRIED_FOR = timedelta(hours=8)

_SUBJECTS = {"task": Subject.TASK, "contact": Subject.CONTACT}
_CHANGES = {
    "created": Change.CREATED,
    "bulk_created": Change.CREATED,
    # There is no word for completing; `task.approved` and `task.dismissed` say what became of a task: it is fetched either way.
    "updated": Change.UPDATED,
    "bulk_updated": Change.UPDATED,
    "approved": Change.UPDATED,
    "dismissed": Change.UPDATED,
    "deleted": Change.DELETED,
    "merged": Change.MERGED,
}
# How a merge names who is left and who is gone is not documented; the call that merges is (…/api-reference/bulk/contacts-merge).
_SURVIVOR = ("primary_id", "primary_contact_id", "contact_id")
_RETIRED = ("duplicate_ids", "merged_ids", "duplicate_contact_ids")


def events_in(delivery: Delivery, *, secret: str) -> tuple[Event, ...]:
    """Return the events of a delivery that is proven to be signed with this secret; one for each record that it names.

    Raises `InvalidSignature` for a signature that does not fit the bytes and for a time, inside the signed body, that is more than eight
    hours off: the vendor has given up trying by then. Raises `Rejected` where what is proven cannot be read.
    """
    signature = delivery.headers.get(SIGNATURE, "").strip()
    if not signature.startswith(_PREFIX):
        raise InvalidSignature(f"Not proven to come from the CRM: {SIGNATURE} does not begin with {_PREFIX}.")
    check_hmac(signature.removeprefix(_PREFIX), secret=secret, signed=delivery.body)
    body = _read(delivery.body)
    name = str(body.get("event") or body.get("type") or "")
    at = moment_in(body.get("timestamp") or body.get("created_at"))
    check_recent(at, received_at=delivery.received_at, tolerance=RETRIED_FOR)
    if not name:
        raise Rejected("LeadLex signed a delivery that names no event.")
    return _events(name, body.get("data"), id_=_id_of(body, delivery.body), at=at)


def _read(raw: bytes) -> Mapping[str, Any]:
    try:
        body = json_fit_for_storage(json.loads(raw.decode("utf-8")))
    except (ValueError, RecursionError) as error:
        raise Rejected("LeadLex signed a delivery that is not JSON.") from error
    if not isinstance(body, Mapping):
        raise Rejected("LeadLex signed a delivery that is no event.")
    return body


def _id_of(body: Mapping[str, Any], raw: bytes) -> str:
    """Return the event's id; the older envelope has none, and the id of a delivery may be another one at each attempt."""
    return str(body.get("id") or f"body-{hashlib.sha256(raw).hexdigest()[:32]}")


def _events(name: str, data: Any, *, id_: str, at: datetime | None) -> tuple[Event, ...]:
    kind, _, word = name.partition(".")
    subject, change = _SUBJECTS.get(kind, Subject.OTHER), _CHANGES.get(word, Change.OTHER)
    if change is Change.MERGED and (merged := _merged(data)):
        survivor, gone = merged
        return tuple(
            Event(f"{id_}:{one}", subject, change, RemoteRef(one), at, name, merged_into=survivor)
            for one in gone
        )
    ids = _ids_in(data, kind)
    if len(ids) == 1:
        return (Event(id_, subject, change, RemoteRef(ids[0]), at, name),)
    if not ids and subject is not Subject.OTHER:
        raise Rejected(f"LeadLex told of {name} without saying which {kind}.")
    if not ids:
        return (Event(id_, subject, change, RemoteRef(""), at, name),)
    return tuple(Event(f"{id_}:{one}", subject, change, RemoteRef(one), at, name) for one in ids)


def _ids_in(data: Any, kind: str) -> tuple[str, ...]:
    """Return the ids of the records told of: one under its kind, or many in a list; each once."""
    plural = {"company": "companies", "activity": "activities"}.get(kind, f"{kind}s")
    if isinstance(data, Mapping):
        many = data.get(plural, data.get("items"))
        found = many if isinstance(many, list) else [data.get(kind, data)]
    else:
        found = data if isinstance(data, list) else []
    ids = [one.get("id") if isinstance(one, Mapping) else one for one in found]
    return tuple(dict.fromkeys(str(one) for one in ids if isinstance(one, (str, int)) and one))


def _merged(data: Any) -> tuple[str, tuple[str, ...]] | None:
    """Return who is left and who is gone, None where the delivery does not say both."""
    if not isinstance(data, Mapping):
        return None
    survivor = next((data[name] for name in _SURVIVOR if data.get(name)), None)
    survivor = survivor or next(iter(_ids_in(data.get("contact"), "contact")), None)
    gone = next((data[name] for name in _RETIRED if isinstance(data.get(name), list)), None)
    return (str(survivor), tuple(str(one) for one in gone)) if survivor and gone else None
