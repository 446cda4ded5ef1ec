"""The simulated portal's paths: where those of a release lead, and which scopes a call needs."""

from __future__ import annotations

import re

from providers.hubspot.simulator_schema import PLURALS, TYPE_IDS

# The paths of each release → the numbered ones that they took the place of.
RELEASED = (
    (r"/crm/objects/2026-0[39]/(?P<rest>[^/]+/[^/]+/associations/.*)", "/crm/v4/objects/"),
    (r"/crm/objects/2026-0[39]/(?P<rest>.*)", "/crm/v3/objects/"),
    (r"/crm/associations/2026-0[39]/(?P<rest>.*)", "/crm/v4/associations/"),
    (r"/crm/owners/2026-0[39](?P<rest>.*)", "/crm/v3/owners"),
    (r"/crm/properties/2026-0[39](?P<rest>.*)", "/crm/v3/properties"),
    (r"/oauth/2026-0[39]/(?P<rest>.*)", "/oauth/v3/"),
    (r"/account-info/2026-0[39]/(?P<rest>.*)", "/account-info/v3/"),
)


def numbered(path: str) -> str:
    """Return the numbered path that a dated one took the place of; any other as it is."""
    for pattern, before in RELEASED:
        if found := re.fullmatch(pattern, path):
            return before + found["rest"]
    return path


def scopes_for(method: str, path: str) -> set[str]:
    """Return the scopes that a call needs: of an association those of both its ends."""
    path = numbered(path)
    if path.startswith("/crm/v3/owners"):
        return {"crm.objects.owners.read"}
    if path.startswith("/crm/v3/properties") and method != "GET":
        return {"crm.schemas.contacts.write"}
    ends = (
        re.match(r"/crm/v4/associations/([^/]+)/([^/]+)/", path)
        or re.match(r"/crm/v[34]/objects/([^/]+)/[^/]+/associations/(?:default/)?([^/]+)", path)
        or re.match(r"/crm/v3/objects/([^/]+)", path)
    )
    reads = method == "GET" or path.endswith(("/search", "/batch/read"))
    return {_scope_of(one, "read" if reads else "write") for one in ends.groups()} if ends else set()


def _scope_of(name: str, what: str) -> str:
    plural = PLURALS.get(TYPE_IDS.get(name, ""), "contacts")
    area = "contacts" if plural == "tasks" else plural
    return "tickets" if area == "tickets" else f"crm.objects.{area}.{what}"
