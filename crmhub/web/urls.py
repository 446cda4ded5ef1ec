"""The addresses of the health pages, and the one to which CRMs send staff back."""

from __future__ import annotations

from django.urls import path

from crmhub.web.health import healthz, readyz
from crmhub.web.oauth import callback

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    # Apps name this address at their vendors, so it does not change.
    path("oauth/callback", callback, name="oauth_callback"),
]
