"""Showing each person moments in their own time zone."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from crmhub.models import Profile


def zone_middleware(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Let each page be made in the signed-in person's zone, `HUB_TIME_ZONE` for those who name none.

    Stands after the authentication middleware. Whoever is not signed in to the pages, such as the API's keys, is left with UTC.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return get_response(request)
        with timezone.override(zone_of(request.user)):
            return get_response(request)

    return middleware


def zone_of(user: Any) -> zoneinfo.ZoneInfo:
    """Return the zone that the person wants to see; costs one query."""
    name = Profile.objects.filter(user=user.pk).values_list("time_zone", flat=True).first()
    try:
        return zoneinfo.ZoneInfo(name or settings.HUB_TIME_ZONE)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        # A zone that this machine has forgotten must not lock its people out.
        return zoneinfo.ZoneInfo(settings.HUB_TIME_ZONE)
