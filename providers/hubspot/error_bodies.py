"""Reading HubSpot's error bodies: which properties, which associations and which scopes they speak of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from providers.error_cases import vendor_words
from providers.hubspot.json_shapes import mapping, mappings
from providers.hubspot.json_shapes import words as words_in
from providers.hubspot.payloads import FIELD_OF

LINKED = re.compile(r"\b(contact|company|deal|ticket)\b", re.IGNORECASE)
PLURAL_OF = {"contact": "contacts", "company": "companies", "deal": "deals", "ticket": "tickets"}


def refused_fields(body: Any) -> dict[str, str]:
    """Return our field → HubSpot's reason for each that the error body names, in `errors`, in the message, or by its object."""
    named = {str(FIELD_OF[name]): reason for name, reason in named_in(body) if name in FIELD_OF}
    words = vendor_words(body)
    # How a bad association is refused is not documented (2026-11): the sentence names the object, in capitals or not.
    found = LINKED.findall(words) if "associat" in words.lower() else []
    return named or {PLURAL_OF[kind.lower()]: words for kind in found}


def named_in(body: Any) -> Iterator[tuple[str, str]]:
    """Yield each of HubSpot's properties that the body names, with the reason."""
    for one in mappings(mapping(body).get("errors")):
        context = mapping(one.get("context"))
        named = words_in(context.get("propertyName") or context.get("properties") or one.get("in"))
        yield from ((name, str(one.get("message") or "")) for name in named)
    # "Property values were not valid: [{…}]": the list is JSON inside the sentence.
    message = str(mapping(body).get("message") or "")
    start, end = message.find("[{"), message.rfind("]")
    try:
        listed = json.loads(message[start : end + 1]) if 0 <= start < end else []
    except (ValueError, RecursionError):
        return
    yield from ((str(one.get("name")), str(one.get("message") or "")) for one in mappings(listed))


def missing_scopes(body: Any) -> list[str]:
    """Return the scopes that the error body asks for, each once, in its order."""
    told = mapping(body)
    contexts = [mapping(one.get("context")) for one in (*mappings(told.get("errors")), told)]
    named = (
        scope
        for context in contexts
        for name in ("requiredGranularScopes", "requiredScopes", "missingScopes")
        for scope in words_in(context.get(name))
    )
    return list(dict.fromkeys(named))
