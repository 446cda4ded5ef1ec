"""Attempts: the journal of every try at bringing one link into step."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from crmhub.models.connections import Connection
from crmhub.models.links import ContactLink, TaskLink


class Attempt(models.Model):
    """One try: the operation, the request, the answer, the decision. Secrets are taken out before anything is stored.

    `outcome` is "sending" while it is out (and for ever when its worker died), "ok", or the code of the error; `decision` says in words
    what the hub does next. `request` and `response` are what went over the wire, cut to two kilobytes of body. `intent` is from what it was
    planned: the link and what was wanted of it, as they stood when it was claimed, and the connection's settings; `settled` is from what it was
    decided, and what was written. With these it can be run again; they are null in attempts that are older than this.
    """

    SENDING = "sending"
    OK = "ok"

    id = models.BigAutoField(primary_key=True)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="attempts", db_index=False)
    task_link = models.ForeignKey(
        TaskLink, models.CASCADE, null=True, blank=True, related_name="attempts", db_index=False
    )
    contact_link = models.ForeignKey(
        ContactLink, models.CASCADE, null=True, blank=True, related_name="attempts", db_index=False
    )
    claim_token = models.UUIDField()
    operation = models.CharField(max_length=20)
    version = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=20, default=SENDING)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    detail = models.CharField(max_length=1000, blank=True)
    decision = models.CharField(max_length=300, blank=True)
    effects = models.JSONField(default=list, blank=True)
    request = models.TextField(blank=True)
    response = models.TextField(blank=True)
    intent = models.JSONField(null=True, blank=True)
    settled = models.JSONField(null=True, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = [
            models.Index(fields=["connection", "-id"], name="attempt_by_connection"),
            models.Index(
                fields=["task_link", "-id"], name="attempt_by_task_link", condition=Q(task_link__isnull=False)
            ),
            models.Index(
                fields=["contact_link", "-id"],
                name="attempt_by_contact_link",
                condition=Q(contact_link__isnull=False),
            ),
            models.Index(fields=["outcome", "-id"], name="attempt_by_outcome"),
            # What still holds what went over the wire, the oldest of which is forgotten first.
            models.Index(fields=["id"], name="attempt_with_payload", condition=~Q(request="")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(task_link__isnull=False, contact_link__isnull=True)
                | Q(task_link__isnull=True, contact_link__isnull=False),
                name="attempt_has_one_link",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} at {self.started_at:%Y-%m-%d %H:%M:%S}: {self.outcome}"
