"""What every provider makes of a vendor that is unwell, once per vendor."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest

from providers.errors import (
    ProviderError,
    RateLimited,
    Rejected,
    Transient,
    Unauthorized,
    Unconfirmed,
)
from providers.simulator import Server
from providers.simulator.faults import with_words
from providers.simulator.server import Reply
from providers.tests.worlds import DEADLINE_S, new_key
from providers.types import Field, NewTask, Person

GRACE = Person("Grace", "Hopper", ("grace@client.example",))
LOST = ["hang", "drop", "reset", "cut", "html", "empty", "garbage", "status"]


def repeat(call, times=2):
    for _ in range(times):
        call()


@pytest.mark.parametrize("kind", LOST)
def test_a_lost_answer_to_a_create_is_unconfirmed_and_the_task_is_found(world, kind):
    line, key, draft = world.request_line_of_create(), new_key(), world.draft()
    world.simulator.fail_next(kind, line, after_write=True)

    with pytest.raises(Unconfirmed):
        world.impatient().create_task(draft, key=key)

    found = world.provider.find_task(key, draft)
    assert found is not None
    assert [task["id"] for task in world.held(key)] == [found.ref.id]


@pytest.mark.parametrize("kind", LOST)
def test_a_create_without_a_verdict_that_did_not_land_is_unconfirmed_and_not_found(world, kind):
    line, key, draft = world.request_line_of_create(), new_key(), world.draft()
    world.simulator.fail_next(kind, line)

    with pytest.raises(Unconfirmed):
        world.impatient().create_task(draft, key=key)

    assert world.provider.find_task(key, draft) is None


def test_an_answer_that_drips_is_given_up_at_the_deadline(world):
    line = world.request_line_of_create()
    world.simulator.fail_next("slow", line, seconds=0.02)
    started = time.monotonic()

    with pytest.raises(Unconfirmed):
        world.impatient().create_task(world.draft(), key=new_key())

    assert time.monotonic() - started < DEADLINE_S * 3


def test_an_error_inside_a_200_is_no_success(world):
    line, key = world.request_line_of_create(), new_key()
    world.simulator.fail_next("error_in_200", line)

    with pytest.raises((Rejected, Unconfirmed)):
        world.provider.create_task(world.draft(), key=key)

    assert world.held(key) == []


def test_a_create_over_the_limit_waits_and_has_not_landed(world):
    line, key = world.request_line_of_create(), new_key()
    world.simulator.fail_next("rate_limited", line, seconds=7)

    with pytest.raises(RateLimited) as caught:
        world.provider.create_task(world.draft(), key=key)

    assert caught.value.retry_after >= 1
    assert world.held(key) == []


def test_a_wait_that_the_vendor_names_is_kept_to(world):
    line = world.request_line_of_create()
    world.simulator.fail_next("rate_limited", line, headers={"Retry-After": "7"})

    with pytest.raises(RateLimited) as caught:
        world.create()

    assert caught.value.retry_after == 7


def test_a_limit_without_a_word_on_waiting_is_waited_for_all_the_same(world):
    line = world.request_line_of_create()
    world.simulator.fail_next("rate_limited", line, headers={"Retry-After": None})

    with pytest.raises(RateLimited) as caught:
        world.create()

    assert caught.value.retry_after >= 1


@pytest.mark.parametrize("kind", LOST)
def test_a_read_without_an_answer_is_transient(world, kind):
    ref = world.create().ref
    world.simulator.fail_next(kind)

    with pytest.raises(Transient):
        world.impatient().fetch_task(ref)


def test_a_read_over_the_limit_waits(world):
    ref = world.create().ref
    world.simulator.fail_next("rate_limited", seconds=7)

    with pytest.raises(RateLimited):
        world.provider.fetch_task(ref)


@pytest.mark.parametrize("kind", LOST)
def test_a_look_without_an_answer_is_an_error_and_not_a_no(world, kind):
    key, draft = new_key(), world.draft()
    world.create(draft, key=key)
    world.simulator.fail_next(kind, times=None)

    with pytest.raises(Transient):
        world.impatient().find_task(key, draft)


@pytest.mark.parametrize("kind", ["hang", "drop", "reset", "status", "empty", "html", "garbage"])
@pytest.mark.parametrize("is_done", [True, False])
def test_a_lost_answer_to_a_delete_is_unconfirmed(world, kind, is_done):
    ref = world.create().ref
    world.simulator.fail_next(kind, "(DELETE|POST|PUT|PATCH) |GET .*[Dd]elete", after_write=is_done)

    with pytest.raises(Unconfirmed):
        world.impatient().delete_task(ref)


def test_a_crm_that_cannot_be_reached_has_not_got_the_task(world):
    draft = world.draft()
    world.server.stop()
    world.close()

    with pytest.raises(Transient):
        world.impatient().create_task(draft, key=new_key())


def test_one_request_too_many_waits(world):
    limit = replace(world.simulator.limits[0], calls=1, seconds=3600.0)
    others = [one for one in world.simulator.limits if one.budget != limit.budget]
    crowded = type(world.simulator)(limits=[limit, *others])
    with Server(crowded) as server:
        account = replace(world.account, secrets=crowded.secret, base_url=server.url)

        provider = world.another(account)

        with pytest.raises(RateLimited) as caught:
            repeat(provider.list_owners)

    assert caught.value.retry_after >= 1


def test_wrong_secrets_are_unauthorized(world):
    wrong = {name: f"wrong{value[5:]}" for name, value in world.account.secrets.items()}

    with pytest.raises(Unauthorized):
        world.with_secrets(wrong).check()
    with pytest.raises(Unauthorized):
        world.with_secrets(wrong).create_task(world.draft(), key=new_key())

    assert world.simulator.tasks() == []


def test_no_secret_is_in_what_is_kept(world):
    ref = world.create().ref
    world.provider.fetch_task(ref)
    world.provider.list_owners()
    world.simulator.fail_next("status", times=None)
    with pytest.raises(ProviderError) as caught:
        world.provider.fetch_task(ref)

    kept = repr(world.recorder.exchanges) + repr(caught.value) + caught.value.detail + repr(world.account)
    assert [name for name, secret in world.account.secrets.items() if secret in kept] == []


def error_of(call):
    try:
        call()
    except ProviderError as error:
        return error
    return None  # an error body under a 200 that looks like an answer


def all_in(error):
    return repr([repr(one) + str(one) + repr(vars(one)) for one in (error, error and error.__cause__) if one])


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_a_secret_that_the_vendor_repeats_is_in_no_error_and_no_exchange(world, status):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    calls = [
        lambda: world.provider.check(),
        lambda: world.provider.fetch_task(ref),
        lambda: world.provider.create_task(draft, key=new_key()),
        lambda: world.provider.update_task(ref, draft, changed=frozenset({Field.TITLE}), key=key),
        lambda: world.provider.delete_task(ref),
        lambda: world.provider.resolve_contact(GRACE),
        lambda: world.provider.create_contact(GRACE, key=new_key()),
    ]
    world.simulator.fail_next("echo", status=status, times=None)

    said = [all_in(error_of(call)) for call in calls]
    items = [NewTask(draft, new_key()), NewTask(draft, new_key())]
    said += [all_in(one.error) for one in world.provider.create_tasks(items)]

    kept = repr(said) + repr(world.recorder.exchanges)
    assert [name for name, secret in world.account.secrets.items() if secret in kept] == []
    assert "You sent •••" in kept


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_words_that_no_database_takes_are_in_no_error_and_no_exchange(world, status):
    ref, refusal = world.create().ref, world.simulator.refusal
    world.simulator.refusal = lambda status: Reply(
        status, with_words(refusal(status).body, "half \ud83d, nul \x00")
    )
    world.simulator.fail_next("status", status=status, times=None)

    for call in (world.create, lambda: world.provider.fetch_task(ref)):
        with pytest.raises(ProviderError) as caught:
            call()

        kept = [caught.value.detail, *getattr(caught.value, "fields", {}).values()]
        assert [text for text in kept if "\x00" in text or not text.isprintable()] == []
    assert "".join(one.response_body for one in world.recorder.exchanges).encode()


def test_a_title_that_no_database_takes_comes_back_as_one_that_it_takes(world):
    ref = world.create(world.draft(title="Call \ud83d\x00 Grace")).ref

    title = world.provider.fetch_task(ref).holds[Field.TITLE]

    assert title == "Call \ufffd Grace"


@pytest.mark.parametrize("kind", ["hang", "drop", "status"])
def test_a_lost_answer_to_an_update_is_unconfirmed_and_may_be_sent_again(world, kind):
    key, draft = new_key(), world.draft()
    ref = world.create(draft, key=key).ref
    new, changed = replace(draft, title="Write to Grace"), frozenset({Field.TITLE})
    since = len(world.simulator.log)
    world.provider.update_task(ref, new, changed=changed, key=key)
    line = next(
        one for one in list(world.simulator.log)[since:] if one["method"] != "GET" or "Update" in one["path"]
    )
    world.simulator.fail_next(kind, f"{line['method']} {re.escape(line['path'])}$", after_write=True)

    with pytest.raises(Unconfirmed):
        world.impatient().update_task(ref, replace(new, title="Visit Grace"), changed=changed, key=key)

    world.provider.update_task(ref, replace(new, title="Visit Grace"), changed=changed, key=key)
    assert [task["title"] for task in world.held(key)] == ["Visit Grace"]


def test_an_error_reads_as_a_sentence_for_staff(world):
    ref = world.create().ref
    for status in (400, 401, 403, 404, 500, 503):
        world.simulator.fail_next("status", status=status)

        with pytest.raises(ProviderError) as caught:
            world.provider.fetch_task(ref)

        assert caught.value.detail.endswith(".")
        assert "{" not in caught.value.detail
