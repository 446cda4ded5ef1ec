"""Reading from a vendor's answer how long it wants to be left alone, and how many calls it has left for us."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from providers.capabilities import Limit

LONGEST_WAIT = 3600.0  # seconds; a vendor asking for more is asked again each hour
# Every header that this file or a vendor's room reads a wait from, in lower case; `date` is what they are read against.
TELLS_TO_WAIT = re.compile(r"retry-after|date|x-.*rate-?limit.*")


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """Return the seconds that the `Retry-After` header asks for, or None if it asks nothing.

    The header holds either seconds or an HTTP date (RFC 9110, section 10.2.3), which is read against the answer's own
    `Date` where there is one, so that a wrong clock here does not matter, else against `now`. A date in the past means
    0.0. Waits are cut at `LONGEST_WAIT`. `headers` has lower-case names.
    """
    value = headers.get("retry-after", "").strip()
    if (seconds := _whole(value)) is not None:
        return min(float(seconds), LONGEST_WAIT)
    wanted = _http_date(value)
    if wanted is None:
        # Nonsense is treated as silence: the caller's own back-off is a safer guess than
        # stopping an account because a proxy rewrote a header.
        return None
    base = server_time(headers) or now or datetime.now(UTC)
    return min(max((wanted - base).total_seconds(), 0.0), LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class CallsLeft:
    """What a vendor says is left of one of its limits; `anew_in` are the seconds until it is counted anew, None where that is not told."""

    limit: Limit
    calls: int
    anew_in: float | None = None


def calls_left(headers: Mapping[str, str], limits: Iterable[Limit]) -> Iterator[CallsLeft]:
    """Yield what the answer's headers say is left of these limits; one that cannot be read says nothing. `headers` has lower-case names."""
    for limit in limits:
        left, anew = (_whole(headers.get(name, "")) for name in (limit.left_in, limit.anew_in))
        if left is not None:
            yield CallsLeft(limit, left, None if anew is None else anew / 1000)


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """Return the moment in the answer's `Date` header, in UTC, or None when it is absent or unreadable."""
    return _http_date(headers.get("date", ""))


def _whole(text: str) -> int | None:
    text = text.strip()
    # Python refuses to read thousands of digits, and no vendor counts so far.
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _http_date(value: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
