"""The labels of associations at HubSpot: by name, by number, changed and taken away."""

from __future__ import annotations

import pytest

from providers.errors import Rejected
from providers.hubspot.labels import HUBSPOTS, Labels, LinkType, in_snake_case
from providers.tests.hubspot.acts import bring, linked, requests, types_of
from providers.tests.worlds import new_key
from providers.types import Field, Linked, NewTask, RemoteRef, canonical


@pytest.fixture
def label(world):
    """The number of the label “Decision maker” between tasks and contacts; there are others too."""
    number = world.simulator.add_label("tasks", "contacts", "Decision maker")
    world.simulator.add_label("tasks", "contacts", "Käufer / Champion")
    world.simulator.add_label("tasks", "deals", "Decision maker")
    return number


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


@pytest.mark.parametrize("said", ["⭐", " ⭐ "])
@pytest.mark.parametrize("part", ["label", "type"])
def test_a_label_of_symbols_alone_is_found_by_its_name(world, label, part, said):
    star = world.simulator.add_label("tasks", "contacts", "⭐")
    world.simulator.add_label("tasks", "contacts", "🔥")
    grace = world.ids["contacts"][0]

    ref = world.create(world.draft(contacts=linked(grace, **{part: said}))).ref

    assert types_of(world, ref, grace) == {204, star}
    assert world.provider.fetch_task(ref).holds[Field.LABELS] == (f"contact:{grace}=⭐",)


def test_symbols_that_name_no_label_are_not_the_plain_type(world, label):
    with pytest.raises(Rejected, match="no label “⭐”"):
        world.create(world.draft(contacts=linked(world.ids["contacts"][0], label="⭐")))


def test_labels_that_differ_by_a_symbol_are_told_apart_by_their_own_spelling(world):
    numbers = {name: world.simulator.add_label("tasks", "contacts", name) for name in ("A+", "A-")}
    grace = world.ids["contacts"][0]

    ref = world.create(world.draft(contacts=linked(grace, label="A-"))).ref

    assert types_of(world, ref, grace) == {204, numbers["A-"]}


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
        (" ⭐ ", "⭐"),
        ("⭐ Star", "star"),
        ("+/-", "+/-"),
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
