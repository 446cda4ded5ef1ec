"""Links: the counterpart of one task, contact, owner or record at one connection."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models

from crmhub.models.connections import Connection
from crmhub.models.ids import new_id
from crmhub.models.people import Contact
from crmhub.models.records import Record
from crmhub.models.tasks import Task


class SyncStatus(models.TextChoices):
    """How a link stands. *Sending* is derived from token and due time, never stored."""

    PENDING = "pending", "Pending"
    IN_SYNC = "in_sync", "In sync"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Outcome unknown"
    EXCLUDED = "excluded", "Excluded"
    PAUSED = "paused", "Paused"
    CONFLICT = "conflict", "Conflict"
    GONE = "gone", "Gone there"


# A parked link in one of these waits for a person; the others are off because a person said so.
NEEDS_A_PERSON = (SyncStatus.FAILED, SyncStatus.CONFLICT, SyncStatus.GONE, SyncStatus.UNKNOWN)
OFF = (SyncStatus.EXCLUDED, SyncStatus.PAUSED)

# As `pushed_version`: which version is there is not known; of a contact, nor whether it is there at all.
NOT_KNOWN = -1


class Lane(models.IntegerChoices):
    """Who goes first when several links are due."""

    INTERACTIVE = 0
    RETRY = 1
    BACKFILL = 2


class Link(models.Model):
    """What every counterpart has: the connection, the external id, and the page there."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    connection = models.ForeignKey(Connection, models.PROTECT, related_name="+", db_index=False)
    external_id = models.CharField(max_length=200, blank=True)
    external_url = models.CharField(max_length=1000, blank=True, editable=False)

    class Meta:
        abstract = True


class PushedLink(Link):
    """A link that is pushed; this row is the outbox.

    `due_at` is three things at once: owed (not null), when (the time), leased (a claim pushes it into the future). `wanted_version` is the
    version to be brought there, `pushed_version` the newest known to be there (0 never, `NOT_KNOWN`). `claim_token` is the claim that is
    out; `lapses` counts claims that nobody ended. `owed_again` says that something else than the version changed while a claim was out.
    `may_land_until`: a write was sent and its answer is not known; until then it may still take effect. `deletion_sent`: a delete of ours was
    among them, so that a record which is gone there was not deleted by somebody else. `generation` counts deliberate
    re-creations. `ancestor` is what both sides last agreed on; `losses` what the CRM could not hold, in words. `retired` are external ids
    that a re-creation replaced and that must still be deleted there.
    """

    external_parent_id = models.CharField(max_length=200, blank=True, editable=False)
    generation = models.PositiveIntegerField(default=1, editable=False)
    sync_status = models.CharField(
        max_length=10, choices=SyncStatus, default=SyncStatus.PENDING, editable=False
    )
    status_since = models.DateTimeField(editable=False)
    wanted_version = models.PositiveIntegerField(default=0, editable=False)
    pushed_version = models.IntegerField(default=0, editable=False)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    lane = models.PositiveSmallIntegerField(choices=Lane, default=Lane.INTERACTIVE, editable=False)
    claim_token = models.UUIDField(null=True, blank=True, editable=False)
    claimed_at = models.DateTimeField(null=True, blank=True, editable=False)
    owed_again = models.BooleanField(default=False, editable=False)
    lapses = models.PositiveSmallIntegerField(default=0, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    first_failed_at = models.DateTimeField(null=True, blank=True, editable=False)
    may_land_until = models.DateTimeField(null=True, blank=True, editable=False)
    deletion_sent = models.BooleanField(default=False, editable=False)
    last_write_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=1000, blank=True, editable=False)
    last_error_code = models.CharField(max_length=40, blank=True, editable=False)
    ancestor = models.JSONField(default=dict, blank=True, editable=False)
    losses = models.JSONField(default=list, blank=True, editable=False)
    candidates = models.JSONField(default=list, blank=True, editable=False)
    retired = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        abstract = True

    def is_sending(self, now: datetime) -> bool:
        """Return whether a worker holds this link now."""
        return self.claim_token is not None and self.due_at is not None and self.due_at > now

    @property
    def is_parked(self) -> bool:
        """Return whether the hub stopped trying until a person acts or the task changes."""
        return self.due_at is None and self.sync_status in NEEDS_A_PERSON


def _pushed_link_rules(name: str, subject: str) -> dict[str, Any]:
    """Return the indexes and constraints that task links and contact links share."""
    return {
        "indexes": [
            models.Index(
                fields=["connection", "lane", "due_at"],
                name=f"{name}_due",
                condition=models.Q(due_at__isnull=False),
            ),
            # How many stand so is counted in this index alone: whether one is owed, and whose it is, stand there too.
            models.Index(fields=["connection", "sync_status", "due_at", subject], name=f"{name}_by_standing"),
            models.Index(fields=["connection", "sync_status", "status_since"], name=f"{name}_by_age"),
            # What the sweep looks for: neither in step nor owed. Nearly always empty.
            models.Index(
                fields=["id"],
                name=f"{name}_forgotten",
                condition=models.Q(due_at__isnull=True)
                & ~models.Q(pushed_version=models.F("wanted_version")),
            ),
        ],
        "constraints": [
            models.UniqueConstraint(fields=[subject, "connection"], name=f"one_{name}_per_connection"),
            models.UniqueConstraint(
                fields=["connection", "external_id"],
                name=f"{name}_external_id_is_unique",
                condition=~models.Q(external_id=""),
            ),
            models.CheckConstraint(
                condition=models.Q(claim_token__isnull=True)
                | models.Q(due_at__isnull=False, claimed_at__isnull=False),
                name=f"{name}_claim_is_leased",
            ),
            models.CheckConstraint(condition=models.Q(generation__gte=1), name=f"{name}_generation_from_one"),
            models.CheckConstraint(
                condition=models.Q(sync_status__in=[status.value for status in SyncStatus]),
                name=f"{name}_status_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(pushed_version__gte=-1), name=f"{name}_pushed_is_known"
            ),
        ],
    }


class ContactLink(PushedLink):
    """The counterpart of a contact at a connection."""

    contact = models.ForeignKey(Contact, models.CASCADE, related_name="links", db_index=False)

    class Meta:
        indexes = _pushed_link_rules("contact_link", "contact")["indexes"]
        constraints = _pushed_link_rules("contact_link", "contact")["constraints"]

    def __str__(self) -> str:
        return f"{self.contact} at {self.connection}"


class TaskLink(PushedLink):
    """The counterpart of a task at a connection.

    `awaits_contact` is the link of a contact that must be there first, or that would be added to the task once it is. `effects` is, field by
    field, what was last asked and what the CRM said it holds, in the form of an attempt's.
    """

    task = models.ForeignKey(Task, models.CASCADE, related_name="links", db_index=False)
    awaits_contact = models.ForeignKey(
        ContactLink, models.SET_NULL, null=True, blank=True, related_name="awaited_by", editable=False
    )
    effects = models.JSONField(default=list, blank=True, editable=False)

    class Meta:
        indexes = _pushed_link_rules("task_link", "task")["indexes"]
        constraints = _pushed_link_rules("task_link", "task")["constraints"]

    def __str__(self) -> str:
        return f"{self.task} at {self.connection}"


class RecordLink(Link):
    """The counterpart of a company, deal, ticket or event at a connection. `kind` is the record's: CRMs number each kind by itself."""

    kind = models.CharField(max_length=10, choices=Record.Kind, editable=False)
    record = models.ForeignKey(Record, models.CASCADE, related_name="links")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "connection"], name="one_record_link_per_connection"),
            models.UniqueConstraint(
                fields=["connection", "kind", "external_id"], name="one_record_per_external_id"
            ),
            models.CheckConstraint(condition=~models.Q(external_id=""), name="record_link_has_an_id"),
        ]

    def __str__(self) -> str:
        return f"{self.record} at {self.connection}"


class OwnerLink(Link):
    """The counterpart of a member of staff at a connection; `external_id` is "" when the CRM has no such user."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="owner_links")
    checked_at = models.DateTimeField(editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "connection"], name="one_owner_link_per_connection")
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.connection}"
