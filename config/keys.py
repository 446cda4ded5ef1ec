"""Making the two secrets the hub cannot run without: `SECRET_KEY` and a key of `CREDENTIALS_KEYS`.

`python3 -m config.keys` prints a fresh pair as lines for `.env`. It needs the standard library only.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

# setting: the file in the hub's `var` folder that holds it where the environment does not
FILES = {"SECRET_KEY": "secret_key", "CREDENTIALS_KEYS": "credentials_key"}


def new_secret_key() -> str:
    """Return a random value for Django's `SECRET_KEY`."""
    return secrets.token_urlsafe(50)


def new_credentials_key() -> str:
    """Return a random key in the form that `cryptography.fernet` takes: 32 bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


MAKERS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": new_secret_key,
    "CREDENTIALS_KEYS": new_credentials_key,
}


def keep_local_keys(folder: Path, *, names: Iterable[str]) -> list[str]:
    """Keep a fresh value in `folder` for each of these settings that has none; return those that were made.

    The files can be read by their owner only. Whoever loses the credentials key loses every stored CRM
    credential, so an existing file is never touched.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [name for name in names if _write_once(folder / FILES[name], MAKERS[name]())]


def _write_once(path: Path, value: str) -> bool:
    """Write a file that appears whole or not at all; return False where it is there already."""
    if path.exists():
        return False
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
    ) as file:
        file.write(f"{value}\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # Unlike a rename, a link never replaces the file of another process that was quicker.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def main() -> None:
    for name, make in MAKERS.items():
        print(f"{name}={make()}")


if __name__ == "__main__":
    main()
