"""Records: the companies, deals, tickets and events that tasks point at."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crmhub.api.bodies import RecordBody
from crmhub.api.changes import author, require_version
from crmhub.api.filters import RecordFilter
from crmhub.api.schema import IF_MATCH
from crmhub.api.shapes import RecordShape
from crmhub.api.views.base import HubView, ListView, existing, shown
from crmhub.models import Record
from crmhub.models.access import Scope
from crmhub.queries import api as queries
from crmhub.services import save_record

READ = (Scope.RECORDS_READ.value,)
WRITE = (Scope.RECORDS_WRITE.value,)


class Records(ListView):
    """All records."""

    scopes = {"GET": READ, "POST": WRITE}
    queryset = Record.objects.all()
    serializer_class = RecordShape
    filterset_class = RecordFilter
    orderings = ("name",)

    @extend_schema(operation_id="list_records", responses=RecordShape(many=True), tags=["records"])
    def get(self, request: Request) -> Response:
        """List companies, deals, tickets and events."""
        return self.page()

    @extend_schema(
        operation_id="create_record", request=RecordBody, responses={201: RecordShape}, tags=["records"]
    )
    def post(self, request: Request) -> Response:
        """Create a company, deal, ticket or event."""
        values = self.body(RecordBody, request)
        record = save_record(record=Record(**values), changed=list(values), by=author(request)["by"])
        return shown(RecordShape, record, status=201, at=reverse("api:record", args=[record.pk]))


class OneRecord(HubView):
    """One record."""

    scopes = {"GET": READ, "PATCH": WRITE}

    @extend_schema(operation_id="read_record", responses=RecordShape, tags=["records"])
    def get(self, request: Request, record_id: UUID) -> Response:
        """Read a record."""
        return shown(RecordShape, existing(Record, record_id))

    @extend_schema(
        operation_id="change_record",
        request=RecordBody,
        responses=RecordShape,
        tags=["records"],
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, record_id: UUID) -> Response:
        """Change the name; the kind stays."""
        with transaction.atomic():
            record = existing(Record, record_id, queries.record_to_change)
            require_version(request, record.version)
            values = self.body(RecordBody, request, instance=record, partial=True)
            for name, value in values.items():
                setattr(record, name, value)
            if values:
                save_record(record=record, changed=list(values), by=author(request)["by"])
        return shown(RecordShape, record)
