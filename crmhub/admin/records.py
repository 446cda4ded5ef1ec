"""Companies, deals, tickets and events: their names, and which record at each CRM they are."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from crmhub import services
from crmhub.admin.merging import MergingForm
from crmhub.admin.panels import crm_and_name
from crmhub.admin.past import ReadOnlyPast
from crmhub.admin.proxies import Company, Deal, Event, Ticket
from crmhub.admin.writes import writer
from crmhub.models import Connection, Record, RecordLink
from crmhub.queries.connections import live_connections
from crmhub.queries.people import links_of_record, record_rows, tasks_about
from crmhub.queries.sync import short_names

AT = "at_"  # what the name of a field for the id at one account begins with


class RecordForm(MergingForm):
    """A record's name, and its id at each connected account."""

    class Meta:
        model = Record
        fields = ("name", "kind")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Bind the form, with a field for each account that is connected now."""
        super().__init__(*args, **kwargs)
        self.accounts = {f"{AT}{one.pk.hex}": one for one in live_connections()}
        self.links = {} if self.is_new else links_of_record(self.instance.pk)
        for name, account in self.accounts.items():
            link = self.links.get(account.pk)
            self.fields[name] = forms.CharField(
                label=f"Id at {crm_and_name(account)}",
                required=False,
                max_length=200,
                widget=UnfoldAdminTextInputWidget({"placeholder": "not linked there"}),
            )
            self.initial[name] = link.external_id if link else ""

    @property
    def changed_fields(self) -> list[str]:
        """Return the columns of the record that were changed."""
        return [name for name in super().changed_fields if not name.startswith(AT)]

    @property
    def changed_links(self) -> list[tuple[Connection, str]]:
        """Return the accounts whose id was changed, with the new one, "" for none."""
        return [
            (one, self.cleaned_data[name]) for name, one in self.accounts.items() if name in self.changed_data
        ]


class RecordLinks:
    """The column that says where a record is linked."""

    def __init__(self, accounts: list[Connection]) -> None:
        """Keep the accounts that a record could be linked at."""
        self.names = short_names(accounts)

    def draw(self, links: list[RecordLink]) -> SafeString:
        """Return a badge for each account: the id there, or that it is not linked."""
        ids = {link.connection_id: link.external_id for link in links}
        drawn = (
            ("in_sync", f"{name}: {ids[pk]}", f"linked at {name} as {ids[pk]}")
            if pk in ids
            else ("off", f"not linked at {name}", f"tasks reach {name} without it")
            for pk, name in self.names.items()
        )
        badges = format_html_join(
            "", '<span class="hub-badge hub-{0}" title="{2}">{1}</span>', ((a, b, c) for a, b, c in drawn)
        )
        return format_html('<span class="hub-badges">{}</span>', badges)


class RecordPages(ReadOnlyPast):
    """What the lists of all kinds share; `kind` is theirs, None where a person chooses it."""

    form = RecordForm
    kind: Record.Kind | None = None
    list_display: Any = ("name",)
    ordering = ("name", "id")
    search_fields = ("name",)
    change_form_outer_after_template = "admin/crmhub/contact/tasks.html"

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, with where each record is linked."""
        links = RecordLinks(list(live_connections()))

        @display(description="At the CRMs")
        def linked(record: Any) -> SafeString:
            return links.draw(record.live_links)

        return [*super().get_list_display(request), linked]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the records, as rows where it is a list."""
        records = super().get_queryset(request)
        return record_rows(records) if self.is_list(request) else records

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the form's parts, with one field for each connected account."""
        may_save = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        first = ["name"] if self.kind is not None else ["name", "kind"]
        if not may_save:
            return ((None, {"fields": [*first, "linked_at"]}),)
        accounts = tuple(f"{AT}{one.pk.hex}" for one in live_connections())
        about = "Which record there this one is. A CRM without an id gets tasks without it."
        return (
            (None, {"fields": [*first, "opened"]}),
            *((("At the CRMs", {"fields": accounts, "description": about}),) if accounts else ()),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class; the fields for accounts are made by the form itself."""
        if self.has_change_permission(request, obj) or obj is None:
            kwargs["fields"] = ["name"] if self.kind is not None else ["name", "kind"]
        return super().get_form(request, obj, change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return what cannot be changed: the kind, once the record is there."""
        return ("kind", "linked_at") if obj is not None and self.kind is None else ("linked_at",)

    @display(description="At the CRMs")
    def linked_at(self, record: Record) -> SafeString:
        """Return where the record is linked, for those who may only look."""
        return RecordLinks(list(live_connections())).draw(list(links_of_record(record.pk).values()))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the form with the record's tasks."""
        record = context.get("original")
        if record is not None and not context.get("is_popup"):
            context["tasks"] = (
                tasks_about(record=record.pk) if request.user.has_perm("crmhub.view_task") else []
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def store(self, request: HttpRequest, form: Any, formsets: Any, *, is_new: bool) -> str:
        """Save the record, then what it is at each CRM."""
        record = _plain(form.instance)
        if is_new and self.kind is not None:
            record.kind = self.kind
        if is_new or form.changed_fields:
            services.save_record(record=record, changed=form.changed_fields, by=writer(request))
        for account, external_id in form.changed_links:
            self._link(record, account, external_id.strip(), form.links)
        if not is_new and not form.changed_fields and not form.changed_links:
            return "Nothing was changed."
        return f"{record.get_kind_display()} saved."

    def _link(
        self, record: Record, account: Connection, external_id: str, links: dict[Any, RecordLink]
    ) -> None:
        if external_id:
            services.link_record(record=record, connection=account, external_id=external_id)
        elif account.pk in links:
            services.unlink_record(link=links[account.pk])

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether records may be seen."""
        return bool(
            request.user.has_perm("crmhub.view_record") or request.user.has_perm("crmhub.change_record")
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether records may be made."""
        return bool(request.user.has_perm("crmhub.add_record"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether records may be changed."""
        return bool(request.user.has_perm("crmhub.change_record"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return whether records are on the menu."""
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: tasks point at records, so they are kept."""
        return False


def _plain(record: Record) -> Record:
    """Return the record as the services and its history know it, whichever list it was edited in."""
    if type(record) is Record:
        return record
    plain = Record(
        **{field.attname: getattr(record, field.attname) for field in Record._meta.concrete_fields}
    )
    plain._state.adding = record._state.adding
    record._state.adding = False
    return plain


@admin.register(Record)
class RecordAdmin(RecordPages):
    """All records; what the choice on a task's page searches in."""

    list_display = ("name", "kind")


@admin.register(Company)
class CompanyAdmin(RecordPages):
    """The companies."""

    kind = Record.Kind.COMPANY


@admin.register(Deal)
class DealAdmin(RecordPages):
    """The deals."""

    kind = Record.Kind.DEAL


@admin.register(Ticket)
class TicketAdmin(RecordPages):
    """The tickets."""

    kind = Record.Kind.TICKET


@admin.register(Event)
class EventAdmin(RecordPages):
    """The events."""

    kind = Record.Kind.EVENT
