"""The addresses of the health pages."""

from __future__ import annotations

from django.urls import path

from crmhub.web.health import healthz, readyz

urlpatterns = [path("healthz", healthz, name="healthz"), path("readyz", readyz, name="readyz")]
