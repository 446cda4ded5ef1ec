"""Contacts: the people that tasks are about, and who they are at each CRM."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from crmhub import services
from crmhub.admin.badges import badge_column, refreshed_badges
from crmhub.admin.link_filters import LINK_FILTERS
from crmhub.admin.merging import MergingForm
from crmhub.admin.panels import link_rows
from crmhub.admin.past import ReadOnlyPast
from crmhub.admin.task_actions import NUMBERS
from crmhub.admin.writes import writer
from crmhub.models import Contact, ContactLink
from crmhub.queries.people import contact_rows, contacts_matching, tasks_about
from crmhub.queries.sync import links_of_contact, live_contact_links


class LinesField(forms.CharField):
    """A list of texts, one to a line."""

    def __init__(self, **kwargs: Any) -> None:
        """Make a small text area of it."""
        super().__init__(required=False, widget=UnfoldAdminTextareaWidget({"rows": 3}), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Return the list as lines."""
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        """Return the lines that hold something."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Return whether another list was entered."""
        return list(initial or []) != self.to_python(data)


class ContactForm(MergingForm):
    """All that staff may say of a contact."""

    more_emails = LinesField(label="Further e-mails", help_text="One to a line.")
    more_phones = LinesField(label="Further phones", help_text="One to a line.")

    class Meta:
        model = Contact
        fields = (
            "first_name",
            "last_name",
            "email",
            "phone",
            "more_emails",
            "more_phones",
            "company",
            "job_title",
        )

    def clean(self) -> dict[str, Any]:
        """Refuse a contact that nobody could be known by."""
        cleaned = super().clean()
        known_by = ("first_name", "last_name", "email", "phone")
        if not self.errors and not any(str(cleaned.get(name) or "").strip() for name in known_by):
            self.add_error(
                "last_name", "Give a name, an e-mail or a phone: there is nothing to know this contact by."
            )
        return cleaned


@admin.register(Contact)
class ContactAdmin(ReadOnlyPast):
    """The list of contacts and the page of one."""

    form = ContactForm
    list_display: Any = ("full_name", "email", "phone", "company", "job_title")
    ordering = ("last_name", "first_name", "id")
    list_filter = LINK_FILTERS
    list_filter_submit = True
    search_fields = ("last_name",)
    search_help_text = "Search names, e-mails, phones and companies"
    change_form_outer_before_template = "admin/crmhub/contact/links.html"
    change_form_outer_after_template = "admin/crmhub/contact/tasks.html"

    class Media:
        js = ("crmhub/badges.js",)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the form's parts."""
        may_save = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        hidden = ("opened",) if may_save else ()
        return (
            (None, {"fields": (("first_name", "last_name"), ("email", "phone"), ("company", "job_title"))}),
            ("Further addresses", {"fields": (("more_emails", "more_phones"), *hidden)}),
        )

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, the badges with the CRMs' names as they are now."""
        return [*super().get_list_display(request), badge_column(request)]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Contact]:
        """Return the contacts, as rows where it is a list."""
        contacts = super().get_queryset(request)
        return contact_rows(contacts) if self.is_list(request) else contacts

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Contact], search_term: str
    ) -> tuple[QuerySet[Contact], bool]:
        """Narrow the list to what holds every word."""
        return contacts_matching(queryset, search_term), False

    @display(description="Name", ordering="last_name")
    def full_name(self, contact: Contact) -> str:
        """Return what the contact is called."""
        return str(contact)

    def get_urls(self) -> list[URLPattern]:
        """Add the buttons of the page and the badges' refresh."""
        view = self.admin_site.admin_view
        return [
            path("badges/", view(self.badges_view), name="crmhub_contact_badges"),
            path(
                "<uuid:pk>/links/<uuid:link>/choose/",
                view(require_POST(self.choose_view)),
                name="crmhub_contact_choose",
            ),
            path(
                "<uuid:pk>/links/<uuid:link>/send-again/",
                view(require_POST(self.replay_view)),
                name="crmhub_contact_replay",
            ),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the form with who the contact is at each CRM, and its tasks."""
        contact = context.get("original")
        if contact is not None and not context.get("is_popup"):
            may_act = self.has_replay_permission(request)
            context["link_rows"] = link_rows(
                links_of_contact(contact.pk), may_act=may_act, may_choose=may_act
            )
            context["may_act"] = may_act
            context["tasks"] = (
                tasks_about(contact=contact.pk) if request.user.has_perm("crmhub.view_task") else []
            )
        return super().render_change_form(request, context, *args, **kwargs)

    def store(self, request: HttpRequest, form: Any, formsets: Any, *, is_new: bool) -> str:
        """Save the contact as one version."""
        if not is_new and not form.changed_fields:
            return "Nothing was changed."
        services.save_contact(
            contact=form.instance, changed=form.changed_fields, by=writer(request), origin="staff"
        )
        owed = ContactLink.objects.filter(
            contact=form.instance, due_at__isnull=False, connection__disconnected_at__isnull=True
        ).count()
        crms = f" {NUMBERS.get(owed, str(owed))} {'CRM' if owed == 1 else 'CRMs'} will look." if owed else ""
        return f"Contact saved.{crms}"

    def badges_view(self, request: HttpRequest) -> JsonResponse:
        """Return the badges of these contacts, for a list that is open in a browser."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return refreshed_badges(request, live_contact_links(), subject="contact_id")

    def choose_view(self, request: HttpRequest, pk: UUID, link: UUID) -> HttpResponse:
        """Settle which of several people there this contact is."""
        row = self._link(request, pk, link)
        wanted = request.POST.get("external_id", "")
        found = next(
            (one for one in row.candidates if isinstance(one, dict) and one.get("id") == wanted), None
        )
        if found is None:
            messages.error(request, "That one is no longer among those to choose from. Look again.")
        elif self._is_taken(row, wanted):
            messages.error(request, f"Another contact here is that one at {row.connection} already.")
        else:
            services.choose_candidate(link=row, external_id=wanted)
            messages.success(
                request, f"Chosen: {found.get('name') or wanted} at {row.connection}. Its tasks will follow."
            )
        return HttpResponseRedirect(reverse("admin:crmhub_contact_change", args=[pk]))

    def replay_view(self, request: HttpRequest, pk: UUID, link: UUID) -> HttpResponse:
        """Look for the contact at one CRM again."""
        row = self._link(request, pk, link)
        count = services.replay_links(links=[row])
        said = f"{row.connection} will be asked again." if count else f"Nothing is asked of {row.connection}."
        messages.success(request, said)
        return HttpResponseRedirect(reverse("admin:crmhub_contact_change", args=[pk]))

    def _link(self, request: HttpRequest, pk: UUID, link: UUID) -> ContactLink:
        if not self.has_replay_permission(request):
            raise PermissionDenied
        return get_object_or_404(
            ContactLink.objects.select_related("connection", "contact"), pk=link, contact_id=pk
        )

    def _is_taken(self, link: ContactLink, external_id: str) -> bool:
        others = ContactLink.objects.filter(connection=link.connection_id, external_id=external_id)
        return others.exclude(pk=link.pk).exists()

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether counterparts may be chosen and sent again."""
        return bool(request.user.has_perm("crmhub.change_contactlink"))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: tasks and CRMs point at contacts, so they are kept."""
        return False
