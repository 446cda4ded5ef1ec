"""What every CRM must do with a task, once per vendor."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from providers.capabilities import Level, Operation
from providers.errors import Conflict, NotFound, Permanent, Unsupported
from providers.tests.worlds import CONTENT, day, new_key
from providers.types import Field, HubKey, Linked, NewTask, Priority, RemoteRef, TaskStatus, canonical

NASTY = "Käthe 😀 & <b>sons</b> *star* _under_ [x](y) \"quoted\" 'single' \\ `code` ½"
TEXTS = {
    "unicode and emoji": NASTY,
    "html": "<p>one</p><script>alert(1)</script> &amp; &lt;br&gt; 1 < 2 > 0",
    "markdown": "# head\n\n- item\n- *item*\n\n1. one\n> quote\n---\n```\ncode\n```\n| a | b |",
    "line breaks": "first\nsecond\n\nfourth",
    "four kilobytes": " ".join(["ä" * 40] * 50),
}


def full_fields(world):
    return [name for name in CONTENT if world.capabilities.supports(name).level is Level.FULL]


def test_a_created_task_holds_every_field_that_is_called_full(world):
    draft = world.draft()

    ref = world.create(draft).ref

    held, wanted = world.provider.fetch_task(ref).holds, canonical(draft)
    assert {name: held.get(name) for name in full_fields(world)} == {
        name: wanted[name] for name in full_fields(world)
    }


def test_a_created_task_is_in_the_crm_as_a_person_would_read_it(world):
    key, draft = new_key(), world.draft()

    ref = world.create(draft, key=key).ref

    [task] = world.held(key)
    assert (task["id"], task["title"], task["body"]) == (ref.id, draft.title, draft.body)
    assert (task["status"], task["contact"], task["deleted"]) == ("open", "grace@client.example", False)


def test_what_the_answer_to_a_create_tells_is_true(world):
    draft = world.draft()

    told = world.create(draft).holds

    wanted = canonical(draft)
    assert {name: told[name] for name in full_fields(world) if name in told} == {
        name: wanted[name] for name in full_fields(world) if name in told
    }


@pytest.mark.parametrize("status", [TaskStatus.OPEN, TaskStatus.COMPLETED])
def test_a_task_may_be_created_in_its_state(world, status):
    key = new_key()

    task = world.create(world.draft(status=status), key=key)
    if status is TaskStatus.COMPLETED and not world.capabilities.closes_by_update:
        world.provider.complete_task(task.ref, done_at=None)

    assert [one["status"] for one in world.held(key)] == [status]


@pytest.mark.parametrize("status", TaskStatus)
def test_a_status_comes_back_as_the_nearest_that_is_claimed(world, status):
    draft = world.draft(status=status)

    ref = world.create(draft).ref
    if draft.status is TaskStatus.COMPLETED and not world.capabilities.closes_by_update:
        world.provider.complete_task(ref, done_at=None)

    assert world.provider.fetch_task(ref).holds[Field.STATUS] == draft.status


@pytest.mark.parametrize("priority", Priority)
def test_a_priority_comes_back_as_it_was_sent_where_one_is_held(world, priority):
    draft = world.draft(priority=priority)

    ref = world.create(draft).ref

    assert world.provider.fetch_task(ref).holds.get(Field.PRIORITY, "none") == draft.priority


def test_a_task_holds_as_many_contacts_as_are_claimed(world):
    more = world.simulator.seed(
        {
            "contacts": [
                {"first_name": name, "last_name": "Twin", "email": f"{name}@client.example"}
                for name in "abcd"
            ]
        }
    )
    ids = [*world.ids["contacts"], *more["contacts"]]
    draft = world.draft(contacts=tuple(Linked(RemoteRef(one)) for one in ids))

    ref = world.create(draft).ref

    wanted = canonical(draft)[Field.CONTACTS]
    assert world.provider.fetch_task(ref).holds.get(Field.CONTACTS, wanted) == wanted


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_a_body_comes_back_as_it_was_sent(world, text):
    draft = world.draft(body=text)

    ref = world.create(draft).ref

    assert world.provider.fetch_task(ref).holds.get(Field.BODY, draft.body) == draft.body


def test_a_title_comes_back_as_it_was_sent(world):
    draft = world.draft(title=NASTY)

    ref = world.create(draft).ref

    assert world.provider.fetch_task(ref).holds[Field.TITLE] == draft.title


@pytest.mark.parametrize("text", ["2026-12-01", "2027-03-28", "2026-10-25", "2026-12-31"])
def test_a_day_comes_back_as_that_day(world, text):
    draft = world.draft(due=day(text), end_at=None, reminder_at=None)

    ref = world.create(draft).ref

    assert world.provider.fetch_task(ref).holds[Field.DUE] == text


def test_an_update_changes_what_changed_and_nothing_else(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    before = world.provider.fetch_task(ref).holds

    world.provider.update_task(
        ref, replace(draft, title="Write to Grace"), changed=frozenset({Field.TITLE}), key=key
    )

    after = world.provider.fetch_task(ref).holds
    assert after == {**before, Field.TITLE: "Write to Grace"}


def test_an_update_of_everything_holds_everything(world):
    key = new_key()
    ref = world.create(world.draft(), key=key).ref
    draft = world.draft(
        title="Visit Edith",
        body="Bring <flowers> & the *chart*.",
        due=day("2026-12-24"),
        end_at=None,
        reminder_at=None,
        assignee=world.ids["users"][1],
        assignee_email="mallory@hub.example",
    )
    changed = frozenset(
        name
        for name in (Field.TITLE, Field.BODY, Field.DUE, Field.END, Field.REMINDER, Field.ASSIGNEE)
        if not world.capabilities.supports(name).is_fixed
        and world.capabilities.supports(name).level is Level.FULL
    )

    world.provider.update_task(ref, draft, changed=changed, key=key)

    held, wanted = world.provider.fetch_task(ref).holds, canonical(draft)
    assert {name: held.get(name) for name in changed} == {name: wanted[name] for name in changed}


def test_what_is_emptied_is_empty_there(world):
    key = new_key()
    ref = world.create(world.draft(), key=key).ref
    draft = world.draft(body="", priority=Priority.NONE, due=None, end_at=None, reminder_at=None, location="")
    changed = frozenset(
        name
        for name in (Field.BODY, Field.PRIORITY, Field.DUE, Field.END, Field.REMINDER)
        if not world.capabilities.supports(name).is_fixed
        and world.capabilities.supports(name).level is Level.FULL
    )

    world.provider.update_task(ref, draft, changed=changed, key=key)

    held, wanted = world.provider.fetch_task(ref).holds, canonical(draft)
    assert {name: held.get(name) for name in changed} == {name: wanted[name] for name in changed}


def test_completing_twice_is_no_error(world):
    key = new_key()
    ref = world.create(key=key).ref

    world.provider.complete_task(ref, done_at=None)
    world.provider.complete_task(ref, done_at=None)

    assert [one["status"] for one in world.held(key)] == ["completed"]
    assert world.provider.fetch_task(ref).holds[Field.STATUS] == "completed"


def test_a_completed_task_can_be_reopened_where_that_is_declared(world):
    key = new_key()
    ref = world.create(key=key).ref
    world.provider.complete_task(ref, done_at=None)

    if not world.capabilities.can(Operation.REOPEN):
        with pytest.raises(Unsupported):
            world.provider.reopen_task(ref)
        return
    world.provider.reopen_task(ref)

    assert [one["status"] for one in world.held(key)] == ["open"]


def test_a_second_delete_is_done_or_not_found(world):
    key = new_key()
    ref = world.create(key=key).ref
    world.provider.delete_task(ref)

    with contextlib.suppress(NotFound):
        world.provider.delete_task(ref)

    assert [one["deleted"] for one in world.held(key)] == [True]


def test_a_deleted_task_is_not_found(world):
    ref = world.create().ref
    world.provider.delete_task(ref)

    with pytest.raises(NotFound):
        world.provider.fetch_task(ref)


def test_a_task_that_never_was_is_not_found(world):
    ref = world.create().ref
    other = RemoteRef(ref.id[:-1] + ("1" if ref.id[-1] != "1" else "2"), ref.parent_id)

    with pytest.raises(NotFound):
        world.provider.fetch_task(other)


def test_an_update_of_a_deleted_task_is_not_found(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    world.provider.delete_task(ref)

    with pytest.raises(NotFound):
        world.provider.update_task(ref, draft, changed=frozenset({Field.TITLE}), key=key)


def test_a_task_is_found_by_exactly_its_key(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    world.create(world.draft(title="Another one"))

    found = world.provider.find_task(key, draft)

    assert found is not None
    assert (found.ref, found.key) == (ref, str(key))


def test_another_generation_or_another_link_is_not_found(world):
    key, draft = new_key(), world.draft()
    world.create(draft, key=key)

    assert world.provider.find_task(HubKey(key.link, 2), draft) is None
    assert world.provider.find_task(HubKey(key.link, 11), draft) is None
    assert world.provider.find_task(new_key(), draft) is None


def test_a_deleted_task_is_not_found_by_its_key(world):
    key, draft = new_key(), world.draft()
    world.provider.delete_task(world.create(draft, key=key).ref)

    assert world.provider.find_task(key, draft) is None


def test_a_completed_task_is_found_by_its_key(world):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    world.provider.complete_task(ref, done_at=None)

    found = world.provider.find_task(key, draft)

    assert found is not None
    assert found.ref == ref


def test_a_task_is_found_once_the_look_ups_of_the_crm_have_caught_up(world):
    key, draft = new_key(), world.draft()
    lag = world.capabilities.find_lag.total_seconds()
    world.simulator.find_lag = lag
    ref = world.create(draft, key=key).ref

    world.simulator.move_clock(lag + 1)

    found = world.provider.find_task(key, draft)
    assert found is not None
    assert found.ref == ref


def test_a_task_without_what_the_crm_demands_is_refused(world):
    if not world.capabilities.needs_one_of:
        pytest.skip("takes a task without any association")
    draft = world.draft(**{str(name): () for name in world.capabilities.needs_one_of})

    with pytest.raises(Permanent):
        world.create(draft)

    assert world.simulator.tasks() == []


def test_a_task_without_a_due_date_is_taken(world):
    key, draft = new_key(), world.draft(due=None, end_at=None, reminder_at=None)

    ref = world.create(draft, key=key).ref

    assert world.provider.fetch_task(ref).holds.get(Field.DUE) == canonical(draft)[Field.DUE]


def test_a_title_of_four_kilobytes_comes_back_as_it_was_sent(world):
    draft = world.draft(title=" ".join(["Call Grace"] * 370))

    ref = world.create(draft).ref

    assert world.provider.fetch_task(ref).holds[Field.TITLE] == draft.title


def test_completing_a_deleted_task_is_not_found(world):
    ref = world.create().ref
    world.provider.delete_task(ref)

    with pytest.raises(NotFound):
        world.provider.complete_task(ref, done_at=None)


def test_a_second_create_with_a_key_makes_no_second_task_where_the_crm_can_tell(world):
    key, draft = new_key(), world.draft()
    first = world.create(draft, key=key).ref

    [outcome] = world.provider.create_tasks([NewTask(draft, key)])

    told = outcome.error.existing_id if isinstance(outcome.error, Conflict) else outcome.task.ref.id
    assert {one["id"] for one in world.held(key)} == {first.id, told}
    assert told == first.id or not world.capabilities.is_upsert


def test_two_tasks_with_the_same_words_are_two_tasks(world):
    draft, first, second = world.draft(), new_key(), new_key()

    refs = {world.create(draft, key=first).ref, world.create(draft, key=second).ref}

    assert len(refs) == 2
    assert {world.provider.find_task(key, draft).ref for key in (first, second)} == refs
