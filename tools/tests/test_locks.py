"""The locks: complete, hashed, the same versions in both, and silent about where they were made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt"]


def pins(name):
    return set(re.findall(r"^([a-z0-9][\w.-]*==\S+)", (ROOT / name).read_text(), re.MULTILINE))


def test_the_development_lock_holds_the_runtime_in_the_same_versions():
    assert pins("requirements.txt") < pins("requirements-dev.txt")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_has_hashes_and_nothing_else_is_said(lock):
    text = (ROOT / lock).read_text()

    assert (
        re.sub(
            r"^\S+==\S+( ; [^\\\n]+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+",
            "",
            text,
            flags=re.MULTILINE,
        )
        == ""
    )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_that_is_asked_for_is_locked(lock):
    asked = re.findall(r"^([A-Za-z][\w.-]*)", (ROOT / lock.replace(".txt", ".in")).read_text(), re.MULTILINE)
    locked = {re.split("==", pin)[0] for pin in pins(lock)}

    assert {re.sub(r"[-_.]+", "-", name).lower() for name in asked} <= locked
