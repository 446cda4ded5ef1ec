#!/usr/bin/env python3
"""Make `.venv` and install the locked packages: `python3 tools/bootstrap.py [requirements-dev.txt]`.

Needs nothing but a Python with its standard library, writes nothing outside the checkout but pip's cache, and does
nothing when everything is in place already. Syntax is kept to what Python 3.8 can read, so that an old one
can still say what is wrong.
"""

from __future__ import annotations

import ast
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

# The Pythons for which every locked package has a wheel.
OLDEST, NEWEST = (3, 11), (3, 14)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.json"
# There while packages are being installed; found later, it tells of an installation that was cut short.
UNFINISHED = VENV / "unfinished"
TURN = ROOT / ".venv.lock"

RUNTIME, DEV = "requirements.txt", "requirements-dev.txt"
# What each lock brings: the development lock holds the runtime packages too, in the same versions.
BRINGS = {RUNTIME: [RUNTIME], DEV: [RUNTIME, DEV]}

# Where packages come from and how they are fetched is the user's business. Every other pip setting (--user, --target,
# require-virtualenv, …) would only lead them to another place than `.venv`.
KEPT_PIP_SETTINGS = {
    "cache-dir",
    "cert",
    "client-cert",
    "default-timeout",
    "extra-index-url",
    "find-links",
    "index-url",
    "keyring-provider",
    "no-cache-dir",
    "no-index",
    "proxy",
    "retries",
    "timeout",
    "trusted-host",
    "use-feature",
}

NO_VENV_NOR_PIP = (
    "this Python can make no virtual environment: it has neither ensurepip nor pip. Install one of them "
    "(Debian, Ubuntu: apt install python3-venv; Fedora: dnf install python3-pip), then run this again."
)


class CannotGoOn(Exception):
    """The machine lacks something; the message says what, in one line."""


def main(arguments: list[str]) -> int:
    lock = arguments[0] if arguments else RUNTIME
    try:
        if lock not in BRINGS:
            raise CannotGoOn(f"{lock} is not a lock file; choose {RUNTIME} or {DEV}")
        if not OLDEST <= sys.version_info[:2] <= NEWEST:
            run_with_another_python(arguments)
        if not is_installed(lock):
            with turn():
                install(lock)
    except CannotGoOn as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The next run begins again.", file=sys.stderr)
        return 130
    return 0


def run_with_another_python(arguments: list[str]) -> None:
    """Hand over to the newest suitable Python on the PATH; return only where this one has to do."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        python = shutil.which(f"python3.{minor}")
        # A version manager may answer to the name and then say that it has no such version.
        if python and works([python, "-c", "import sys"]):
            os.execv(python, [python, str(Path(__file__).resolve()), *arguments])
    if sys.version_info < OLDEST:
        raise CannotGoOn(
            "Python {}.{} or newer is needed, this is {}.{}; none from python3.{} to python3.{} is on the PATH".format(
                *OLDEST, *sys.version_info[:2], OLDEST[1], NEWEST[1]
            )
        )


def is_installed(lock: str) -> bool:
    """Return whether `.venv` works and holds what the lock asks for, by comparing notes only."""
    notes = read_notes()
    return is_whole(notes) and notes["locks"].get(lock) == fingerprint(lock)


def read_notes() -> dict[str, Any]:
    try:
        notes = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def is_whole(notes: dict[str, Any]) -> bool:
    """Return whether `.venv` was finished, here, with a Python that is still the same."""
    return (
        notes.get("venv") == str(VENV) and notes.get("python") == python_behind() and not UNFINISHED.exists()
    )


def python_behind() -> str | None:
    return os.path.realpath(PYTHON) if PYTHON.exists() else None


def fingerprint(lock: str) -> str:
    return hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """Wait until no other bootstrap works on this checkout."""
    with TURN.open("w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another bootstrap is at work here; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        # The children hold it too: where this process is killed, a pip that goes on keeps others away until it ends.
        os.set_inheritable(file.fileno(), True)
        yield


def install(lock: str) -> None:
    if is_installed(lock):  # by the one that was waited for
        return
    notes = read_notes()
    if not is_whole(notes):
        notes = {}
        if not is_usable():
            make_venv()
    UNFINISHED.touch()
    pip = find_pip()
    try:
        install_packages(pip, lock)
    except CannotGoOn:
        UNFINISHED.unlink()  # pip has put back what was there
        raise
    locks = {**notes.get("locks", {}), **{name: fingerprint(name) for name in BRINGS[lock]}}
    draft = STAMP.with_suffix(".new")
    draft.write_text(
        json.dumps({"venv": str(VENV), "python": python_behind(), "locks": locks}), encoding="utf-8"
    )
    draft.replace(STAMP)
    UNFINISHED.unlink()


def is_usable() -> bool:
    """Return whether a `.venv` that somebody else made here can be built on."""
    script = (
        "import sys; sys.exit(sys.version_info < {!r} or sys.prefix == sys.base_prefix or sys.prefix != {!r})"
    )
    return (
        not STAMP.exists()
        and not UNFINISHED.exists()
        and PYTHON.exists()
        and works([str(PYTHON), "-c", script.format(OLDEST, str(VENV))])
    )


def make_venv() -> None:
    if VENV.exists() or VENV.is_symlink():
        say("Removing the old .venv, which is broken or was made elsewhere.")
        remove(VENV)
    say("Making .venv with Python {}.{}.{}.".format(*sys.version_info[:3]))
    begin()
    # Asking whether ensurepip can be imported is not enough: Debian's can, and then refuses to work.
    if works([sys.executable, "-m", "venv", str(VENV)]):
        return
    remove(VENV)
    begin()
    if not works([sys.executable, "-m", "venv", "--without-pip", str(VENV)]):
        raise CannotGoOn(NO_VENV_NOR_PIP)


def begin() -> None:
    VENV.mkdir()
    UNFINISHED.touch()


def remove(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        shutil.rmtree(path)


def find_pip() -> list[str]:
    """Return the command of a pip that installs into `.venv`: its own, or else the system's."""
    if works([str(PYTHON), "-m", "pip", "--version"]):
        return [str(PYTHON), "-m", "pip"]
    for pip in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        # Older ones cannot install into another Python.
        if works([*pip, "--python", str(PYTHON), "--version"]):
            return [*pip, "--python", str(PYTHON)]
    raise CannotGoOn(NO_VENV_NOR_PIP)


def install_packages(pip: list[str], lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    total = sum("==" in line and not line.startswith((" ", "#")) for line in text.splitlines())
    say(f"Installing up to {total} packages from {lock}.")
    command = [
        *pip,
        *["install", "--require-hashes", "--only-binary", ":all:", "--no-user", "--no-compile"],
        *["--no-input", "--disable-pip-version-check", "--progress-bar", "off", "-r", str(ROOT / lock)],
    ]
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=pip_environment(pip),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        close_fds=False,
    )
    lines = report_progress(process.stdout or [], total)
    if process.wait() != 0:
        raise CannotGoOn(f"pip could not install {lock}. It said:\n{complaint(lines)}")
    say(f"Installed in {time.monotonic() - started:.0f} s.")


def pip_environment(pip: list[str]) -> dict[str, str]:
    """Return the environment for pip: the user's settings about the index, and no others."""
    environment = clean_environment()
    listed = subprocess.run(
        [*pip, "config", "list"],
        # To this command --user means "only the user's file"; a setting meant for `install` must not say so here.
        env={**os.environ, "PIP_USER": "0", "PIP_GLOBAL": "0", "PIP_SITE": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    ).stdout
    # Lines such as global.index-url='…'. Those for `install` and from the environment come last and win.
    settings: dict[str, str] = {}
    for section in ("global", "install", ":env:"):
        for line in listed.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(section + ".") and key[len(section) + 1 :] in KEPT_PIP_SETTINGS:
                settings[key[len(section) + 1 :]] = str(ast.literal_eval(value))
    for key, value in settings.items():
        environment["PIP_" + key.replace("-", "_").upper()] = value
    environment["PIP_CONFIG_FILE"] = os.devnull
    return environment


def clean_environment() -> dict[str, str]:
    unwanted = ("PIP_", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}


def report_progress(output: Iterable[str], total: int) -> list[str]:
    """Read what pip says to its end, with a line of our own every few seconds; return what it said."""
    lines = []
    found = 0
    reported = time.monotonic()
    for line in output:
        lines.append(line.rstrip())
        found += line.startswith("Collecting ")
        if line.startswith("Installing collected packages"):
            say("  all found, unpacking them.")
        elif line.startswith("Collecting ") and time.monotonic() - reported > 4:
            say(f"  {found} of {total} found.")
            reported = time.monotonic()
    return lines


def complaint(lines: list[str]) -> str:
    """Return the end of what pip said, without its small talk, and what may be behind it."""
    told = [line for line in lines if line.startswith(("ERROR", "  "))] or lines
    if sys.version_info[:2] > NEWEST:
        told.append(
            "Python {}.{} may be too new; the newest tried is {}.{}.".format(*sys.version_info[:2], *NEWEST)
        )
    elif any("from versions: none" in line for line in told):
        told.append("Can this machine reach the package index that pip is set up to use?")
    return "\n".join(f"  {line}" for line in told[-8:])


def works(command: list[str]) -> bool:
    try:
        done = subprocess.run(
            command,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
