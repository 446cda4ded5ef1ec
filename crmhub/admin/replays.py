"""Replays of many links: how far each is, with the buttons that stop it and go on with it."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_POST
from unfold.decorators import display

from crmhub import services
from crmhub.admin.badges import moment
from crmhub.admin.failures import failures_view
from crmhub.admin.replay_asking import replay_view
from crmhub.admin.steady import Steady, WrittenElsewhere
from crmhub.admin.task_filters import person_name
from crmhub.models import Replay
from crmhub.queries.sync import short_names

BADGES = {Replay.State.RUNNING: "waiting", Replay.State.STOPPED: "off", Replay.State.DONE: "in_sync"}


@admin.register(Replay)
class ReplayAdmin(WrittenElsewhere, Steady):
    """The replays that were begun; they are begun elsewhere."""

    list_display = ("what", "state_shown", "progress", "whose", "begun")
    list_display_links = ("what",)
    actions = ()
    ordering = ("-created_at", "-id")
    fields = ("what", "state_shown", "progress", "where", "whose", "begun", "ended")
    readonly_fields = fields
    change_form_outer_before_template = "admin/crmhub/replay/buttons.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Replay]:
        """Return the replays, with who began them; a list needs no ids."""
        return super().get_queryset(request).select_related("by").defer("selection")

    @display(description="State")
    def state_shown(self, replay: Replay) -> str:
        """Return how it stands, as a badge."""
        return format_html(
            '<span class="hub-badge hub-{}">{}</span>', BADGES[replay.state], replay.state.value
        )

    @display(description="Marked")
    def progress(self, replay: Replay) -> str:
        """Return how many are marked, of how many there were."""
        return format_html(
            '<progress max="{}" value="{}"></progress> {} of {}',
            replay.total or 1,
            replay.done if replay.total else 1,
            f"{replay.done:,}",
            f"{replay.total:,}",
        )

    @display(description="By")
    def whose(self, replay: Replay) -> str:
        """Return who began it."""
        return person_name(replay.by) or replay.origin

    @display(description="Begun", ordering="created_at")
    def begun(self, replay: Replay) -> str:
        """Return when it was begun."""
        return moment(replay.created_at, with_seconds=True)

    @display(description="Ended")
    def ended(self, replay: Replay) -> str:
        """Return when it came to its end, or was stopped."""
        return moment(replay.ended_at or replay.stopped_at, with_seconds=True) or "not yet"

    @display(description="At the CRMs")
    def where(self, replay: Replay) -> str:
        """Return how many there were at each CRM, and how many were left out."""
        names = {str(pk): name for pk, name in short_names().items()}
        return format_html_join(
            "",
            "<p>{}: {} tasks, {} contacts{}</p>",
            (
                (
                    names.get(one["connection"], one["connection"]),
                    one["tasks"],
                    one["contacts"],
                    f"; {one['left_out']} left out, for somebody should look at each first"
                    if one["left_out"]
                    else "",
                )
                for one in replay.by_connection
            ),
        )

    def get_urls(self) -> list[URLPattern]:
        """Add the page of failures, the question before a replay, and the two buttons."""
        view = self.admin_site.admin_view
        return [
            path("failures/", view(partial(failures_view, self)), name="crmhub_failures"),
            path("ask/", view(partial(replay_view, self)), name="crmhub_replay_ask"),
            *(
                path(
                    f"<uuid:pk>/{what}/",
                    view(require_POST(self.act)),
                    {"what": what},
                    name=f"crmhub_replay_{what}",
                )
                for what in ("stop", "resume")
            ),
            *super().get_urls(),
        ]

    def act(self, request: HttpRequest, pk: UUID, what: str) -> HttpResponse:
        """Stop a replay, or go on with it."""
        if not self.has_replay_permission(request):
            raise PermissionDenied
        replay = get_object_or_404(Replay, pk=pk)
        act = services.stop_replay if what == "stop" else services.resume_replay
        if not act(replay=replay):
            messages.warning(request, "It had come to its end already.")
        return HttpResponseRedirect(reverse("admin:crmhub_replay_change", args=[pk]))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the page, which looks again by itself while links are marked."""
        replay = context["original"]
        context["is_running"] = replay.state is Replay.State.RUNNING
        context["is_stopped"] = replay.state is Replay.State.STOPPED
        response = super().render_change_form(request, context, *args, **kwargs)
        if context["is_running"]:
            response.headers["Refresh"] = "2"
        return response

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether links may be sent again."""
        return bool(request.user.has_perm("crmhub.change_tasklink"))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether replays may be looked at: by whoever may begin them."""
        return self.has_replay_permission(request) or super().has_view_permission(request, obj)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return the same for the menu."""
        return self.has_view_permission(request)
