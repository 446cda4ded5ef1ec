"""Ids: they grow with time, and a link's can be told again from its two ends."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as some

from crmhub.models.ids import link_id, new_id, subjects_of
from providers.types import HubKey

IDS = some.uuids()


def test_a_new_id_is_a_version_7_uuid_that_grows_with_time():
    ids = [new_id() for _ in range(50)]

    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert [one.int >> 80 for one in ids] == sorted(one.int >> 80 for one in ids)


@given(IDS, IDS)
def test_a_links_id_is_always_the_same_for_the_same_two_ends(subject, connection):
    assert link_id(subject, connection) == link_id(uuid.UUID(str(subject)), uuid.UUID(str(connection)))
    assert link_id(subject, connection).variant == uuid.RFC_4122


def test_a_links_id_never_changes_with_the_code():
    # Keys made of it lie at the CRMs for years: this value is for ever.
    task = uuid.UUID("01a204a4-ecc0-7ca9-a7ae-e4291389b2c3")
    connection = uuid.UUID("01a204a4-97c5-7b34-a32c-242a5a3a4249")

    assert str(link_id(task, connection)) == "01a204a4-ecc0-7ca9-9b85-09b8e16b3fd6"


def test_links_stand_in_the_order_of_their_tasks():
    tasks = [uuid.UUID(int=(1000 + n) << 80 | 0x7 << 76 | 0x2 << 62) for n in range(9)]
    connection = new_id()

    ids = [link_id(task, connection) for task in tasks]

    assert ids == sorted(ids)
    assert {one.version for one in ids} == {7}


@given(IDS, IDS, IDS)
def test_two_connections_have_two_ids_for_a_task(subject, one, other):
    assert (link_id(subject, one) == link_id(subject, other)) == (one == other)


@given(IDS, IDS)
def test_a_key_tells_between_which_ids_its_task_lies(subject, connection):
    key = HubKey(link_id(subject, connection), 3)

    first, last = subjects_of(HubKey.read(str(key)).link)

    assert first <= subject <= last
