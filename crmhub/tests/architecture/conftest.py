"""The source as it is read here, and a copy of it in which something can be planted."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crmhub.tests.engine.conftest import ada, grace, hub

__all__ = ["ada", "grace", "hub"]

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("crmhub", "providers", "config", "tools")


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    """Yield the path and the syntax tree of every module below these folders, tests and migrations left out."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if "/tests/" not in name and "/migrations/" not in name:
                yield name, ast.parse(path.read_text(encoding="utf-8"))


class Tree:
    """A copy of the checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        left_out = shutil.ignore_patterns("__pycache__", "*.pyc", "images")
        for name in (*PACKAGES, "docs"):
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, folder / name, ignore=left_out)
        for name in ("conftest.py", "pyproject.toml", ".env.example", "manage.py"):
            shutil.copy(ROOT / name, folder / name)

    def plant(self, name: str, line: str) -> None:
        """Add a line at the end of a module."""
        path = self.folder / name
        path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the virtual environment in the copy."""
        program = Path(sys.executable).parent / command[0]
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return subprocess.run(
            [program, *command[1:]],
            cwd=self.folder,
            env={**surroundings, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
            capture_output=True,
            text=True,
        )


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path / "checkout")
