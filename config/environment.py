"""Reading settings from the environment, with one clear line when a value cannot be used.

An empty value counts as not set, so that `WORKERS=` in a `.env` file means the default. Each setting may
also come from a file, the way Docker and Kubernetes hand over secrets: `SECRET_KEY_FILE=/run/secrets/key`
is read where `SECRET_KEY` would be.
"""

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlencode, urlsplit
from zoneinfo import ZoneInfo

import environ
from django.core.exceptions import ImproperlyConfigured

from config import running

YES = {"1", "true", "yes", "on"}
NO = {"0", "false", "no", "off"}

DATABASE_EXAMPLE = "postgres://user:password@db.example.com:5432/crmhub or sqlite:///var/hub.sqlite3"
REDIS_EXAMPLE = "redis://redis.example.com:6379/0 or unix:///run/valkey/valkey.sock"


def load(folder: Path) -> Path:
    """Read the `.env` file in `folder`, where there is one, and return the folder for what the hub keeps.

    What is set in the environment already wins over all else; then comes what a hub that runs here says of itself, so that a command
    beside it works on the same data; then the file. `ENV_FILE` names another file, `VAR_DIR` another folder.
    """
    given = set(os.environ)
    file = folder / text("ENV_FILE", ".env")
    if file.is_file():
        environ.Env.read_env(file)
    var = folder / text("VAR_DIR", "var")
    for name, value in running.settings_of_the_running_hub(var).items():
        if name not in given:
            os.environ[name] = value
    return var


def text(name: str, default: str = "") -> str:
    """Return the value of a setting, without surrounding blanks."""
    path = os.environ.get(f"{name}_FILE", "").strip()
    if path:
        return _contents(path, name=f"{name}_FILE") or default
    return os.environ.get(name, "").strip() or default


def words(name: str, default: list[str] | None = None) -> list[str]:
    """Return a comma-separated setting as a list; blanks and empty parts are dropped."""
    parts = [part.strip() for part in text(name).replace("\n", ",").split(",")]
    return [part for part in parts if part] or (default or [])


def choice(name: str, default: str, *, options: tuple[str, ...]) -> str:
    """Return a setting that is one of a few words, in the spelling of `options`."""
    value = text(name, default)
    for option in options:
        if value.lower() == option.lower():
            return option
    raise ImproperlyConfigured(f"{name} is {value!r}, but must be one of: {', '.join(options)}")


def flag(name: str) -> bool:
    """Return a yes-or-no setting; not set means no."""
    value = text(name, "0").lower()
    if value not in YES | NO:
        raise ImproperlyConfigured(f"{name} is {value!r}, but must be 1 or 0")
    return value in YES


def whole(name: str, default: int, *, at_least: int = 0, at_most: int | None = None) -> int:
    """Return a setting that is a whole number."""
    value = text(name, str(default))
    is_number = value.isascii() and value.isdigit()
    if not is_number or int(value) < at_least or (at_most is not None and int(value) > at_most):
        upwards = f"{at_least} or more" if at_most is None else f"from {at_least} to {at_most}"
        raise ImproperlyConfigured(f"{name} is {value!r}, but must be a whole number, {upwards}")
    return int(value)


def seconds(name: str, default: float) -> float:
    """Return a setting that is a time in seconds, more than nothing; fractions are allowed."""
    value = text(name, str(default))
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ImproperlyConfigured(f"{name} is {value!r}, but must be a number of seconds above 0")
    return number


def time_zone(name: str, default: str) -> str:
    """Return the name of a time zone that this machine knows."""
    value = text(name, default)
    try:
        ZoneInfo(value)
    except (LookupError, ValueError, OSError) as error:
        raise ImproperlyConfigured(
            f"{name} is {value!r}, but must be a zone such as Europe/Berlin"
        ) from error
    return value


def header(name: str) -> tuple[str, str] | None:
    """Return a header and its value, written as HTTP_X_FORWARDED_PROTO,https, or None."""
    parts = words(name)
    if not parts:
        return None
    if len(parts) != 2 or not parts[0].startswith("HTTP_"):
        raise ImproperlyConfigured(f"{name} must look like HTTP_X_FORWARDED_PROTO,https")
    return parts[0], parts[1]


def origin(name: str) -> SplitResult | None:
    """Return the parts of a web address without a path, such as https://hub.example.com, or None."""
    value = text(name)
    if not value:
        return None
    parts = _split(name, value, example="https://hub.example.com")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ImproperlyConfigured(f"{name} is {value!r}, but must look like https://hub.example.com")
    return parts


def secret_key(kept_in: Path) -> str:
    """Return `SECRET_KEY`, from the environment or else from the file that `manage.py up` makes."""
    return text("SECRET_KEY") or _kept(kept_in) or _refuse_missing("SECRET_KEY")


def credentials_keys(kept_in: Path) -> list[str]:
    """Return `CREDENTIALS_KEYS`, newest first, from the environment or else from the file that `manage.py up` makes.

    Each key is 32 random bytes in URL-safe base64, as `cryptography.fernet` takes them. A malformed key is
    refused here, without being shown.
    """
    keys = words("CREDENTIALS_KEYS") or _kept(kept_in).split()
    if not keys:
        _refuse_missing("CREDENTIALS_KEYS")
    for position, key in enumerate(keys, start=1):
        if not _is_fernet_key(key):
            raise ImproperlyConfigured(
                f"CREDENTIALS_KEYS: key {position} of {len(keys)} is not 32 bytes in URL-safe base64; "
                "`python3 -m config.keys` prints a good one"
            )
    return keys


def database(name: str, *, folder: Path, sqlite_default: Path) -> dict[str, Any]:
    """Return the Django connection that a database URL describes; relative SQLite paths start at `folder`."""
    url = text(name)
    if not url:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(sqlite_default)}
    parts = _split(name, url, example=DATABASE_EXAMPLE)
    scheme = parts.scheme
    if scheme not in {"sqlite", "postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"{name} must begin with postgres:// or sqlite://{_instead_of(scheme)}; for example {DATABASE_EXAMPLE}"
        )
    if scheme == "sqlite" and (parts.netloc or not parts.path.strip("/")):
        # Without a path it would be a database in memory, which the web server and the workers cannot share.
        raise ImproperlyConfigured(
            f"{name} needs three slashes and a path; for example sqlite:///var/hub.sqlite3"
        )
    # The address is not repeated in messages: it holds a password.
    try:
        connection: dict[str, Any] = environ.Env.db_url_config(url)
    except (ValueError, TypeError) as error:
        raise ImproperlyConfigured(f"{name} cannot be read; for example {DATABASE_EXAMPLE}") from error
    if scheme == "sqlite":
        return {"ENGINE": connection["ENGINE"], "NAME": str(folder / connection["NAME"])}
    if not connection["NAME"]:
        raise ImproperlyConfigured(f"{name} names no database; for example {DATABASE_EXAMPLE}")
    return connection


def redis_url(name: str) -> str:
    """Return the address of a Redis-protocol server as redis-py takes it: redis://, rediss:// or unix://.

    By default the usual local port.
    """
    url = text(name, "redis://127.0.0.1:6379/0")
    parts = _split(name, url, example=REDIS_EXAMPLE)
    if parts.scheme not in {"redis", "rediss", "unix"}:
        raise ImproperlyConfigured(
            f"{name} must begin with redis://, rediss:// or unix://{_instead_of(parts.scheme)}; "
            f"for example {REDIS_EXAMPLE}"
        )
    if parts.scheme == "unix" and not parts.path.startswith("/"):
        raise ImproperlyConfigured(
            f"{name} needs an absolute path after unix://; for example {REDIS_EXAMPLE}"
        )
    if parts.scheme != "unix" and not parts.hostname:
        raise ImproperlyConfigured(f"{name} names no host; for example {REDIS_EXAMPLE}")
    return url


def broker_url(name: str, *, redis: str) -> str:
    """Return the broker's address as Celery takes it; by default the Redis server at `redis`.

    Celery spells a unix socket redis+socket:///path?virtual_host=0 where redis-py says unix:///path?db=0.
    """
    url = text(name, redis)
    parts = _split(name, url, example=REDIS_EXAMPLE)
    if not parts.scheme:
        raise ImproperlyConfigured(f"{name} must begin with a scheme; for example {REDIS_EXAMPLE}")
    if parts.scheme != "unix":
        return url
    database_number = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?{urlencode({'virtual_host': database_number})}"


def cache(name: str) -> dict[str, Any]:
    """Return the Django cache that a URL describes; not set means the memory of each process."""
    url = text(name, "locmemcache://")
    try:
        backend: dict[str, Any] = environ.Env.cache_url_config(url)
    except (ImproperlyConfigured, ValueError) as error:
        raise ImproperlyConfigured(
            f"{name} cannot be read; for example redis://redis.example.com:6379/1"
        ) from error
    return backend


def email(name: str) -> dict[str, Any]:
    """Return Django's `EMAIL_…` settings from a URL; not set means mails are printed on the console."""
    url = text(name, "consolemail://")
    try:
        settings: dict[str, Any] = environ.Env.email_url_config(url)
    except (ImproperlyConfigured, ValueError) as error:
        raise ImproperlyConfigured(
            f"{name} cannot be read; for example smtp+tls://user:password@mail.example.com:587"
        ) from error
    return {key: value for key, value in settings.items() if value is not None}


def _contents(path: str, *, name: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"{name} names a file that cannot be read: {error}") from error


def _kept(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise ImproperlyConfigured(f"{path} cannot be read: {error.strerror}") from error


def _refuse_missing(name: str) -> str:
    raise ImproperlyConfigured(
        f"{name} is not set; put it into the environment or into .env (`python3 -m config.keys` prints a new one)"
    )


def _is_fernet_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)) == 32
    except (binascii.Error, UnicodeEncodeError):
        return False


def _split(name: str, value: str, *, example: str) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port  # a port that is no number is noticed only when it is asked for
    except ValueError as error:
        # The reason is not repeated: a password with a stray slash in it would be taken for the port.
        raise ImproperlyConfigured(f"{name} has no readable host and port; for example {example}") from error
    return parts


def _instead_of(scheme: str) -> str:
    return f", not with {scheme}:" if scheme else ""
