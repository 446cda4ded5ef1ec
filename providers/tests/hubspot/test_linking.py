"""Associations of HubSpot tasks: several of each kind, with labels, and pinned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.errors import Forbidden, Rejected, Unconfirmed
from providers.hubspot.labels import HUBSPOTS, Labels, LinkType, in_snake_case
from providers.tests.worlds import new_key
from providers.types import Field, Linked, NewTask, RemoteRef, TaskChange, canonical

KINDS = {"contacts": "contact", "companies": "company", "deals": "deal", "tickets": "ticket"}


@pytest.fixture
def label(world):
    """The number of the label “Decision maker” between tasks and contacts; there are others too."""
    number = world.simulator.add_label("tasks", "contacts", "Decision maker")
    world.simulator.add_label("tasks", "contacts", "Käufer / Champion")
    world.simulator.add_label("tasks", "deals", "Decision maker")
    return number


def linked(*ids, **said):
    return tuple(Linked(RemoteRef(one), **said) for one in ids)


def types_of(world, task, contact):
    return world.simulator.records.held["0-27", task.id].links["0-1", contact]


def pinned_on(world, type_id, id_):
    return world.simulator.records.held[type_id, id_].properties.get("hs_pinned_engagement_id")


def bring(world, ref, draft, *changed):
    return world.provider.update_task(ref, draft, changed=frozenset(changed), key=new_key())


def requests(world, since):
    return [f"{one['method']} {one['path']}" for one in list(world.simulator.log)[since:]]


# Several of each


def test_a_task_is_made_with_several_records_of_each_kind(world):
    more = world.simulator.seed(
        {
            "companies": [{"name": "A"}, {"name": "B"}],
            "deals": [{"name": "C"}, {"name": "D"}],
            "tickets": [{"name": "E"}, {"name": "F"}],
        }
    )
    several = {
        name: linked(*world.ids["contacts"]) if name == "contacts" else linked(*more[name]) for name in KINDS
    }
    since = len(world.simulator.log)

    ref = world.create(world.draft(**several)).ref

    assert requests(world, since) == ["POST /crm/v3/objects/tasks"]
    holds = world.provider.fetch_task(ref).holds
    assert {name: holds[Field(name)] for name in KINDS} == {
        name: tuple(sorted(one.ref.id for one in several[name])) for name in KINDS
    }


# Labels


@pytest.mark.parametrize(
    "said",
    [
        {"label": "decision_maker"},
        {"label": "Decision maker"},
        {"type": "decision_maker"},
        {"type": "{number}"},
        {"type": "USER_DEFINED:{number}"},
        {"type": "USER_DEFINED:{number}", "label": "something else"},
    ],
)
def test_a_label_is_given_by_name_or_by_number(world, label, said):
    grace = world.ids["contacts"][0]
    said = {name: text.format(number=label) for name, text in said.items()}
    draft = world.draft(contacts=linked(grace, **said))

    ref = world.create(draft).ref

    assert types_of(world, ref, grace) == {204, label}
    told = bring(world, ref, draft, Field.CONTACTS, Field.LABELS).holds[Field.LABELS]
    assert told == canonical(draft)[Field.LABELS]
    assert world.provider.fetch_task(ref).holds[Field.LABELS] == (f"contact:{grace}=decision_maker",)


@pytest.mark.parametrize(
    "said", ["task_to_contact", "204", "HUBSPOT_DEFINED:204", "task_to_contact_unlabeled"]
)
def test_the_plain_type_needs_no_label_and_no_question(world, label, said):
    grace, since = world.ids["contacts"][0], len(world.simulator.log)

    ref = world.create(world.draft(contacts=linked(grace, type=said))).ref

    assert types_of(world, ref, grace) == {204}
    assert requests(world, since) == ["POST /crm/v3/objects/tasks"]


def test_a_label_that_is_not_there_is_refused_in_words_before_anything_is_made(world, label):
    with pytest.raises(Rejected) as refusal:
        world.create(world.draft(contacts=linked(world.ids["contacts"][0], label="boss")))

    assert list(refusal.value.fields) == [Field.LABELS]
    assert "it has: decision_maker, käufer_champion" in refusal.value.detail
    assert world.simulator.tasks() == []


def test_a_label_that_two_share_is_for_a_person_to_name_by_number(world, label):
    other = world.simulator.add_label("tasks", "contacts", "decision-maker")
    grace = world.ids["contacts"][0]

    with pytest.raises(Rejected, match="twice"):
        world.create(world.draft(contacts=linked(grace, label="decision_maker")))

    ref = world.create(world.draft(contacts=linked(grace, type=str(other)))).ref
    assert types_of(world, ref, grace) == {204, other}


def test_a_number_that_is_no_type_is_for_hubspot_to_refuse(world):
    with pytest.raises(Rejected) as refusal:
        world.create(world.draft(contacts=linked(world.ids["contacts"][0], type="USER_DEFINED:999")))

    assert refusal.value.status == 400


def test_a_label_is_changed_and_taken_away_and_its_contact_stays(world, label):
    grace = world.ids["contacts"][0]
    ref = world.create(world.draft(contacts=linked(grace, label="decision_maker"))).ref

    changed = bring(world, ref, world.draft(contacts=linked(grace, label="käufer_champion")), Field.LABELS)
    assert changed.holds[Field.LABELS] == (f"contact:{grace}=käufer_champion",)
    assert label not in types_of(world, ref, grace)

    plain = bring(world, ref, world.draft(contacts=linked(grace)), Field.LABELS)
    assert (plain.holds[Field.LABELS], plain.holds[Field.CONTACTS]) == ((), (grace,))
    assert types_of(world, ref, grace) == {204}


def test_labels_of_contacts_that_did_not_change_are_left_alone(world, label):
    grace, edith = world.ids["contacts"]
    ref = world.create(world.draft(contacts=linked(grace, label="decision_maker"))).ref

    bring(world, ref, world.draft(contacts=linked(grace, edith)), Field.CONTACTS)

    assert types_of(world, ref, grace) == {204, label}
    assert types_of(world, ref, edith) == {204}


def test_a_change_of_labels_brings_back_no_contact_that_was_taken_off_there(world, label):
    grace = world.ids["contacts"][0]
    ref = world.create(world.draft()).ref
    world.simulator.records.unlink(world.simulator.records.held["0-27", ref.id], ("0-1", grace))

    holds = bring(world, ref, world.draft(contacts=linked(grace, label="decision_maker")), Field.LABELS).holds

    assert (holds[Field.CONTACTS], holds[Field.LABELS]) == ((), ())


def test_a_batch_asks_for_labels_once_and_a_wrong_one_spoils_no_other(world, label):
    grace, since = world.ids["contacts"][0], len(world.simulator.log)
    said = ["decision_maker", "boss", "decision_maker"]
    items = [NewTask(world.draft(contacts=linked(grace, label=one)), new_key()) for one in said]

    outcomes = world.provider.create_tasks(items)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "rejected", ""]
    assert requests(world, since) == [
        "GET /crm/v4/associations/0-27/0-1/labels",
        "POST /crm/v3/objects/tasks/batch/create",
    ]
    assert types_of(world, outcomes[2].task.ref, grace) == {204, label}


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Decision maker", "decision_maker"),
        (" A -- b/C ", "a_b_c"),
        ("Käufer", "käufer"),
        ("", ""),
        ("__x__", "x"),
    ],
)
def test_a_label_is_spelled_in_snake_case(label, name):
    assert in_snake_case(label) == name


@pytest.mark.parametrize(
    ("given", "types"),
    [
        ("37", [(HUBSPOTS, 204), ("INTEGRATOR_DEFINED", 37)]),
        ("38", [(HUBSPOTS, 204), ("USER_DEFINED", 38)]),
        ("USER_DEFINED:204", [(HUBSPOTS, 204), ("USER_DEFINED", 204)]),
    ],
)
def test_a_number_alone_has_the_category_that_the_account_says(given, types):
    labels = Labels(lambda _name: [LinkType("INTEGRATOR_DEFINED", 37, "Imported")])

    found = labels.types(Field.CONTACTS, Linked(RemoteRef("101"), type=given))

    assert [(one.category, one.number) for one in found] == types


# Merged records


def test_a_contact_that_was_merged_keeps_its_task(world, ask):
    grace, edith = world.ids["contacts"]
    ref = world.create(world.draft(contacts=linked(edith))).ref
    merged = {"primaryObjectId": grace, "objectIdToMerge": edith}
    survivor = ask("POST", "/crm/v3/objects/contacts/merge", merged)[2]["id"]

    holds = bring(world, ref, world.draft(contacts=linked(edith)), Field.CONTACTS).holds

    assert holds[Field.CONTACTS] == (survivor,)


# Pins


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


# Batches


def test_keys_that_are_taken_are_adopted_by_one_upsert(world):
    items = [NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(6)]
    landed = [
        world.create(replace(item.draft, title="Old", deals=()), key=item.key).ref for item in items[:3]
    ]
    since = len(world.simulator.log)

    outcomes = world.provider.create_tasks(items)

    assert [one.error for one in outcomes] == [None] * 6
    assert [one.task.ref for one in outcomes[:3]] == landed
    assert [world.held(item.key)[0]["title"] for item in items] == [f"Task {n}" for n in range(6)]
    assert [one.task.holds[Field.DEALS] for one in outcomes[:3]] == [(world.ids["deals"][0],)] * 3
    assert requests(world, since).count("POST /crm/v3/objects/tasks/batch/upsert") == 1


@pytest.mark.parametrize("batch", ["create", "update"])
def test_a_batch_that_is_done_in_part_tells_each_item_its_own_fate(world, batch):
    items = [NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(10)]
    if batch == "create":
        world.simulator.fail_next("partial", "POST .*/batch/create")
        outcomes = world.provider.create_tasks(items)
    else:
        refs = [one.task.ref for one in world.provider.create_tasks(items)]
        world.simulator.fail_next("partial", "POST .*/batch/update")
        changes = [
            TaskChange(ref, replace(item.draft, title="New"), frozenset({Field.TITLE}), item.key)
            for ref, item in zip(refs, items, strict=True)
        ]
        outcomes = world.provider.update_tasks(changes)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "rejected"] * 5
    assert len([one for one in world.simulator.tasks() if batch == "create" or one["title"] == "New"]) == 5


def test_an_upsert_that_got_lost_leaves_its_items_unconfirmed_and_no_other(world):
    items = [NewTask(world.draft(title=f"Task {n}"), new_key()) for n in range(4)]
    world.create(items[1].draft, key=items[1].key)
    world.simulator.fail_next("drop", "POST .*/batch/upsert", after_write=True)

    outcomes = world.provider.create_tasks(items)

    assert [one.error.code if one.error else "" for one in outcomes] == ["", "unconfirmed", "", ""]
