"""What is the vendors' stays in the vendors' rooms."""

from __future__ import annotations

import ast
import re

from crmhub.tests.architecture.conftest import PACKAGES, sources
from providers.registry import codes

VENDORS = re.compile("|".join(codes()), re.IGNORECASE)
# One line each in the registry, and the made-up world of the demo, whose tasks are told by how they fare at each CRM.
MAY_NAME_THEM = ("providers/registry.py", "crmhub/demo/")


def is_in_a_vendors_room(name: str) -> bool:
    return any(name.startswith(f"providers/{code}/") for code in codes())


def words(module: ast.Module) -> list[tuple[int, str]]:
    """Return the names, imports and texts of a module with their lines. What explains the code, in docstrings, may name anybody."""
    explained = {
        id(node.body[0].value)
        for node in ast.walk(module)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    said: list[tuple[int, str]] = []
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
            said.append((node.lineno, node.value))
        elif isinstance(node, ast.Name):
            said.append((node.lineno, node.id))
        elif isinstance(node, ast.Attribute):
            said.append((node.lineno, node.attr))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            said.append((node.lineno, ast.unparse(node)))
    return said


def test_no_module_outside_its_room_names_a_vendor():
    found = [
        f"{name}:{line} {word[:60]}"
        for name, module in sources(*PACKAGES)
        if not is_in_a_vendors_room(name) and not name.startswith(MAY_NAME_THEM)
        for line, word in words(module)
        if VENDORS.search(word)
    ]

    assert found == []


def test_no_vendors_room_knows_another_one():
    found = [
        f"{name}:{line} {word[:60]}"
        for name, module in sources("providers")
        if is_in_a_vendors_room(name)
        for line, word in words(module)
        for code in codes()
        if not name.startswith(f"providers/{code}/") and re.search(code, word, re.IGNORECASE)
    ]

    assert found == []
