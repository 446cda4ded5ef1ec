"""The pace: never above the vendor's rate, and a part of it kept for people who wait."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from crmhub.models import Connection, Lane
from crmhub.sync.credentials import limits_of
from crmhub.sync.pace import reserve, use_late
from providers.capabilities import Limit

pytestmark = pytest.mark.engine

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
TEN_IN_FIVE = [Limit(10, 5.0)]


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_a_fresh_account_gives_its_whole_window_at_once():
    assert reserve(uuid4(), TEN_IN_FIVE, count=10, now=NOON).delays == (0.0,) * 10


def test_one_more_than_the_window_learns_when_to_come_back():
    account = uuid4()

    slots = reserve(account, TEN_IN_FIVE, count=11, now=NOON)

    assert len(slots.delays) == 10
    assert slots.ask_again_in == pytest.approx(5.15)


def test_a_slot_a_moment_ahead_is_given_with_its_delay():
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)

    slots = reserve(account, TEN_IN_FIVE, count=2, ahead=0.5, now=after(4.9))

    assert slots.delays == (pytest.approx(0.25), pytest.approx(0.25))


def test_no_window_ever_holds_more_than_the_limit():
    account, sent = uuid4(), []
    for tick in range(400):
        moment = tick * 0.1
        slots = reserve(account, TEN_IN_FIVE, count=3, ahead=0.2, lane=tick % 3, now=after(moment))
        sent += [moment + delay for delay in slots.delays]

    windows = [sum(1 for other in sent if first <= other < first + 5.0) for first in sent]
    assert max(windows) == 10
    assert len(sent) >= 10 * 40 / 5.15 - 10


def test_no_window_holds_more_than_the_limit_when_requests_leave_late():
    account, chance = uuid4(), random.Random(7)
    sent, under_way = [], []
    for tick in range(1200):
        moment = tick * 0.05
        slots = reserve(account, TEN_IN_FIVE, count=3, ahead=0.25, now=after(moment))
        under_way += [
            (moment + delay + chance.choice([0.0, 0.1, 0.7]), moment + delay) for delay in slots.delays
        ]
        for leaves, slot in sorted(one for one in under_way if one[0] <= moment):
            use_late(account, TEN_IN_FIVE, late_s=moment - slot, now=after(moment))
            sent.append(moment)
            under_way.remove((leaves, slot))

    windows = [sum(1 for other in sent if first <= other < first + 5.0) for first in sent]
    assert max(windows) <= 10
    assert len(sent) >= 10 * 60 / 6 - 10


def test_a_slot_that_is_used_late_is_counted_once_and_where_it_was_used():
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)

    use_late(account, TEN_IN_FIVE, late_s=1.0, now=after(1))
    slots = reserve(account, TEN_IN_FIVE, count=10, now=after(5.2))

    assert len(slots.delays) == 9
    assert slots.ask_again_in == pytest.approx(0.95)


def test_a_fifth_is_kept_for_people():
    account = uuid4()
    retries = reserve(account, TEN_IN_FIVE, count=10, lane=Lane.RETRY, now=NOON)

    interactive = reserve(account, TEN_IN_FIVE, count=10, lane=Lane.INTERACTIVE, now=NOON)

    assert (len(retries.delays), len(interactive.delays)) == (8, 2)


def test_every_limit_holds_at_once():
    account = uuid4()
    limits = [Limit(2, 1.0), Limit(3, 60.0)]

    first = reserve(account, limits, count=5, now=NOON)
    second = reserve(account, limits, count=5, now=after(2))

    assert (len(first.delays), len(second.delays)) == (2, 1)
    assert second.ask_again_in == pytest.approx(59.8)


def test_a_budget_of_its_own_is_counted_apart():
    account = uuid4()
    limits = [Limit(1, 10.0), Limit(1, 1.0, "search")]
    reserve(account, limits, now=NOON)

    assert reserve(account, limits, budget="search", now=NOON).delays == (0.0,)
    assert reserve(account, limits, now=NOON).delays == ()


def test_a_lost_log_counts_as_a_used_up_window(redis_connection):
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)
    redis_connection.flushall()

    slots = reserve(account, TEN_IN_FIVE, count=1, last_sent_ago=1.0, now=after(1))

    assert slots.delays == ()
    assert slots.ask_again_in == pytest.approx(4.15)


def test_a_minute_counts_as_used_up_too_when_its_log_was_lost(redis_connection):
    account, fifty_a_minute = uuid4(), [Limit(50, 60.0)]
    reserve(account, fifty_a_minute, count=50, now=NOON)
    redis_connection.flushall()

    slots = reserve(account, fifty_a_minute, last_sent_ago=1.0, now=after(1))

    assert slots.delays == ()
    assert slots.ask_again_in == pytest.approx(60.8)


def test_a_process_that_sent_knows_by_itself_that_the_log_was_lost(redis_connection):
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)
    redis_connection.flushall()

    assert reserve(account, TEN_IN_FIVE, ahead=2.0, now=after(1)).delays == ()


def test_by_the_stores_own_clock_a_lost_log_is_noticed_as_well(redis_connection):
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10)
    redis_connection.flushall()

    slots = reserve(account, TEN_IN_FIVE)

    assert slots.delays == ()
    assert slots.ask_again_in == pytest.approx(5.15, abs=0.5)


def test_a_request_that_leaves_late_does_not_hide_that_the_log_was_lost(redis_connection):
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)
    redis_connection.flushall()

    use_late(account, TEN_IN_FIVE, late_s=0.1, now=after(0.5))

    assert reserve(account, TEN_IN_FIVE, now=after(1)).delays == ()


def test_a_process_that_knows_of_no_send_does_not_hide_that_the_log_was_lost(redis_connection):
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)
    redis_connection.flushall()
    redis_connection.rpush(f"crmhub:pace:{account}:all", f"{after(0.8).timestamp():.6f}")

    slots = reserve(account, TEN_IN_FIVE, now=after(1))

    assert slots.delays == ()
    assert slots.ask_again_in == pytest.approx(4.15)


def test_a_log_that_is_there_is_not_taken_for_lost():
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=3, now=NOON)

    slots = reserve(account, TEN_IN_FIVE, count=10, last_sent_ago=1.0, now=after(1))

    assert len(slots.delays) == 7


def test_a_log_that_went_quiet_is_not_taken_for_lost(redis_connection):
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)
    redis_connection.flushall()

    assert len(reserve(account, TEN_IN_FIVE, count=10, last_sent_ago=6.0, now=after(6)).delays) == 10


def test_a_lost_log_of_one_budget_says_nothing_about_another():
    account = uuid4()
    limits = [Limit(1, 10.0), Limit(1, 1.0, "search")]
    reserve(account, limits, now=NOON)

    assert reserve(account, limits, budget="search", now=after(0.5)).delays == (0.0,)


def test_a_clock_that_is_set_back_costs_a_window_and_not_the_whole_step():
    account = uuid4()
    reserve(account, TEN_IN_FIVE, count=10, now=after(600))

    slots = reserve(account, TEN_IN_FIVE, now=NOON)

    assert slots.delays == ()
    assert slots.ask_again_in == pytest.approx(5.15)
    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(5.2)).delays) == 10


def test_a_slot_a_moment_ahead_is_not_taken_for_a_clock_that_was_set_back():
    account = uuid4()
    reserve(account, [Limit(1, 2.5)], now=NOON)
    reserve(account, [Limit(1, 2.5)], ahead=2.6, now=NOON)

    assert reserve(account, [Limit(1, 2.5)], now=NOON).ask_again_in == pytest.approx(5.15)


def test_accounts_do_not_share_their_rate():
    reserve(uuid4(), TEN_IN_FIVE, count=10, now=NOON)

    assert len(reserve(uuid4(), TEN_IN_FIVE, count=10, now=NOON).delays) == 10


def test_a_share_of_nothing_is_the_smallest_share_and_not_the_whole_rate():
    account = Connection(provider="highlevel", settings={"share": 0.0})

    assert limits_of(account)[0] == Limit(5, 10.0)
