"""A simulated TinyCRM."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any

from providers.capabilities import Limit
from providers.simulator import Call, Reply, Simulator, route
from providers.simulator.webhooks import Webhook

PAGE = 50

TASK = {
    "title": "",
    "body": "",
    "status": "open",
    "due_at": None,
    "assignee": "",
    "contact": None,
    "hub_key": "",
}
CONTACT = {"first_name": "", "last_name": "", "email": "", "phone": "", "company": ""}


class TinySimulator(Simulator):
    """One account at TinyCRM."""

    code = "tinycrm"
    limits = (Limit(100, 1.0),)
    default_secret = {"key": "tiny-key-for-tests", "webhook_secret": "tiny-secret-for-tests"}

    def reset(self) -> None:
        """Empty the account."""
        self._tasks: dict[str, dict[str, Any]] = {}
        self._contacts: dict[str, dict[str, Any]] = {}
        self._users: list[dict[str, Any]] = []

    def authenticate(self, call: Call) -> Reply | None:
        """Refuse any key but ours."""
        return None if call.headers.get("x-key") == self.secret["key"] else self.refusal(401)

    def refusal(self, status: int) -> Reply:
        """Return an error."""
        return Reply(status, {"message": f"TinyCRM says {status}"})

    def throttled(self, limit: Limit, wait_s: float) -> Reply:
        """Return the answer to one request too many."""
        return Reply(429, {"message": "slow down"}, {"Retry-After": str(max(round(wait_s), 1))})

    def no_such_path(self, call: Call) -> Reply:
        """Return the answer to an unknown path."""
        return self.refusal(404)

    @route("GET", "/me")
    def me(self, call: Call) -> Reply:
        """Say who we are."""
        return Reply(200, {"id": "account-1", "name": "A tiny account"})

    @route("GET", "/users")
    def users(self, call: Call) -> Reply:
        """List the users."""
        return Reply(200, self._users)

    @route("GET", "/tasks")
    def find(self, call: Call) -> Reply:
        """Find tasks by their hub key."""
        rows = [one for one in self._tasks.values() if not one["deleted"] and self.is_found(one["made_at"])]
        return Reply(200, [_shown(one) for one in rows if one["hub_key"] == call.query["hub_key"]])

    @route("GET", "/tasks/list")
    def list_tasks(self, call: Call) -> Reply:
        """List tasks, those of a contact where one is named, fifty at a time."""
        rows = [one for one in self._tasks.values() if not one["deleted"] and self.is_found(one["made_at"])]
        if contact := call.query.get("contact"):
            rows = [one for one in rows if one["contact"] == contact]
        first = int(call.query.get("after") or 0)
        rest = first + PAGE if len(rows) > first + PAGE else None
        return Reply(
            200,
            {
                "tasks": [_shown(one) for one in rows[first : first + PAGE]],
                "next": str(rest) if rest else None,
            },
        )

    @route("POST", "/tasks")
    def create(self, call: Call) -> Reply:
        """Make a task."""
        if (refused := self._refused(call.json)) is not None:
            return refused
        task = {**TASK, **call.json, "id": uuid.uuid4().hex, "deleted": False, "made_at": self.now()}
        self._tasks[task["id"]] = task
        self.announce({"id": uuid.uuid4().hex, "change": "created", "task": task["id"]})
        return Reply(201, _shown(task))

    @route("GET", "/tasks/{id}")
    def show(self, call: Call) -> Reply:
        """Show a task."""
        return self._with_task(call)

    @route("PATCH", "/tasks/{id}")
    def change(self, call: Call) -> Reply:
        """Change a task."""
        return self._refused(call.json) or self._with_task(call, **call.json)

    @route("DELETE", "/tasks/{id}")
    def delete(self, call: Call) -> Reply:
        """Delete a task."""
        reply = self._with_task(call, deleted=True)
        return Reply(204) if reply.status == 200 else reply

    @route("GET", "/contacts")
    def search(self, call: Call) -> Reply:
        """Find contacts by e-mail or phone."""
        asked = {name: value.lower() for name, value in call.query.items()}
        rows = self._contacts.values()
        return Reply(
            200, [one for one in rows if all(one[name].lower() == value for name, value in asked.items())]
        )

    @route("POST", "/contacts")
    def add_contact(self, call: Call) -> Reply:
        """Make a contact; an e-mail belongs to one only."""
        email = call.json.get("email")
        if email and any(one["email"] == email for one in self._contacts.values()):
            return self.refusal(409)
        return Reply(201, self._contacts[self._add(call.json)])

    @route("GET", "/contacts/{id}")
    def contact(self, call: Call) -> Reply:
        """Show a contact."""
        found = self._contacts.get(call.captured["id"])
        return Reply(200, found) if found else self.refusal(404)

    @route("PATCH", "/contacts/{id}")
    def change_contact(self, call: Call) -> Reply:
        """Change a contact."""
        reply = self.contact(call)
        if reply.status == 200:
            reply.body.update(call.json)
        return reply

    def _refused(self, task: Mapping[str, Any]) -> Reply | None:
        users = {one["id"] for one in self._users}
        for name, known in (("contact", self._contacts), ("assignee", users)):
            if task.get(name) and task[name] not in known:
                return Reply(422, {"message": f"TinyCRM has no such {name}", "field": name})
        return None

    def remove_contact(self, id_: str) -> None:
        """Delete a contact."""
        del self._contacts[id_]

    def remove_user(self, id_: str) -> None:
        """Take a user away."""
        self._users = [one for one in self._users if one["id"] != id_]

    def _with_task(self, call: Call, **changes: Any) -> Reply:
        task = self._tasks.get(call.captured["id"])
        if task is None or task["deleted"]:
            return self.refusal(404)
        task.update(changes)
        return Reply(200, _shown(task))

    def _add(self, person: Mapping[str, Any]) -> str:
        key = uuid.uuid4().hex
        self._contacts[key] = {**CONTACT, **person, "id": key}
        return key

    def webhook(self, event: Mapping[str, Any], url: str) -> Webhook:
        """Return the delivery, signed over its moment and its body."""
        sent_at, body = self.now().isoformat(), json.dumps(event).encode()
        signed = hmac.new(self.secret["webhook_secret"].encode(), sent_at.encode() + body, hashlib.sha256)
        return Webhook(url, {"X-Tiny-Time": sent_at, "X-Tiny-Signature": signed.hexdigest()}, body)

    def tasks(self) -> list[dict[str, Any]]:
        """Return the tasks in plain words."""
        people = {key: one["email"] or one["phone"] for key, one in self._contacts.items()}
        return [
            {
                **{
                    name: task[name]
                    for name in ("id", "title", "body", "status", "due_at", "hub_key", "deleted")
                },
                "contact": people.get(task["contact"]),
            }
            for task in self._tasks.values()
        ]

    def contacts(self) -> list[dict[str, Any]]:
        """Return the contacts."""
        return [{**one, "deleted": False} for one in self._contacts.values()]

    def seed(self, world: Mapping[str, Any]) -> Mapping[str, Any]:
        """Put users and contacts there."""
        users = [{"id": uuid.uuid4().hex, **one} for one in world.get("users", ())]
        self._users += users
        return {
            "users": [one["id"] for one in users],
            "contacts": [self._add(one) for one in world.get("contacts", ())],
            **{part: [] for part in ("companies", "deals", "tickets", "events")},
        }


def _shown(task: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in task.items() if name not in ("deleted", "made_at")}
