"""The older paths of associations, and what the simulated HubSpot tells by itself."""

from __future__ import annotations

import pytest

from providers.tests.contract.test_webhooks import Mailbox
from providers.tests.hubspot.guide import CONTACTS, TASKS, TO_CONTACT, example

# The older paths of associations


@pytest.mark.parametrize("spelling", ["number", "decision_maker"])
def test_the_guide_s_association_takes_a_custom_label_by_number_or_in_snake_case(world, ask, spelling):
    number = world.simulator.add_label("tasks", "contacts", "Decision maker")
    task_id = ask("POST", TASKS, {**example(world), "associations": []})[2]["id"]
    contact = world.ids["contacts"][0]
    path = f"{TASKS}/{task_id}/associations/contacts/{contact}/{str(number) if spelling == 'number' else spelling}"
    held = f"/crm/v4/objects/0-27/{task_id}/associations/0-1"

    assert ask("PUT", path)[0] == 200
    [one] = ask("GET", held)[2]["results"]
    assert {(kind["typeId"], kind["label"]) for kind in one["associationTypes"]} == {
        (204, None),
        (number, "Decision maker"),
    }
    assert ask("DELETE", path)[0] == 204
    [one] = ask("GET", held)[2]["results"]
    assert [kind["typeId"] for kind in one["associationTypes"]] == [204]


@pytest.mark.parametrize("spelling", ["203", "boss", "task_to_deal", "x" * 50])
def test_an_association_type_that_is_none_is_refused(world, ask, task_id, spelling):
    path = f"{TASKS}/{task_id}/associations/contacts/{world.ids['contacts'][0]}/{spelling}"

    assert ask("PUT", path)[0] == 400


def test_taking_the_plain_type_away_takes_the_labels_with_it(world, ask):
    number = world.simulator.add_label("tasks", "contacts", "Decision maker")
    types = [*TO_CONTACT, {"associationCategory": "USER_DEFINED", "associationTypeId": number}]
    contact = world.ids["contacts"][0]
    body = {**example(world), "associations": [{"to": {"id": contact}, "types": types}]}
    task_id = ask("POST", TASKS, body)[2]["id"]
    pair = {"from": {"id": task_id}, "to": {"id": contact}, "types": TO_CONTACT}

    assert ask("POST", "/crm/v4/associations/0-27/0-1/batch/labels/archive", {"inputs": [pair]})[0] == 204
    assert ask("GET", f"/crm/v4/objects/0-27/{task_id}/associations/0-1")[2]["results"] == []


# What the simulated portal tells by itself


@pytest.fixture
def mailbox(world):
    mailbox = Mailbox()
    world.simulator.announcer.subscribe(mailbox.url)
    yield mailbox
    mailbox.close()


def told(world, mailbox):
    world.simulator.announcer.wait()
    seen = [event for one in mailbox.deliveries for event in world.provider.receive(one)]
    mailbox.deliveries.clear()
    return {(event.subject.value, event.change.value, event.ref.id) for event in seen}


def test_the_life_of_a_task_is_told_in_deliveries_that_are_believed(world, mailbox):
    ref = world.create().ref
    assert told(world, mailbox) >= {
        ("task", "created", ref.id),
        ("contact", "updated", world.ids["contacts"][0]),
    }

    world.provider.complete_task(ref, done_at=None)
    assert ("task", "completed", ref.id) in told(world, mailbox)

    world.provider.delete_task(ref)
    assert told(world, mailbox) == {("task", "deleted", ref.id)}

    world.simulator.restore(ref.id)
    assert told(world, mailbox) == {("task", "restored", ref.id)}


def test_a_merge_is_told_with_both_that_are_no_more(world, ask, mailbox):
    grace, edith = world.ids["contacts"]
    ask("POST", f"{CONTACTS}/merge", {"primaryObjectId": grace, "objectIdToMerge": edith})

    assert told(world, mailbox) == {("contact", "merged", grace), ("contact", "merged", edith)}


def test_a_write_that_is_refused_is_not_told(world, ask, mailbox):
    ask("POST", TASKS, example(world, hs_task_status="DONE"))
    ask("POST", f"{TASKS}/batch/create", {"inputs": [example(world), example(world, hs_task_status="DONE")]})

    assert told(world, mailbox) == set()


def test_what_did_not_change_is_not_told(world, mailbox):
    ref = world.create().ref
    told(world, mailbox)

    world.provider.reopen_task(ref)

    assert told(world, mailbox) == set()
