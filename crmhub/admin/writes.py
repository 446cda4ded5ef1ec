"""The one door through which the admin writes: Django's save hooks, routed to the services.

Django saves an object, then its inlines, row by row. A task and its associations must be one version, so nothing is written until
`save_related`, and then by one call of a service.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import BaseFormSet, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin, checkbox
from unfold.decorators import display

from crmhub.admin.counting import EstimatingPaginator
from crmhub.admin.steady import Steady

_BEFORE, _AFTER = map(mark_safe, checkbox.render(ACTION_CHECKBOX_NAME, "any-id").split("any-id"))


class Refused(Exception):
    """A service refused what the form had let pass; the form is shown again with its words."""

    def __init__(self, error: ValidationError) -> None:
        """Keep the problems by field."""
        super().__init__(str(error))
        self.problems = error.message_dict if hasattr(error, "error_dict") else {"": error.messages}


class HubAdmin(Steady):
    """A page whose writes go through the services. Subclasses say how by `store` and, where there is a recycle bin, `discard`."""

    show_full_result_count = False
    # A count beside every choice of a filter would read the table once for each of them.
    show_facets = ShowFacets.NEVER
    paginator = EstimatingPaginator
    list_per_page = 50
    list_filter_submit = True
    warn_unsaved_form = True
    compressed_fields = True

    @display(description=ModelAdmin.action_checkbox.short_description)
    def action_checkbox(self, obj: Model) -> SafeString:
        """Return the box to tick a row: the theme's, drawn once and given each row's id, for drawing it takes a template."""
        return format_html("{}{}{}", _BEFORE, obj.pk, _AFTER)

    def store(self, request: HttpRequest, form: Any, formsets: list[BaseFormSet], *, is_new: bool) -> str:
        """Write what the form holds by a service, and return what to tell the person."""
        raise NotImplementedError

    def discard(self, request: HttpRequest, obj: Any) -> None:
        """Take the object away by a service."""
        raise NotImplementedError

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the form, or save it; what a service refuses is shown in the form with nothing written and nothing lost."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refused:
            request.refused = refused.problems  # type: ignore[attr-defined]
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form class, which also knows what a service refused a moment ago."""
        form = super().get_form(request, obj, change, **kwargs)
        form.refused = getattr(request, "refused", {})  # the class is made anew for each request
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the object; when it is about to be saved, locked, so that nobody changes it between the check and the save."""
        obj = super().get_object(request, object_id, from_field)
        if obj is not None and request.method == "POST" and transaction.get_connection().in_atomic_block:
            self.model._default_manager.select_for_update(no_key=True).filter(pk=obj.pk).first()
            obj = super().get_object(request, object_id, from_field)
        return obj

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Write nothing yet: the inlines are still to come."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Write the object with its inlines as one change."""
        try:
            request.said = self.store(request, form, formsets, is_new=not change)  # type: ignore[attr-defined]
        except ValidationError as error:
            raise Refused(error) from error

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Refuse: inlines are written with their object, never by themselves."""
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Take the object away by its service."""
        self.discard(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Take the objects away by their service, one by one."""
        for obj in queryset:
            self.discard(request, obj)

    def message_user(
        self,
        request: HttpRequest,
        message: Any,
        level: int | str = messages.INFO,
        extra_tags: str = "",
        fail_silently: bool = False,
    ) -> None:
        """Say what the service did instead of Django's own sentence about a saved object, and what else is to be known."""
        said = request.__dict__.pop("said", None)
        super().message_user(request, said or message, level, extra_tags, fail_silently)
        for line in request.__dict__.pop("also", ()):
            super().message_user(request, line, messages.WARNING)

    def construct_change_message(
        self, request: HttpRequest, form: ModelForm, formsets: Any, add: bool = False
    ) -> Any:
        """Return what Django's own log keeps; the history of the object says more."""
        return (
            [{"added": {}}] if add else [{"changed": {"fields": [str(name) for name in form.changed_data]}}]
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Return the bulk actions, without the one that deletes rows."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        return actions

    def is_list(self, request: HttpRequest) -> bool:
        """Return whether the page being made is this list."""
        match = request.resolver_match
        return match is not None and str(match.url_name).endswith(f"{self.opts.model_name}_changelist")


def writer(request: HttpRequest) -> Any:
    """Return the person who is signed in, for the history to name; these pages are closed to all others."""
    return request.user
