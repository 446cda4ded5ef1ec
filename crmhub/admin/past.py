"""The past of a task, contact, record or connection: who changed what, and how it was then. To be read, never written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from simple_history.admin import SimpleHistoryAdmin

from crmhub.admin.badges import moment
from crmhub.admin.due import DueTime
from crmhub.admin.steady import key_of
from crmhub.admin.task_filters import person_name
from crmhub.admin.writes import HubAdmin

# Two columns that are read as one thing, and those that say nothing to a reader.
PARTS_OF_DUE = ("due_at", "due_is_date")
UNTOLD = ("id", "search_text", "phone_e164")
EVENTS = {"deleted": "Moved to the recycle bin", "restored": "Restored"}
SIDES = {"contacts": "Contacts", "records": "Companies, deals, tickets, events"}
LONGEST = 200  # characters of a value in the list; the page of the version has all of it


@dataclass(frozen=True)
class Change:
    """One field that became another; both texts are empty where only that it changed is known."""

    field: str
    old: str = ""
    new: str = ""


class ReadOnlyPast(SimpleHistoryAdmin, HubAdmin):
    """Pages with a history: a list of the versions, and one page for each."""

    object_history_list_template = "admin/crmhub/history.html"

    def revert_disabled(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return True: there is no way back but a new change."""
        return True

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Show who changed what."""
        self.object_or_404(request, object_id)
        return super().history_view(request, object_id, extra_context)

    def set_history_delta_changes(
        self, request: HttpRequest, historical_records: Any, foreign_keys_are_objs: bool = True
    ) -> None:
        """Give each version of this page its words."""
        rows = list(historical_records)
        for row, older in zip(rows, [*rows[1:], None], strict=True):
            row.when, row.who, row.event = moment(row.history_date, with_seconds=True), _who(row), _event(row)
            row.told = list(_changes(row, older))

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """Show one version as it was."""
        if request.method == "POST":
            raise PermissionDenied
        now = self.object_or_404(request, object_id)
        if not self.has_view_history_or_change_history_permission(request, now):
            raise PermissionDenied
        versions: Any = self.model.history.filter(id=now.pk)
        if key_of(versions.model, version_id) is None:
            raise Http404
        version = get_object_or_404(versions.select_related("history_user"), pk=version_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": now,
            "title": f"{version.history_object}, as it was",
            "event": _event(version),
            "when": moment(version.history_date, with_seconds=True),
            "who": _who(version),
            "facts": list(_facts(version)),
            "older": version.prev_record,
            "newer": version.next_record,
        }
        return TemplateResponse(request, "admin/crmhub/version.html", context)


def _event(version: Any) -> str:
    if version.history_type == "+":
        return "Made"
    return EVENTS.get(version.history_change_reason or "", "Changed")


def _who(version: Any) -> str:
    return person_name(version.history_user) or getattr(version, "origin", "") or "the hub itself"


def _changes(version: Any, older: Any) -> Iterator[Change]:
    if older is not None:
        delta = version.diff_against(older, foreign_keys_are_objs=True)
        names = {"due_at" if name in PARTS_OF_DUE else name for name in delta.changed_fields}
        for name in sorted(names.difference(UNTOLD), key=lambda name: _label(version, name)):
            yield Change(_label(version, name), *(_cut(_shown(row, name)) for row in (older, version)))
        told = (version.history_change_reason or "").split(", ")
        yield from (Change(words) for name, words in SIDES.items() if name in told)


def _facts(version: Any) -> Iterator[tuple[str, str]]:
    for field in version.instance_type._meta.concrete_fields:
        if field.name not in (*UNTOLD, "due_is_date") and hasattr(version, field.attname):
            yield _label(version, field.name), _shown(version, field.name) or "–"


def _label(version: Any, name: str) -> str:
    return str(capfirst(version.instance_type._meta.get_field(name).verbose_name))


def _shown(version: Any, name: str) -> str:
    """Return what the field held, as people read it; "" for nothing."""
    if name == "due_at":
        return str(DueTime(version.due_at, version.due_is_date))
    field = version.instance_type._meta.get_field(name)
    try:
        value = getattr(version, name)
    except ObjectDoesNotExist:
        return f"somebody who is no longer here ({getattr(version, field.attname)})"
    if isinstance(value, AbstractBaseUser):
        return person_name(value)
    named = next((words for one, words in field.flatchoices if one == value), None)
    return str(named or _words(value))


def _words(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_words(one)}" for key, one in value.items())
    if isinstance(value, Iterable) and not isinstance(value, str | Model):
        return ", ".join(_words(one) for one in value)
    return str(value)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
