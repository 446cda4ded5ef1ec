"""Connections: the accounts at the CRMs, how each is, and what it cannot hold."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.html import format_html
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crmhub import services
from crmhub.admin.badges import ago, counted, moment
from crmhub.admin.capability_page import capability_groups, comparison
from crmhub.admin.connection_form import ConnectionForm
from crmhub.admin.connection_words import facts, filtered, health_badge, is_app
from crmhub.admin.past import ReadOnlyPast
from crmhub.admin.writes import writer
from crmhub.crypto import SecretsUnreadable
from crmhub.models import Connection
from crmhub.queries.connections import Tally, connections, tallies
from crmhub.queries.counting import VERY_MANY
from crmhub.queries.sync import provider_label
from crmhub.queries.weighing import impossible_links, weigh_links
from crmhub.services.accounts import NOT_LET_IN
from crmhub.sync import check_connection, page_to_agree_at, redirect_uri
from providers import registry

OFF = "Authorising in the browser is off: set PUBLIC_URL to the address at which people reach the hub, such as https://hub.example.com, and restart it."
NOT_KNOWN_HERE = "This version of the hub does not know that CRM: its tasks wait for a version that does."


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyPast):
    """The list of accounts, the form that each CRM asks for, and the buttons."""

    list_display: Any = ("name", "crm", "how_it_is")
    ordering: Any = ("disconnected_at", "name")
    actions = ()
    search_fields = ("name",)
    list_before_template = "admin/crmhub/connection/above_list.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Return the accounts without their secrets."""
        return connections()

    def get_list_display(self, request: HttpRequest) -> Any:
        """Return the columns, with what lies at each account counted once for all of them."""
        if not hasattr(request, "hub_tallies"):
            ids = Connection.objects.values_list("pk", flat=True)
            request.hub_tallies = tallies(ids)  # type: ignore[attr-defined]
        at: dict[UUID, Tally] = request.hub_tallies  # type: ignore[attr-defined]
        now = timezone.now()

        @display(description="In sync")
        def in_sync(row: Connection) -> str:
            return f"{at[row.pk].in_sync:,}"

        @display(description="Waiting")
        def waiting(row: Connection) -> Any:
            one = at[row.pk]
            contacts = f" + {counted(one.contacts_waiting, 'contact')}" if one.contacts_waiting else ""
            return format_html(
                '<a class="hub-link" href="{}">{}</a>', filtered(row, "waiting"), f"{one.waiting:,}{contacts}"
            )

        @display(description="Needs a person")
        def parked(row: Connection) -> Any:
            one = at[row.pk]
            more = one.contacts_needing_a_person
            contacts = f" + {counted(more, 'contact')}" if more else ""
            url = filtered(row, "needs_a_person")
            return format_html(
                '<a class="hub-link" href="{}">{}</a>', url, f"{one.needs_a_person:,}{contacts}"
            )

        @display(description="Oldest owed push")
        def oldest(row: Connection) -> str:
            return ago(at[row.pk].oldest, now=now) or "–"

        @display(description="Last success", ordering="last_success_at")
        def last_success(row: Connection) -> str:
            return moment(row.last_success_at) or "never"

        return [*super().get_list_display(request), in_sync, waiting, parked, oldest, last_success]

    @display(description="CRM", ordering="provider")
    def crm(self, row: Connection) -> str:
        """Return the CRM's name."""
        return provider_label(row.provider)

    @display(description="Health")
    def how_it_is(self, row: Connection) -> str:
        """Return how the account is, and why on hover."""
        return health_badge(row)

    def get_urls(self) -> list[URLPattern]:
        """Add the buttons, the confirmation and the page of capabilities."""
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/test/", view(require_POST(self.test_view)), name="crmhub_connection_test"),
            path(
                "<uuid:pk>/authorise/",
                view(require_POST(self.authorise_view)),
                name="crmhub_connection_authorise",
            ),
            path("<uuid:pk>/pause/", view(require_POST(self.pause_view)), name="crmhub_connection_pause"),
            path("<uuid:pk>/resume/", view(require_POST(self.resume_view)), name="crmhub_connection_resume"),
            path("<uuid:pk>/disconnect/", view(self.disconnect_view), name="crmhub_connection_disconnect"),
            path("capabilities/", view(self.comparison_view), name="crmhub_connection_comparison"),
            path(
                "capabilities/<slug:provider>/",
                view(self.capabilities_view),
                name="crmhub_connection_capabilities",
            ),
            *super().get_urls(),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Ask for the CRM first, then for what it needs; after saving, ask the CRM whether it knows us."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        provider = request.GET.get("provider", "")
        if provider not in registry.codes():
            offered = [(code, registry.capabilities(code).label) for code in registry.codes()]
            return self._page(request, "choose", "Which CRM?", offered=offered)
        can = registry.capabilities(provider)
        form = ConnectionForm(request.POST or None, can=can)
        if request.method == "POST" and form.is_valid():
            try:
                row = services.connect_account(provider=provider, by=writer(request), **form.values())
            except ValidationError as error:
                form.take(error)
            else:
                self._tell(request, row, well=f"{row.name} is connected.", stored=f"{row.name} is stored")
                return HttpResponseRedirect(reverse("admin:crmhub_connection_change", args=[row.pk]))
        return self._page(request, "form", f"Connect {can.label}", form=form, can=can, provider=provider)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show how the account is, with its buttons and its form; opening it calls nobody."""
        row = self.object_or_404(request, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if not row.is_known:
            messages.error(request, f"{row.name} is an account at “{row.provider}”. {NOT_KNOWN_HERE}")
            return HttpResponseRedirect(reverse("admin:crmhub_connection_changelist"))
        may_change = self.has_change_permission(request, row) and row.is_live
        form = ConnectionForm(request.POST or None, can=row.capabilities, connection=row)
        if request.method == "POST":
            if not may_change:
                raise PermissionDenied
            if form.is_valid() and self._changed(request, row, form):
                return HttpResponseRedirect(request.path)
        if not may_change:
            for field in form.fields.values():
                field.disabled = True
        tally = tallies([row.pk], most=VERY_MANY)[row.pk]
        return self._page(
            request,
            "form",
            row.name,
            form=form,
            can=row.capabilities,
            provider=row.provider,
            original=row,
            may_change=may_change,
            may_disconnect=self.has_delete_permission(request, row) and row.is_live,
            facts=facts(row, tally),
            authorising=may_change and is_app(row),
            redirect_uri=redirect_uri(),
            authorising_is_off=OFF,
            waiting_url=filtered(row, "waiting"),
            parked_url=filtered(row, "needs_a_person"),
            badge=health_badge(row),
        )

    def _changed(self, request: HttpRequest, row: Connection, form: ConnectionForm) -> bool:
        if self._brakes(request, row, form):
            return False
        try:
            row = services.change_connection(connection=row, by=writer(request), **form.values())
        except SecretsUnreadable as error:
            form.add_error(None, str(error))
            return False
        except ValidationError as error:
            form.take(error)
            return False
        self._tell(request, row, well="Connection saved.", stored="The connection is saved")
        return True

    def _brakes(self, request: HttpRequest, row: Connection, form: ConnectionForm) -> bool:
        """Return whether saving has to wait for a second look, for it would send a great many links that were impossible until now."""
        if "sure" in request.POST or not form.changes_what_is_possible:
            return False
        weight = weigh_links(*impossible_links(row))
        if not weight.is_large:
            return False
        form.asks = True
        form.add_error(
            None,
            f"Nothing is saved yet. With these settings, {weight.links:,} that {row.name} could not take until now would be sent. "
            "Save once more if that is meant.",
        )
        return True

    def test_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask the CRM who we are there, and say its answer; nothing is changed there."""
        return self._do(request, pk, lambda row: self._check(request, row, install=False))

    @method_decorator(never_cache)
    def authorise_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Send the person to the CRM's page where the app is let in; the CRM sends them back to the callback.

        By a page of ours that leads on: a browser that holds `form-action` against the redirects of a form would not leave this host.
        """
        row = self.object_or_404(request, pk)
        if not self.has_change_permission(request, row) or not row.is_live:
            raise PermissionDenied
        if not is_app(row) or not redirect_uri():
            messages.error(request, OFF if is_app(row) else f"{row.name} is not opened by an app.")
            return HttpResponseRedirect(reverse("admin:crmhub_connection_change", args=[pk]))
        begun = services.begin_authorisation(
            connection=row, by=writer(request), session_key=request.session.session_key or ""
        )
        there = page_to_agree_at(row, state=begun.state, verifier=begun.verifier)
        page = self._page(request, "authorise", f"Authorise {row.name}", original=row, there=there)
        page["Refresh"] = f"0; url={there}"
        return page

    def pause_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Send nothing there until it is resumed."""

        def pause(row: Connection) -> None:
            services.pause_connection(connection=row, by=writer(request))
            messages.success(request, f"{row.name} is paused. What waits is kept.")

        return self._do(request, pk, pause)

    def resume_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Send there again."""

        def resume(row: Connection) -> None:
            services.resume_connection(connection=row, by=writer(request))
            messages.success(request, f"{row.name} is resumed. What waited is sent now.")

        return self._do(request, pk, resume)

    def disconnect_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Ask whether to end the connection, then end it."""
        row = self.object_or_404(request, pk)
        if not self.has_delete_permission(request, row) or not row.is_live:
            raise PermissionDenied
        if request.method != "POST":
            tally = tallies([row.pk], most=VERY_MANY)[row.pk]
            return self._page(request, "disconnect", f"Disconnect {row.name}?", original=row, tally=tally)
        services.disconnect_account(connection=row, by=writer(request))
        messages.success(
            request, f"{row.name} is disconnected. Its credentials are destroyed, its history is kept."
        )
        return HttpResponseRedirect(reverse("admin:crmhub_connection_changelist"))

    def capabilities_view(self, request: HttpRequest, provider: str) -> HttpResponse:
        """Show what a CRM can and cannot hold and do, with sources."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if provider not in registry.codes():
            raise Http404
        can = registry.capabilities(provider)
        return self._page(
            request, "capabilities", f"What {can.label} can hold", can=can, groups=capability_groups(can)
        )

    def comparison_view(self, request: HttpRequest) -> HttpResponse:
        """Show what every CRM can hold and do, side by side."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        labels, groups = comparison()
        return self._page(request, "comparison", "What the CRMs can hold", labels=labels, groups=groups)

    def _do(self, request: HttpRequest, pk: UUID, act: Any) -> HttpResponse:
        row = self.object_or_404(request, pk)
        if not self.has_change_permission(request, row) or not row.is_live:
            raise PermissionDenied
        act(row)
        return HttpResponseRedirect(reverse("admin:crmhub_connection_change", args=[pk]))

    def _tell(self, request: HttpRequest, row: Connection, *, well: str, stored: str) -> None:
        """Say what was stored and whether it works; an app that is not let in yet cannot be asked."""
        if row.last_error == NOT_LET_IN:
            messages.warning(request, f"{stored}. {NOT_LET_IN}")
        else:
            self._check(request, row, well=well, stored=stored)

    def _check(
        self,
        request: HttpRequest,
        row: Connection,
        *,
        well: str = "",
        stored: str = "",
        install: bool | None = None,
    ) -> None:
        """Ask the CRM, and say what was done, whether it works and what is lacking. Only ever called by a POST, with no transaction open."""
        checkup = check_connection(row, install=install)
        for lacking in checkup.could_install:
            fix = f"manage.py doctor --fix would send {lacking}"
            messages.warning(request, f"{row.name} lacks something that the hub can make there: {fix}")
        if checkup.is_well:
            said = " · ".join(checkup.lines) or f"{row.name} answers."
            messages.success(request, f"{well} {said}".strip())
        else:
            but = f"{stored}, but it" if stored else row.name
            messages.error(request, f"{but} does not work yet: {checkup.error}")

    def _page(self, request: HttpRequest, template: str, title: str, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "media": self.media,
            "has_view_permission": True,
            **more,
        }
        return TemplateResponse(request, f"admin/crmhub/connection/{template}.html", context)
