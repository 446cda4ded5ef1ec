"""The image and compose.yaml name only what exists; no engine is needed to see that."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "crmhub"}


def exec_form(instruction):
    """Return the words of the last CMD, or of the one inside HEALTHCHECK."""
    *_, last = re.findall(rf"^{instruction} (?:.*\\\n  CMD )?(\[.*\])$", DOCKERFILE, re.MULTILINE)
    return yaml.safe_load(last)


def commands():
    for name, service in OURS.items():
        yield pytest.param(service.get("command") or exec_form("CMD"), id=name)


def test_everything_the_hub_needs_is_a_service():
    assert set(COMPOSE["services"]) == {"web", "worker", "beat", "migrate", "db", "redis"}


@pytest.mark.parametrize("command", list(commands()))
def test_each_service_runs_something_that_exists(command):
    program, *arguments = command

    if program == "python":
        assert arguments[0] == "manage.py"
        assert arguments[1] in get_commands()
    elif program == "celery":
        assert import_module(f"{arguments[arguments.index('-A') + 1]}.celery").app.main == "crmhub"
    else:
        assert program == "gunicorn"
        assert callable(import_module(arguments[0]).application)


def test_only_the_web_server_is_published_and_only_to_this_machine():
    published = {
        name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service
    }

    assert list(published) == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in published["web"])


def test_services_wait_for_what_they_need():
    for service in OURS.values():
        assert {
            "service_completed_successfully" if name == "migrate" else "service_healthy"
            for name in service["depends_on"]
        } == {wait["condition"] for wait in service["depends_on"].values()}
        for name, wait in service["depends_on"].items():
            if wait["condition"] == "service_healthy":
                assert "test" in COMPOSE["services"][name]["healthcheck"]


def test_secrets_must_be_given():
    for service in OURS.values():
        assert re.match(r"\$\{SECRET_KEY:\?.+\}", service["environment"]["SECRET_KEY"])
        assert re.match(r"\$\{CREDENTIALS_KEYS:\?.+\}", service["environment"]["CREDENTIALS_KEYS"])


def test_named_volumes_are_declared():
    used = {
        volume.split(":")[0]
        for service in COMPOSE["services"].values()
        for volume in service.get("volumes", [])
    }

    assert used == set(COMPOSE["volumes"])


def test_the_image_runs_without_root_and_is_asked_for_its_health():
    assert re.search(r"^USER \d+$", DOCKERFILE, re.MULTILINE)
    assert "/healthz" in " ".join(exec_form("HEALTHCHECK"))


def test_the_image_copies_what_there_is():
    sources = [
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
        for word in shlex.split(line)
    ]

    assert sources
    assert all((ROOT / source).exists() for source in sources)
