"""The journal of attempts: read-only, with what was asked and what came back."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from unfold.decorators import display

from crmhub.admin.badges import moment
from crmhub.admin.counting import EstimatingPaginator
from crmhub.admin.dropdown import Dropdown
from crmhub.admin.effects import effects_table
from crmhub.admin.panels import crm_and_name
from crmhub.admin.steady import OneTaskFilter, Steady, WrittenElsewhere, key_of
from crmhub.models import Attempt, Connection
from crmhub.queries.attempts import attempt_rows
from crmhub.queries.connections import connections
from crmhub.queries.remedies import remedy_of_attempt
from providers.capabilities import Operation

OUTCOMES = (
    "ok",
    "sending",
    "transient",
    "rate_limited",
    "not_sent",
    "unconfirmed",
    "rejected",
    "unauthorized",
    "forbidden",
    "not_found",
    "conflict",
    "ambiguous",
    "unsupported",
)


class OutcomeFilter(Dropdown):
    """By how it ended."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the outcomes."""
        return [("failed", "Anything but ok"), *((one, one.replace("_", " ")) for one in OUTCOMES)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        """Narrow the list."""
        if self.value() == "failed":
            return queryset.exclude(outcome__in=[Attempt.OK, Attempt.SENDING])
        return queryset.filter(outcome=self.value()) if self.value() in OUTCOMES else queryset


class ConnectionFilter(Dropdown):
    """By account."""

    title = "connection"
    parameter_name = "connection"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return all accounts, ended ones too: their journal stays."""
        return [(str(row.pk), row.name) for row in connections()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        """Narrow the list."""
        pk = key_of(Connection, self.value())
        return queryset.filter(connection=pk) if pk else queryset


class OperationFilter(Dropdown):
    """By what was tried."""

    title = "operation"
    parameter_name = "operation"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the operations."""
        return [(one.value, one.value.replace("_", " ")) for one in Operation]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Attempt]) -> QuerySet[Attempt]:
        """Narrow the list."""
        return queryset.filter(operation=self.value()) if self.value() in list(Operation) else queryset


class TaskFilter(OneTaskFilter):
    """By the task that it is about."""

    way = "task_link__task"


@admin.register(Attempt)
class AttemptAdmin(WrittenElsewhere, Steady):
    """The journal: nothing here can be changed."""

    list_display = ("started", "crm", "subject", "operation", "result", "detail", "decision")
    list_display_links = ("started",)
    list_filter = (OutcomeFilter, ConnectionFilter, OperationFilter, TaskFilter)
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = EstimatingPaginator
    ordering = ("-id",)
    actions = ()
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "subject",
                    "crm",
                    "operation",
                    "version",
                    "result",
                    "detail",
                    "decision",
                    "what_to_do",
                )
            },
        ),
        ("When", {"fields": ("started", "ended", "took")}),
        ("What was asked, what is there", {"fields": ("compared",)}),
        ("What went over the wire, secrets taken out", {"fields": ("asked", "answered")}),
    )
    readonly_fields = (
        "subject",
        "crm",
        "operation",
        "version",
        "result",
        "detail",
        "decision",
        "what_to_do",
        "started",
        "ended",
        "took",
        "compared",
        "asked",
        "answered",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Attempt]:
        """Return the attempts with all that a row shows; the wire's texts only where they are read."""
        match = request.resolver_match
        is_list = match is not None and match.url_name == "crmhub_attempt_changelist"
        return attempt_rows(super().get_queryset(request), with_wire=not is_list)

    @display(description="Started", ordering="id")
    def started(self, attempt: Attempt) -> str:
        """Return when it began."""
        return moment(attempt.started_at, with_seconds=True)

    @display(description="Ended")
    def ended(self, attempt: Attempt) -> str:
        """Return when it was over."""
        return moment(attempt.ended_at, with_seconds=True) or "not yet, or its worker died"

    @display(description="Took")
    def took(self, attempt: Attempt) -> str:
        """Return how long it lasted."""
        if attempt.ended_at is None:
            return "–"
        return f"{(attempt.ended_at - attempt.started_at).total_seconds():.2f} s"

    @display(description="Connection")
    def crm(self, attempt: Attempt) -> str:
        """Return the account and its CRM."""
        return crm_and_name(attempt.connection)

    @display(description="Of")
    def subject(self, attempt: Attempt) -> str:
        """Return the task or contact, with the way to its page."""
        if attempt.task_link is not None:
            task = attempt.task_link.task
            page = "admin:crmhub_deletedtask_change" if task.is_deleted else "admin:crmhub_task_change"
            url, text = reverse(page, args=[task.pk]), task.title
        else:
            contact = attempt.contact_link.contact  # type: ignore[union-attr]
            url, text = reverse("admin:crmhub_contact_change", args=[contact.pk]), str(contact)
        return format_html('<a class="hub-link" href="{}">{}</a>', url, text[:80])

    @display(description="Outcome", ordering="outcome")
    def result(self, attempt: Attempt) -> str:
        """Return how it ended, with the vendor's status."""
        kind = {Attempt.OK: "in_sync", Attempt.SENDING: "waiting"}.get(attempt.outcome, "needs_a_person")
        status = f" {attempt.status_code}" if attempt.status_code else ""
        words = attempt.outcome.replace("_", " ")
        return format_html(
            '<span class="hub-badge hub-{}" title="{}">{}{}</span>', kind, attempt.outcome, words, status
        )

    @display(description="What to do")
    def what_to_do(self, attempt: Attempt) -> str:
        """Return what the outcome means and what helps; of the link's newest state the task's page knows more."""
        remedy = remedy_of_attempt(attempt)
        return f"{remedy.means} {remedy.remedy}" if remedy else "–"

    @display(description="Field by field")
    def compared(self, attempt: Attempt) -> str:
        """Return what became of each field that was written."""
        return effects_table(attempt.effects)

    @display(description="Request")
    def asked(self, attempt: Attempt) -> str:
        """Return the request as it was sent, secrets replaced."""
        return format_html('<div class="hub-raw">{}</div>', attempt.request or "nothing was sent")

    @display(description="Answer")
    def answered(self, attempt: Attempt) -> str:
        """Return the answer as it came."""
        return format_html('<div class="hub-raw">{}</div>', attempt.response or "no answer")
