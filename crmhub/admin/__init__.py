"""The staff admin: every page reads through `queries`, writes through `services`, and calls a CRM only when a button says so."""

from __future__ import annotations

from crmhub.admin import (
    attempts,
    connections,
    contacts,
    keys,
    profile,
    records,
    recycle_bin,
    replays,
    tasks,
    unmatched,
    users,
)

__all__ = [
    "attempts",
    "connections",
    "contacts",
    "keys",
    "profile",
    "records",
    "recycle_bin",
    "replays",
    "tasks",
    "unmatched",
    "users",
]
