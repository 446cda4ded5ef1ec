"""The first administrator and the first API key, and `var/demo.json`, which tells of them.

`up` remembers in `var/access.json` what it made, so that it can tell again at the next start, also after a demo has written
`var/demo.json` meanwhile. Both files can be read by their owner only.
"""

from __future__ import annotations

import json
import os
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from knox.crypto import hash_token

from crmhub import services
from crmhub.models import ApiKey
from crmhub.models.access import Scope

FILE = "demo.json"
REMEMBERED = "access.json"
ADMIN = "admin"
KEY_NAME = "local"
PASSWORD_CHARACTERS = string.ascii_letters.translate(str.maketrans("", "", "lIO")) + "23456789"


@dataclass(frozen=True)
class Access:
    """How to come in: the administrator's name, the password ("" where somebody has changed it), the text of an API key."""

    username: str
    password: str
    api_key: str
    is_new: bool = False


def make_access() -> Access:
    """Make an administrator and an API key with every scope, in a database that has neither."""
    password = "".join(secrets.choice(PASSWORD_CHARACTERS) for _ in range(16))
    admin = get_user_model().objects.create_superuser(ADMIN, "admin@example.com", password)
    return Access(admin.get_username(), password, _make_key(), is_new=True)


def keep_access(folder: Path) -> Access:
    """Return how to come in, as far as it is known, and make what is missing: an administrator, the API key of this machine."""
    remembered = _remembered(folder)
    admin = get_user_model().objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
    if admin is None:
        access = make_access()
    else:
        access = Access(
            admin.get_username(),
            _if_right(remembered.get("password", ""), admin),
            _if_valid(remembered.get("api_key", "")) or _make_key(),
        )
    _write(folder / REMEMBERED, {"password": access.password, "api_key": access.api_key})
    return access


def tell(folder: Path, *, hub: str, access: Access, simulators: Mapping[str, Any] | None = None) -> Path:
    """Write `var/demo.json` for tools and tests, and return its path."""
    told: dict[str, Any] = {
        "hub": hub,
        "admin": {"username": access.username, "password": access.password},
        "api_key": access.api_key,
    }
    if simulators is not None:
        told["simulators"] = dict(simulators)
    _write(folder / FILE, told)
    return folder / FILE


def tell_nothing(folder: Path) -> None:
    """Remove what an earlier run told: its address and its keys are no longer true."""
    (folder / FILE).unlink(missing_ok=True)


def _remembered(folder: Path) -> dict[str, str]:
    try:
        remembered = json.loads((folder / REMEMBERED).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def _if_right(password: str, admin: AbstractBaseUser) -> str:
    return password if password and admin.check_password(password) else ""


def _if_valid(text: str) -> str:
    """Return the key's text if it still opens the API."""
    return text if text and ApiKey.objects.filter(name=KEY_NAME, digest=hash_token(text)).exists() else ""


def _make_key() -> str:
    """Make the key of this machine; an older one whose text nobody remembers is revoked."""
    for forgotten in ApiKey.objects.filter(name=KEY_NAME):
        services.revoke_key(key=forgotten)
    _, text = services.create_key(name=KEY_NAME, scopes=[scope.value for scope in Scope])
    return text


def _write(path: Path, told: Mapping[str, Any]) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(
        os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
    ) as file:
        json.dump(told, file, indent=2)
        file.write("\n")
    draft.replace(path)
