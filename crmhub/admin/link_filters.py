"""Narrowing a list of tasks or contacts by how their links stand: at which CRM, in which state, for which reason, since when."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from crmhub.admin.dropdown import Dropdown
from crmhub.admin.steady import key_of
from crmhub.models import Connection, ContactLink, Task, TaskLink
from crmhub.queries.connections import live_connections
from crmhub.queries.failures import Age, parked_so
from crmhub.queries.remedies import REASONS
from crmhub.queries.sync import Standing, rows_standing, short_names

CRM, SYNC, WHY, AGE = "crm", "sync", "why", "age"


class LinkFilter(Dropdown):
    """One of four filters that ask of the same link; the first that is asked narrows the list for all of them."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        asked = [name for name in (CRM, SYNC, WHY, AGE) if request.GET.get(name)]
        return narrowed(queryset, request) if asked and asked[0] == self.parameter_name else queryset


class CrmFilter(LinkFilter):
    """By the account that it goes to."""

    title = "CRM"
    parameter_name = CRM

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the connected accounts."""
        rows = list(live_connections())
        names = short_names(rows)
        return [(str(row.pk), names[row.pk]) for row in rows]


class SyncFilter(LinkFilter):
    """By how it stands, at the chosen CRM or at any."""

    title = "sync status"
    parameter_name = SYNC

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return what badges say."""
        return [(one.value, one.words.capitalize()) for one in Standing]


class ReasonFilter(LinkFilter):
    """By why it waits for a person."""

    title = "reason"
    parameter_name = WHY

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the reasons in the catalogue's words."""
        return [(reason, remedy.means.rstrip(".")) for reason, remedy in REASONS.items()]


class AgeFilter(LinkFilter):
    """By for how long it has waited for a person."""

    title = "waits for"
    parameter_name = AGE

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the ages."""
        return [(one.value, one.words.capitalize()) for one in Age]


LINK_FILTERS = (CrmFilter, SyncFilter, ReasonFilter, AgeFilter)


def narrowed(rows: QuerySet[Any], request: HttpRequest) -> QuerySet[Any]:
    """Return the tasks or contacts with a link that is as asked; what cannot be understood does not narrow."""
    links = TaskLink if rows.model is Task or issubclass(rows.model, Task) else ContactLink
    sync, why, age = (request.GET.get(name, "") for name in (SYNC, WHY, AGE))
    condition = parked_so(
        reason=why if why in REASONS else "", age=Age(age) if age in list(Age) else None, now=timezone.now()
    )
    return rows_standing(
        rows,
        links,
        connection=connection_in(request),
        wanted=Standing(sync) if sync in list(Standing) else None,
        condition=condition,
    )


def connection_in(request: HttpRequest) -> uuid.UUID | None:
    """Return the account that the list is narrowed to, if any."""
    pk: uuid.UUID | None = key_of(Connection, request.GET.get(CRM, ""))
    return pk


def list_url(kind: str, **asked: Any) -> str:
    """Return the address of the list of tasks or contacts (`kind`) that is narrowed so."""
    return f"{reverse(f'admin:crmhub_{kind}_changelist')}?{query_of(asked)}"


def query_of(asked: Mapping[str, Any]) -> str:
    """Return what narrows a list as the end of an address; what is empty is left out."""
    return urlencode({name: str(value) for name, value in asked.items() if value})


def failures_url(request: HttpRequest) -> str:
    """Return the address of the page that counts by reason and age what the list shows; "" where it shows something else."""
    if request.GET.get(SYNC) != Standing.NEEDS_A_PERSON:
        return ""
    return f"{reverse('admin:crmhub_failures')}?{query_of({CRM: connection_in(request)})}"
