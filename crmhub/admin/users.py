"""Staff, groups, and the log of logins, in the theme's clothes."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from knox.models import AuthToken
from unfold.admin import StackedInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from crmhub.admin.steady import Steady
from crmhub.models import Profile

User = get_user_model()


def _replace(*models: type[Model]) -> None:
    for model in models:
        try:
            admin.site.unregister(model)
        except NotRegistered:
            continue


# Their own pages know nothing of the theme; keys have a page of the hub's own.
_replace(User, Group, AccessAttempt, AccessLog, AccessFailureLog, AuthToken)


class ProfileInline(StackedInline):
    """The time zone that the person sees."""

    model = Profile
    can_delete = False
    verbose_name_plural = "Time zone"
    fields = ("time_zone",)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Steady):
    """The people and the service users of keys."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (ProfileInline,)
    list_display = ("username", "email", "first_name", "last_name", "is_staff", "is_active")
    list_filter = ("is_staff", "is_superuser", "is_active")
    show_full_result_count = False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: tasks and their history name people. Take *active* away instead."""
        return False

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """Return the time zone's form, once the person is there."""
        return self.inlines if obj is not None else ()


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, Steady):
    """What several people may do together."""


class ReadOnlyLog(Steady):
    """A log that others write."""

    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False


@admin.register(AccessAttempt)
class AccessAttemptAdmin(ReadOnlyLog):
    """Failed logins that count towards a lock; deleting one lifts it."""

    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    exclude = ("get_data", "post_data")


@admin.register(AccessLog)
class AccessLogAdmin(ReadOnlyLog):
    """Logins and logouts."""

    list_display = ("attempt_time", "logout_time", "username", "ip_address")
    search_fields = ("username", "ip_address")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the log is kept."""
        return False
