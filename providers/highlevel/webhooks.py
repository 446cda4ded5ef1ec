"""What HighLevel tells a marketplace app: the proof that it does, and the events in it; pure.

One delivery is one event: a flat JSON object with `type`, `locationId` and the record's fields, and in every one that was recorded live
(2026-03 to 2026-08; the pages of single events leave them out) `timestamp`, `webhookId` and `appId`. `X-GHL-Signature` is an Ed25519 signature over
the body; `X-WH-Signature`, RSA with SHA-256, is the one before it (deprecated 2026-07-01) and may say `N/A`. The keys are the
vendor's, the same for every app, so a delivery must also be about our sub-account.

Source: https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide, and for `appId` the vendor's own code:
https://github.com/GoHighLevel/highlevel-api-sdk, lib/webhook/webhook-manager.ts (read 2026-11).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from providers.errors import InvalidSignature, Rejected
from providers.events import Change, Delivery, Event, Subject
from providers.highlevel.payloads import moment_of, text_of
from providers.signatures import check_ed25519, check_recent, check_rsa
from providers.storable import json_fit_for_storage
from providers.types import Account, RemoteRef

STRONG, WEAK = "x-ghl-signature", "x-wh-signature"
NO_SIGNATURE = ("", "N/A")
# What was not taken is sent up to twelve times with growing pauses, and by hand after that, each time as it was: an honest delivery may
# be days old. What comes twice is known by its id.
SENT_AGAIN_FOR = timedelta(days=3)

ED25519_KEY = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg="
RSA_KEY = (
    "MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSC"
    "Frm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6"
    "dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB"
    "csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpv"
    "uxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF"
    "3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU"
    "J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXp"
    "IocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzN"
    "h/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC"
    "HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJ"
    "PQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAyk"
    "T1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ=="
)

KNOWN: Mapping[str, tuple[Subject, Change]] = {
    "TaskCreate": (Subject.TASK, Change.CREATED),
    "TaskComplete": (Subject.TASK, Change.COMPLETED),
    "TaskDelete": (Subject.TASK, Change.DELETED),
    "ContactCreate": (Subject.CONTACT, Change.CREATED),
    "ContactUpdate": (Subject.CONTACT, Change.UPDATED),
    "ContactDelete": (Subject.CONTACT, Change.DELETED),
    "ContactDndUpdate": (Subject.CONTACT, Change.UPDATED),
    "ContactTagUpdate": (Subject.CONTACT, Change.UPDATED),
    "INSTALL": (Subject.ACCOUNT, Change.CREATED),
    "UNINSTALL": (Subject.ACCOUNT, Change.DELETED),
}


def events_in(delivery: Delivery, account: Account) -> tuple[Event, ...]:
    """Return the event in a delivery that is proven to come from HighLevel and to be about this account.

    Raises `InvalidSignature` where it is not, or where the event is old, names no moment or another app than ours, and `Rejected` for a
    proven body that is no event.
    """
    _prove(delivery, account.settings)
    told = _read(delivery.body)
    sent_at = moment_of(told.get("timestamp"))
    check_recent(sent_at, received_at=delivery.received_at, tolerance=SENT_AGAIN_FOR)
    _require_ours(told, account)
    return (_event(told, delivery.body),)


def pem_of(key: str) -> str:
    """Return a public key as PEM, whether it was given so, in one line, or without the lines around it."""
    text = re.sub(r"-----(BEGIN|END) PUBLIC KEY-----|\s+", "", key)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def _prove(delivery: Delivery, settings: Mapping[str, object]) -> None:
    strong, weak = delivery.headers.get(STRONG), delivery.headers.get(WEAK, "").strip()
    if strong is not None:  # a wrong one is not made good by the other
        key = str(settings.get("webhook_key") or ED25519_KEY)
        check_ed25519(strong, public_key=pem_of(key), signed=delivery.body)
        return
    if weak in NO_SIGNATURE:
        raise InvalidSignature("Not proven to come from the CRM: it carries no signature.")
    if settings.get("old_signature") == "refuse":
        raise InvalidSignature("Not proven to come from the CRM: it carries the old signature only.")
    key = str(settings.get("old_webhook_key") or RSA_KEY)
    check_rsa(weak, public_key=pem_of(key), signed=delivery.body)


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        told = json_fit_for_storage(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise Rejected("HighLevel sent an event that cannot be read: it is not JSON.") from error
    if not isinstance(told, Mapping) or not text_of(told, "type"):
        raise Rejected("HighLevel sent an event that does not say what happened.")
    return told


def _require_ours(told: Mapping[str, Any], account: Account) -> None:
    location = str(account.settings.get("location_id") or "").strip()
    company = str(account.learned.get("company_id") or "")
    is_ours = (
        text_of(told, "locationId") == location
        if text_of(told, "locationId")
        else text_of(told, "companyId") == company
    )
    if not is_ours or not (text_of(told, "locationId") or company):
        raise InvalidSignature("Not proven to be about this account: it names another one, or none.")
    # The keys are the vendor's and sign for every app there: another app in the same sub-account could hand its own deliveries on.
    app = str(account.secrets.get("client_id") or "").partition("-")[0]
    if app and text_of(told, "appId") != app:
        raise InvalidSignature("Not proven to be meant for this app: it names another one, or none.")


def _event(told: Mapping[str, Any], body: bytes) -> Event:
    name = text_of(told, "type")
    subject, change = KNOWN.get(name, (Subject.OTHER, Change.OTHER))
    if subject is Subject.ACCOUNT:
        ref = RemoteRef(text_of(told, "locationId") or text_of(told, "companyId"))
    else:
        # Live `TaskCreate`s were seen without `contactId` (2026-09): the task is then looked for when it is fetched.
        ref = RemoteRef(text_of(told, "id"), text_of(told, "contactId") if subject is Subject.TASK else "")
    if subject is not Subject.OTHER and not ref.id:
        raise Rejected(f"HighLevel sent a {name} that does not say of what.")
    return Event(
        id=text_of(told, "webhookId") or f"sha256:{hashlib.sha256(body).hexdigest()}",
        subject=subject,
        change=change,
        ref=ref,
        at=moment_of(told.get("timestamp")),
        name=name,
    )
