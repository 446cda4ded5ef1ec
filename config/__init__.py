"""How the hub is put together: settings, addresses, the Celery app and the WSGI entry point."""
