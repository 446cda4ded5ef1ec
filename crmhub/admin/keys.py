"""API keys: made here, shown once, revoked here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from crmhub import services
from crmhub.admin.badges import moment
from crmhub.admin.steady import Steady
from crmhub.models import ApiKey
from crmhub.models.access import Scope


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(
        max_length=100, widget=UnfoldAdminTextInputWidget, help_text="The service that will use it."
    )
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, scope.value) for scope in Scope],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    days = forms.IntegerField(
        label="Works for (days)",
        required=False,
        min_value=1,
        max_value=3650,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: until somebody revokes it.",
    )


@admin.register(ApiKey)
class ApiKeyAdmin(Steady):
    """The list of keys; a key is made and revoked, never changed."""

    list_display = ("name", "may", "begins_with", "made", "last_used", "ends")
    list_display_links = ("name",)
    ordering = ("name",)
    actions = ()
    show_full_result_count = False
    fields = ("name", "may", "begins_with", "made", "last_used", "ends")
    readonly_fields = fields
    change_form_outer_after_template = "admin/crmhub/key/revoke.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        """Return the keys."""
        return super().get_queryset(request).select_related("user")

    @display(description="May")
    def may(self, key: ApiKey) -> str:
        """Return the scopes."""
        return ", ".join(key.scopes)

    @display(description="Begins with")
    def begins_with(self, key: ApiKey) -> str:
        """Return the first letters, to tell keys apart."""
        return f"{key.token_key}…"

    @display(description="Made", ordering="created")
    def made(self, key: ApiKey) -> str:
        """Return when it was made."""
        return moment(key.created)

    @display(description="Last used", ordering="last_used_at")
    def last_used(self, key: ApiKey) -> str:
        """Return when a service came with it last."""
        return moment(key.last_used_at) or "never"

    @display(description="Ends", ordering="expiry")
    def ends(self, key: ApiKey) -> str:
        """Return until when it works."""
        if key.expiry is None:
            return "when revoked"
        return f"ended {moment(key.expiry)}" if key.expiry < timezone.now() else moment(key.expiry)

    def get_urls(self) -> list[URLPattern]:
        """Add the button that revokes."""
        view = self.admin_site.admin_view(self.revoke_view)
        return [path("<str:pk>/revoke/", view, name="crmhub_apikey_revoke"), *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a key, and show it this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            made = self._made(form)
            if made is not None:
                return never_cache(
                    lambda _: self._page(request, "made", "The new key", key=made[0], text=made[1])
                )(request)
        return self._page(request, "form", "Make an API key", form=form)

    def _made(self, form: KeyForm) -> tuple[ApiKey, str] | None:
        days = form.cleaned_data["days"]
        try:
            return services.create_key(
                name=form.cleaned_data["name"].strip(),
                scopes=form.cleaned_data["scopes"],
                expires_in=timedelta(days=days) if days else None,
            )
        except ValidationError as error:
            for name, words in error.message_dict.items():
                form.add_error(name if name in form.fields else None, words)
        return None

    def revoke_view(self, request: HttpRequest, pk: str) -> HttpResponse:
        """End a key at once."""
        if request.method != "POST" or not self.has_revoke_permission(request):
            raise PermissionDenied
        key = self.get_object(request, pk)
        if key is not None:
            services.revoke_key(key=key)
            messages.success(request, f"The key {key.name} is revoked. It no longer works.")
        return HttpResponseRedirect(reverse("admin:crmhub_apikey_changelist"))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the key with the button."""
        context["may_revoke"] = self.has_revoke_permission(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether keys may be revoked."""
        return bool(request.user.has_perm("crmhub.delete_apikey"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: a key is what it was made as."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: keys are revoked."""
        return False

    def _page(self, request: HttpRequest, template: str, title: str, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "media": self.media,
            **more,
        }
        return TemplateResponse(request, f"admin/crmhub/key/{template}.html", context)
