"""Where HubSpot's calls live: at the numbered paths of old, or at those named after a release; one setting says which.

The calls are written with their numbered paths; the dated ones have the same shapes. A release comes each March and September and is supported
for 18 months; the numbered paths leave support during 2027.
https://developers.hubspot.com/docs/api-reference/latest/overview (read 2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

LEGACY = "legacy"
RELEASES = ("2026-03", "2026-09")
CHOICES = ((LEGACY, "v3 and v4"), *((release, release) for release in RELEASES))

_NUMBERED = (
    (re.compile(r"^/crm/v[34]/(objects|associations)/"), r"/crm/\1/{release}/"),
    (re.compile(r"^/crm/v3/(owners|properties)(?=/|$)"), r"/crm/\1/{release}"),
    (re.compile(r"^/oauth/v3/"), "/oauth/{release}/"),
    (re.compile(r"^/account-info/v3/"), "/account-info/{release}/"),
)


def release_of(settings: Mapping[str, object]) -> str:
    """Return the release that the connection's settings name, "" for the numbered paths."""
    wanted = str(settings.get("api_paths") or LEGACY)
    return wanted if wanted in RELEASES else ""


def path_in(release: str, path: str) -> str:
    """Return the path as the release has it; one that no release has (a private app's token) stays as it is."""
    for pattern, dated in _NUMBERED:
        if release and pattern.match(path):
            return pattern.sub(dated.format(release=release), path)
    return path
