"""The rule has a twin in Lua, and the row applies it under its own clock: whoever keeps an account's pace, the answers are the same."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmhub.models import Connection, Lane, Pace
from crmhub.sync import pace_redis, pace_rows
from crmhub.sync.pace_rule import Asked
from crmhub.sync.pace_windows import Window, windows_of
from providers.capabilities import Limit

pytestmark = pytest.mark.engine

NOON = int(datetime(2026, 3, 29, 12, 0, tzinfo=UTC).timestamp() * 1000)
LIMITS = (
    Limit(7, 2.0),
    Limit(12, 5.0, is_fixed=True),
    Limit(300, 600.0),
    Limit(40, 86_400.0, is_fixed=True, offset=7200.0),
    Limit(3, 1.0, "search"),
)
AS_JSON = "return cjson.encode(cmsgpack.unpack(redis.call('GET', KEYS[1])))"
EVERY = windows_of(LIMITS, Lane.INTERACTIVE, frozenset({"all", "search"}))


def windows(lane: int, budget: str) -> tuple[Window, ...]:
    return windows_of(LIMITS, lane, frozenset({"all", budget}))


taking = st.builds(
    lambda lane, budget, slots, ahead: ("take", windows(lane, budget), (), slots, ahead),
    st.sampled_from(Lane),
    st.sampled_from(["all", "search"]),
    st.integers(1, 6),
    st.sampled_from([0, 250, 3000]),
)
using_late = st.builds(
    lambda budget, late: ("use_late", windows(Lane.INTERACTIVE, budget), (late,), 0, 0),
    st.sampled_from(["all", "search"]),
    st.integers(0, 4000),
)
heeding = st.builds(
    lambda window, left, anew: ("heed", (window,), (left, anew), 0, 0),
    st.sampled_from(EVERY),
    st.integers(0, 12),
    st.sampled_from([-1, 0, 900, 90_000_000]),
)
holding = st.builds(
    lambda budget, wait, is_told, named: (
        "hold",
        windows_of(LIMITS, Lane.INTERACTIVE, frozenset({budget})),
        (wait, is_told, *named),
        0,
        0,
    ),
    st.sampled_from(["all", "search"]),
    st.integers(1, 5000),
    st.integers(0, 1),
    st.sampled_from([(0, 0), (2, 2000), (1, 5000), (9, 777)]),
)
walks = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 40, 333, 1000, 2060, 5150, 70_000, -20_000, -400_000]),
        st.one_of(taking, taking, using_late, heeding, holding),
    ),
    min_size=1,
    max_size=25,
)


def asked_for(account: UUID, now: int, step) -> Asked:
    rule, some, arguments, slots, ahead = step
    return Asked(account, EVERY, rule, some, arguments, slots, ahead, now)


@given(walks)
def test_redis_answers_as_the_rule_does(redis_connection, walk):
    account, now, state = uuid4(), NOON, {"used": {}}
    for wait, step in walk:
        now += wait
        asked = asked_for(account, now, step)
        # What is kept is handed over anew each time, so that each step is held to the same beginning.
        loan = {"epoch": 0, "follows": 0, "began": now, "ends": now + 10_000, "state": state}

        answer = pace_redis.ask(asked, loan)

        before = deepcopy(state)
        assert answer == asked.of(state, now), before
        assert kept(redis_connection, account)["state"] == state, before


@given(walks)
def test_redis_keeps_what_the_rule_keeps_however_long_it_goes_on(walk):
    account, now, state = uuid4(), NOON, {"used": {}}
    loan = {"epoch": 0, "follows": 0, "began": 0, "ends": now + 10**9, "state": {"used": {}}}
    for wait, step in walk:
        now += wait
        asked = asked_for(account, now, step)

        answer = pace_redis.ask(asked, loan)
        loan = None

        assert answer == asked.of(state, now)


@pytest.mark.django_db
@settings(max_examples=30)
@given(walks)
def test_the_row_answers_as_the_rule_does(walk):
    account = Connection.objects.create(provider="highlevel", created_at=datetime.now(UTC), name=uuid4()).pk
    now, state = NOON, {"used": {}}
    for wait, step in walk:
        now += wait
        asked = asked_for(account, now, step)

        answer = pace_rows.ask(asked)

        assert answer == asked.of(state, now)
        assert json.loads(Pace.objects.get(pk=account).kept)["state"] == state


def kept(redis_connection, account: UUID):
    return json.loads(redis_connection.eval(AS_JSON, 1, f"crmhub:pace:{account}"))
