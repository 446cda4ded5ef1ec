"""The settings: what `.env.example` promises, what follows from what, and what a bad value is answered with."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from config import keys

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLE = (ROOT / ".env.example").read_text()
SHOWN = dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE, re.MULTILINE))

NEEDED = {"SECRET_KEY": keys.new_secret_key(), "CREDENTIALS_KEYS": keys.new_credentials_key()}


def settings_with(monkeypatch, **changes):
    """Return the names of the settings module, read with nothing but these in the environment."""
    for name in set(SHOWN) - {"VAR_DIR"}:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"ENV_FILE": os.devnull, **NEEDED, **changes}.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(ROOT / "config" / "settings.py"))


def manage(*arguments, **environment):
    """Run manage.py as somebody would who set only these."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, **environment},
        capture_output=True,
        text=True,
    )


def names_read():
    """Return the setting that each call of a reader asks for."""
    readers = {"config/settings.py": r"\benvironment\.\w+", "config/environment.py": r"(?<!def )\btext"}
    return {
        name
        for path, reader in readers.items()
        for name in re.findall(rf'{reader}\(\s*"([A-Z][A-Z0-9_]+)"', (ROOT / path).read_text())
    }


def test_the_example_lists_every_setting_and_no_other():
    in_compose = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "compose.yaml").read_text()))

    assert set(SHOWN) == names_read() | in_compose


def test_the_example_shows_the_defaults(monkeypatch, tmp_path):
    shown = {name: value for name, value in SHOWN.items() if name not in {*NEEDED, "VAR_DIR", "ENV_FILE"}}
    monkeypatch.setenv("VAR_DIR", str(tmp_path))

    as_shown = settings_with(monkeypatch, **shown, VAR_DIR=str(tmp_path))
    by_default = settings_with(monkeypatch, VAR_DIR=str(tmp_path))

    names = [name for name in by_default if name.isupper() and name not in {"LOGGING", "UNFOLD"}]
    assert {name: as_shown[name] for name in names} == {name: by_default[name] for name in names}


@pytest.mark.parametrize("lease", ["60", "6", "0.5", "900"])
def test_the_limits_keep_their_order_for_every_lease(monkeypatch, lease):
    settings = settings_with(monkeypatch, LEASE_SECONDS=lease)

    limits = [settings["HTTP_DEADLINE_SECONDS"], settings["JOB_SOFT_LIMIT"], settings["JOB_HARD_LIMIT"]]
    assert limits == sorted(set(limits))
    assert limits[-1] < settings["LEASE_SECONDS"]


def test_a_lease_of_a_minute_gives_the_documented_limits(monkeypatch):
    settings = settings_with(monkeypatch)

    assert settings["LEASE_SECONDS"] == 60
    assert settings["JOB_HARD_LIMIT"] == 45
    assert settings["JOB_SOFT_LIMIT"] == 40
    assert settings["HTTP_DEADLINE_SECONDS"] == 20


def test_an_https_address_secures_cookies_and_names_the_host(monkeypatch):
    settings = settings_with(monkeypatch, PUBLIC_URL="https://hub.example.com/")

    assert settings["PUBLIC_URL"] == "https://hub.example.com"
    assert "hub.example.com" in settings["ALLOWED_HOSTS"]
    assert settings["CSRF_TRUSTED_ORIGINS"] == ["https://hub.example.com"]
    assert settings["SESSION_COOKIE_SECURE"]
    assert settings["SECURE_HSTS_SECONDS"] > 0


def test_plain_http_is_not_redirected_where_no_proxy_tells_the_two_apart(monkeypatch):
    without = settings_with(monkeypatch, PUBLIC_URL="https://hub.example.com")
    told = settings_with(
        monkeypatch,
        PUBLIC_URL="https://hub.example.com",
        SECURE_PROXY_SSL_HEADER="HTTP_X_FORWARDED_PROTO,https",
    )

    assert not without["SECURE_SSL_REDIRECT"]
    assert told["SECURE_SSL_REDIRECT"]
    assert told["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_a_unix_socket_is_spelled_for_redis_and_for_celery(monkeypatch):
    settings = settings_with(monkeypatch, REDIS_URL="unix:///run/valkey.sock?db=3")

    assert settings["REDIS_URL"] == "unix:///run/valkey.sock?db=3"
    assert settings["CELERY_BROKER_URL"] == "redis+socket:///run/valkey.sock?virtual_host=3"


def test_a_relative_sqlite_path_begins_at_the_checkout(monkeypatch, tmp_path):
    settings = settings_with(
        monkeypatch, DATABASE_URL=f"sqlite:///{os.path.relpath(tmp_path, ROOT)}/x.sqlite3"
    )

    assert Path(settings["DATABASES"]["default"]["NAME"]).resolve() == tmp_path / "x.sqlite3"


def test_a_password_with_odd_characters_reaches_the_database(monkeypatch):
    settings = settings_with(monkeypatch, DATABASE_URL="postgres://ada:p%40ss%2Fword@db:5432/hub")

    assert settings["DATABASES"]["default"]["PASSWORD"] == "p@ss/word"


def test_a_setting_can_come_from_a_file(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from a file, as containers do it\n")

    settings = settings_with(monkeypatch, SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key"))

    assert settings["SECRET_KEY"] == "from a file, as containers do it"


def test_keys_are_made_once_and_for_their_owner_only(monkeypatch, tmp_path):
    made = keys.keep_local_keys(tmp_path, names=keys.FILES)
    settings = settings_with(monkeypatch, VAR_DIR=str(tmp_path), SECRET_KEY="", CREDENTIALS_KEYS="")
    again = keys.keep_local_keys(tmp_path, names=keys.FILES)

    assert made == ["SECRET_KEY", "CREDENTIALS_KEYS"]
    assert again == []
    assert settings["SECRET_KEY"] == (tmp_path / "secret_key").read_text().strip()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOW_CUSTOM_CRM_HOSTS", "maybe"),
        ("CACHE_URL", "nonsense"),
        ("CREDENTIALS_KEYS", "too-short"),
        ("DEBUG", "perhaps"),
        ("EMAIL_URL", "nonsense"),
        ("HUB_TIME_ZONE", "Middle/Earth"),
        ("LEASE_SECONDS", "-1"),
        ("LEASE_SECONDS", "nan"),
        ("LOG_FORMAT", "xml"),
        ("PUBLIC_URL", "hub.example.com"),
        ("PUBLIC_URL", "https://hub.example.com/below"),
        ("SECURE_PROXY_SSL_HEADER", "on"),
        ("SWEEP_SECONDS", "0"),
        ("WORKERS", "two"),
        ("WORKERS", "0"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "mysql://ada@db/hub"),
        ("DATABASE_URL", "postgres://ada@db"),
        ("DATABASE_URL", "sqlite://hub.sqlite3"),
        ("DATABASE_URL", "sqlite://:memory:"),
        ("REDIS_URL", "nonsense"),
        ("REDIS_URL", "redis://"),
        ("REDIS_URL", "unix://valkey.sock"),
    ],
)
def test_a_bad_value_is_refused_by_name(monkeypatch, name, value):
    with pytest.raises(ImproperlyConfigured, match=f"^{name}"):
        settings_with(monkeypatch, **{name: value})


@pytest.mark.parametrize("url", ["postgres://ada:hunter2@db:no/hub", "postgres://ada:hun/ter2@db/hub"])
def test_a_refused_address_keeps_its_password_to_itself(monkeypatch, url):
    with pytest.raises(ImproperlyConfigured) as refusal:
        settings_with(monkeypatch, DATABASE_URL=url)

    assert "hunter2" not in str(refusal.value)
    assert "hun" not in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"REDIS_URL": "http://localhost"}, "REDIS_URL"),
        ({"CREDENTIALS_KEYS": "", "DEBUG": "0"}, "CREDENTIALS_KEYS"),
        ({"SECRET_KEY": "", "DEBUG": "0"}, "SECRET_KEY"),
    ],
)
def test_the_command_line_says_in_one_line_what_is_wrong(tmp_path, changes, name):
    done = manage("check", VAR_DIR=str(tmp_path), **{**NEEDED, **changes})

    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {name} ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_database_that_does_not_answer_is_one_line_too(tmp_path):
    done = manage(
        "migrate",
        "--skip-checks",
        VAR_DIR=str(tmp_path),
        DATABASE_URL="postgres://ada@127.0.0.1:1/hub",
        **NEEDED,
    )

    assert done.returncode == 2
    assert done.stderr.startswith("error: the database: ")
    assert done.stderr.count("\n") == 1


def test_help_needs_no_keys(tmp_path):
    assert "migrate" in manage("help", VAR_DIR=str(tmp_path)).stdout
