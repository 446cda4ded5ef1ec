"""Making the task property that carries the hub key, as good as the portal lets us.

A property with unique values finds a task without search and makes a repeated create safe. Whether a portal takes one on tasks is not
confirmed (2026-11), so it is asked for first, then an ordinary property, and without either the key goes into the body.
"""

from __future__ import annotations

from collections.abc import Mapping

from providers.errors import Conflict, Forbidden, NotFound, Rejected
from providers.hubspot.client import Client, record, results
from providers.hubspot.payloads import KEY_PROPERTY

PROPERTIES = "/crm/v3/properties/tasks"


def prepare_key_property(client: Client) -> Mapping[str, object]:
    """Return `key` ("property", or "none" where none can be made), `key_is_unique`, and in `key_note` why it is not better.

    At most five calls. Source: https://github.com/HubSpot/HubSpot-public-api-spec-collection (CRM Properties v3, read 2026-11).
    """
    try:
        is_unique, note = _is_unique(client)
        return {"key": "property", "key_is_unique": is_unique, "key_note": note}
    except (Forbidden, NotFound, Rejected) as error:
        note = f"The task property {KEY_PROPERTY} could not be made: {error.detail}"
        return {"key": "none", "key_is_unique": False, "key_note": note}


def _is_unique(client: Client) -> tuple[bool, str]:
    try:
        return _noted(_held_is_unique(client), "It was made so before, and HubSpot does not let that change.")
    except NotFound:
        pass
    group = _group(client)
    try:
        return _noted(_make(client, group, is_unique=True), "HubSpot made it without.")
    except Rejected as error:
        return _noted(_make(client, group, is_unique=False), error.detail)


def _noted(is_unique: bool, why: str) -> tuple[bool, str]:
    return is_unique, "" if is_unique else f"The values of {KEY_PROPERTY} are not unique there: {why}"


def _held_is_unique(client: Client) -> bool:
    answer = client.call("GET", f"{PROPERTIES}/{KEY_PROPERTY}")
    return record(answer, "name", writes=False).get("hasUniqueValue") is True


def _group(client: Client) -> str:
    groups = [
        str(one["name"]) for one in results(client.call("GET", f"{PROPERTIES}/groups")) if one.get("name")
    ]
    if not groups:
        raise NotFound("HubSpot has no group for task properties.")
    return groups[0]


def _make(client: Client, group: str, *, is_unique: bool) -> bool:
    body = {
        "name": KEY_PROPERTY,
        "label": "Hub task key",
        "description": "Tells the hub which of its tasks this is. Please leave it as it is.",
        "groupName": group,
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": is_unique,
    }
    try:
        answer = client.call("POST", PROPERTIES, json_body=body)
    except Conflict:  # made a moment ago by another worker
        return _held_is_unique(client)
    return record(answer, "name", writes=True).get("hasUniqueValue") is True
