"""Where an account's pace is at home: one row of the database, with the database's clock.

Asking the row costs several times what asking Redis does, so the pace is lent to Redis for a second at a time, and for no more than a hundredth of a
long window.
The loan is written down before Redis learns of it, and ends there before it ends here. Whoever finds it over brings back what Redis knows and
makes the next one. So the row knows at any time what Redis can have given out at most: what it brought back last, and a second's worth since. That
much counts as used when Redis has lost its memory or does not answer, whichever process finds that out, and however late the others do.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

from django.db import OperationalError
from django.db import connection as database

from crmhub.models import Pace
from crmhub.sync.pace_redis import Ended
from crmhub.sync.pace_rule import Asked, State, fill, moved
from crmhub.sync.pace_windows import Window

LOAN = 1_000  # milliseconds
AT_HOME = 5_000  # milliseconds that the pace stays here after somebody could not reach Redis
LONG = 60_000  # milliseconds; of a longer window a loan is for a hundredth at most
UNLIMITED = 2**31
TRIES, A_MOMENT = 60, 0.002  # and seconds; of several workers that change a row at once
CLOCKS_DIFFER = 500  # milliseconds between what the clocks here and at Redis say of the same time, from which on one was set

NOTHING = '{"state": {"used": {}}}'

# In words of its own, for it runs up to thirty times a second.
_CLOCK = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)",
}
_SELECT = "SELECT kept, version, %s FROM crmhub_pace WHERE connection_id = %%s"
_UPDATE = "UPDATE crmhub_pace SET kept = %s, version = version + 1 WHERE connection_id = %s AND version = %s"

Row = dict[str, Any]
Found = TypeVar("Found")


def ask(asked: Asked, *, calls_home: bool = False, last_sent_ago: int | None = None) -> list[int] | None:
    """Return what the rule says by the row; None where the pace is lent to Redis, which is to be asked.

    `calls_home`: Redis does not answer. Then the loan is called back: what may have been given out under it counts as used.
    """

    def change(row: Row, now: int) -> list[int] | None:
        if "loan" in row and not calls_home:
            return None
        _call_home(row, asked.every)
        if calls_home:
            row["at_home_until"] = now + AT_HOME
        return asked.of(row["state"], now)

    return _changed(asked, change, last_sent_ago)


def lend(
    asked: Asked, ended: Ended, *, is_patient: bool, last_sent_ago: int | None = None
) -> dict[str, Any] | int | None:
    """Return the next loan, as Redis takes it; or for how many milliseconds the pace stays at home.

    None, if `is_patient`: somebody else makes a loan at this moment. Ask Redis again.
    """

    def change(row: Row, now: int) -> dict[str, Any] | int | None:
        if now < row.get("at_home_until", 0) <= now + AT_HOME:
            return int(row["at_home_until"]) - now
        there = ended.now + round((time.monotonic() - ended.asked_at) * 1000 if asked.now is None else 0)
        state = _brought_back(row, ended, there, now)
        if state is None and is_patient and now < row.get("loan", {}).get("ends", 0):
            return None
        if state is not None:
            row["state"] = moved(state, asked.every, now - there)
        else:
            _call_home(row, asked.every)
        return _next_loan(row, asked, ended, now, there, has_state=state is None)

    return _changed(asked, change, last_sent_ago)


def _brought_back(row: Row, ended: Ended, there: int, now: int) -> State | None:
    """Return what Redis keeps, if it is what was lent to it, whole: by the same server, without a leap of either clock."""
    loan = row.get("loan")
    if loan is None or ended.kept is None or ended.kept["epoch"] != row["epoch"]:
        return None
    passed, passed_there = now - loan["began"], there - loan["began_there"]
    if loan["server"] != ended.server or abs(passed - passed_there) > CLOCKS_DIFFER + abs(passed) // 1000:
        return None
    state: State = ended.kept["state"]
    return state


def _call_home(row: Row, every: tuple[Window, ...]) -> None:
    if (loan := row.pop("loan", None)) is not None:
        fill(row["state"], every, loan["ends"], UNLIMITED if loan["left"] is None else loan["left"])


def _next_loan(
    row: Row, asked: Asked, ended: Ended, now: int, there: int, *, has_state: bool
) -> dict[str, Any]:
    lasts, left = LOAN + asked.ahead, _left(asked)
    ends, unseen = now + lasts, 0
    if "loan" in row and ended.kept is not None and now < row["loan"]["ends"]:
        # The one before still runs: others may be given of it what has not been brought back.
        ends, unseen = max(ends, row["loan"]["ends"]), ended.kept.get("left", 0)
    row["epoch"] = row.get("epoch", 0) + 1
    row["loan"] = {
        "began": now,
        "began_there": there,
        "ends": ends,
        "left": None if left is None else left + unseen,
        "server": ended.server,
    }
    return {
        "epoch": row["epoch"],
        "follows": ended.kept["epoch"] if ended.kept else 0,
        # Counted from when Redis was asked, so that it ends there first, however late it arrives.
        "began": ended.now,
        "ends": ended.now + lasts,
        **({} if left is None else {"left": left}),
        **({"state": moved(row["state"], asked.every, there - now)} if has_state else {}),
    }


def _left(asked: Asked) -> int | None:
    long = [window.calls for window in asked.every if window.length > LONG]
    return max(asked.slots, min(long) // 100, 1) if long else None


# The row


def _changed(asked: Asked, change: Callable[[Row, int], Found], last_sent_ago: int | None) -> Found:
    """Change the account's row and return what the change returns. Who was not quick enough begins again.

    No lock is held in between: a worker that is frozen just there would hold up all the others. Raises `OperationalError` in a crowd that is too
    large.
    """
    with left_as_it_was():
        for tried in range(TRIES):
            is_done, found = _tried(asked, change, last_sent_ago)
            if is_done:
                return found
            time.sleep(random.uniform(0, min(tried, 5) * A_MOMENT))
    raise OperationalError("too many workers change the pace of one account at once")


@contextmanager
def left_as_it_was() -> Iterator[None]:
    """Close the database connection in the end if there was none: a thread that only speaks HTTP has none of its own, and nobody would close it."""
    was_open = database.connection is not None
    try:
        yield
    finally:
        if not was_open:
            database.close()


def _tried(
    asked: Asked, change: Callable[[Row, int], Found], last_sent_ago: int | None
) -> tuple[bool, Found]:
    text, version, now = _read(asked) or _made(asked)
    now = now if asked.now is None else asked.now
    row = json.loads(text)
    if version == 0 and last_sent_ago is not None:
        # Something was sent before there was a row. Nobody knows how much, so it counts as all there was.
        short = tuple(window for window in asked.every if window.length <= LONG)
        fill(row["state"], short, now - last_sent_ago, UNLIMITED)
    found = change(row, now)
    after = json.dumps(row)
    if after == text:
        return True, found
    with database.cursor() as cursor:
        cursor.execute(_UPDATE, [after, _id(asked), version])
        return cursor.rowcount == 1, found


def _read(asked: Asked) -> tuple[str, int, int] | None:
    """Return the row, its version, and the time; all in one."""
    with database.cursor() as cursor:
        cursor.execute(_SELECT % _CLOCK[database.vendor], [_id(asked)])
        found: tuple[str, int, int] | None = cursor.fetchone()
    return found


def _made(asked: Asked) -> tuple[str, int, int]:
    Pace.objects.get_or_create(connection_id=asked.connection_id, defaults={"kept": NOTHING})
    return _read(asked) or (NOTHING, 0, 0)


def _id(asked: Asked) -> UUID | str:
    return asked.connection_id if database.features.has_native_uuid_field else asked.connection_id.hex
