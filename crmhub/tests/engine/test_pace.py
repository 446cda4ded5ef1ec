"""The pace: never above the vendor's rate, whoever keeps it, and a part of it kept for people who wait."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from crmhub.models import Connection, Lane
from crmhub.sync import pace, pace_redis, pace_rows
from crmhub.sync.credentials import limits_of
from crmhub.sync.pace import heed, hold, reserve, use_late
from crmhub.sync.pace_rule import Asked
from crmhub.sync.pace_windows import windows_of
from providers.capabilities import Limit
from providers.errors import RateLimited
from providers.waiting import CallsLeft

pytestmark = pytest.mark.engine

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)
TEN_IN_FIVE = (Limit(10, 5.0),)
A_TICK = 0.05  # seconds; slots are told apart by the 256th part of their window


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def about(seconds: float) -> object:
    return pytest.approx(seconds + A_TICK / 2, abs=A_TICK / 2 + 0.001)


@pytest.fixture
def new_account(db) -> Callable[[], UUID]:
    """Make one account after the other."""

    def make() -> UUID:
        number = Connection.objects.count()
        return Connection.objects.create(provider="highlevel", name=f"HighLevel {number}", created_at=NOON).pk

    return make


@pytest.fixture
def account(new_account) -> UUID:
    return new_account()


@pytest.fixture(params=["Redis", "the row"])
def keeper(request) -> Iterator[str]:
    """Whoever keeps the pace."""
    if request.param == "the row":
        pace.stay_away(3600)
    yield request.param
    pace.stay_away(-1)


# Sliding windows


def test_a_fresh_account_gives_its_whole_window_at_once(keeper, account):
    assert reserve(account, TEN_IN_FIVE, count=10, now=NOON).delays == (0.0,) * 10


def test_one_more_than_the_window_learns_when_to_come_back(keeper, account):
    slots = reserve(account, TEN_IN_FIVE, count=11, now=NOON)

    assert len(slots.delays) == 10
    assert slots.ask_again_in == about(5.15)
    assert slots.why == "The 10 calls in 5 s that are ours are used up."


def test_a_slot_a_moment_ahead_is_given_with_its_delay(keeper, account):
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)

    slots = reserve(account, TEN_IN_FIVE, count=2, ahead=0.5, now=after(4.9))

    assert slots.delays == (about(0.25), about(0.25))


def most_in_a_window(sent: list[float], seconds: float) -> int:
    return max(sum(1 for other in sent if first <= other < first + seconds) for first in sent)


def test_no_window_ever_holds_more_than_the_limit(keeper, account):
    sent = []
    for tick in range(400):
        moment = tick * 0.1
        slots = reserve(account, TEN_IN_FIVE, count=3, ahead=0.2, lane=tick % 3, now=after(moment))
        sent += [moment + delay for delay in slots.delays]

    assert most_in_a_window(sent, 5.0) == 10
    assert len(sent) >= 10 * 40 / 5.2 - 10


def test_no_window_holds_more_than_the_limit_when_requests_leave_late(keeper, account):
    chance = random.Random(7)
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

    assert most_in_a_window(sent, 5.0) <= 10
    assert len(sent) >= 10 * 60 / 6 - 10


def test_a_slot_that_is_used_late_is_counted_once_and_where_it_was_used(keeper, account):
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)

    use_late(account, TEN_IN_FIVE, late_s=1.0, now=after(1))
    slots = reserve(account, TEN_IN_FIVE, count=10, now=after(5.2))

    assert len(slots.delays) == 9
    assert slots.ask_again_in == about(0.95)


def test_every_limit_holds_at_once(keeper, account):
    limits = [Limit(2, 1.0), Limit(3, 60.0)]

    first = reserve(account, limits, count=5, now=NOON)
    second = reserve(account, limits, count=5, now=after(2))

    assert (len(first.delays), len(second.delays)) == (2, 1)
    assert second.ask_again_in == pytest.approx(59.8, abs=0.3)


def test_a_rate_of_millions_costs_no_more_room_than_a_small_one(account, redis_connection):
    huge = [Limit(1_000_000, 86_400.0)]
    for hour in range(0, 48, 2):
        reserve(account, huge, count=50, now=after(hour * 3600))

    assert redis_connection.strlen(f"crmhub:pace:{account}") < 1000


# Fixed windows


def test_a_fixed_window_begins_anew_at_its_stroke_and_not_a_length_after_its_first_call(keeper, account):
    fifty_a_minute = [Limit(50, 60.0, is_fixed=True)]

    first = reserve(account, fifty_a_minute, count=60, now=after(40))
    second = reserve(account, fifty_a_minute, count=60, now=after(61.9))

    assert (len(first.delays), len(second.delays)) == (50, 50)
    assert first.ask_again_in == pytest.approx(21.8)  # the stroke, and what the clocks may differ by


@pytest.mark.parametrize("off", [-1.7, 1.7])
def test_a_fixed_window_is_kept_although_the_vendors_clock_is_off(keeper, account, off):
    limits, sent = [Limit(20, 60.0, is_fixed=True)], []
    for tick in range(1200):
        moment = tick * 0.3
        slots = reserve(account, limits, count=2, ahead=0.25, now=after(moment))
        sent += [moment + delay + off for delay in slots.delays]

    windows = [int(moment // 60) for moment in sent]
    assert max(windows.count(one) for one in windows) == 20
    assert len(sent) >= 20 * 6 - 20


def test_the_day_begins_at_midnight_of_the_accounts_own_zone(keeper, account):
    berlin = [Limit(100, 86_400.0, is_fixed=True, offset=7200.0)]
    reserve(account, berlin, count=100, now=NOON)

    before = reserve(account, berlin, now=after(9.9 * 3600))
    midnight = reserve(account, berlin, count=100, now=after(10.02 * 3600))

    assert before.delays == ()
    assert len(midnight.delays) == 100
    assert before.why == "The 100 calls a day that are ours are used up."


def test_the_day_is_hubspots_where_its_zone_is_known_and_any_24_hours_until_then():
    unchecked = Connection(provider="hubspot", settings={"plan": "starter"})
    checked = Connection(
        provider="hubspot", settings={"plan": "starter"}, learned={"time_zone": "Asia/Kolkata"}
    )

    [slides] = [one for one in limits_of(unchecked) if one.calls == 250_000]
    [strikes] = [one for one in limits_of(checked) if one.calls == 250_000]

    assert not slides.is_fixed
    assert (strikes.is_fixed, strikes.offset) == (True, 5.5 * 3600)


def test_our_share_of_a_fixed_window_is_one_as_well():
    account = Connection(provider="leadlex", settings={"plan": "pro", "share": 0.5})

    assert Limit(500, 86_400.0, is_fixed=True) in limits_of(account)


def test_a_limit_of_our_own_is_the_vendors_with_another_number():
    account = Connection(provider="leadlex", settings={"limits": "20/60,300/86400"})

    assert limits_of(account) == (Limit(20, 60.0), Limit(300, 86_400.0, is_fixed=True))


def test_a_share_of_nothing_is_the_smallest_share_and_not_the_whole_rate():
    account = Connection(provider="highlevel", settings={"share": 0.0})

    assert limits_of(account)[0] == Limit(5, 10.0)


# Lanes, budgets, accounts


def test_people_go_before_what_is_tried_again_and_that_before_what_nobody_waits_for(keeper, account):
    given = [
        len(reserve(account, TEN_IN_FIVE, count=10, lane=lane, now=NOON).delays)
        for lane in (Lane.BACKFILL, Lane.RETRY, Lane.INTERACTIVE)
    ]

    assert given == [7, 1, 2]


def test_a_slot_that_a_retry_waits_for_does_not_hold_a_person_up(keeper, account):
    reserve(account, TEN_IN_FIVE, count=8, lane=Lane.RETRY, now=NOON)
    reserve(account, TEN_IN_FIVE, ahead=2.0, lane=Lane.RETRY, now=after(4))

    assert reserve(account, TEN_IN_FIVE, now=after(4)).delays == (0.0,)


def test_one_contact_fits_into_a_window_of_five_in_every_lane(keeper, new_account):
    for lane in Lane:
        assert len(reserve(new_account(), [Limit(5, 1.0)], count=4, lane=lane, now=NOON).delays) == 4


def test_a_budget_of_its_own_is_kept_beside_that_of_all_requests(keeper, account):
    limits = [Limit(3, 10.0), Limit(1, 1.0, "search")]

    searches = [reserve(account, limits, budget="search", count=2, now=after(after_s)) for after_s in (0, 2)]
    others = reserve(account, limits, count=3, now=after(3))

    assert [len(one.delays) for one in searches] == [1, 1]
    assert len(others.delays) == 1


def test_a_request_that_counts_in_all_already_asks_for_its_own_budget_only(keeper, account):
    limits = [Limit(1, 10.0), Limit(5, 1.0, "search")]
    reserve(account, limits, now=NOON)

    assert reserve(account, limits, budget="search", is_counted=True, now=NOON).delays == (0.0,)
    assert reserve(account, limits, budget="search", now=NOON).delays == ()


def test_accounts_do_not_share_their_rate(keeper, new_account):
    reserve(new_account(), TEN_IN_FIVE, count=10, now=NOON)

    assert len(reserve(new_account(), TEN_IN_FIVE, count=10, now=NOON).delays) == 10


# What the vendor says


def refused(retry_after: float, **told) -> RateLimited:
    return RateLimited("Too many.", retry_after=retry_after, **told)


def test_where_the_vendor_says_that_less_is_left_others_use_the_account_too(keeper, account):
    reserve(account, TEN_IN_FIVE, count=2, now=NOON)

    heed(account, TEN_IN_FIVE, [CallsLeft(TEN_IN_FIVE[0], 3)], now=after(1))
    slots = reserve(account, TEN_IN_FIVE, count=10, now=after(1))

    assert len(slots.delays) == 3
    assert slots.ask_again_in == about(4.15)


def test_what_the_vendor_says_of_our_own_requests_alone_changes_nothing(keeper, account):
    reserve(account, TEN_IN_FIVE, count=6, now=NOON)

    heed(account, TEN_IN_FIVE, [CallsLeft(TEN_IN_FIVE[0], 5)], now=NOON)

    assert len(reserve(account, TEN_IN_FIVE, count=10, now=NOON).delays) == 4


def test_what_others_used_is_forgotten_when_the_vendor_counts_anew(keeper, account):
    day = (Limit(1000, 86_400.0),)

    heed(account, day, [CallsLeft(day[0], 0, anew_in=3600.0)], now=NOON)

    assert reserve(account, day, now=after(3000)).delays == ()
    assert reserve(account, day, now=after(4100)).delays == (0.0,)


def test_a_refusal_holds_everything_back_for_as_long_as_the_vendor_asks(keeper, account):
    hold(account, TEN_IN_FIVE, refused(7.0), now=NOON)

    slots = reserve(account, TEN_IN_FIVE, now=after(1))

    assert (slots.delays, slots.ask_again_in) == ((), 6.0)
    assert slots.why == "The vendor asked us to wait."
    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(7)).delays) == 10


def test_after_a_refusal_that_names_no_time_the_rate_is_halved_and_rises_slowly(keeper, account):
    """F30: by the minute."""
    hold(account, TEN_IN_FIVE, refused(5.0, is_told=False), now=NOON)
    hold(account, TEN_IN_FIVE, refused(5.0, is_told=False), now=after(0.1))  # of the same storm

    given = [
        len(reserve(account, TEN_IN_FIVE, count=10, now=after(seconds)).delays)
        for seconds in (6, 100, 200, 310)
    ]

    assert given == [5, 6, 8, 10]


def test_a_second_storm_halves_what_is_left_of_the_rate(keeper, account):
    hold(account, TEN_IN_FIVE, refused(5.0, is_told=False), now=NOON)
    hold(account, TEN_IN_FIVE, refused(5.0, is_told=False), now=after(6))

    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(12)).delays) == 2


def test_a_refused_search_slows_searches_and_nothing_else(keeper, account):
    limits = (Limit(100, 10.0), Limit(4, 1.0, "search"))
    hold(account, limits, refused(1.0, is_told=False), budget="search", now=NOON)

    searches = reserve(account, limits, count=4, budget="search", now=after(2))
    others = reserve(account, limits, count=100, now=after(2))

    assert (len(searches.delays), len(others.delays)) == (2, 98)


def test_a_limit_that_the_refusal_names_is_kept_to(keeper, account):
    hold(account, TEN_IN_FIVE, refused(5.0, limit=(2, 5.0)), now=NOON)

    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(6)).delays) == 2
    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(90_000)).delays) == 10


# Redis comes and goes


def test_what_redis_forgot_counts_as_used_up(account, redis_connection):
    reserve(account, TEN_IN_FIVE, count=1, now=NOON)
    redis_connection.flushall()

    slots = reserve(account, TEN_IN_FIVE, count=10, now=after(1))

    assert slots.delays == ()
    assert slots.ask_again_in == about(5.15)  # it may have been given out until a second after noon


def test_what_is_known_to_be_unused_is_given_although_redis_forgot(account, redis_connection):
    reserve(account, TEN_IN_FIVE, count=4, now=NOON)
    reserve(account, TEN_IN_FIVE, count=1, now=after(3))
    redis_connection.flushall()

    slots = reserve(account, TEN_IN_FIVE, count=10, now=after(5.2))

    assert len(slots.delays) == 4


def test_a_log_that_went_quiet_is_not_taken_for_lost(account, redis_connection):
    reserve(account, TEN_IN_FIVE, count=10, now=NOON)
    redis_connection.flushall()

    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(7)).delays) == 10


def test_the_day_is_remembered_by_the_row_when_redis_forgets(account, redis_connection):
    day = (Limit(10, 5.0), Limit(100, 86_400.0, is_fixed=True))
    given = 0
    for turn in range(20):
        given += len(reserve(account, day, count=10, now=after(turn * 6)).delays)
        if turn in (3, 7):
            redis_connection.flushall()

    assert given == 100


def test_what_is_given_out_while_the_next_loan_is_made_is_not_forgotten_with_redis(account, redis_connection):
    limits = (Limit(20, 5.0), Limit(1000, 86_400.0))  # so that a loan is for ten slots
    every = windows_of(limits, Lane.INTERACTIVE, frozenset({"all"}))
    reserve(account, limits, now=NOON)
    far_ahead = Asked(account, every, "take", every, slots=1, ahead=3000, now=int(NOON.timestamp() * 1000))

    ended = pace_redis.ask(far_ahead)
    reserve(account, limits, count=9, now=NOON)
    loan = pace_rows.lend(far_ahead, ended, is_patient=False)
    pace_redis.ask(far_ahead, loan)
    redis_connection.flushall()
    rest = reserve(account, limits, count=20, now=after(4.5))

    assert len(rest.delays) <= 20 - 1 - 9 - 1


def test_pace_goes_home_and_back_without_a_slot_lost_or_won(account):
    given = []
    for moment in range(0, 40, 1):
        if moment == 10:
            pace.stay_away(3600)
        if moment == 20:
            pace.stay_away(-1)
        slots = reserve(account, TEN_IN_FIVE, count=3, now=after(moment))
        given += [moment + delay for delay in slots.delays]

    assert most_in_a_window(given, 5.0) == 10


def test_a_clock_that_is_set_back_costs_a_window_and_not_the_whole_step(keeper, account):
    reserve(account, TEN_IN_FIVE, count=10, now=after(600))

    slots = reserve(account, TEN_IN_FIVE, now=NOON)

    assert slots.delays == ()
    assert slots.ask_again_in == about(5.15)
    assert len(reserve(account, TEN_IN_FIVE, count=10, now=after(5.3)).delays) == 10


def test_a_slot_a_moment_ahead_is_not_taken_for_a_clock_that_was_set_back(keeper, account):
    reserve(account, [Limit(1, 2.5)], now=NOON)
    reserve(account, [Limit(1, 2.5)], ahead=2.8, now=NOON)

    assert reserve(account, [Limit(1, 2.5)], now=NOON).ask_again_in == about(5.3)


def test_an_account_of_which_nothing_is_known_but_that_it_was_used_begins_with_a_used_up_window(
    keeper, account
):
    slots = reserve(account, TEN_IN_FIVE, last_sent_ago=1.0, now=NOON)

    assert slots.delays == ()
    assert slots.ask_again_in == about(4.15)
