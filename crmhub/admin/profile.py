"""My profile: the page on which each member of staff chooses the time zone of their own pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelect2Widget

from crmhub import services
from crmhub.admin.badges import moment
from crmhub.admin.writes import writer
from crmhub.models import Profile
from crmhub.models.access import zone_choices


class ProfileForm(forms.Form):
    """The zone, by its IANA name."""

    time_zone = forms.ChoiceField(
        label="Time zone",
        required=False,
        widget=UnfoldAdminSelect2Widget,
        help_text="Every time that you see and enter is in this zone. Type a city to find it, such as Berlin.",
        error_messages={
            "invalid_choice": "%(value)s is no time zone that is known here; choose one of the list."
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the zones that this machine knows."""
        super().__init__(*args, **kwargs)
        zones: Any = self.fields["time_zone"]
        zones.choices = [("", f"The hub’s own: {settings.HUB_TIME_ZONE}"), *zone_choices()]


@admin.register(Profile)
class ProfileAdmin(ModelAdmin):
    """One page, about whoever is signed in: its address names nobody, so that it cannot be about another."""

    def get_urls(self) -> list[URLPattern]:
        """Return the one address."""
        return [path("", self.admin_site.admin_view(self.mine), name="crmhub_profile_mine")]

    def mine(self, request: HttpRequest) -> HttpResponse:
        """Show what the reader chose, or save it."""
        profile = Profile.objects.filter(user=writer(request).pk).first()
        form = ProfileForm(
            request.POST if request.method == "POST" else None,
            initial={"time_zone": profile.time_zone if profile else ""},
        )
        if request.method == "POST" and form.is_valid() and self._saved(request, form):
            return HttpResponseRedirect(request.path)
        context = {
            **self.admin_site.each_context(request),
            "title": "My profile",
            "media": self.media + form.media,
            "form": form,
            "now": moment(timezone.now()),
            "zone": str(timezone.get_current_timezone()),
        }
        return TemplateResponse(request, "admin/crmhub/profile.html", context)

    def _saved(self, request: HttpRequest, form: ProfileForm) -> bool:
        zone = form.cleaned_data["time_zone"]
        try:
            services.save_profile(user=writer(request), time_zone=zone)
        except ValidationError as error:
            for name, words in error.message_dict.items():
                form.add_error(name if name in form.fields else None, words)
            return False
        messages.success(request, f"Your times are in {zone or settings.HUB_TIME_ZONE} from now on.")
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Return False: there is no list of profiles; others' stand on the page of users."""
        return False
