"""A worker that does nothing but send, as fast as the pace of one account lets it. Run by test_pace.py, in a process of its own.

Its arguments: the connection's id, the vendor's port, calls, seconds, fixed or sliding, for how long it sends at a time, and for how long it rests then.
It ends with its standard input.
"""

from __future__ import annotations

import socket
import sys
import threading
import time
from uuid import UUID

import django

django.setup()

from crmhub.sync.gate import PaceGate  # noqa: E402
from providers.capabilities import Limit  # noqa: E402
from providers.errors import NotSent  # noqa: E402
from providers.http import Request  # noqa: E402

THREADS = 2
is_over = threading.Event()


def send(connection_id: UUID, port: int, limit: Limit, works: float, rests: float) -> None:
    """Ask for a slot, wait for it, send; whoever is given none comes back soon."""
    with socket.create_connection(("127.0.0.1", port)) as vendor:
        began = time.monotonic()
        while not is_over.is_set():
            gate = PaceGate(connection_id, [limit], lane=0)
            gate.ahead = 0.25
            try:
                gate.before_request(Request("GET", ""))
                gate.before_bytes()
            except NotSent:
                is_over.wait(min(gate.ask_again_in or 0.05, 0.3))
                continue
            vendor.sendall(b"?")
            vendor.recv(1)
            if rests and time.monotonic() - began > works:
                is_over.wait(rests)
                began = time.monotonic()


def main() -> None:
    connection_id, port, calls, seconds, kind, works, rests = sys.argv[1:]
    limit = Limit(int(calls), float(seconds), is_fixed=kind == "fixed")
    arguments = (UUID(connection_id), int(port), limit, float(works), float(rests))
    threads = [threading.Thread(target=send, args=arguments) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    print("sending", flush=True)
    sys.stdin.read()
    is_over.set()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
