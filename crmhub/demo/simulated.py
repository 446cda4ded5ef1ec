"""The simulated CRMs of the demo: started, filled, asked what they hold."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

from crmhub.launcher.children import Child
from crmhub.launcher.hub import Hub
from crmhub.launcher.surroundings import CannotStart

READY_WITHIN = 30.0  # seconds


def start_simulators(hub: Hub, codes: tuple[str, ...]) -> dict[str, Child]:
    """Start a simulator for each CRM on a free port and return at once."""
    children: dict[str, Child] = {}
    for code in codes:
        command = [sys.executable, "-m", "providers.simulator", code, "--port", "0"]
        child = hub.child(f"simulator-{code}", command)
        # What it held is gone with it: an empty account in its place would only confuse.
        child.restarts = False
        hub.start(child)
        children[code] = child
    return children


def wait_for(children: Mapping[str, Child]) -> dict[str, dict[str, Any]]:
    """Wait until every simulator answers and return what each told: `{"url", "secret", "setting"}`."""
    for child in children.values():
        child.wait_until(partial(child.has_written, "{"), within_s=READY_WITHIN)
    return {code: json.loads(child.line_with("{")) for code, child in children.items()}


def seed(url: str, world: Mapping[str, Any]) -> dict[str, list[str]]:
    """Put users, contacts and records there and return their ids, part by part."""
    ids: dict[str, list[str]] = _ask("POST", url, "seed", json.dumps(world))
    return ids


def tasks(url: str) -> list[dict[str, Any]]:
    """Return the tasks that the simulated CRM holds, deleted ones included."""
    held: list[dict[str, Any]] = _ask("GET", url, "tasks")
    return held


def statuses(url: str) -> list[int | None]:
    """Return the status of every answer that it gave, None where it gave none."""
    return [entry["status"] for entry in _ask("GET", url, "log")]


def _ask(method: str, url: str, page: str, body: str | None = None) -> Any:
    parts = urlsplit(url)
    with closing(HTTPConnection(parts.hostname or "", parts.port, timeout=10)) as connection:
        try:
            connection.request(method, f"/_sim/{page}", body)
            answer = connection.getresponse()
            told = json.load(answer)
        except (OSError, HTTPException, ValueError) as error:
            raise CannotStart(f"the simulator at {url} does not answer: {error}") from error
    if answer.status != HTTPStatus.OK:
        raise CannotStart(f"the simulator at {url} refused {page}: {told}")
    return told
