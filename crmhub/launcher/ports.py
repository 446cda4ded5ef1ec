"""The port of the web server: bound here and handed over, so that nobody can take it in between."""

from __future__ import annotations

import socket

from crmhub.launcher.surroundings import CannotStart

FIRST = 8000
TRIED = 100  # ports from the first one on


def bind(port: int | None) -> tuple[socket.socket, str]:
    """Return a socket bound to a port of 127.0.0.1, and what to tell about the choice ("" for nothing).

    `port` None takes 8000 or the next one that is free, 0 any free one. Raises `CannotStart` when a port that was asked for is
    taken.
    """
    if port is not None:
        try:
            return _bound(port), ""
        except OSError as error:
            raise CannotStart(_refused(port, error)) from error
    for candidate in range(FIRST, FIRST + TRIED):
        try:
            return _bound(
                candidate
            ), "" if candidate == FIRST else f"Port {FIRST} is taken; using {candidate}."
        except OSError:
            continue
    raise CannotStart(
        f"no port from {FIRST} to {FIRST + TRIED - 1} of 127.0.0.1 is free; choose another: PORT=n with make, or --port n"
    )


def _bound(port: int) -> socket.socket:
    bound = socket.socket()
    try:
        # A port on which the last run's connections are still fading out may be taken again.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", port))
        bound.listen(128)
    except OSError:
        bound.close()
        raise
    return bound


def _refused(port: int, error: OSError) -> str:
    advice = "choose another: PORT=n with make, or --port n"
    if isinstance(error, PermissionError):
        return f"port {port} may be used by root only; {advice}"
    return f"port {port} of 127.0.0.1 is taken by another program; {advice}"
