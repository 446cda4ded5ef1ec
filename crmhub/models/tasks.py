"""Tasks: what staff and services edit, and what the CRMs follow."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.lookups import IsNull
from simple_history.models import HistoricalRecords

from crmhub.models.ids import new_id
from crmhub.models.people import Contact
from crmhub.models.records import Record


class Task(models.Model):
    """Something to be done, with whom and about what.

    `due_at` of a date-only task is 00:00 UTC of that day with `due_is_date` set; it is a calendar day, not a moment. `deleted_at` is the
    recycle bin. `version` counts the saves; `origin` says where the last one came from, so that it is not sent back there.
    `search_text` is kept by the services.
    """

    class Status(models.TextChoices):
        """Where the work stands."""

        OPEN = "open", "Open"
        IN_PROGRESS = "in_progress", "In progress"
        WAITING = "waiting", "Waiting"
        DEFERRED = "deferred", "Deferred"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    class Priority(models.TextChoices):
        """How urgent it is."""

        NONE = "none", "None"
        LOW = "low", "Low"
        MEDIUM = "medium", "Medium"
        HIGH = "high", "High"

    class Type(models.TextChoices):
        """What kind of work it is."""

        TODO = "todo", "To-do"
        CALL = "call", "Call"
        EMAIL = "email", "E-mail"
        MEETING = "meeting", "Meeting"
        FOLLOW_UP = "follow_up", "Follow-up"
        RESEARCH = "research", "Research"
        LINKEDIN = "linkedin", "LinkedIn"
        OTHER = "other", "Other"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    title = models.CharField(max_length=4096)
    body = models.TextField(blank=True, max_length=65_536)
    status = models.CharField(max_length=12, choices=Status, default=Status.OPEN)
    priority = models.CharField(max_length=6, choices=Priority, default=Priority.NONE)
    type = models.CharField(max_length=12, choices=Type, default=Type.TODO)
    due_at = models.DateTimeField("due", null=True, blank=True)
    due_is_date = models.BooleanField("due on the day, at no set time", default=False)
    end_at = models.DateTimeField("end", null=True, blank=True)
    reminder_at = models.DateTimeField("reminder", null=True, blank=True)
    notify_by_email = models.BooleanField("notify by e-mail", default=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="assigned_tasks",
        db_index=False,
    )
    queue = models.CharField(max_length=100, blank=True)
    location = models.CharField(max_length=300, blank=True)
    contacts: Any = models.ManyToManyField(Contact, through="TaskContact", related_name="tasks")
    records: Any = models.ManyToManyField(Record, through="TaskRecord", related_name="tasks")
    contact_name = models.CharField("contact as typed", max_length=300, blank=True)
    company_name = models.CharField("company as typed", max_length=300, blank=True)
    created_at = models.DateTimeField("created")
    updated_at = models.DateTimeField("changed", editable=False)
    completed_at = models.DateTimeField("completed", null=True, blank=True, editable=False)
    deleted_at = models.DateTimeField("deleted", null=True, blank=True, editable=False)
    version = models.PositiveIntegerField(default=0, editable=False)
    origin = models.CharField(max_length=80, default="system", editable=False)
    search_text = models.TextField(blank=True, editable=False)

    history: Any = HistoricalRecords(excluded_fields=["search_text"])

    class Meta:
        ordering = ("due_at", "id")
        indexes = [
            models.Index(
                fields=["due_at", "id"], name="task_by_due", condition=models.Q(deleted_at__isnull=True)
            ),
            models.Index(
                fields=["status", "due_at", "id"],
                name="task_by_status",
                condition=models.Q(deleted_at__isnull=True),
            ),
            # What is still to be done, in the order in which the list shows it (`queries.tasks.WORK_FIRST`).
            models.Index(
                IsNull(models.F("due_at"), True),
                "due_at",
                models.F("id").desc(),
                name="task_by_work",
                condition=models.Q(deleted_at__isnull=True, completed_at__isnull=True),
            ),
            models.Index(
                fields=["assignee", "due_at", "id"],
                name="task_by_assignee",
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.Index(
                fields=["priority", "due_at", "id"],
                name="task_by_priority",
                condition=models.Q(deleted_at__isnull=True),
            ),
            models.Index(
                fields=["-deleted_at", "id"],
                name="task_by_deletion",
                condition=models.Q(deleted_at__isnull=False),
            ),
            # Whether a link's task is in use, without reading the task.
            models.Index(fields=["id"], name="task_in_use", condition=models.Q(deleted_at__isnull=True)),
            models.Index(fields=["created_at", "id"], name="task_by_creation"),
            models.Index(fields=["updated_at", "id"], name="task_by_change"),
        ]
        constraints = [
            models.CheckConstraint(condition=~models.Q(title=""), name="task_has_a_title"),
            models.CheckConstraint(
                condition=models.Q(end_at__isnull=True)
                | models.Q(due_at__isnull=True)
                | models.Q(end_at__gte=models.F("due_at")),
                name="task_ends_after_it_is_due",
            ),
            models.CheckConstraint(
                condition=models.Q(status="completed", completed_at__isnull=False)
                | (~models.Q(status="completed") & models.Q(completed_at__isnull=True)),
                name="task_is_completed_at_a_moment",
            ),
            models.CheckConstraint(
                condition=models.Q(due_is_date=False) | models.Q(due_at__isnull=False),
                name="task_date_needs_due",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    status__in=["open", "in_progress", "waiting", "deferred", "completed", "cancelled"]
                ),
                name="task_status_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(
                    type__in=[
                        "todo",
                        "call",
                        "email",
                        "meeting",
                        "follow_up",
                        "research",
                        "linkedin",
                        "other",
                    ]
                ),
                name="task_type_is_known",
            ),
            models.CheckConstraint(
                condition=models.Q(priority__in=["none", "low", "medium", "high"]),
                name="task_priority_is_known",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_deleted(self) -> bool:
        """Return whether the task lies in the recycle bin."""
        return self.deleted_at is not None


class Association(models.Model):
    """What every association of a task has: a label, the vendor's type, its place in the order, and whether it is pinned."""

    label = models.CharField(max_length=100, blank=True)
    type = models.CharField("association type", max_length=100, blank=True)
    position = models.PositiveIntegerField(default=0)
    is_pinned = models.BooleanField("pinned", default=False)

    class Meta:
        abstract = True
        ordering = ("position", "id")


class TaskContact(Association):
    """A contact that a task is about; the one at the lowest position is the main one."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="task_contacts")
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="task_contacts")

    class Meta(Association.Meta):
        constraints = [
            models.UniqueConstraint(fields=["task", "contact"], name="one_association_per_contact")
        ]

    def __str__(self) -> str:
        return f"{self.task} – {self.contact}"


class TaskRecord(Association):
    """A company, deal, ticket or event that a task is about."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="task_records")
    record = models.ForeignKey(Record, models.PROTECT, related_name="task_records")

    class Meta(Association.Meta):
        constraints = [models.UniqueConstraint(fields=["task", "record"], name="one_association_per_record")]

    def __str__(self) -> str:
        return f"{self.task} – {self.record}"
