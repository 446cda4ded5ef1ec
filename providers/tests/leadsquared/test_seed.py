"""The table from the vendor's page to our tests names tests that are there."""

from __future__ import annotations

from importlib import import_module

import pytest

from providers.tests.leadsquared.seed import SEED


@pytest.mark.parametrize(("item", "test"), SEED, ids=[item for item, _ in SEED])
def test_every_item_of_the_page_has_a_test_that_is_there(item, test):
    path, _, name = test.partition("::")
    module = import_module(path.removesuffix(".py").replace("/", "."))

    assert callable(getattr(module, name, None)), f"{item} names {test}"


def test_no_item_is_named_twice():
    assert len({item for item, _ in SEED}) == len(SEED)
