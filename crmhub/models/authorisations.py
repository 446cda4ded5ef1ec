"""Authorisations: somebody is on a CRM's page to let our app in, and is expected back."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from crmhub.models.connections import Connection


class Authorisation(models.Model):
    """One trip to a CRM's page. It is deleted when its state comes back, whoever brings it: a state works once.

    The state itself is not kept, only its digest: who reads the table cannot finish a trip. The same holds for the session; the verifier is
    sealed.
    """

    state_digest = models.CharField(primary_key=True, max_length=64)
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session_digest = models.CharField(max_length=64)
    sealed_verifier = models.TextField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"authorisation of {self.connection_id}"
