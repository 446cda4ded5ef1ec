"""What the simulated portal sends by itself: events as HubSpot writes them, in deliveries that are signed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from providers.simulator.webhooks import Webhook

PORTAL_ID = 4711
APP_ID = 1160452
MOST_EVENTS = 100  # in one delivery
# What HubSpot undoes in the address before it signs.
UNDONE = {
    "%3A": ":",
    "%2F": "/",
    "%3F": "?",
    "%40": "@",
    "%21": "!",
    "%24": "$",
    "%27": "'",
    "%28": "(",
    "%29": ")",
    "%2A": "*",
    "%2C": ",",
    "%3B": ";",
}


def stamped(event: Mapping[str, Any], now: datetime, chance: random.Random) -> dict[str, Any]:
    """Return an event with what HubSpot puts around each."""
    return {
        "eventId": chance.randint(1, 4_000_000_000),
        "subscriptionId": 25,
        "portalId": PORTAL_ID,
        "appId": APP_ID,
        "occurredAt": round(now.timestamp() * 1000),
        "attemptNumber": 0,
        "changeSource": "INTEGRATION",
        "sourceId": str(APP_ID),
        **event,
    }


def delivery(events: Sequence[Mapping[str, Any]], url: str, *, secret: str) -> Webhook:
    """Return the request, signed as version 3 of the signature is; it is sent at the time of this machine, whatever the portal's clock says."""
    body, address = json.dumps(events).encode(), url
    sent_at = str(round(datetime.now(UTC).timestamp() * 1000))
    for escape, plain in UNDONE.items():
        address = address.replace(escape, plain)
    signed = b"POST" + address.encode() + body + sent_at.encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    headers = {
        "X-HubSpot-Signature-v3": base64.b64encode(digest).decode(),
        "X-HubSpot-Request-Timestamp": sent_at,
    }
    return Webhook(url, headers, body)
