"""The documents, as the tests read them: pages, tables, code blocks, command lines."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
README = ROOT / "README.md"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "bench" / "README.md",
    ROOT / "crmhub" / "README.md",
    ROOT / "providers" / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
HANDMADE = {
    "createsuperuser",
    "changepassword",
    "migrate",
    "check",
    "shell",
}  # Django's, which pages may name

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def text(page: Path | str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: Path, *kinds: str) -> list[str]:
    """The code blocks of these kinds, without the indent of a list that they stand in."""
    found = re.findall(r"^( *)```(\w+)\n(.*?)^ *```$", text(page), re.MULTILINE | re.DOTALL)
    return [
        re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, kind, body in found if kind in kinds
    ]


def typed(page: Path) -> list[list[str]]:
    """The words of each command line that the page shows, without settings that stand before it."""
    lines = [
        line[2:] for body in blocks(page, "console") for line in body.splitlines() if line.startswith("$ ")
    ]
    words = [shlex.split(line) for line in lines]
    return [
        line[next(i for i, word in enumerate(line) if not re.match(r"[A-Z_]+=", word)) :] for line in words
    ]


def rows(page: Path | str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    part = re.split(rf"^#+ {re.escape(heading)}$", text(page), maxsplit=1, flags=re.MULTILINE)[1]
    part = re.split(r"^#+ ", part, maxsplit=1, flags=re.MULTILINE)[0]
    found = re.search(r"(?:^\|.*\n?)+", part, re.MULTILINE)
    lines = found[0].strip().splitlines()[2:] if found else []
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)
