"""Every claim about a vendor says where it was read and when, once per vendor."""

from __future__ import annotations

from datetime import date

import pytest

from providers.capabilities import COMMON_SETTINGS, Level, Operation
from providers.registry import capabilities
from providers.types import Field

OLDEST = date(2026, 1, 1)  # what was read before is to be read again


@pytest.mark.parametrize("name", Field)
def test_every_field_is_claimed_with_a_source_and_a_date(code, name):
    support = capabilities(code).fields[name]

    assert support.source.startswith("https://")
    assert support.read_on is not None
    assert support.read_on >= OLDEST
    assert support.note or support.level is Level.FULL


@pytest.mark.parametrize("operation", Operation)
def test_every_operation_is_claimed_with_a_source_and_a_date(code, operation):
    claim = capabilities(code).operations[operation]

    assert claim.source.startswith("https://")
    assert claim.read_on is not None
    assert claim.read_on >= OLDEST
    assert claim.note or claim.holds


def test_a_note_completes_the_sentence_this_crm(code):
    notes = [support.note for support in capabilities(code).fields.values() if support.note]

    assert [note for note in notes if note[0].isupper() or note.endswith(".")] == []


def test_the_numbers_make_sense(code):
    claims = capabilities(code)

    assert claims.default_base_url.startswith("https://")
    assert claims.limits
    assert all(limit.calls > 0 and limit.seconds > 0 for limit in claims.limits)
    assert 10 <= claims.landing.total_seconds() <= 15
    assert 1 <= claims.batch_size <= 1000
    assert claims.can_find == claims.can(Operation.FIND)


def test_the_common_settings_are_there_and_names_are_not_given_twice(code):
    names = [setting.name for setting in capabilities(code).settings]

    assert len(names) == len(set(names))
    assert {setting.name for setting in COMMON_SETTINGS} <= set(names)
    assert capabilities(code).secrets
