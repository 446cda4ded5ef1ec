"""How long a vendor wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from providers.waiting import LONGEST_WAIT, retry_after, server_time

NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        (" 7 ", 7.0),
        ("0", 0.0),
        ("Sun, 29 Mar 2026 12:00:30 GMT", 30.0),
        ("Sun, 29 Mar 2026 12:00:30", 30.0),
        ("Sun, 29 Mar 2026 14:00:30 +0200", 30.0),
        ("Sun, 29 Mar 2026 11:59:00 GMT", 0.0),
        ("86400", LONGEST_WAIT),
        ("Mon, 30 Mar 2026 12:00:00 GMT", LONGEST_WAIT),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("", None),
    ],
)
def test_the_header_is_read_as_seconds_from_now(header, seconds):
    assert retry_after({"retry-after": header}, now=NOON) == seconds


def test_no_header_asks_nothing():
    assert retry_after({}, now=NOON) is None


def test_a_date_is_read_against_the_vendors_own_clock():
    headers = {"retry-after": "Sun, 29 Mar 2026 12:00:30 GMT", "date": "Sun, 29 Mar 2026 12:00:10 GMT"}

    assert retry_after(headers, now=datetime(2030, 1, 1, tzinfo=UTC)) == 20.0


@pytest.mark.parametrize(
    ("header", "moment"),
    [("Sun, 29 Mar 2026 12:00:00 GMT", NOON), ("nonsense", None), ("", None)],
)
def test_the_vendors_clock_is_read_where_it_can_be(header, moment):
    assert server_time({"date": header}) == moment
