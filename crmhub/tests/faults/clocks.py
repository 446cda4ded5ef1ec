"""A clock on the wall that is wrong, for one process and all that it forks: what `time` and `datetime` tell is shifted.

The nursery calls `shift` before it loads the hub, when `CLOCK_IS_OFF_IN` names a file in its environment. The file holds the seconds by which
the clock runs ahead, and is read each time, so that a test can set the clock while a worker looks at it.
"""

from __future__ import annotations

import ctypes
import gc
import time
from datetime import UTC, date, datetime, tzinfo
from pathlib import Path
from typing import Any

VARIABLE = "CLOCK_IS_OFF_IN"


def shift(file: Path) -> None:
    """Let this process go by a clock that is off by what the file says."""
    told, clock_told = time.time, time.clock_gettime

    def now() -> float:
        return told() + float(file.read_text() or 0)

    def clock(number: int) -> float:
        return now() if number == time.CLOCK_REALTIME else clock_told(number)

    def moment(cls: type[datetime], tz: tzinfo | None = None) -> datetime:
        return cls.fromtimestamp(now(), tz)

    def moment_in_utc(cls: type[datetime]) -> datetime:
        return cls.fromtimestamp(now(), UTC).replace(tzinfo=None)

    def today(cls: type[Any]) -> Any:
        return cls.fromtimestamp(now())

    vars(time).update(time=now, time_ns=lambda: int(now() * 1e9), clock_gettime=clock)
    _teach(datetime, now=moment, utcnow=moment_in_utc, today=today)
    _teach(date, today=today)


def _teach(kind: type, **methods: Any) -> None:
    """Replace class methods of a type that is written in C; another type in its place would not be the same to whoever asks for a value's type."""
    [own] = gc.get_referents(kind.__dict__)
    own.update({name: classmethod(method) for name, method in methods.items()})
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
