"""Tasks that are pinned on HubSpot's records."""

from __future__ import annotations

import pytest

from providers.errors import Forbidden, Rejected, Unconfirmed
from providers.tests.hubspot.acts import KINDS, bring, linked, pinned_on
from providers.tests.worlds import new_key
from providers.types import Field, NewTask, canonical


@pytest.mark.parametrize("part", KINDS)
def test_a_task_is_pinned_on_a_record_when_it_is_made(world, part):
    id_ = world.ids[part][0]
    draft = world.draft(**{part: linked(id_, is_pinned=True)})

    ref = world.create(draft).ref

    assert world.provider.fetch_task(ref).holds[Field.PINS] == (f"{KINDS[part]}:{id_}",)
    assert canonical(draft)[Field.PINS] == (f"{KINDS[part]}:{id_}",)


def test_a_pin_is_set_and_taken_away_later(world):
    deal = world.ids["deals"][0]
    ref = world.create().ref

    told = bring(world, ref, world.draft(deals=linked(deal, is_pinned=True)), Field.PINS)
    assert told.holds[Field.PINS] == (f"deal:{deal}",)

    told = bring(world, ref, world.draft(), Field.PINS)
    assert told.holds[Field.PINS] == ()
    assert pinned_on(world, "0-3", deal) is None


def test_a_pin_of_another_task_is_not_taken_away(world):
    deal = world.ids["deals"][0]
    mine = world.create(world.draft(deals=linked(deal, is_pinned=True))).ref
    theirs = world.create(world.draft(deals=linked(deal, is_pinned=True))).ref

    bring(world, mine, world.draft(), Field.PINS)

    assert pinned_on(world, "0-3", deal) == theirs.id


def test_a_record_that_is_taken_off_a_task_loses_its_pin_too(world):
    deal = world.ids["deals"][0]
    ref = world.create(world.draft(deals=linked(deal, is_pinned=True))).ref

    bring(world, ref, world.draft(deals=()), Field.DEALS, Field.PINS)

    assert pinned_on(world, "0-3", deal) is None


def test_a_pin_comes_with_the_record_that_it_is_on(world):
    grace, edith = world.ids["contacts"]
    ref = world.create(world.draft(contacts=linked(grace))).ref

    draft = world.draft(contacts=linked(grace, edith, is_pinned=True))
    told = bring(world, ref, draft, Field.CONTACTS, Field.PINS)

    assert told.holds[Field.PINS] == canonical(draft)[Field.PINS]


def test_a_task_of_a_batch_is_pinned(world):
    deal = world.ids["deals"][0]
    items = [NewTask(world.draft(deals=linked(deal, is_pinned=one)), new_key()) for one in (False, True)]

    outcomes = world.provider.create_tasks(items)

    assert pinned_on(world, "0-3", deal) == outcomes[1].task.ref.id


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_pin_that_is_refused_is_told_as_missing_and_the_task_is_made(world, status):
    key, deal = new_key(), world.ids["deals"][0]
    world.simulator.fail_next("status", "PATCH /crm/v3/objects/deals", status=status)

    told = world.create(world.draft(deals=linked(deal, is_pinned=True)), key=key)

    assert told.holds[Field.PINS] == ()
    assert [task["id"] for task in world.held(key)] == [told.ref.id]


@pytest.mark.parametrize(
    ("kind", "status"), [("drop", 0), ("status", 503), ("rate_limited", 429), ("status", 401)]
)
def test_trouble_while_pinning_never_says_that_the_task_was_not_made(world, kind, status):
    key, deal = new_key(), world.ids["deals"][0]
    world.simulator.fail_next(kind, "PATCH /crm/v3/objects/deals", status=status)

    with pytest.raises(Unconfirmed, match="was made"):
        world.create(world.draft(deals=linked(deal, is_pinned=True)), key=key)

    assert world.provider.find_task(key, world.draft()) is not None


def test_a_pin_that_is_refused_later_is_named(world):
    ref, deal = world.create().ref, world.ids["deals"][0]
    world.simulator.fail_next("status", "PATCH /crm/v3/objects/deals", status=400)

    with pytest.raises(Rejected) as refusal:
        bring(world, ref, world.draft(deals=linked(deal, is_pinned=True)), Field.PINS)

    assert list(refusal.value.fields) == [Field.PINS]


def test_a_token_that_may_not_read_deals_says_nothing_of_pins(world):
    ref = world.create().ref
    world.simulator.scopes.discard("crm.objects.deals.read")

    holds = world.provider.fetch_task(ref).holds

    assert Field.PINS not in holds
    assert holds[Field.DEALS] == (world.ids["deals"][0],)


def test_a_token_that_may_not_write_deals_cannot_pin_on_one(world):
    ref, deal = world.create().ref, world.ids["deals"][0]
    world.simulator.scopes.discard("crm.objects.deals.write")

    with pytest.raises(Forbidden) as refusal:
        bring(world, ref, world.draft(deals=linked(deal, is_pinned=True)), Field.PINS)

    assert refusal.value.scope == "crm.objects.deals.write"
