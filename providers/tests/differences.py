"""Where a vendor's OpenAPI documents and the vendor differ, as far as we have seen: the rows of docs/differences.md."""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.registry import capabilities
from providers.tests.openapi import Violation


@dataclass(frozen=True)
class Difference:
    """One thing that the documents do not know. `call` and `what` are expressions; `shown`, `words` and `source` are for readers."""

    vendor: str
    call: str
    direction: str
    what: str
    shown: str
    words: str
    source: str

    @property
    def label(self) -> str:
        """Return the vendor's name."""
        return capabilities(self.vendor).label

    def fits(self, vendor: str, violation: Violation) -> bool:
        """Return whether the violation is this one."""
        return (
            vendor == self.vendor
            and self.direction == violation.direction
            and re.fullmatch(self.call, violation.call) is not None
            and re.fullmatch(self.what, violation.what) is not None
        )


_HUBSPOT_DOCS = "https://developers.hubspot.com/docs/"
_HIGHLEVEL_DOCS = "https://marketplace.gohighlevel.com/docs/"

KNOWN: tuple[Difference, ...] = (
    Difference(
        "hubspot",
        r"GET /account-info/v3/details",
        "request",
        r"this call is in no document",
        "GET /account-info/v3/details",
        "has a page of its own and no document among those that we have",
        f"{_HUBSPOT_DOCS}api-reference/legacy/account/account-information/get-account-details",
    ),
    Difference(
        "hubspot",
        r"POST /oauth/v2/private-apps/get/access-token-info",
        "request",
        r"this call is in no document",
        "POST /oauth/v2/private-apps/get/access-token-info",
        "has a page of its own and no document; an account that does not know it is told so and works without",
        f"{_HUBSPOT_DOCS}apps/legacy-apps/private-apps/overview",
    ),
    Difference(
        "hubspot",
        r".*",
        "answer",
        r"the body: Additional properties are not allowed \('status' was unexpected\)",
        "any refusal",
        'every error body has `"status": "error"`; the documents name the other parts only',
        f"{_HUBSPOT_DOCS}api-reference/error-handling",
    ),
    Difference(
        "hubspot",
        r"(GET|POST|PATCH) /crm/v3/objects/.*",
        "answer",
        r"(results\.\*\.)?properties\.\w+: NoneType is not string",
        "properties that are not set",
        "come back as null; the documents call every property a text",
        f"{_HUBSPOT_DOCS}api-reference/legacy/crm/activities/tasks/guide",
    ),
    Difference(
        "hubspot",
        r"GET /crm/v4/objects/.*",
        "answer",
        r"results\.\*\.associationTypes\.\*\.label: NoneType is not string",
        "label of an association type",
        "is null for the default type; the document calls it a text",
        f"{_HUBSPOT_DOCS}api-reference/legacy/crm/associations/associate-records/guide",
    ),
    Difference(
        "highlevel",
        r".*",
        "answer",
        r"the body: Additional properties are not allowed \(('succeeded', )?'traceId' (was|were) unexpected\)",
        "traceId, succeeded",
        "stand in recorded answers beside what the documents name",
        f"{_HIGHLEVEL_DOCS}ghl/contacts/contacts-api",
    ),
    Difference(
        "highlevel",
        r"POST /contacts/search",
        "request",
        r"the body: Additional properties are not allowed \(.*\)",
        "POST /contacts/search",
        "is documented with an empty body; the page beside it names locationId, filters, page and pageLimit",
        f"{_HIGHLEVEL_DOCS}ghl/contacts/search-contacts-advanced",
    ),
    Difference(
        "hubspot",
        r"POST /crm/v3/objects/(companies|deals|tickets)/batch/read",
        "request",
        r"this call is in no document",
        "POST /crm/v3/objects/…/batch/read",
        "reads what is pinned; companies, deals and tickets have documents of their own, of the same form as the contacts'",
        f"{_HUBSPOT_DOCS}api-reference/legacy/crm/objects/companies/guide",
    ),
    Difference(
        "hubspot",
        r"POST /crm/v3/objects/tasks/search",
        "request",
        r"sorts\.\*: dict is not string",
        "POST /crm/v3/objects/tasks/search, sorts",
        "are objects with propertyName and direction on the page about searching; the document calls them texts",
        f"{_HUBSPOT_DOCS}api-reference/legacy/crm/search/guide",
    ),
    Difference(
        "highlevel",
        r"POST /locations/\{locationId\}/tasks/search",
        "answer",
        r"the status 201 is not known",
        "POST /locations/{locationId}/tasks/search",
        "answers 201; the document names 200",
        f"{_HIGHLEVEL_DOCS}ghl/locations/get-location-task-search",
    ),
    Difference(
        "highlevel",
        r"POST /locations/\{locationId\}/tasks/search",
        "request",
        r"the body: Additional properties are not allowed \('searchAfter' was unexpected\)",
        "POST /locations/{locationId}/tasks/search, searchAfter",
        "is how live answers go on; the document names skip and limit only, which the hub falls back to",
        f"{_HIGHLEVEL_DOCS}ghl/locations/get-location-task-search",
    ),
)
