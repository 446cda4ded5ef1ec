"""Learning whether a workspace changes and deletes tasks: asked once, of a task that nobody has, and told in words afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from providers.errors import NotFound, RateLimited, Transient, Unauthorized, Unsupported
from providers.leadlex.probing import CHANGES, DELETES, NOBODYS
from providers.leadlex.provider import LeadLex
from providers.types import Field

BOTH = {CHANGES: True, DELETES: True}


@pytest.fixture
def knowing(account, transport):
    """A provider on the account as it is once this was learned."""

    def make(**learned):
        return LeadLex(replace(account, learned=learned), transport)

    return make


def test_a_workspace_with_both_calls_is_known_to_have_them(provider):
    assert provider.prepare() == BOTH


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize(("method", "learned"), [("PATCH", CHANGES), ("DELETE", DELETES)])
def test_a_call_that_the_workspace_does_not_have_is_learned(provider, simulator, method, learned, status):
    simulator.missing_calls, simulator.missing_call_status = {method}, status

    assert provider.prepare() == {**BOTH, learned: False}


def test_answers_that_do_not_tell_are_no_knowledge(provider, simulator):
    simulator.says_no_more_than_not_found = True

    assert provider.prepare() == {CHANGES: None, DELETES: None}


def test_a_key_that_may_only_read_learns_nothing(provider, simulator):
    simulator.permissions.remove("activities:write")

    assert provider.prepare() == {CHANGES: None, DELETES: None}


def test_a_workspace_that_looks_at_the_values_first_has_the_call(provider, simulator):
    simulator.fail_next("status", f"(PATCH|DELETE) .*/tasks/{NOBODYS}", status=400, times=2)

    assert provider.prepare() == BOTH


def test_an_unwell_answer_to_a_probe_is_no_knowledge(provider, simulator):
    simulator.fail_next("status", f"PATCH .*/tasks/{NOBODYS}", status=503)

    assert provider.prepare() == {CHANGES: None, DELETES: True}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 401}, Unauthorized),
        ({"kind": "rate_limited"}, RateLimited),
        ({"kind": "status", "status": 503}, Transient),
    ],
)
def test_a_workspace_that_cannot_be_asked_is_said_so(provider, simulator, fault, error):
    simulator.fail_next(match=".*/tasks/.*", **fault)

    with pytest.raises(error):
        provider.prepare()


def test_learning_touches_nobodys_task(provider, simulator, draft, key):
    provider.create_task(draft(), key=key)
    before, told = simulator.tasks(), len(simulator.announcer.sent)

    provider.prepare()

    assert simulator.tasks() == before
    assert len(simulator.announcer.sent) == told
    asked = [(entry["method"], entry["path"]) for entry in list(simulator.log)[1:]]
    assert len(asked) == 4
    assert all(path.endswith(NOBODYS) for _method, path in asked)


def test_what_is_known_to_be_missing_is_not_asked_for(knowing, provider, simulator, draft, key):
    ref = provider.create_task(draft(), key=key).ref
    before = len(simulator.log)
    knowing = knowing(**{CHANGES: False, DELETES: False})

    for act in (
        lambda: knowing.update_task(ref, draft(title="x"), changed=frozenset({Field.TITLE}), key=key),
        lambda: knowing.complete_task(ref, done_at=None),
        lambda: knowing.reopen_task(ref),
        lambda: knowing.delete_task(ref),
    ):
        with pytest.raises(Unsupported, match=r"by hand.*test the connection"):
            act()

    assert len(simulator.log) == before


def test_one_call_may_be_missing_and_the_other_not(knowing, provider, draft, key):
    ref = provider.create_task(draft(), key=key).ref
    knowing = knowing(**{CHANGES: False, DELETES: True})

    knowing.delete_task(ref)

    with pytest.raises(NotFound):
        provider.fetch_task(ref)


@pytest.mark.parametrize("learned", [{}, {CHANGES: None, DELETES: None}])
def test_what_is_not_known_is_tried(knowing, provider, draft, key, learned):
    ref = provider.create_task(draft(), key=key).ref

    assert knowing(**learned).complete_task(ref, done_at=None).holds[Field.STATUS] == "completed"
