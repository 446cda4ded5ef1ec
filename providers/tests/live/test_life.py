"""A task's whole life at the real vendor, and what the engine relies on there."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from providers.capabilities import Level, Operation
from providers.errors import NotFound, Unauthorized, Unsupported
from providers.types import (
    Field,
    HubKey,
    NewTask,
    RemoteRef,
    RemoteTask,
    TaskChange,
    TaskDraft,
    canonical,
)


@pytest.fixture
def key():
    return HubKey(uuid.uuid4())


@pytest.fixture
def draft(sandbox):
    return sandbox.draft()


@pytest.fixture
def task(sandbox, draft: TaskDraft, key: HubKey) -> Iterator[RemoteTask]:
    """A task there, deleted afterwards."""
    task = sandbox.provider.create_task(draft, key=key)
    yield task
    with contextlib.suppress(NotFound):
        sandbox.provider.delete_task(task.ref)


def test_the_account_says_who_it_is(sandbox):
    identity = sandbox.provider.check()

    assert identity.name or identity.id


def test_a_created_task_holds_what_was_asked(sandbox, task, draft):
    held, wanted = sandbox.provider.fetch_task(task.ref).holds, canonical(draft)

    whole = [name for name in held if sandbox.capabilities.supports(name).level is Level.FULL]
    assert {name: held[name] for name in whole if name in _ASKED} == {
        name: wanted[name] for name in whole if name in _ASKED
    }


def test_a_task_is_found_by_its_key_and_by_no_other(sandbox, task, draft, key):
    if not sandbox.capabilities.can(Operation.FIND):
        pytest.skip(sandbox.capabilities.operations[Operation.FIND].note)
    sandbox.wait_for_look_ups()

    found = sandbox.provider.find_task(key, draft)

    assert found is not None
    assert found.ref == task.ref
    assert sandbox.provider.find_task(HubKey(key.link, 2), draft) is None


def test_a_change_is_there_afterwards(sandbox, task, draft, key):
    changed = replace(draft, title=f"{draft.title} changed")

    sandbox.provider.update_task(task.ref, changed, changed=frozenset({Field.TITLE}), key=key)

    assert sandbox.provider.fetch_task(task.ref).holds[Field.TITLE] == changed.title


def test_a_completed_task_is_completed_and_opens_again_where_it_can(sandbox, task):
    sandbox.provider.complete_task(task.ref, done_at=None)
    completed = sandbox.provider.fetch_task(task.ref).holds[Field.STATUS]

    assert completed == "completed"
    if not sandbox.capabilities.can(Operation.REOPEN):
        with pytest.raises(Unsupported):
            sandbox.provider.reopen_task(task.ref)
        return
    sandbox.provider.reopen_task(task.ref)
    assert sandbox.provider.fetch_task(task.ref).holds[Field.STATUS] == "open"


def test_a_deleted_task_is_gone(sandbox, task):
    sandbox.provider.delete_task(task.ref)
    sandbox.wait_for_look_ups()

    with pytest.raises(NotFound):
        sandbox.provider.fetch_task(task.ref)


def test_a_task_that_is_gone_is_told_so_whatever_is_asked_of_it(sandbox, task, draft, key):
    sandbox.provider.delete_task(task.ref)
    sandbox.wait_for_look_ups()

    with pytest.raises(NotFound):
        sandbox.provider.update_task(task.ref, draft, changed=frozenset({Field.TITLE}), key=key)


def test_a_batch_has_a_verdict_for_each_item(sandbox):
    items = [NewTask(sandbox.draft(), HubKey(uuid.uuid4())) for _ in range(3)]

    made = [one.task for one in sandbox.provider.create_tasks(items)]
    changes = [
        TaskChange(one.ref, replace(item.draft, title="changed"), frozenset({Field.TITLE}), item.key)
        for one, item in zip(made, items, strict=True)
    ]
    changed = sandbox.provider.update_tasks(changes)
    deleted = sandbox.provider.delete_tasks([one.ref for one in made])

    assert len({one.ref for one in made}) == 3
    assert [one.error for one in (*changed, *deleted)] == [None] * 6


def test_a_task_that_is_assigned_is_so_afterwards(sandbox, task, draft, key):
    active = [owner for owner in sandbox.provider.list_owners() if owner.is_active]
    if not active:
        pytest.skip("the sandbox has no user to assign a task to")
    given = replace(draft, assignee=active[0].id, assignee_email=active[0].email)

    told = sandbox.provider.update_task(task.ref, given, changed=frozenset({Field.ASSIGNEE}), key=key)

    held = {**sandbox.provider.fetch_task(task.ref).holds, **told.holds}
    assert held.get(Field.ASSIGNEE, active[0].id) == active[0].id


def test_wrong_credentials_are_unauthorized(sandbox):
    wrong = {name: f"{text[:4]}wrong" for name, text in sandbox.account.secrets.items()}
    stranger = type(sandbox.provider)(replace(sandbox.account, secrets=wrong), sandbox.provider.transport)

    with pytest.raises(Unauthorized):
        stranger.check()


def test_the_contact_is_known_by_the_e_mail(sandbox):
    sandbox.wait_for_look_ups()

    assert sandbox.provider.resolve_contact(sandbox.grace.person).ref == sandbox.grace.ref


def test_the_users_have_e_mails(sandbox):
    if not sandbox.capabilities.can(Operation.LIST_OWNERS):
        pytest.skip(sandbox.capabilities.operations[Operation.LIST_OWNERS].note)

    assert all(owner.id and "@" in owner.email for owner in sandbox.provider.list_owners())


def test_a_listing_has_the_task(sandbox, task):
    if not sandbox.capabilities.can(Operation.LIST_TASKS_OF_CONTACT):
        pytest.skip(sandbox.capabilities.operations[Operation.LIST_TASKS_OF_CONTACT].note)
    sandbox.wait_for_look_ups()

    page = sandbox.provider.list_tasks_of_contact(RemoteRef(sandbox.grace.ref.id))

    assert task.ref in [one.ref for one in page.items]


_ASKED = {Field.TITLE, Field.BODY, Field.DUE, Field.CONTACTS}
