"""Where an account's pace is at home: one row of the database, under its lock and with the database's clock.

Asking the row costs a transaction each time, so the pace is lent to Redis for a second at a time, and for no more than a hundredth of a long window.
The loan is written down before Redis learns of it, and ends there before it ends here. Whoever finds it over brings back what Redis knows and
makes the next one. So the row knows at any time what Redis can have given out at most: what it brought back last, and a second's worth since. That
much counts as used when Redis has lost its memory or does not answer, whichever process finds that out, and however late the others do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection as database
from django.db import transaction

from crmhub.models import Pace
from crmhub.sync.pace_redis import Ended
from crmhub.sync.pace_rule import Asked, Window, fill, moved

LOAN = 1_000  # milliseconds
AT_HOME = 5_000  # milliseconds that the pace stays here after somebody could not reach Redis
LONG = 60_000  # milliseconds; of a longer window a loan is for a hundredth at most
UNLIMITED = 2**31
CLOCKS_DIFFER = 500  # milliseconds between what the clocks here and at Redis say of the same time, from which on one was set

NOTHING = '{"state": {"used": {}}}'

# The clock is read with the row, which the lock has made ours.
_SELECT = {
    "sqlite": "SELECT kept, CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) FROM crmhub_pace WHERE connection_id = %s",
    "postgresql": "SELECT kept, CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint) FROM crmhub_pace WHERE connection_id = %s FOR UPDATE",
}
Row = dict[str, Any]


def ask(asked: Asked, *, calls_home: bool = False, last_sent_ago: int | None = None) -> list[int] | None:
    """Return what the rule says by the row; None where the pace is lent to Redis, which is to be asked.

    `calls_home`: Redis does not answer. Then the loan is called back: what may have been given out under it counts as used.
    """
    with _locked(asked, last_sent_ago) as (row, now):
        if "loan" in row and not calls_home:
            return None
        _call_home(row, asked.every)
        if calls_home:
            row["at_home_until"] = now + AT_HOME
        return asked.of(row["state"], now)


def lend(
    asked: Asked, ended: Ended, *, is_patient: bool, last_sent_ago: int | None = None
) -> dict[str, Any] | int | None:
    """Return the next loan, as Redis takes it; or for how many milliseconds the pace stays at home.

    None, if `is_patient`: somebody else makes a loan at this moment. Ask Redis again.
    """
    with _locked(asked, last_sent_ago) as (row, now):
        if now < row.get("at_home_until", 0) <= now + AT_HOME:
            return int(row["at_home_until"]) - now
        there = ended.now + round((time.monotonic() - ended.asked_at) * 1000 if asked.now is None else 0)
        is_brought_back = ended.kept is not None and _is_the_one_lent(row, ended, there, now)
        if is_brought_back:
            row["state"] = moved(ended.kept["state"], asked.every, now - there)  # type: ignore[index]
        elif is_patient and "loan" in row and now < row["loan"]["ends"]:
            return None
        else:
            _call_home(row, asked.every)
        row["epoch"] = row.get("epoch", 0) + 1
        lasts, left = LOAN + asked.ahead, _left(asked)
        row["loan"] = {
            "began": now,
            "began_there": there,
            "ends": now + lasts,
            "left": left,
            "server": ended.server,
        }
        # Counted from when Redis was asked, so that it ends there first, however late it arrives.
        loan = {
            "epoch": row["epoch"],
            "follows": ended.kept["epoch"] if ended.kept else 0,
            "began": ended.now,
            "ends": ended.now + lasts,
        }
        if left is not None:
            loan["left"] = left
        if not is_brought_back:
            loan["state"] = moved(row["state"], asked.every, there - now)
        return loan


def _is_the_one_lent(row: Row, ended: Ended, there: int, now: int) -> bool:
    """Return whether what Redis keeps is what was lent to it, whole: by the same server, without a leap of either clock."""
    loan = row.get("loan")
    if loan is None or ended.kept is None or ended.kept["epoch"] != row["epoch"]:
        return False
    passed, passed_there = now - loan["began"], there - loan["began_there"]
    return bool(
        loan["server"] == ended.server and abs(passed - passed_there) <= CLOCKS_DIFFER + abs(passed) // 1000
    )


def _call_home(row: Row, every: tuple[Window, ...]) -> None:
    if (loan := row.pop("loan", None)) is not None:
        fill(row["state"], every, loan["ends"], UNLIMITED if loan["left"] is None else loan["left"])


def _left(asked: Asked) -> int | None:
    long = [window.calls for window in asked.every if window.length > LONG]
    return max(asked.slots, min(long) // 100, 1) if long else None


@contextmanager
def _locked(asked: Asked, last_sent_ago: int | None) -> Iterator[tuple[Row, int]]:
    """Give the account's row, locked, and the time; what was changed is written at the end."""
    was_open = database.connection is not None
    try:
        with transaction.atomic():
            text, now = _read(asked) or _made(asked)
            row = json.loads(text)
            if text == NOTHING and last_sent_ago is not None:
                # Something was sent before there was a row. Nobody knows how much, so it counts as all there was.
                short = tuple(window for window in asked.every if window.length <= LONG)
                fill(row["state"], short, now - last_sent_ago, UNLIMITED)
            yield row, now
            if (changed := json.dumps(row)) != text:
                Pace.objects.filter(pk=asked.connection_id).update(kept=changed)
    finally:
        if not was_open:
            # A thread that only speaks HTTP has no connection of its own, and nobody would close this one.
            database.close()


def _read(asked: Asked) -> tuple[str, int] | None:
    id_ = asked.connection_id if database.features.has_native_uuid_field else asked.connection_id.hex
    with database.cursor() as cursor:
        cursor.execute(_SELECT[database.vendor], [id_])
        found = cursor.fetchone()
    return found and (found[0], found[1] if asked.now is None else asked.now)


def _made(asked: Asked) -> tuple[str, int]:
    Pace.objects.get_or_create(connection_id=asked.connection_id, defaults={"kept": NOTHING})
    return _read(asked) or (NOTHING, asked.now or 0)
