"""Registers the wrong providers for a run of the contract suite: `pytest -p providers.tests.wrong.plugin`."""

from __future__ import annotations

import pytest

from providers.registry import PROVIDERS
from providers.tests.wrong import WRONG

ROOM = "providers.tests.wrong.provider"
PROVIDERS.update({code: f"{ROOM}.{name}" for code, name in WRONG.items()})


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out the registered vendors, and what waits for a silent one: half a second each, and nothing more about these mistakes."""
    items[:] = [item for item in items if _is_asked(getattr(getattr(item, "callspec", None), "params", {}))]


def _is_asked(parameters: dict[str, object]) -> bool:
    return parameters.get("code") in WRONG and parameters.get("kind") not in ("hang", "slow")
