"""The pages of the naive project: its admin."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from bench.naive.models import Task

admin.site.register(Task)
urlpatterns = [path("admin/", admin.site.urls)]
