"""The requests of HubSpot's own guide to tasks."""

from __future__ import annotations

from typing import Any

from providers.tests.worlds import World

TASKS = "/crm/v3/objects/tasks"
CONTACTS = "/crm/v3/objects/contacts"
TO_CONTACT = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]


def example(world: World, **properties: Any) -> dict[str, Any]:
    """The request of the guide: a call for two contacts, waiting, with an owner."""
    return {
        "properties": {
            "hs_timestamp": "2019-10-30T03:30:17.883Z",
            "hs_task_body": "Send Proposal",
            "hubspot_owner_id": world.ids["users"][0],
            "hs_task_subject": "Follow-up for Brian Buyer",
            "hs_task_status": "WAITING",
            "hs_task_priority": "HIGH",
            "hs_task_type": "CALL",
            **properties,
        },
        "associations": [{"to": {"id": int(one)}, "types": TO_CONTACT} for one in world.ids["contacts"]],
    }
