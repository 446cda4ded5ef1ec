"""The documents: what they say of the code is what the code says."""

from __future__ import annotations

import ast
import importlib
import json
import re
from functools import cache

import pytest

from crmhub import services
from crmhub.demo.words import CRMS
from crmhub.launcher import access
from crmhub.models import SyncStatus
from providers import registry
from providers.simulator.__main__ import simulator_class
from providers.simulator.faults import KINDS, Fault
from providers.tests.hubspot.differences import DIFFERENCES
from tools import matrix
from tools.tests.pages import README, ROOT, blocks, each_page, quoted, rows, text, typed

# Words, rules, decisions


def thing(path: str) -> object:
    """What a dotted path names: a module's attribute, or an attribute of that."""
    parts = path.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for name in parts[cut:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(path)


@pytest.mark.parametrize("row", rows("crmhub/README.md", "Words"), ids=lambda row: row[0])
def test_each_word_names_something_in_the_code(row):
    _, _, where = row

    assert quoted(where)
    for path in quoted(where):
        assert callable(thing(path)) or isinstance(thing(path), property), path


def test_no_word_is_told_twice():
    words = [word for word, *_ in rows("crmhub/README.md", "Words")]

    assert sorted(set(words)) == sorted(words)


def test_every_sync_status_is_told():
    told = {quoted(name)[0] for name, *_ in rows("crmhub/README.md", "Sync status")}

    assert told == {*SyncStatus.values, "sending"}


@cache
def names_of_tests() -> frozenset[str]:
    files = [
        path
        for folder in ("crmhub", "providers", "config", "tools", "docs")
        for path in (ROOT / folder).rglob("test_*.py")
    ]
    found = (ast.parse(path.read_text(encoding="utf-8")).body for path in files)
    return frozenset(node.name for body in found for node in body if isinstance(node, ast.FunctionDef))


@each_page
def test_every_test_that_is_named_exists(page):
    assert set(re.findall(r"\btest_\w+(?!\.py|\w)", text(page))) <= names_of_tests()


def faults_in_tests() -> dict[str, set[str]]:
    """The tests that say in their docstring which fault they hold, by fault."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "crmhub").rglob("test_*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and (
                held := re.match(r"(F\d+): ", ast.get_docstring(node) or "")
            ):
                found.setdefault(held[1], set()).add(node.name)
    return found


def test_each_fault_has_its_row_and_the_row_its_tests():
    told = re.findall(r"^\| (F\d+) \|.*\| (.*) \|$", text("docs/faults.md"), re.MULTILINE)

    assert [fault for fault, _ in told] == sorted({fault for fault, _ in told}, key=lambda one: int(one[1:]))
    # What the hub has no part in yet has no test of its own; its row says who holds it.
    assert {fault: named for fault, tests in told if (named := set(quoted(tests)))} == faults_in_tests()


def test_there_are_sixteen_rules_and_a_test_holds_each():
    rules = re.split(r"^(\d+)\. \*\*", text("docs/sync.md").split("\n## The rules\n")[1], flags=re.MULTILINE)[
        1:
    ]

    assert [int(number) for number in rules[::2]] == list(range(1, 17))
    assert all(re.search(r"Held by `test_\w+`", rule) for rule in rules[1::2])


def test_the_table_of_errors_is_complete():
    tree = text("providers/errors.py").split('"""')[1]
    kinds = set(re.findall(r"^ +([A-Z]\w+)", tree, re.MULTILINE)) - {"Permanent"}
    told = {quoted(what)[0] for what, *_ in rows("docs/sync.md", "What an error means") if quoted(what)}

    assert told == kinds


def test_every_package_is_named_in_the_decisions():
    asked = re.findall(
        r"^([A-Za-z][\w.-]*)", text("requirements.in") + text("requirements-dev.in"), re.MULTILINE
    )
    named = "".join(text(page) for page in sorted((ROOT / "docs" / "decisions").glob("*.md")))

    assert [name for name in asked if f"`{name}`" not in named] == []


def test_every_decision_is_in_the_list():
    listed = set(re.findall(r"\((\d{4}-[\w-]+\.md)\)", text("docs/decisions/README.md")))

    assert listed == {page.name for page in (ROOT / "docs" / "decisions").glob("0*.md")}


# Interfaces


def test_demo_json_has_the_shape_that_is_shown(tmp_path):
    [shown] = [json.loads(body) for body in blocks(README, "json") if '"simulators"' in body]
    simulators = {
        code: {"url": "http://127.0.0.1:1", "secret": dict(simulator_class(code).default_secret)}
        for code in CRMS
    }

    told = access.tell(
        tmp_path, hub="http://127.0.0.1:1", access=access.Access("a", "b", "c"), simulators=simulators
    )

    assert keys(json.loads(told.read_text())) == keys(shown)
    assert told.stat().st_mode & 0o777 == 0o600


def keys(value: object) -> object:
    """The names in a JSON value, without what they hold."""
    return {name: keys(one) for name, one in value.items()} if isinstance(value, dict) else None


def test_a_simulator_tells_its_tasks_in_the_shape_that_is_shown():
    [[shown]] = [json.loads(body) for body in blocks(README, "json") if '"hub_key"' in body]

    assert list(shown) == ["id", "title", "body", "status", "due_at", "contact", "hub_key", "deleted"]


def test_the_menu_of_faults_is_the_one_that_is_told():
    [shown] = [
        json.loads(body)
        for body in blocks(ROOT / "providers" / "README.md", "json")
        if '"after_write"' in body
    ]
    menu = re.findall(
        r"^\| `(\w+)` \| (.*) \|$",
        text("providers/README.md").split("| kind | the simulator |")[1],
        re.MULTILINE,
    )

    assert vars(Fault.from_json(shown)) == shown
    assert {kind: what.replace("`", "") for kind, what in menu} == {
        kind: what.replace("`", "") for kind, what in KINDS.items()
    }


def test_what_is_known_of_hubspots_documents_is_published():
    shown = rows("docs/differences.md", "HubSpot, call by call")

    assert [tuple(row) for row in shown] == [
        (one.says, one.really, f"[page]({one.source})") for one in DIFFERENCES
    ]


def test_the_pages_of_a_simulator_are_there():
    pages = re.findall(r"^\| `(\w+) /_sim/(\w+)` \|", text("providers/README.md"), re.MULTILINE)
    source = text("providers/simulator/crm.py")

    assert {("GET", "tasks"), ("GET", "log"), ("POST", "faults"), ("POST", "reset")} <= set(pages)
    assert set(re.findall(r'\("(GET|POST|DELETE)", "(\w+)"\)', source)) == set(pages)


@pytest.mark.django_db
def test_the_api_answers_with_the_fields_that_are_shown(client):
    services.connect_account(provider="hubspot", name="HubSpot", secrets={"access_token": "pat-for-tests"})
    _, key = services.create_key(name="billing", scopes=["tasks:read", "tasks:write"])
    [shown] = [json.loads(body) for body in blocks(README, "json") if '"warnings"' in body]
    [line] = [one for one in typed(README) if one[0] == "curl"]
    sent = line[line.index("-d") + 1]

    answer = client.post(
        "/api/v1/tasks", sent, content_type="application/json", headers={"authorization": f"Bearer {key}"}
    )

    assert answer.status_code == 201
    assert set(shown) <= set(answer.json())
    assert shown["title"] == answer.json()["title"]
    assert set(shown["links"][0]) == set(answer.json()["links"][0])


@pytest.mark.django_db
def test_the_health_page_answers_in_the_shape_that_is_shown(client):
    [shown] = [json.loads(body) for body in blocks(ROOT / "docs" / "deployment.md", "json")]

    assert set(client.get("/readyz").json()) == set(shown)


# Made from the code


def test_the_parts_made_from_the_code_are_up_to_date():
    stale = [page.name for page in matrix.pages() if matrix.renewed(page.read_text()) != page.read_text()]

    assert stale == [], "run: .venv/bin/python -m tools.matrix"


def test_a_part_out_of_date_is_written_anew():
    page = "before\n<!-- made from the code: operations -->\n| old |\n<!-- end -->\nafter\n"

    made = matrix.renewed(page)

    assert "| `create` | yes |" in made
    assert "old" not in made
    assert matrix.renewed(made) == made


@pytest.mark.parametrize("code", registry.codes())
def test_each_page_about_a_crm_says_all_that_the_code_knows(code):
    parts = set(re.findall(rf"made from the code: (\w+) {code} ", text(f"docs/connect/{code}.md")))

    assert parts == set(matrix._OF_ONE)
