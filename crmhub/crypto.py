"""Sealing a connection's secrets for the database, with keys that can be rotated."""

from __future__ import annotations

import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class SecretsUnreadable(Exception):
    """The secrets were sealed with a key that is not among `CREDENTIALS_KEYS`."""


def new_key() -> str:
    """Return a fresh key for `CREDENTIALS_KEYS`: 44 characters."""
    return Fernet.generate_key().decode()


def seal(secrets: Mapping[str, str]) -> str:
    """Return the secrets encrypted with the first of `CREDENTIALS_KEYS`."""
    return _box().encrypt(json.dumps(dict(secrets)).encode()).decode()


def unseal(sealed: str) -> dict[str, str]:
    """Return the secrets; {} for "". Raises `SecretsUnreadable` when none of the keys fits."""
    if not sealed:
        return {}
    try:
        secrets: dict[str, str] = json.loads(_box().decrypt(sealed.encode()))
    except InvalidToken as error:
        raise SecretsUnreadable(
            "The stored credentials cannot be read with the keys in CREDENTIALS_KEYS: the key that sealed them is missing or wrong."
        ) from error
    return secrets


def reseal(sealed: str) -> str:
    """Return the same secrets sealed with the first key. Raises `SecretsUnreadable` when none of the keys fits."""
    return seal(unseal(sealed))


def _box() -> MultiFernet:
    keys = settings.CREDENTIALS_KEYS
    if not keys:
        raise ImproperlyConfigured(
            "CREDENTIALS_KEYS is empty; it needs at least one key to seal credentials with."
        )
    try:
        return MultiFernet([Fernet(key) for key in keys])
    except ValueError as error:
        raise ImproperlyConfigured(
            "CREDENTIALS_KEYS holds something that is not a key: 44 characters of URL-safe base64 each, comma-separated."
        ) from error
