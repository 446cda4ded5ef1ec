"""Connections: which CRMs are there, and how they are."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crmhub.api.filters import ConnectionFilter
from crmhub.api.shapes import ConnectionShape
from crmhub.api.views.base import ListView
from crmhub.models import Connection
from crmhub.models.access import Scope


class Connections(ListView):
    """All connections."""

    scopes = {"GET": (Scope.SYNC_READ.value,)}
    queryset = Connection.objects.all()
    serializer_class = ConnectionShape
    filterset_class = ConnectionFilter
    orderings = ("name",)

    @extend_schema(
        operation_id="list_connections", responses=ConnectionShape(many=True), tags=["connections"]
    )
    def get(self, request: Request) -> Response:
        """List connections with their health; those that ended are among them, for their links stay as history."""
        return self.page()
