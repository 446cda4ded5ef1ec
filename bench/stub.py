"""A vendor that costs next to nothing: HubSpot's calls about tasks, answered whole, from a process of its own.

The hub's simulator of HubSpot judges every property and keeps associations, at a cost per task that would be measured instead of the hub. This one
keeps properties, keys and the log, answers as completely (so that what was asked can be compared with what is there), and counts
requests over a true sliding window where it is given one. It has the simulators' pages `/_sim/tasks`, `/_sim/log` and `/_sim/reset`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from providers.capabilities import Limit
from providers.simulator.windows import Window

KEY = "hub_task_key"
TASKS = "/crm/v3/objects/tasks"
TOKEN = "pat-eu1-stub-token-4711"
LARGEST_BATCH = 100

Reply = tuple[int, Any]


class Portal:
    """The account: its tasks, its keys (unique, as a property of HubSpot's can be), its window, its log."""

    def __init__(self, limit: Limit | None) -> None:
        """Start empty. Without a limit everything passes."""
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.tasks: dict[str, dict[str, Any]] = {}
        self.keys: dict[str, str] = {}
        self.log: list[dict[str, Any]] = []
        self._window = Window(self._limit) if self._limit else None
        self._batches: dict[str, Callable[[dict[str, Any], str], dict[str, Any]]] = {
            "create": self._create,
            "update": self._update,
            "upsert": self._upsert,
        }

    def answer(self, method: str, target: str, body: bytes) -> Reply:
        """Return status and JSON of the answer; what is written has taken effect."""
        parts = urlsplit(target)
        if parts.path.startswith("/_sim/"):
            return self._own_page(parts.path)
        now = time.monotonic()
        sent = json.loads(body) if body else {}
        entry = {"monotonic": now, "method": method, "path": parts.path, "titles": list(_titles(sent))}
        if self._window is not None and self._window.wait(now) > 0:
            status, told = (
                429,
                _refusal("You have reached your ten_secondly_rolling limit.", "RATE_LIMITS"),
            )
        else:
            if self._window is not None:
                self._window.count(now)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, told = self._handle(method, unquote(parts.path), query, sent)
        self.log.append({**entry, "status": status})
        return status, told

    def _own_page(self, path: str) -> Reply:
        if path == "/_sim/tasks":
            return 200, [
                {
                    "id": id_,
                    "title": task["properties"].get("hs_task_subject") or "",
                    "hub_key": task["properties"].get(KEY) or "",
                    "deleted": task["archived"],
                }
                for id_, task in self.tasks.items()
            ]
        if path == "/_sim/log":
            return 200, self.log
        if path == "/_sim/reset":
            self.reset()
            return 200, {"reset": True}
        return 404, {}

    def _handle(self, method: str, path: str, query: dict[str, str], sent: Any) -> Reply:
        if path.startswith(f"{TASKS}/batch/"):
            return self._batch(path.rpartition("/")[2], sent["inputs"], by=sent.get("idProperty", ""))
        if path == f"{TASKS}/search":
            return 200, self._found(sent)
        if path == TASKS and method == "POST":
            try:
                return 201, self._create(sent, _now())
            except ValueError as error:
                return 400, _refusal(str(error))
        if path.startswith(f"{TASKS}/"):
            return self._one(method, path.rpartition("/")[2], query, sent)
        if path.startswith("/crm/v4/associations/"):
            return 207, {"results": [], "errors": [_has_none(one["id"]) for one in sent["inputs"]]}
        return self._about_the_account(path)

    def _found(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Return what a search by key finds; it asks for nothing else here."""
        filters = [one for group in sent["filterGroups"] for one in group["filters"]]
        wanted = dict.fromkeys(key for one in filters for key in one.get("values", [one.get("value")]))
        found = [self.tasks[self.keys[key]] for key in wanted if key in self.keys]
        results = [one for one in found if not one["archived"]]
        return {"total": len(results), "results": results}

    def _one(self, method: str, name: str, query: dict[str, str], sent: Any) -> Reply:
        id_ = self.keys.get(name, "") if query.get("idProperty") == KEY else name
        task = self.tasks.get(id_)
        if method == "DELETE":
            if task:
                task["archived"] = True
            return 204, None
        if task is None or task["archived"]:
            return 404, _refusal("resource not found", "OBJECT_NOT_FOUND")
        return (200, self._update({**sent, "id": id_}, _now())) if method == "PATCH" else (200, task)

    def _batch(self, kind: str, inputs: list[dict[str, Any]], *, by: str) -> Reply:
        now = _now()
        if len(inputs) > LARGEST_BATCH:
            return 400, _refusal(f"At most {LARGEST_BATCH} inputs")
        if kind == "archive":
            for one in inputs:
                if one["id"] in self.tasks:
                    self.tasks[one["id"]]["archived"] = True
            return 204, None
        results, errors = [], []
        for one in inputs:
            trace = one.get("objectWriteTraceId")
            try:
                told = self._live(one["id"], by) if kind == "read" else self._batches[kind](one, now)
                results.append({**told, "objectWriteTraceId": trace} if trace else told)
            except KeyError:
                missing = _refusal("Could not get some objects", "OBJECT_NOT_FOUND")
                errors.append({**missing, "context": {"objectWriteTraceId": [trace], "ids": [one["id"]]}})
            except ValueError as error:
                errors.append({**_refusal(str(error)), "context": {"objectWriteTraceId": [trace]}})
        told = {
            "status": "COMPLETE",
            "results": results,
            "requestedAt": now,
            "startedAt": now,
            "completedAt": now,
        }
        if errors:
            return 207, {**told, "numErrors": len(errors), "errors": errors}
        return (201 if kind == "create" else 200), told

    def _live(self, name: str, by: str) -> dict[str, Any]:
        task = self.tasks[self.keys[name] if by == KEY else name]
        if task["archived"]:
            raise KeyError(name)
        return task

    def _create(self, one: dict[str, Any], now: str) -> dict[str, Any]:
        key = one["properties"].get(KEY)
        if key and key in self.keys:
            holder = self.keys[key]
            raise ValueError(
                f"Cannot set PropertyValueCoordinates{{propertyName={KEY}, value={key}}}. {holder} already has that value."
            )
        id_ = str(90_000_000_001 + len(self.tasks))
        self.tasks[id_] = {
            "id": id_,
            "properties": {
                **one["properties"],
                "hs_object_id": id_,
                "hs_lastmodifieddate": now,
                "hs_createdate": now,
            },
            "createdAt": now,
            "updatedAt": now,
            "archived": False,
        }
        if key:
            self.keys[key] = id_
        return self.tasks[id_]

    def _update(self, one: dict[str, Any], now: str) -> dict[str, Any]:
        id_ = self.keys.get(one["id"], "") if one.get("idProperty") == KEY else one["id"]
        task = self.tasks[id_]
        task["properties"] |= {**one["properties"], "hs_lastmodifieddate": now}
        task["updatedAt"] = now
        return task

    def _upsert(self, one: dict[str, Any], now: str) -> dict[str, Any]:
        if one["id"] in self.keys:
            return {**self._update(one, now), "new": False}
        return {**self._create({"properties": {KEY: one["id"], **one["properties"]}}, now), "new": True}

    def _about_the_account(self, path: str) -> Reply:
        if path == "/account-info/v3/details":
            return 200, {"portalId": 4711, "timeZone": "UTC", "uiDomain": "app.hubspot.com"}
        if path.startswith("/crm/v4/objects/"):
            return 200, {"results": []}
        if path == f"/crm/v3/properties/tasks/{KEY}":
            return 200, {"name": KEY, "hasUniqueValue": True}
        return 404, _refusal(f"{path} is not known here", "OBJECT_NOT_FOUND")


def _has_none(id_: str) -> dict[str, Any]:
    """Return what stands for a task without associations of a kind."""
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": "No contact is associated with it.",
        "context": {"fromObjectId": [id_]},
    }


def _titles(sent: Any) -> Iterable[str]:
    for one in sent.get("inputs", [sent]):
        properties = one.get("properties")
        # A search names properties in a list and sets none.
        if isinstance(properties, dict) and properties.get("hs_task_subject"):
            yield properties["hs_task_subject"]


def _refusal(message: str, category: str = "VALIDATION_ERROR") -> dict[str, Any]:
    return {"status": "error", "category": category, "message": message, "correlationId": "stub"}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


# HTTP


class Speaker(asyncio.Protocol):
    """One connection: reads a request, lets it take effect at once, answers after the latency of its kind (seconds)."""

    def __init__(self, portal: Portal, *, single_s: float, batch_s: float) -> None:
        """Wait for the first request."""
        self._portal = portal
        self._latency = (single_s, batch_s)
        self._seen = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once a request is whole; clients here send the next one after that."""
        self._seen += data
        head, end, body = self._seen.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._seen = b""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        status, told = self._portal.answer(method, target, body)
        answer = _encoded(status, told)
        if target.startswith("/_sim/"):
            self._send(answer)
            return
        latency = self._latency["/batch/" in target]
        asyncio.get_running_loop().call_later(latency, self._send, answer)

    def _send(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


def _length(head: bytes) -> int:
    for header in head.split(b"\r\n")[1:]:
        name, _, value = header.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _encoded(status: int, told: Any) -> bytes:
    body = b"" if told is None else json.dumps(told).encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def serve(portal: Portal, *, single_s: float, batch_s: float) -> None:
    """Answer on a free port until killed; the first line printed is JSON, as a simulator's."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Speaker(portal, single_s=single_s, batch_s=batch_s), "127.0.0.1", 0, backlog=128
    )
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(json.dumps({"url": url, "secret": {"access_token": TOKEN}, "setting": {}}), flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="bench.stub", description="Run one vendor that costs next to nothing."
    )
    parser.add_argument(
        "--single", type=float, default=0.05, help="seconds until a call about one task is answered"
    )
    parser.add_argument("--batch", type=float, default=0.15, help="seconds until a batch is answered")
    parser.add_argument(
        "--limit", type=limit_of, default=None, help="calls/seconds of a sliding window, such as 100/10"
    )
    options = parser.parse_args()
    asyncio.run(serve(Portal(options.limit), single_s=options.single, batch_s=options.batch))


def limit_of(text: str) -> Limit:
    """Return the limit that a text like 100/10 says; 100/86400/fixed counts from stroke to stroke."""
    calls, seconds, *fixed = text.split("/")
    return Limit(int(calls), float(seconds), is_fixed=fixed == ["fixed"])


if __name__ == "__main__":
    main()
