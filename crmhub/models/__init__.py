"""The hub's own truth: tasks, people and records, their counterparts at the CRMs, and who may change them."""

from __future__ import annotations

from crmhub.models.access import ApiKey, Profile
from crmhub.models.attempts import Attempt
from crmhub.models.authorisations import Authorisation
from crmhub.models.connections import Connection
from crmhub.models.links import (
    ContactLink,
    Lane,
    Link,
    OwnerLink,
    PushedLink,
    RecordLink,
    SyncStatus,
    TaskLink,
)
from crmhub.models.pace import Pace
from crmhub.models.people import Contact
from crmhub.models.records import Record
from crmhub.models.replays import Replay
from crmhub.models.tasks import Task, TaskContact, TaskRecord
from crmhub.models.unmatched import Unmatched

__all__ = [
    "ApiKey",
    "Attempt",
    "Authorisation",
    "Connection",
    "Contact",
    "ContactLink",
    "Lane",
    "Link",
    "OwnerLink",
    "Pace",
    "Profile",
    "PushedLink",
    "Record",
    "RecordLink",
    "Replay",
    "SyncStatus",
    "Task",
    "TaskContact",
    "TaskLink",
    "TaskRecord",
    "Unmatched",
]
