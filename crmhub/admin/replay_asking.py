"""Asking before many links are sent again: how many, at which CRM, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from crmhub import services
from crmhub.admin.link_filters import AGE, SYNC, WHY, connection_in
from crmhub.admin.writes import writer
from crmhub.queries.failures import Age, window_of
from crmhub.queries.remedies import REASONS
from crmhub.queries.selection import Selection, in_words, shares
from crmhub.queries.sync import Standing, short_names

Hidden = Iterable[tuple[str, str]]


def selected(request: HttpRequest, tasks: tuple[UUID, ...] = ()) -> Selection:
    """Return what the address asks for, of these tasks or of all: a CRM, what waits for a person, a reason, an age."""
    why, age = request.GET.get(WHY, ""), request.GET.get(AGE, "")
    is_aged = age in list(Age)
    after, until = window_of(Age(age), now=timezone.now()) if is_aged else (None, None)
    return Selection(
        connection=connection_in(request),
        tasks=tasks,
        is_failed=is_aged or request.GET.get(SYNC) == Standing.NEEDS_A_PERSON,
        reasons=(why,) if why in REASONS else (),
        after=after,
        until=until,
    )


def ask_to_replay(
    model_admin: Any,
    request: HttpRequest,
    selection: Selection,
    *,
    was_looked_at: bool = False,
    hidden: Hidden = (),
) -> HttpResponse:
    """Show how many links that would be, at each CRM, and ask. `hidden` are the fields that the answer brings back.

    `was_looked_at`: somebody ticked each task, so those are sent as well that somebody should look at first.
    """
    parts, names = shares(selection), short_names()
    extra = sum(one.left_out for one in parts)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": "Send again",
        "opts": model_admin.opts,
        "media": model_admin.media,
        "what": in_words(selection, names=names),
        "rows": [(names[one.connection], one) for one in parts],
        "count": sum(one.total for one in parts) + (extra if was_looked_at else 0),
        "to_be_looked_at": extra,
        "was_looked_at": was_looked_at,
        "hidden": hidden,
    }
    return TemplateResponse(request, "admin/crmhub/replay/ask.html", context)


def kept_choice(request: HttpRequest, *, action: str) -> list[tuple[str, str]]:
    """Return the fields that bring a list's action and what was ticked back."""
    return [
        *((ACTION_CHECKBOX_NAME, pk) for pk in request.POST.getlist(ACTION_CHECKBOX_NAME)),
        ("action", action),
        ("select_across", "1" if request.POST.get("select_across") == "1" else "0"),
    ]


def begin_and_show(request: HttpRequest, selection: Selection) -> HttpResponse:
    """Let workers send these again and go to the page that shows how far they are."""
    replay = services.begin_replay(selection=selection, by=writer(request), origin="staff")
    return HttpResponseRedirect(reverse("admin:crmhub_replay_change", args=[replay.pk]))


def replay_view(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask whether all that the address names is to be sent again, and let it be done."""
    if not model_admin.has_replay_permission(request):
        raise PermissionDenied
    selection = selected(request)
    if not selection.is_narrowed:
        return HttpResponseRedirect(reverse("admin:crmhub_failures"))
    if request.method == "POST":
        return begin_and_show(request, selection)
    return ask_to_replay(model_admin, request, selection)
