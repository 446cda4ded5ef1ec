"""Each point of HubSpot's guide to tasks names a test that is there."""

from __future__ import annotations

from importlib import import_module

import pytest

from providers.hubspot.capabilities import CAPABILITIES
from providers.tests.hubspot.seed import SEED
from providers.types import Field


@pytest.mark.parametrize(("item", "test"), SEED, ids=[item for item, _ in SEED])
def test_the_test_of_a_point_is_there(item, test):
    path, _, name = test.partition("::")

    module = import_module(path.removesuffix(".py").replace("/", "."))

    assert callable(getattr(module, name))
    assert name.startswith("test_")


def test_no_point_stands_there_twice():
    items = [item for item, _ in SEED]

    assert len(items) == len(set(items))


def test_that_custom_objects_are_not_pinned_on_is_said():
    assert "custom objects are not supported" in CAPABILITIES.fields[Field.PINS].note
