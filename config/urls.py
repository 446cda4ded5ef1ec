"""The addresses of the hub."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

# Who describes the API need not have a key for it: the description holds nothing of the hub's data.
open_to_all: dict[str, Any] = {"authentication_classes": [], "permission_classes": []}

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("", include("crmhub.web.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("crmhub.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(**open_to_all), name="schema"),
    # The split form has its script at an address of its own, for the content security policy allows none in a page.
    path("api/docs/", SpectacularSwaggerSplitView.as_view(**open_to_all), name="api_docs"),
]

handler400 = "crmhub.api.problems.bad_request"
handler404 = "crmhub.api.problems.not_found"
handler500 = "crmhub.api.problems.server_error"
