"""Contacts: list, create, read and change."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from crmhub.api.bodies import ContactBody
from crmhub.api.changes import author, require_version
from crmhub.api.filters import ContactFilter
from crmhub.api.schema import IF_MATCH
from crmhub.api.shapes import ContactShape
from crmhub.api.views.base import HubView, ListView, existing, shown
from crmhub.models import Contact
from crmhub.models.access import Scope
from crmhub.queries import api as queries
from crmhub.services import save_contact

READ = (Scope.CONTACTS_READ.value,)
WRITE = (Scope.CONTACTS_WRITE.value,)


class Contacts(ListView):
    """All contacts."""

    scopes = {"GET": READ, "POST": WRITE}
    queryset = Contact.objects.all()
    serializer_class = ContactShape
    filterset_class = ContactFilter

    @extend_schema(operation_id="list_contacts", responses=ContactShape(many=True), tags=["contacts"])
    def get(self, request: Request) -> Response:
        """List contacts."""
        return self.page()

    @extend_schema(
        operation_id="create_contact", request=ContactBody, responses={201: ContactShape}, tags=["contacts"]
    )
    def post(self, request: Request) -> Response:
        """Create a contact. A name, an e-mail or a phone is needed."""
        values = self.body(ContactBody, request)
        contact = save_contact(contact=Contact(**values), changed=list(values), **author(request))
        return shown(ContactShape, contact, status=201, at=reverse("api:contact", args=[contact.pk]))


class OneContact(HubView):
    """One contact."""

    scopes = {"GET": READ, "PATCH": WRITE}

    @extend_schema(operation_id="read_contact", responses=ContactShape, tags=["contacts"])
    def get(self, request: Request, contact_id: UUID) -> Response:
        """Read a contact."""
        return shown(ContactShape, existing(Contact, contact_id))

    @extend_schema(
        operation_id="change_contact",
        request=ContactBody,
        responses=ContactShape,
        tags=["contacts"],
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, contact_id: UUID) -> Response:
        """Change what is given; the rest stays. The CRMs that follow contacts get the change."""
        with transaction.atomic():
            contact = existing(Contact, contact_id, queries.contact_to_change)
            require_version(request, contact.version)
            values = self.body(ContactBody, request, instance=contact, partial=True)
            for name, value in values.items():
                setattr(contact, name, value)
            if values:
                save_contact(contact=contact, changed=list(values), **author(request))
        return shown(ContactShape, contact)
