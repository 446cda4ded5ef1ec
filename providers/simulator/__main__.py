"""Run one simulator by itself: `python -m providers.simulator hubspot --port 8701`.

Prints one JSON line first, `{"url", "secret", "setting"}`: just what `connect` takes. Stops on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from importlib import import_module
from typing import Any

from providers.registry import PROVIDERS, codes
from providers.simulator.crm import Simulator
from providers.simulator.server import Server


def simulator_class(code: str) -> type[Simulator]:
    """Return the simulator in the provider's room: the `Simulator` whose code is `code` in its `simulator.py`."""
    module = import_module(PROVIDERS[code].split(".provider.")[0] + ".simulator")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Simulator) and getattr(value, "code", "") == code
    )


def run(code: str, *, port: int = 0, **options: Any) -> int:
    """Answer on the port until told to stop; 0 takes a free one. Returns the exit code, 1 when the port is taken."""
    try:
        server = Server(simulator_class(code)(**options), port=port)
    except OSError as error:
        print(f"error: port {port} on 127.0.0.1 cannot be used: {error.strerror}", file=sys.stderr)
        return 1
    told_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told_to_stop.set())
    simulator = server.simulator
    print(
        json.dumps({"url": server.url, "secret": simulator.secret, "setting": simulator.setting}),
        flush=True,
    )
    server.start()
    told_to_stop.wait()
    server.stop()
    return 0


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        prog="simulator", description="Run one simulated CRM on a loopback port."
    )
    parser.add_argument("provider", choices=codes())
    parser.add_argument("--port", type=int, default=0, help="a port of 127.0.0.1; 0 takes a free one")
    options = parser.parse_args()
    return run(options.provider, port=options.port)


if __name__ == "__main__":
    sys.exit(main())
