"""What a simulated CRM tells by itself: webhooks to addresses on this machine, in order, with the vendor's own headers and signature."""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

ANSWER_WITHIN = 5.0  # seconds; vendors hang up about then
KEPT = 1_000  # deliveries
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Webhook:
    """One request that the vendor makes: where to, with which headers, and the bytes that were signed."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Announcer:
    """Sends webhooks one after the other from a thread of its own, and remembers what was answered."""

    def __init__(self) -> None:
        """Know no address yet, and start no thread before there is something to send."""
        self.urls: list[str] = []
        self.sent: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._waiting: queue.Queue[Webhook | None] = queue.Queue()
        self._thread: threading.Thread | None = None

    def subscribe(self, url: str) -> None:
        """Tell this address from now on. Raises `ValueError` for one that is not on this machine."""
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname not in LOOPBACK:
            raise ValueError(f"{url!r} is not an http address on this machine")
        if url not in self.urls:
            self.urls.append(url)

    def send(self, webhook: Webhook) -> None:
        """Send it soon; whoever answers slowly delays the next one and nobody else."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._waiting.put(webhook)

    def wait(self) -> None:
        """Return once everything that was to be sent has been."""
        self._waiting.join()

    def close(self) -> None:
        """End the thread when what waits has been sent."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(timeout=2 * ANSWER_WITHIN)
            self._thread = None

    def _work(self) -> None:
        while (webhook := self._waiting.get()) is not None:
            status = None
            with contextlib.suppress(OSError, http.client.HTTPException):
                status = _post(webhook)
            self.sent.append(
                {"url": webhook.url, "body": webhook.body.decode("utf-8", "replace"), "status": status}
            )
            self._waiting.task_done()
        self._waiting.task_done()


def _post(webhook: Webhook) -> int:
    parts = urlsplit(webhook.url)
    target = parts.path + (f"?{parts.query}" if parts.query else "") or "/"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=ANSWER_WITHIN)
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", **webhook.headers}
        connection.request("POST", target, body=webhook.body, headers=headers)
        return connection.getresponse().status
