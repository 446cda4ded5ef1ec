"""Every way to fail has its row in the failure catalogue, and docs/failures.md shows the catalogue."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from crmhub.models import Connection, SyncStatus, TaskLink
from crmhub.models.links import NEEDS_A_PERSON
from crmhub.queries.remedies import (
    BY_CODE,
    BY_STATUS,
    CATALOGUE,
    OTHERWISE,
    Act,
    code_of,
    remedy_for,
    remedy_of,
)
from crmhub.tests.architecture.conftest import sources
from providers import registry
from providers.errors import ProviderError
from tools.tests.pages import quoted, rows


def kinds(of: type[ProviderError] = ProviderError) -> list[type[ProviderError]]:
    """All kinds of errors that there are, those of the vendors too."""
    for code in registry.codes():
        registry.provider_class(code)
    return [kind for one in of.__subclasses__() for kind in [one, *kinds(one)]]


def reasons() -> set[str]:
    """The codes that the engine parks links with, as they stand in its source."""
    found: set[Any] = set()
    for _, module in sources("crmhub/sync"):
        for node in ast.walk(module):
            if isinstance(node, ast.keyword) and node.arg in ("code", "last_error_code"):
                found |= {node.value.value} if isinstance(node.value, ast.Constant) else set()
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "code":
                found |= {node.value.value} if isinstance(node.value, ast.Constant) else set()
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "parked":
                code = node.args[2]
                found |= {code.value} if isinstance(code, ast.Constant) else set()
            if isinstance(node, ast.Dict):
                found |= {
                    value.value
                    for key, value in zip(node.keys, node.values, strict=True)
                    if isinstance(key, ast.Constant)
                    and key.value == "last_error_code"
                    and isinstance(value, ast.Constant)
                }
    return found - {""}


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_kind_of_error_has_a_row_of_its_own_or_of_the_kind_above(kind):
    row = remedy_for(code_of(kind))

    assert row is not OTHERWISE
    assert row.kind is not None
    assert issubclass(kind, row.kind)


def test_every_reason_to_park_has_a_row():
    assert {
        "impossible",
        "forbidden",
        "unconfirmed",
        "taken",
        "stops_its_worker",
        "awaits_contact",
    } <= reasons()
    assert {code for code in reasons() if code not in BY_CODE} == set()


@pytest.mark.parametrize("status", NEEDS_A_PERSON)
@pytest.mark.parametrize("code", [*BY_CODE, "", "unheard_of"])
def test_whatever_waits_for_a_person_is_told_what_to_do(status, code):
    link = TaskLink(connection=Connection(provider="hubspot"), sync_status=status, last_error_code=code)

    assert remedy_of(link).remedy


def test_what_is_in_step_asks_nothing_of_anybody():
    link = TaskLink(connection=Connection(provider="hubspot"), sync_status=SyncStatus.IN_SYNC)

    assert remedy_of(link) is None


def test_every_row_says_something_and_has_a_button_or_needs_none():
    every = [*CATALOGUE, *BY_STATUS.values(), OTHERWISE]

    assert all(row.means and row.remedy for row in every)
    assert all(row.act.button for row in every if row.act is not Act.NOTHING)


@pytest.mark.parametrize(
    ("heading", "catalogue"),
    [("By the code of the error", BY_CODE), ("By the sync status", BY_STATUS)],
)
def test_the_page_shows_the_catalogue(heading, catalogue):
    told = rows("docs/failures.md", heading)

    assert [quoted(cells[0])[0] for cells in told] == [str(code) for code in catalogue]
    for cells, row in zip(told, catalogue.values(), strict=True):
        assert quoted(cells[1]) == ([row.kind.__name__] if row.kind else [])
        assert (cells[2], cells[3], quoted(cells[4])) == (row.means, row.remedy, [row.act.value])
