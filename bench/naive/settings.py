"""Settings of the naive project. `NAIVE_ACKS` is early or late, `NAIVE_RETRY` 1 retries with back-off."""

from __future__ import annotations

import os
from pathlib import Path

from config import environment

SECRET_KEY = "naive"
DEBUG = False
USE_TZ = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.naive.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "bench.naive",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": environment.database("DATABASE_URL", folder=Path(), sqlite_default=Path("naive.sqlite3"))
}
DATABASES["default"] |= {"CONN_MAX_AGE": 60}

VENDOR_URL = os.environ.get("NAIVE_VENDOR_URL", "http://127.0.0.1:9")
VENDOR_TOKEN = os.environ.get("NAIVE_VENDOR_TOKEN", "")

CELERY_BROKER_URL = environment.broker_url("NAIVE_BROKER_URL", redis="redis://127.0.0.1:6379/1")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_DEFAULT_QUEUE = "naive"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
if os.environ.get("NAIVE_ACKS") == "late":
    CELERY_TASK_ACKS_LATE = True
    CELERY_TASK_REJECT_ON_WORKER_LOST = True
    CELERY_WORKER_PREFETCH_MULTIPLIER = 1
    # Seconds after which a message that nobody acknowledged is delivered again. The default is an hour; Celery's guide says to set
    # it to the longest that a job may take.
    CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": int(os.environ.get("NAIVE_VISIBILITY", "3600"))}
RETRY = os.environ.get("NAIVE_RETRY") == "1"
