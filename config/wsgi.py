"""The entry point of web servers: `gunicorn config.wsgi`."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

try:
    application = get_wsgi_application()
    import_module(settings.ROOT_URLCONF)  # now, and not with the first request
except ImproperlyConfigured as error:
    sys.exit(f"error: {error}")

# What is loaded stays until the process ends. A garbage collector that looks through all of it again makes somebody wait a tenth of a second, every few pages.
gc.collect()
gc.freeze()
