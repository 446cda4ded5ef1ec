"""A small stateful HubSpot that speaks its HTTP: paths, shapes, statuses, error bodies, limits.

Written from HubSpot's own documents (read 2026-11), not from our client: a wrong call fails here as it would there. Where the documents
are silent, what live portals were seen to answer is taken.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Any

from providers.hubspot.simulator_linked import Record
from providers.hubspot.simulator_links import LinkPaths
from providers.hubspot.simulator_oauth import AppPaths
from providers.hubspot.simulator_objects import ObjectPaths
from providers.hubspot.simulator_portal import named, on, page_of, type_of
from providers.hubspot.simulator_schema import Property, Refusal, moment, shaped
from providers.hubspot.simulator_webhooks import APP_ID, PORTAL_ID
from providers.simulator import Call, Reply
from providers.types import split_marker

IN_OUR_WORDS = {
    "NOT_STARTED": "open",
    "IN_PROGRESS": "in_progress",
    "WAITING": "waiting",
    "DEFERRED": "deferred",
    "COMPLETED": "completed",
}
NEW_PROPERTY = ("name", "label", "groupName", "type", "fieldType")
MORE_OF_A_PROPERTY = ("description", "hasUniqueValue", "options", "displayOrder", "hidden", "formField")
MOST_UNIQUE = 10  # unique properties of one object type


class HubSpotSimulator(ObjectPaths, LinkPaths, AppPaths):
    """One simulated HubSpot account."""

    code = "hubspot"

    # The account

    @on("GET", "/account-info/v3/details")
    def account(self, call: Call) -> Reply:
        """Answer 200 with the portal."""
        return Reply(
            200,
            {
                "portalId": PORTAL_ID,
                "portalName": "Simulated portal",
                "accountType": "DEVELOPER_TEST",
                "timeZone": "Europe/Berlin",
                "companyCurrency": "EUR",
                "additionalCurrencies": [],
                "utcOffset": "+01:00",
                "utcOffsetMilliseconds": 3_600_000,
                "uiDomain": "app-eu1.hubspot.com",
                "dataHostingLocation": "eu1",
            },
        )

    @on("POST", "/oauth/v2/private-apps/get/access-token-info")
    def token_info(self, call: Call) -> Reply:
        """Answer 200 with what the token in the body may do."""
        body = shaped(self.body(call), required=("tokenKey",))
        if body["tokenKey"] != self.secret["access_token"]:
            raise Refusal("The token is not known", status=404, category="OBJECT_NOT_FOUND")
        return Reply(200, {"userId": 9, "hubId": PORTAL_ID, "appId": APP_ID, "scopes": sorted(self.scopes)})

    # Owners

    @on("GET", "/crm/v3/owners")
    def owners(self, call: Call) -> Reply:
        """Answer 200 with a page of owners."""
        limit, after = page_of(call, default=100, most=500)
        wanted, email = call.query.get("archived") == "true", call.query.get("email")
        rest = [
            one
            for one in self.records.owners.values()
            if one["archived"] == wanted
            and email in (None, one["email"])
            and (not after or one["id"] > after)
        ]
        answer: dict[str, Any] = {"results": rest[:limit]}
        if len(rest) > limit:
            answer["paging"] = {"next": {"after": rest[limit - 1]["id"]}}
        return Reply(200, answer)

    @on("GET", "/crm/v3/owners/{id}")
    def owner(self, call: Call) -> Reply:
        """Answer 200 with one owner, by id or by user id."""
        by = {"id": "id", "userId": "userId"}.get(call.query.get("idProperty", "id"), "id")
        found = next((one for one in self.records.owners.values() if str(one[by]) == named(call, "id")), None)
        if found is None:
            raise Refusal("resource not found", status=404, category="OBJECT_NOT_FOUND")
        return Reply(200, found)

    # Properties

    @on("GET", "/crm/v3/properties/{type}/groups")
    def groups(self, call: Call) -> Reply:
        """Answer 200 with the groups that a property can be put in."""
        name = f"{type_of(call).replace('0-27', 'task')}information"
        group = {"name": name, "label": "Information", "displayOrder": 0, "archived": False}
        return Reply(200, {"results": [group]})

    @on("GET", "/crm/v3/properties/{type}")
    def properties(self, call: Call) -> Reply:
        """Answer 200 with every property of the type."""
        known = self.records.properties[type_of(call)]
        return Reply(200, {"results": [_shown_property(one) for one in known.values()]})

    @on("GET", "/crm/v3/properties/{type}/{name}")
    def one_property(self, call: Call) -> Reply:
        """Answer 200 with one property. Paths are tried by the handlers' names: `groups` comes before this one."""
        known = self.records.properties[type_of(call)].get(named(call, "name"))
        if known is None:
            raise Refusal(
                f"Property {named(call, 'name')} does not exist", status=404, category="OBJECT_NOT_FOUND"
            )
        return Reply(200, _shown_property(known))

    @on("POST", "/crm/v3/properties/{type}")
    def create_property(self, call: Call) -> Reply:
        """Answer 201 with the new property."""
        type_id = type_of(call)
        body = shaped(self.body(call), required=NEW_PROPERTY, optional=MORE_OF_A_PROPERTY)
        known = self.records.properties[type_id]
        is_unique = body.get("hasUniqueValue") is True
        if body["name"] in known:
            raise Refusal(
                f"A property named '{body['name']}' already exists.", status=409, category="CONFLICT"
            )
        if not re.fullmatch(r"[a-z][a-z0-9_]*", str(body["name"])) or body["type"] != "string":
            raise Refusal(f"{body['name']} of type {body['type']} cannot be made here")
        if is_unique and type_id == "0-27" and not self.takes_unique_task_properties:
            raise Refusal("hasUniqueValue is not supported for object type TASK")
        if is_unique and sum(one.is_unique for one in known.values()) >= MOST_UNIQUE:
            raise Refusal(f"At most {MOST_UNIQUE} properties may have unique values")
        made = Property(str(body["name"]), is_unique=is_unique, definition=dict(body))
        known[made.name] = made
        return Reply(201, _shown_property(made))

    # What the account holds

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks in plain words, deleted ones too."""
        everything = [one for one in self.records.held.values() if one.type_id == "0-27"]
        return [self._in_plain_words(one) for one in everything]

    def _in_plain_words(self, task: Record) -> dict[str, Any]:
        held = task.properties
        text, marker = split_marker(_as_read(held.get("hs_task_body") or ""))
        contacts = self.records.linked(task, "0-1")
        return {
            "id": task.id,
            "title": held.get("hs_task_subject") or "",
            "body": text,
            "status": IN_OUR_WORDS[held.get("hs_task_status") or "NOT_STARTED"],
            "due_at": _whole_seconds(held.get("hs_timestamp")),
            "contact": _name_of(contacts[0]) if contacts else None,
            "hub_key": held.get("hub_task_key") or marker,
            "deleted": task.archived_at is not None,
        }

    def contacts(self) -> list[dict[str, Any]]:
        """Return the contacts in plain words, deleted ones too."""
        return [
            {
                "id": one.id,
                "first_name": one.properties.get("firstname") or "",
                "last_name": one.properties.get("lastname") or "",
                "email": one.properties.get("email") or "",
                "phone": one.properties.get("phone") or "",
                "company": one.properties.get("company") or "",
                "deleted": one.archived_at is not None,
            }
            for one in self.records.held.values()
            if one.type_id == "0-1"
        ]

    def seed(self, world: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put users, contacts and records there, as people do in HubSpot's own screens. Raises `ValueError` for what it refuses."""
        names = {"first_name": "firstname", "last_name": "lastname"}
        contacts = [
            {names.get(name, name): value for name, value in one.items()} for one in world.get("contacts", ())
        ]
        made: dict[str, list[str]] = {
            "users": [self.add_owner(one["email"], one.get("name", "")) for one in world.get("users", ())],
            "contacts": [self._seeded("0-1", one) for one in contacts],
            "companies": [self._seeded("0-2", {"name": one["name"]}) for one in world.get("companies", ())],
            "deals": [self._seeded("0-3", {"dealname": one["name"]}) for one in world.get("deals", ())],
            "tickets": [self._seeded("0-5", {"subject": one["name"]}) for one in world.get("tickets", ())],
            "events": [],
        }
        self.tell()
        return made

    def _seeded(self, type_id: str, properties: Mapping[str, Any]) -> str:
        # What people entered long ago is in every index.
        long_ago = self.now().replace(year=self.now().year - 1, day=1)
        try:
            return self.records.create(
                type_id, {"properties": properties}, id_=self.new_id(), now=long_ago
            ).id
        except Refusal as refusal:
            raise ValueError(str(refusal)) from refusal


def _shown_property(known: Property) -> dict[str, Any]:
    kinds = {"choice": "enumeration", "moment": "datetime"}
    shown = {
        "name": known.name,
        "label": known.name.replace("_", " "),
        "description": "",
        "groupName": "taskinformation",
        "type": kinds.get(known.kind, "string"),
        "fieldType": "select" if known.kind == "choice" else "text",
        "options": [{"label": one, "value": one, "hidden": False} for one in known.options],
        "hasUniqueValue": known.is_unique,
        "archived": False,
        "hubspotDefined": known.definition is None,
    }
    return {**shown, **(known.definition or {})}


def _name_of(contact: Record) -> str | None:
    held = contact.properties
    name = f"{held.get('firstname') or ''} {held.get('lastname') or ''}".strip()
    return held.get("email") or held.get("phone") or name or None


def _as_read(body: str) -> str:
    """Return a body as the screen shows it."""
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br\s*/?>", "\n", body)))


def _whole_seconds(value: str | None) -> str | None:
    return re.sub(r"\.\d+Z$", "Z", moment(value)) if value else None
