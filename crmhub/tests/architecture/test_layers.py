"""Imports go down. import-linter holds that in `make check` and here; and it really notices."""

from __future__ import annotations

import ast

import pytest

from crmhub.tests.architecture.conftest import PACKAGES, ROOT, Tree, sources

# Where it is planted, what, and how import-linter names it.
PLANTED = [
    ("crmhub/models/people.py", "from crmhub.admin import tasks", "crmhub.models.people -> crmhub.admin"),
    ("crmhub/models/records.py", "import crmhub.services.tasks", "crmhub.models.records -> crmhub.services"),
    (
        "crmhub/queries/tasks.py",
        "from crmhub.services import save_task",
        "crmhub.queries.tasks -> crmhub.services",
    ),
    ("crmhub/services/texts.py", "import crmhub.sync.push", "crmhub.services.texts -> crmhub.sync"),
    ("crmhub/services/keys.py", "from providers import http", "crmhub.services.keys -> providers.http"),
    ("crmhub/sync/backoff.py", "from crmhub.api import paging", "crmhub.sync.backoff -> crmhub.api"),
    ("crmhub/api/paging.py", "from crmhub.admin import due", "crmhub.api.paging -> crmhub.admin"),
    ("crmhub/api/parsing.py", "import unfold.admin", "crmhub.api.parsing -> unfold"),
    ("providers/waiting.py", "import django", "providers.waiting -> django"),
    ("providers/types.py", "from crmhub.models import Task", "providers.types -> crmhub.models"),
]


def lint(tree: Tree) -> tuple[int, str]:
    done = tree.run("lint-imports", "--no-cache", "--no-logo")
    return done.returncode, done.stdout + done.stderr


def test_the_layers_hold_in_a_copy_and_every_planted_import_is_named(tree):
    before, clean = lint(tree)
    for path, line, _ in PLANTED:
        tree.plant(path, line)
    after, told = lint(tree)

    assert before == 0, clean
    assert after == 1
    assert [named for _, _, named in PLANTED if named not in told] == []


def test_one_planted_import_alone_is_enough_and_is_named_with_its_line(tree):
    path = "crmhub/models/tasks.py"
    tree.plant(path, "from crmhub.admin import tasks")
    line = len((tree.folder / path).read_text().splitlines())

    status, told = lint(tree)

    assert status == 1
    assert f"crmhub.models.tasks -> crmhub.admin.tasks (l.{line})" in told


def test_nothing_is_imported_inside_a_function():
    # Loading an application is when Django lets its modules be imported.
    allowed = {("crmhub/apps.py", "ready")}
    found = {
        (name, function.name)
        for name, module in sources(*PACKAGES)
        for function in ast.walk(module)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }

    assert found - allowed == set()


def test_there_are_no_signals_and_no_receivers():
    found = [
        (name, node.lineno)
        for name, module in sources("crmhub", "config")
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom | ast.Import)
        and "django" in ast.unparse(node)
        and "signal" in ast.unparse(node)
    ]

    assert found == []


def test_models_decide_nothing_when_they_are_saved():
    hooks = {"save", "delete", "clean", "full_clean", "save_base", "from_db", "refresh_from_db"}
    found = [
        (name, node.name)
        for name, module in sources("crmhub/models")
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef) and node.name in hooks
    ]

    assert found == []


@pytest.mark.parametrize("folder", [*PACKAGES, "docs"])
def test_the_copy_has_what_the_checkout_has(tree, folder):
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}
    there = {path.relative_to(tree.folder).as_posix() for path in (tree.folder / folder).rglob("*.py")}

    assert here == there
