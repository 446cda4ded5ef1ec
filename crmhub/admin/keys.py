"""API keys: made here, shown once, revoked here. A key does no more than whoever makes it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.views import ChangeList
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
)

from crmhub import services
from crmhub.admin.badges import moment
from crmhub.admin.steady import Steady, key_of
from crmhub.models import ApiKey
from crmhub.models.access import Scope

# What a person must be allowed to do to give a key the scope; for some scopes the API has no calls yet.
RIGHTS: Mapping[Scope, tuple[str, ...]] = {
    Scope.TASKS_READ: ("view_task",),
    Scope.TASKS_WRITE: ("add_task", "change_task", "delete_task"),
    Scope.CONTACTS_READ: ("view_contact",),
    Scope.CONTACTS_WRITE: ("add_contact", "change_contact"),
    Scope.RECORDS_READ: ("view_record",),
    Scope.RECORDS_WRITE: ("add_record", "change_record"),
    Scope.SYNC_READ: ("view_connection", "view_task"),
    Scope.SYNC_REPLAY: ("change_tasklink", "change_contactlink"),
    Scope.CONNECTIONS_MANAGE: ("add_connection", "change_connection", "delete_connection"),
}


def scopes_of(user: Any) -> list[Scope]:
    """Return the scopes that the person may give to a key: those whose rights they have; superusers have all."""
    return [
        scope for scope, rights in RIGHTS.items() if all(user.has_perm(f"crmhub.{right}") for right in rights)
    ]


class KeyList(ChangeList):
    """The list of keys, each known by the number of its service user: the primary key is the digest of the key."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the list."""
        super().__init__(*args, **kwargs)
        self.pk_attname = "user_id"


class KeyForm(forms.Form):
    """What a new key is for."""

    name = forms.CharField(
        max_length=100, widget=UnfoldAdminTextInputWidget, help_text="The service that will use it."
    )
    scopes = forms.MultipleChoiceField(
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={
            "invalid_choice": "%(value)s is not yours to give: a key may do no more than whoever makes it."
        },
    )
    days = forms.IntegerField(
        label="Works for (days)",
        required=False,
        min_value=1,
        max_value=3650,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Empty: until somebody revokes it.",
    )

    def __init__(self, *args: Any, may_give: Sequence[Scope], **kwargs: Any) -> None:
        """Offer the scopes that the person may give, and say which they may not."""
        super().__init__(*args, **kwargs)
        scopes: Any = self.fields["scopes"]
        scopes.choices = [(scope.value, scope.value) for scope in may_give]
        missing = [scope.value for scope in Scope if scope not in may_give]
        scopes.help_text = (
            "A key may do no more than whoever makes it. Whoever has the key can do what you tick here."
        )
        if missing:
            scopes.help_text += f" Not yours to give: {', '.join(missing)}. A superuser can."


@admin.register(ApiKey)
class ApiKeyAdmin(Steady):
    """The list of keys; a key is made and revoked, never changed."""

    list_display = ("name", "may", "begins_with", "made", "last_used", "ends")
    list_display_links = ("name",)
    ordering = ("name",)
    actions = ()
    show_full_result_count = False

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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list that keeps digests out of its links."""
        return KeyList

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ApiKey | None:
        """Return the key of this service user; the digest is in no address, for these stand in logs and histories of browsers."""
        user = key_of(get_user_model(), object_id)
        return self.get_queryset(request).filter(user=user).first() if user is not None else None

    def get_urls(self) -> list[URLPattern]:
        """Return the list, the page of one key, and the button that revokes it."""
        view = self.admin_site.admin_view
        return [
            path("", view(self.changelist_view), name="crmhub_apikey_changelist"),
            path("add/", view(self.add_view), name="crmhub_apikey_add"),
            path("<int:user>/change/", view(self.key_view), name="crmhub_apikey_change"),
            path("<int:user>/revoke/", view(require_POST(self.revoke_view)), name="crmhub_apikey_revoke"),
        ]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make a key, and show it this once."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = KeyForm(request.POST or None, may_give=scopes_of(request.user))
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

    def key_view(self, request: HttpRequest, user: int) -> HttpResponse:
        """Show the key with the button."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = self._key_or_404(request, user)
        columns = {
            "May": self.may,
            "Begins with": self.begins_with,
            "Made": self.made,
            "Last used": self.last_used,
            "Ends": self.ends,
            "Service user": lambda key: key.user.get_username(),
        }
        facts = [(name, column(key)) for name, column in columns.items()]
        may_revoke = self.has_revoke_permission(request)
        return self._page(request, "key", key.name, key=key, facts=facts, may_revoke=may_revoke)

    def revoke_view(self, request: HttpRequest, user: int) -> HttpResponse:
        """End a key at once."""
        if not self.has_revoke_permission(request):
            raise PermissionDenied
        key = self._key_or_404(request, user)
        services.revoke_key(key=key)
        messages.success(request, f"The key {key.name} is revoked. It no longer works.")
        return HttpResponseRedirect(reverse("admin:crmhub_apikey_changelist"))

    def _key_or_404(self, request: HttpRequest, user: int) -> ApiKey:
        key = self.get_object(request, str(user))
        if key is None:
            raise Http404
        return key

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return whether the person may make keys: those who may, and have a right that a key could have."""
        return super().has_add_permission(request) and bool(scopes_of(request.user))

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
