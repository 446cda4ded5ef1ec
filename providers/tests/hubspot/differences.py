"""Where HubSpot's own OpenAPI documents and what it is known to do are not the same."""

from __future__ import annotations

from typing import NamedTuple

GUIDE = "https://developers.hubspot.com/docs/api-reference/legacy/crm/activities/tasks/guide"
LABELS = "https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associations-schema/guide"
ACCOUNT = (
    "https://developers.hubspot.com/docs/api-reference/latest/account/account-information/get-account-details"
)
APPS = "https://developers.hubspot.com/docs/apps/legacy-apps/private-apps/overview"
SPECS = "https://github.com/HubSpot/HubSpot-public-api-spec-collection"
TEMPLATES = "https://github.com/NangoHQ/integration-templates"


class Difference(NamedTuple):
    """What the documents say, what is so, where that was read, and the method and path it is about ("" for shapes)."""

    says: str
    really: str
    source: str
    path: str = ""


IN_SHAPE = ("sorts/0: {'propertyName'",)  # how a difference of shapes reads where it is met

DIFFERENCES = (
    Difference(
        "the sorts of a search are texts",
        "the page of search sends an object with propertyName and direction",
        "https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm",
    ),
    Difference(
        "no path `/crm/v3/objects/tasks/{taskId}/associations/{toObjectType}/{toObjectId}/{associationTypeId}`",
        "the guide has it, with the type as number or in snake case; the simulator answers it, the hub uses v4",
        GUIDE,
        r"(PUT|DELETE) /crm/v3/objects/tasks/[^/]+/associations/[^/]+/[^/]+/[^/]+",
    ),
    Difference(
        "the document of associations v4 has no labels",
        "they stand in the document of the schema of associations, which is not among ours",
        LABELS,
        r"GET /crm/v4/associations/[^/]+/[^/]+/labels",
    ),
    Difference(
        "the documents are those of tasks and contacts",
        "companies, deals and tickets have the same paths and shapes",
        SPECS,
        r"(GET|PATCH|POST) /crm/v3/objects/(companies|deals|tickets)(/.*)?",
    ),
    Difference(
        "no document of the account",
        "its page has the path",
        ACCOUNT,
        r"GET /account-info/v3/details",
    ),
    Difference(
        "no document of a private app's token",
        "its page has the path, for private apps only",
        APPS,
        r"POST /oauth/v2/private-apps/get/access-token-info",
    ),
    Difference("every property is a text", "one that is not set is null", TEMPLATES),
    Difference("a create must have `associations`", "recorded creates without them succeed", TEMPLATES),
    Difference("a search takes six groups of filters", "its page says five", GUIDE),
    Difference(
        "properties that do not exist are refused with 400",
        "the guide says that they are ignored; the simulator can do either, live portals refuse",
        GUIDE,
    ),
    Difference(
        "the batches of 2026-09 end with 200 or 201",
        "whether some of a batch still comes back as 207 there is not confirmed; the simulator sends it",
        SPECS,
    ),
    Difference(
        "the token path answers an error with a category", "older bodies have the reason as `status`", SPECS
    ),
)
