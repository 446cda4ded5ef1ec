"""The documents: what they link to is there, and what they tell to type can be typed."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import urllib.parse
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, get_commands, load_command_class
from django.urls import Resolver404, resolve

from crmhub.models.access import Scope
from providers import registry
from tools.tests.pages import PAGES, README, ROOT, each_page, quoted, rows, text, typed

DJANGOS = {"createsuperuser", "changepassword", "migrate", "check", "shell"}  # commands that pages may name


# Links


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text(page), flags=re.MULTILINE | re.DOTALL), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path, *, pictures: bool) -> list[str]:
    prose = re.sub(r"^ *```.*?^ *```", "", text(page), flags=re.MULTILINE | re.DOTALL)
    return re.findall(rf"{'!' if pictures else '(?<!!)'}\[[^\]]*\]\((?!https?:)([^)]+)\)", prose)


@each_page
def test_every_link_leads_somewhere(page):
    for link in links(page, pictures=False):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@each_page
def test_every_picture_is_there(page):
    assert [link for link in links(page, pictures=True) if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "/work/", "/root/", "/tmp/"])
def test_nothing_unfinished_and_no_place_of_one_machine_is_named(word):
    assert [page.name for page in PAGES if word in text(page)] == []


# Commands


def options_of(command: str) -> dict[str, list[str]]:
    """The options and arguments of one of our commands, with the words that each may be."""
    parser = load_command_class("crmhub", command).create_parser("manage.py", command)
    common = {
        "help",
        "version",
        "verbosity",
        "settings",
        "pythonpath",
        "traceback",
        "no_color",
        "force_color",
        "skip_checks",
    }
    return {
        (action.option_strings or [action.dest])[0]: [str(one) for one in action.choices or []]
        for action in parser._actions
        if action.dest not in common
    }


OURS = sorted(name for name, app in get_commands().items() if app == "crmhub")


def test_every_command_has_its_part():
    assert sorted(re.findall(r"^## (\S+)$", text("docs/commands.md"), re.MULTILINE)) == OURS


@pytest.mark.parametrize("command", OURS)
def test_a_command_is_told_with_all_its_options_and_their_words(command):
    told = {quoted(option)[0]: quoted(what) for option, what in rows("docs/commands.md", command)}
    options = options_of(command)

    assert set(told) == set(options)
    assert all(set(words) <= set(told[name]) for name, words in options.items())


@each_page
def test_every_command_line_can_be_typed(page):
    for program, *arguments in typed(page):
        check_typed(program, arguments)


def check_typed(program: str, arguments: list[str]) -> None:
    if program == "make":
        check_make(arguments)
    elif program in (".venv/bin/python", "python", "python3"):
        check_python(arguments)
    elif program == "docker":
        check_compose(arguments)
    elif program == "curl":
        check_address(next(one for one in arguments if one.startswith("http")))
    elif program in (".venv/bin/gunicorn", ".venv/bin/celery"):
        assert any(Path(program).name == shlex.split(line)[0] for line in commands_of_the_containers())
    else:
        assert program == "cp"
        assert (ROOT / arguments[0]).exists()


def check_make(arguments: list[str]) -> None:
    makefile = text("Makefile")
    for one in arguments:
        name, is_variable, _ = one.partition("=")
        assert re.search(rf"\$\({name}\)" if is_variable else rf"^{name}:.*## ", makefile, re.MULTILINE), one


def check_python(arguments: list[str]) -> None:
    first, *rest = arguments
    if first == "-m":
        importlib.import_module(rest[0])
    elif first != "manage.py":
        assert (ROOT / first).exists()
        assert all((ROOT / one).exists() for one in rest)
    elif rest[0] in OURS:
        parse(rest)
    else:
        assert rest[0] in DJANGOS


def parse(words: list[str]) -> None:
    command, *arguments = words
    parser = load_command_class("crmhub", command).create_parser("manage.py", command)
    try:
        given = parser.parse_args(arguments)
    except CommandError as error:
        pytest.fail(f"{shlex.join(words)}: {error}")
    if command == "connect":
        can = registry.capabilities(given.provider)
        secrets, settings = (
            {one.partition("=")[0] for one in some} for some in (given.secret, given.setting)
        )
        assert (
            {one.name for one in can.secrets if one.is_required}
            <= secrets
            <= {one.name for one in can.secrets}
        )
        assert (
            {one.name for one in can.settings if one.is_required}
            <= settings
            <= {one.name for one in can.settings}
        )
    if command == "createkey":
        assert set(given.scope) <= {scope.value for scope in Scope}


def check_compose(arguments: list[str]) -> None:
    assert arguments[0] == "compose"
    if arguments[1] == "run":
        service, python, *rest = [one for one in arguments[2:] if not one.startswith("--")]
        assert service in yaml.safe_load(text("compose.yaml"))["services"]
        assert python == "python"
        check_python(rest)


def commands_of_the_containers() -> list[str]:
    services = yaml.safe_load(text("compose.yaml"))["services"].values()
    found = [shlex.join(service["command"]) for service in services if "command" in service]
    return [*found, " ".join(json.loads(re.findall(r"^CMD (\[.*\])$", text("Dockerfile"), re.MULTILINE)[-1]))]


def check_address(address: str) -> None:
    path = urllib.parse.urlsplit(address).path
    try:
        resolve(path)
    except Resolver404:
        pytest.fail(f"there is no page {path}")


def test_a_line_may_leave_out_a_secret_that_is_not_required(monkeypatch):
    monkeypatch.setitem(registry.PROVIDERS, "tinycrm", "providers.tests.tinycrm.provider.TinyCrm")

    parse(["connect", "tinycrm", "--name", "TinyCRM", "--secret", "key=@key.txt"])


@pytest.mark.parametrize("code", registry.codes())
def test_the_line_that_connects_a_crm_is_the_same_on_both_pages(code):
    [line] = [one for one in typed(ROOT / "docs" / "connect" / f"{code}.md") if "connect" in one]
    [short] = [
        shlex.split(cell)
        for *_, cell in rows(README, "For real")
        for cell in quoted(cell)
        if cell.split()[1] == code
    ]

    assert [re.split("=|://", one)[0] for one in short] == [re.split("=|://", one)[0] for one in line[2:]]


# Settings


def test_the_settings_are_those_of_the_example_with_its_defaults():
    example = dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", text(".env.example"), re.MULTILINE))
    told = {
        quoted(name)[0]: (quoted(default) or [""])[0] for name, default, _ in rows(README, "Configuration")
    }
    from_another = {"ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"}

    assert set(told) == set(example)
    assert {name: value for name, value in told.items() if name not in from_another} == {
        name: value for name, value in example.items() if name not in from_another
    }


def test_every_time_is_told_with_its_unit():
    told = {quoted(name)[0]: what for name, _, what in rows(README, "Configuration")}

    assert [
        name for name, what in told.items() if re.search("SECONDS|LIMIT$", name) and "seconds" not in what
    ] == []
